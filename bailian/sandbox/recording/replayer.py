"""Answers from a recording, and from nothing else.

Importing this needs starlette.
"""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bailian.sandbox.compatible.errors import compatible_error
from bailian.sandbox.http.answers import Answer, flat_error
from bailian.sandbox.http.raw_sockets import PlainResponse
from bailian.sandbox.recording.exchanges import RESULTS, UPLOADS, Exchange
from bailian.sandbox.recording.recorder import kept_body, root_of
from bailian.sandbox.recording.scrubbing import REQUEST_HEADERS, kept_headers, keys_in, public_query, scrubbed
from bailian.sandbox.storage.downloads import file_answer

_NESTED = ("/compatible-mode/", "/compatible-api/")
SHOWN_CHARS = 60
COMPARED_CHARS = 2000


class Replayer:
    """Gives each request its recorded answers in their order; the last one again and again."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._exchanges = list(exchanges)
        self._by_key: dict[str, list[Exchange]] = defaultdict(list)
        for exchange in exchanges:
            self._by_key[exchange.key].append(exchange)
        self._given: Counter[str] = Counter()
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Begin again with the first answers."""
        with self._lock:
            self._given.clear()

    def state(self) -> dict[str, Any]:
        """Return how much there is, and what nobody has asked for."""
        unused = [one for one in self._exchanges if not self._given[one.key]]
        return {"recorded": len(self._exchanges), "unused": [f"{one.method} {one.path}" for one in unused]}

    async def handle(self, request: Request) -> Response:
        raw, root = await request.body(), root_of(request)
        asked = _asked(request, raw, root)
        exchange = self._next(asked.key)
        if exchange is None and "range" in asked.headers and asked.path.startswith(RESULTS):
            whole = self._next(_asked(request, raw, root, without="range").key)
            if whole is not None and whole.status == 200:
                return _part(request, whole, root)
        if exchange is None:
            return PlainResponse(not_recorded(asked, self._exchanges))
        headers = {**exchange.answer_headers}
        if len(exchange.pieces) == 1:
            return Response(exchange.contents(root)[0], exchange.status, headers)
        return StreamingResponse(_sent(exchange.contents(root)), exchange.status, headers)

    def _next(self, key: str) -> Exchange | None:
        with self._lock:
            found = self._by_key.get(key)
            if not found:
                return None
            self._given[key] += 1
            return found[min(self._given[key], len(found)) - 1]


async def _sent(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)


def _asked(request: Request, raw: bytes, root: str, without: str = "") -> Exchange:
    """Return a request as a recording has it."""
    headers = kept_headers(dict(request.headers), REQUEST_HEADERS)
    headers.pop(without, None)
    keys = keys_in(dict(request.headers))
    body = None if request.url.path.startswith(UPLOADS) else kept_body(request, raw, root, keys)
    query = scrubbed(public_query(request.url.query), keys)
    return Exchange(request.method, request.url.path, query, headers, body, 0, {}, ())


def _part(request: Request, whole: Exchange, root: str) -> Response:
    """Answer a download that goes on where it stopped."""
    data = b"".join(whole.contents(root))
    media_type = whole.answer_headers.get("content-type", "application/octet-stream")
    return PlainResponse(file_answer(request, data, media_type, 0.0, str(uuid.uuid4())))


def not_recorded(asked: Exchange, exchanges: Sequence[Exchange]) -> Answer:
    """Answer 400, in the route's own shape, with what is nearest."""
    message = f"{asked.method} {asked.path} was not recorded so"
    near = nearest(asked, exchanges)
    if near is None:
        message += "; the recording is empty."
    elif (near.method, near.path) != (asked.method, asked.path):
        message += f"; the nearest recorded is {near.method} {near.path}."
    else:
        message += f"; of the nearest recorded, {difference(_facts(asked), _facts(near)) or 'all is the same'}."
    make = compatible_error if asked.path.startswith(_NESTED) else flat_error
    return make(400, "Sandbox.NotImitated", message, str(uuid.uuid4()))


def nearest(asked: Exchange, exchanges: Sequence[Exchange]) -> Exchange | None:
    """Return the recorded exchange most like a request: of its path if there is one."""
    same = [one for one in exchanges if (one.method, one.path) == (asked.method, asked.path)]
    told = asked.key[:COMPARED_CHARS] if same else f"{asked.method} {asked.path}"

    def likeness(one: Exchange) -> float:
        other = one.key[:COMPARED_CHARS] if same else f"{one.method} {one.path}"
        return SequenceMatcher(None, told, other, autojunk=False).ratio()

    return max(same or exchanges, key=likeness, default=None)


def _facts(exchange: Exchange) -> dict[str, Any]:
    headers = {name: value for name, value in exchange.headers.items() if name.startswith("x-dashscope")}
    return {"query": exchange.query, "headers": headers, "body": exchange.body}


def difference(asked: Any, recorded: Any, place: str = "") -> str:
    """Return the first place at which two values differ, in words."""
    if isinstance(asked, Mapping) and isinstance(recorded, Mapping):
        for name in dict.fromkeys([*asked, *recorded]):
            inner = f"{place}.{name}" if place else str(name)
            if told := difference(asked.get(name), recorded.get(name), inner):
                return told
        return ""
    if isinstance(asked, list) and isinstance(recorded, list) and len(asked) == len(recorded):
        for index, (one, other) in enumerate(zip(asked, recorded, strict=True)):
            if told := difference(one, other, f"{place}[{index}]"):
                return told
        return ""
    return "" if asked == recorded else f"{place} is {_short(recorded)}, and here {_short(asked)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "…"
