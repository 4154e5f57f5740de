"""The headers of every API request. Apart from the rest, so that showing them loads no HTTP library."""

from __future__ import annotations

from bailian.settings import Settings


def request_headers(settings: Settings, *, masked: bool = False) -> dict[str, str]:
    """Return the headers of every API request; with `masked`, for showing."""
    key = settings.api_key
    shown = "" if key is None else key.masked if masked else key.reveal()
    headers = {"Authorization": f"Bearer {shown}"}
    if settings.workspace:
        headers["X-DashScope-WorkSpace"] = settings.workspace
    return headers
