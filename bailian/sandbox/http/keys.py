"""What a key says of its account (CAP auth-error; D-ERR for the account states)."""

from __future__ import annotations

from collections.abc import Collection

from bailian.sandbox.http.refusals import Refusal
from bailian.sandbox.settings import REGIONS


def check_key(authorization: str | None, allowed: Collection[str] | None, region: str, *, spends: bool) -> None:
    """Look at the key as the service does.

    An account in trouble can still ask about its tasks (a guess): only what costs money meets its state.

    Raises:
        Refusal: no key, a wrong key, one of another region, or one whose prefix asks for an account in trouble.
    """
    scheme, _, key = (authorization or "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise Refusal(401, "InvalidApiKey", "No API-key provided.")
    foreign = any(key.startswith(f"sk-{other}") for other in REGIONS if other != region)
    if key.startswith("sk-bad") or foreign or (allowed is not None and key not in allowed):
        raise Refusal(401, "InvalidApiKey", "Invalid API-key provided.")
    if not spends:
        return
    if key.startswith("sk-overdue"):
        raise Refusal(400, "Arrearage", "Access denied, please make sure your account is in good standing.")
    if key.startswith("sk-free"):
        raise Refusal(
            403,
            "AllocationQuota.FreeTierOnly",
            "The free tier of the model has been exhausted. If you wish to continue access the model "
            'on a paid basis, please disable the "use free tier only" mode in the management console.',
        )
