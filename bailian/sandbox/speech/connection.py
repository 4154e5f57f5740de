"""One client on the speech socket: the handshake, frames in and out, and ends of every kind.

Importing this needs starlette and uvicorn.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import Callable
from typing import Any, Protocol

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket
from uvicorn.protocols.utils import ClientDisconnected

from bailian.sandbox.http.endpoints import logged
from bailian.sandbox.http.keys import check_key
from bailian.sandbox.http.raw_sockets import Connections
from bailian.sandbox.http.refusals import Refusal
from bailian.sandbox.speech import replies
from bailian.sandbox.speech.requests import SpeechFailure
from bailian.sandbox.state import State

IDLE_S = 23.0
"""SAM-WS(Q), COSY-CE: how long nothing may come."""


class ConnectionOver(Exception):
    """The connection is over; `status` is what the log says of the task."""

    def __init__(self, status: int = 0) -> None:
        super().__init__(status)
        self.status = status


class Task(Protocol):
    """One `run-task` and what follows it."""

    async def run(self) -> int: ...


TaskOf = Callable[["Connection", dict[str, Any]], Task]
"""Makes the task of a `run-task` frame."""


def wrong_frame() -> SpeechFailure:
    """A frame that is out of turn or not whole (a guess)."""
    return SpeechFailure("InvalidParameter", "The request is missing required parameters or in a wrong format.")


def header_of(frame: dict[str, Any]) -> dict[str, Any]:
    header = frame.get("header")
    return header if isinstance(header, dict) else {}


class Connection:
    """One client on the socket."""

    def __init__(self, state: State, connections: Connections, socket: WebSocket, task_of: TaskOf) -> None:
        self._state = state
        self._connections = connections
        self._socket = socket
        self._task_of = task_of
        self._seen: set[str] = set()

    async def serve(self) -> None:
        """Shake hands, then one task after the other (SAM-WS(Q): the socket may be used again)."""
        try:
            region = self._state.settings.region
            check_key(self._socket.headers.get("authorization"), self._state.api_keys, region, spends=False)
        except Refusal as refusal:  # SAM-WS: refused with 401 or 403, no frame at all
            body = {"code": refusal.code, "message": refusal.message, "request_id": str(uuid.uuid4())}
            self._record("GET", refusal.status, None)
            await self._socket.send_denial_response(JSONResponse(body, refusal.status))
            raise ClientDisconnected from None  # else uvicorn complains that there was no handshake
        await self._socket.accept()
        while True:
            frame = await self._next_frame()
            task = self._task_of(self, frame)
            status = 0
            try:
                status = await task.run()
            except ConnectionOver as over:
                status = over.status
                raise
            finally:
                self._record("WS", status, frame)

    async def _next_frame(self) -> dict[str, Any]:
        """Return the next `run-task`; what comes out of turn is answered with a failure (a guess)."""
        task_id = ""
        try:
            frame = await self.receive()
            task_id = str(header_of(frame).get("task_id") or "")
            if header_of(frame).get("action") != "run-task" or not task_id or task_id in self._seen:
                raise wrong_frame()
        except SpeechFailure as failure:
            await self.fail(task_id, failure)
            raise ConnectionOver from None
        self._seen.add(task_id)
        return frame

    async def receive(self) -> dict[str, Any]:
        """Return the next frame of text; what is no JSON object is an empty one.

        Raises:
            SpeechFailure: nothing came for too long (SAM-WS(Q), COSY-CE).
            ConnectionOver: the client has left.
        """
        while True:
            try:
                message = await asyncio.wait_for(self._socket.receive(), IDLE_S)
            except asyncio.TimeoutError:
                raise SpeechFailure("CLIENT_ERROR", f"request timeout after {IDLE_S:g} seconds.") from None
            if message["type"] == "websocket.disconnect":
                raise ConnectionOver
            if message.get("text") is not None:
                return _json_object(message["text"])

    async def send(self, frame: dict[str, Any]) -> None:
        await self._socket.send_text(json.dumps(frame, ensure_ascii=False, separators=(",", ":")))

    async def send_sound(self, data: bytes) -> None:
        await self._socket.send_bytes(data)

    async def fail(self, task_id: str, failure: SpeechFailure, request_id: str = "") -> None:
        """SAM-SE: after `task-failed` the service closes the connection."""
        await self.send(replies.failed(task_id, request_id or str(uuid.uuid4()), failure))
        await self._socket.close(1000)

    async def end(self, kind: str) -> None:
        """Obey a fault that ends the connection, or waits for the client to."""
        if kind == "closed":
            await self._socket.close(1000)
        elif kind == "reset":
            self._connections.reset(self._socket.client)
        with contextlib.suppress(RuntimeError):
            while (await self._socket.receive())["type"] != "websocket.disconnect":
                pass
        raise ConnectionOver

    @property
    def state(self) -> State:
        return self._state

    @property
    def key(self) -> str | None:
        return self._socket.headers.get("authorization")

    def _record(self, method: str, status: int, body: Any) -> None:
        self._state.record(logged(self._socket, method, "speech", status, body))


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
