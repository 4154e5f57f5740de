"""The route of speech: a web socket that answers with audio frames and times.

Importing this needs starlette and uvicorn.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.responses import JSONResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.utils import ClientDisconnected

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.endpoints import logged
from bailian.sandbox.http.keys import check_key
from bailian.sandbox.http.raw_sockets import Connections
from bailian.sandbox.http.refusals import Refusal, output_inspection
from bailian.sandbox.speech import replies
from bailian.sandbox.speech.requests import SpeechFailure, SpeechRequest, read_speech_request, text_of
from bailian.sandbox.speech.synthesis import AudioPart, synthesize
from bailian.sandbox.state import State
from bailian.sandbox.tasks.outcomes import refuse_on_demand
from bailian.sandbox.tasks.requests import plain_request

SPEECH_PATH = "/api-ws/v1/inference"
IDLE_S = 23.0
"""SAM-WS(Q): how long nothing may happen."""

FRAME_BYTES = 8192
"""How much sound one frame holds (a guess)."""

# One pool for all sandboxes of a process; its thread starts with the first sentence.
_SYNTHESIZERS = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-synthesizer")


class _ConnectionOver(Exception):
    """The connection is over; `status` is what the log says of the task."""

    def __init__(self, status: int = 0) -> None:
        super().__init__(status)
        self.status = status


class SpeechRoutes:
    """The endpoint; with and without a slash at its end."""

    def __init__(self, state: State, connections: Connections) -> None:
        self._state = state
        self._connections = connections

    def routes(self) -> list[WebSocketRoute]:
        return [WebSocketRoute(path, self._serve) for path in (SPEECH_PATH, SPEECH_PATH + "/")]

    async def _serve(self, socket: WebSocket) -> None:
        connection = _Connection(self._state, self._connections, socket)
        try:
            await connection.serve()
        except ClientDisconnected:
            raise
        except (_ConnectionOver, WebSocketDisconnect, RuntimeError, OSError):
            pass  # whatever is sent to a client that has left raises one of these
        except asyncio.CancelledError:  # the sandbox stops
            return
        finally:
            if socket.client is not None:
                self._connections.forget(socket.client)


class _Connection:
    """One client on the socket."""

    def __init__(self, state: State, connections: Connections, socket: WebSocket) -> None:
        self._state = state
        self._connections = connections
        self._socket = socket
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
            task = _Task(self, frame)
            status = 0
            try:
                status = await task.run()
            except _ConnectionOver as over:
                status = over.status
                raise
            finally:
                self._record("WS", status, frame)

    async def _next_frame(self) -> dict[str, Any]:
        """Return the next `run-task`; what comes out of turn is answered with a failure (a guess)."""
        while True:
            try:
                message = await asyncio.wait_for(self._socket.receive(), IDLE_S)
            except asyncio.TimeoutError:
                await self.fail("", SpeechFailure("CLIENT_ERROR", f"request timeout after {IDLE_S:g} seconds."))
                raise _ConnectionOver from None
            if message["type"] == "websocket.disconnect":
                raise _ConnectionOver
            if message.get("text") is None:
                continue
            frame = _json_object(message["text"])
            header = frame.get("header")
            header = header if isinstance(header, dict) else {}
            if header.get("action") != "run-task" or not header.get("task_id") or header["task_id"] in self._seen:
                failure = SpeechFailure(
                    "InvalidParameter", "The request is missing required parameters or in a wrong format."
                )
                await self.fail(str(header.get("task_id") or ""), failure)
                raise _ConnectionOver
            self._seen.add(header["task_id"])
            return frame

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
        raise _ConnectionOver

    @property
    def state(self) -> State:
        return self._state

    @property
    def key(self) -> str | None:
        return self._socket.headers.get("authorization")

    def _record(self, method: str, status: int, body: Any) -> None:
        self._state.record(logged(self._socket, method, "speech", status, body))


class _Task:
    """One `run-task`."""

    def __init__(self, connection: _Connection, frame: dict[str, Any]) -> None:
        payload = frame.get("payload")
        self._payload: dict[str, Any] = payload if isinstance(payload, dict) else {}
        self._connection = connection
        self._task_id = str(frame["header"]["task_id"])
        self._request_id = str(uuid.uuid4())
        self._sent_frames = 0
        text, model = text_of(self._payload), str(self._payload.get("model"))
        self._fault = connection.state.faults.take("speech", text, model)

    async def run(self) -> int:
        """Do it; returns 200.

        Raises:
            _ConnectionOver: it failed, or a fault ended the connection.
        """
        try:
            kind = self._fault.kind if self._fault is not None else ""
            if self._fault is not None and kind == "slow":
                await asyncio.sleep(self._fault.delay_s)
            request = self._read()
            duration_s = self._accept(request)
            if kind == "silence":
                await self._connection.end(kind)
            await self._break_off_at(0)
            await self._connection.send(replies.started(self._task_id, self._request_id))
            await self._speak(request, kind, duration_s)
            finish = replies.finished(self._task_id, self._request_id, request.characters, kind)
            await self._connection.send(finish)
        except SpeechFailure as failure:
            await self._connection.fail(self._task_id, failure, self._request_id)
            raise _ConnectionOver(400) from None
        return 200

    def _read(self) -> SpeechRequest:
        state = self._connection.state
        request = read_speech_request(self._payload, state.models.voices)
        try:
            check_key(self._connection.key, state.api_keys, state.settings.region, spends=True)
            state.account.count_call(request.model, family="sambert")  # LIMIT: 20 a second for all voices
            refuse_on_demand(request.text)
        except Refusal as refusal:
            raise SpeechFailure(refusal.code, refusal.message) from None
        return request

    def _accept(self, request: SpeechRequest) -> float:
        """Note the work; return how long it takes."""
        details = {"format": request.format, "sample_rate": request.sample_rate, "characters": request.characters}
        note = plain_request("speech", request.model, SPEECH_PATH, request.text, details)
        account = self._connection.state.account
        task = account.start_work(note, self._payload, self._request_id, self._fault, blocking=True)
        return task.ended - task.created

    async def _speak(self, request: SpeechRequest, kind: str, duration_s: float) -> None:
        sizes = {"true_sizes": "true", "zero_sizes": "zero"}.get(kind, "placeholder")
        parts = synthesize(request, sizes=sizes)
        characters = 0
        loop = asyncio.get_running_loop()
        while (part := await loop.run_in_executor(_SYNTHESIZERS, _next, parts)) is not None:
            await asyncio.sleep(duration_s * len(part.spoken.text) / len(request.text))
            characters = min(request.characters, characters + len(part.spoken.text))
            states = replies.sentences(request, part)
            if not request.word_times and part.begin > 0:
                states = []  # without times there is nothing new, and the official SDK crashes at a second one
            usage = None if kind == "null_usage" else characters
            if kind == "no_audio":
                await self._send_states(states, usage)
                continue
            pieces = [part.data[start : start + FRAME_BYTES] for start in range(0, len(part.data), FRAME_BYTES)]
            for number, piece in enumerate(pieces):
                await self._break_off_at(self._sent_frames)
                await self._connection.send_sound(piece)
                self._sent_frames += 1
                if number == 0 and len(states) > 1:
                    await self._send_states([states.pop(0)], usage)
            await self._send_states(states, usage)
            if "[sandbox:fail]" in request.text:
                reason = output_inspection()
                raise SpeechFailure(reason.code, reason.message)
        if self._fault is not None and kind in ("failed", "closed", "reset"):
            await self._break_off(self._fault)

    async def _send_states(self, states: list[dict[str, Any]], characters: int | None) -> None:
        for sentence in states:
            await self._connection.send(replies.result(self._task_id, self._request_id, sentence, characters))

    async def _break_off_at(self, sent_frames: int) -> None:
        """Let a fault end the task when as many audio frames are out as it says."""
        fault = self._fault
        if fault is not None and fault.kind in ("failed", "closed", "reset") and fault.count == sent_frames:
            await self._break_off(fault)

    async def _break_off(self, fault: Fault) -> None:
        if fault.kind == "failed":
            _, code, message = fault.error()
            raise SpeechFailure(code, message)
        await self._connection.end(fault.kind)


def _next(parts: Iterator[AudioPart]) -> AudioPart | None:
    return next(parts, None)


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
