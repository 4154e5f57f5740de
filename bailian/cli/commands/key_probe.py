"""Does the service take a key? One question that is free."""

from __future__ import annotations

from contextlib import closing

from bailian.config.endpoints import known_hosts
from bailian.config.settings import Settings, at
from bailian.i18n import tr

NO_TASK = "00000000-0000-0000-0000-000000000000"
VENDOR_DOMAIN = ".aliyuncs.com"


def asked_service(here: Settings) -> dict[str, object]:
    """Ask for a task that does not exist, which is free: return where the service is, and that it takes the key.

    Raises:
        BailianError: there is no key, it is refused, or nobody answers.
    """
    from bailian.cli.chosen_service import service
    from bailian.errors import ServiceError
    from bailian.service.client import Service

    here.require_key()
    with service(here, quiet=True) as there, closing(Service(there)) as asked:
        try:
            asked.task(NO_TASK)
        except ServiceError as error:
            if error.code == "Unauthorized" and there.host.endswith(VENDOR_DOMAIN):
                error.advice = _where_the_key_belongs(there) or error.advice
            raise
        return {"base_url": there.base_url, "service": tr("answers, the key is accepted", "应答正常，密钥有效")}


def _where_the_key_belongs(here: Settings) -> str:
    """Ask the vendor's other hosts for a task that does not exist, which is free; return what to say, if one knows the
    key. The addresses are the vendor's own and stand in the code; a host of another's is never asked."""
    from concurrent.futures import ThreadPoolExecutor

    others = {base_url: words for words, base_url in known_hosts(here.workspace).items() if base_url != here.base_url}
    with ThreadPoolExecutor(len(others)) as pool:  # one that is out of reach takes ten seconds to say so
        knows = list(pool.map(lambda base_url: _knows_the_key(at(here, base_url)), others))
    found = [(words, base_url) for (base_url, words), known in zip(others.items(), knows, strict=True) if known]
    if not found:
        return ""
    english = ", ".join(f"{base_url} ({words})" for words, base_url in found)
    return tr(f"the key belongs to {english}", f"该密钥属于 {english}")


def _knows_the_key(there: Settings) -> bool:
    from bailian.errors import ServiceError, TransportError
    from bailian.service.client import Service

    with closing(Service(there)) as asked:
        try:
            asked.task(NO_TASK)
        except (TransportError, ServiceError):
            return False
        return True
