"""The connections to the clients, and answers that a well-behaved server would never give.

Importing this needs uvicorn and starlette.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from bailian.sandbox.http.answers import Answer

_LINGER = "hh" if sys.platform == "win32" else "ii"
"""How the platform lays out `struct linger`."""


class Connections:
    """The open connections by the client's address: ASGI itself does not show them."""

    def __init__(self) -> None:
        self._transports: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol_class(self) -> type[asyncio.Protocol]:
        """Return the HTTP protocol that enters its connections here."""
        transports = self._transports

        class TrackedProtocol(H11Protocol):
            _address: tuple[str, int] | None = None

            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                self._address = self.client
                if self.client is not None:
                    transports[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                if self._address is not None:
                    transports.pop(self._address, None)
                super().connection_lost(exc)

        return TrackedProtocol

    def reset(self, client: Any) -> None:
        """Send RST: the client sees "connection reset by peer", not an orderly end."""
        transport = self._transports.get(tuple(client))
        if transport is None:
            return
        sock = transport.get_extra_info("socket")
        # Lingering for zero seconds turns the close into a reset (socket(7), SO_LINGER).
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER, 1, 0))
        transport.abort()

    def close(self, client: Any) -> None:
        """Send what is buffered, then close."""
        transport = self._transports.get(tuple(client))
        if transport is not None:
            transport.close()

    def forget(self, client: Any) -> None:
        """Remove a connection: the protocol of a web socket does not."""
        self._transports.pop(tuple(client), None)

    def drop(self, *, only_busy: bool = False, but: Any = None) -> None:
        """Break all connections, or those on which an answer is due; a web socket always is one of them.

        `but` is a client that keeps its own.
        """
        kept = None if but is None else tuple(but)
        for client, transport in list(self._transports.items()):
            if client != kept and not (only_busy and _at_rest(transport.get_protocol())):
                transport.abort()


def _at_rest(protocol: asyncio.BaseProtocol) -> bool:
    # The annotation says that a cycle is never None; before the first request it is.
    return isinstance(protocol, H11Protocol) and (not protocol.cycle or protocol.cycle.response_complete)


class PlainResponse(Response):
    """An ordinary answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.content(), answer.status, dict(answer.headers), answer.media_type)


class ResetResponse(Response):
    """No answer: RST; then what shall be done although the line is down."""

    def __init__(self, connections: Connections, afterwards: Callable[[], Awaitable[object]] | None = None) -> None:
        super().__init__()
        self.status_code = 0
        self._connections = connections
        self._afterwards = afterwards

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._connections.reset(scope["client"])
        await until_disconnect(receive)
        if self._afterwards is not None:
            with contextlib.suppress(asyncio.CancelledError):  # the sandbox stops
                await self._afterwards()


class SilentResponse(Response):
    """No answer, the line stays open until the client leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.status_code = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await until_disconnect(receive)


class CutResponse(PlainResponse):
    """Half of the body under the full Content-Length, then the end."""

    def __init__(self, answer: Answer, connections: Connections) -> None:
        super().__init__(answer)
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        self._connections.close(scope["client"])
        await until_disconnect(receive)


async def until_disconnect(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
