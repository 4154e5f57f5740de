"""Answers that come in pieces: server-sent events over a real socket.

Importing this needs starlette.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bailian.sandbox.http.answers import Answer
from bailian.sandbox.http.raw_sockets import Connections, CutResponse, PlainResponse, until_disconnect

EVENT_STREAM = "text/event-stream;charset=UTF-8"  # CAP single-generation-text-sse, letter for letter


@dataclass(frozen=True)
class EventStream(Answer):
    """An answer in pieces; `body` is empty."""

    pieces: tuple[bytes, ...] = ()
    pause_s: float = 0.0
    """Before each piece."""


def response_to(answer: Answer) -> Response:
    return EventStreamResponse(answer) if isinstance(answer, EventStream) else PlainResponse(answer)


def cut_response(answer: Answer, connections: Connections) -> Response:
    """Half of the answer, then the end of the line."""
    if not isinstance(answer, EventStream):
        return CutResponse(answer, connections)
    whole = b"".join(answer.pieces)
    shortened: list[bytes] = []
    room = len(whole) // 2
    for piece in answer.pieces:
        shortened.append(piece[:room])
        room -= len(shortened[-1])
    return EventStreamResponse(replace(answer, pieces=tuple(filter(None, shortened))), connections)


class EventStreamResponse(Response):
    """Sends the pieces; with `connections` it closes after them without the last chunk."""

    def __init__(self, answer: EventStream, connections: Connections | None = None) -> None:
        super().__init__(b"", answer.status, dict(answer.headers), answer.media_type)
        self._answer = answer
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(until_disconnect(receive))
        try:
            await self._send(scope, send, gone)
            if self._connections is not None:
                self._connections.close(scope["client"])
                await gone
        except asyncio.CancelledError:  # the sandbox stops; the line is down already
            return
        finally:
            gone.cancel()

    async def _send(self, scope: Scope, send: Send, gone: asyncio.Future[None]) -> None:
        own = (b"content-length", b"content-type")
        headers = [(name, value) for name, value in self.raw_headers if name not in own]
        headers.append((b"content-type", self._answer.media_type.encode()))
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        for piece in self._answer.pieces:
            await asyncio.wait([gone], timeout=self._answer.pause_s)
            if gone.done():  # a stream that nobody reads ends
                return
            for part in split_inside_a_character(piece):
                await send({"type": "http.response.body", "body": part, "more_body": True})
                await asyncio.sleep(0)
        if self._connections is None:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def split_inside_a_character(piece: bytes) -> tuple[bytes, ...]:
    """Cut a piece in two inside its first character of several bytes, as a network may."""
    for position, byte in enumerate(piece):
        if position and byte & 0xC0 == 0x80:
            return piece[:position], piece[position:]
    return (piece,)
