"""The free questions, word for word as the facts have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

from bailian.catalog import Catalog
from bailian.config.settings import Settings
from bailian.errors import BailianError, TransportError
from bailian.i18n import tr
from bailian.selftest.compared import PRESENT, Contains, Finding, at_paths, compared
from bailian.selftest.facts import Ask, facts
from bailian.selftest.models_diff import difference
from bailian.service.client import Service
from bailian.service.transport.headers import request_headers
from bailian.service.transport.http import Http, Reply

TIMEOUT_S = 20.0


def answers(there: Settings, turn: Callable[[], None]) -> Iterator[Finding]:
    """Ask everything that is free; `turn` waits for a place among the account's queries."""
    key = there.api_key.reveal() if there.api_key else ""
    with (
        closing(Http(there.base_url, request_headers(there), key)) as asked,
        closing(Http(there.base_url, {}, "")) as nameless,
    ):
        for ask in facts().asks:
            turn()
            yield _answer(ask, asked if ask.key else nameless)


def _answer(ask: Ask, http: Http) -> Finding:
    headers = {"X-DashScope-Async": "enable"} if ask.task else {}
    try:
        reply = http.send(
            ask.method, ask.path, body=ask.body, params=ask.query or None, headers=headers, read_timeout_s=TIMEOUT_S
        )
    except TransportError as error:
        return Finding(ask.id, "unanswered", note=error.message)
    wanted: dict[str, Any] = {"status": ask.status, **dict.fromkeys(ask.paths, PRESENT), **ask.values}
    if ask.code:
        wanted["code"] = ask.code
    if ask.message:
        wanted["message"] = Contains(ask.message)
    return compared(ask.id, wanted, _seen(reply, wanted))


def _seen(reply: Reply, wanted: Mapping[str, Any]) -> dict[str, Any]:
    data = reply.data or {}
    code, message = data.get("code"), data.get("message")
    own = {"status": reply.status, "code": code, "message": message}
    # Of an answer that is no object the beginning tells what it is.
    told = own if reply.data is not None else {**own, "message": reply.text[:80]}
    return {**at_paths(data, [name for name in wanted if name not in own]), **told}


LISTED = "models-listed"
"""The fact about the list's names and lengths."""


def listed_models(there: Settings, models: Catalog, asks: Callable[[], None]) -> Iterator[Finding]:
    """Compare the service's list of models with the catalog: what was retired, and the lengths of texts."""
    asks()
    try:
        with closing(Service(there)) as service:
            found = difference(models, service.list_models(), there.region)
    except BailianError as error:
        yield Finding(LISTED, "unanswered", note=error.message)
        return
    for name, changes in found.changed.items():
        here = {field: mine for field, (mine, _) in changes.items()}
        theirs = {field: value for field, (_, value) in changes.items()}
        yield Finding(LISTED, "differs", name, here, theirs, update=theirs)
    if not found.changed:
        new, old = len(found.new), len(found.listed_though_retired)
        text = tr(f"{new} new names; {old} listed, though retired", f"新名称 {new} 个；已下线但仍列出 {old} 个")
        yield Finding(LISTED, "same", note=text if new or old else "")
