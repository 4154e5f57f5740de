"""What all tasks on the speech socket have in common: sound in frames, and the faults that end a task early.

Importing this needs starlette and uvicorn.
"""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.keys import check_key
from bailian.sandbox.http.refusals import Refusal, not_imitated
from bailian.sandbox.speech.connection import Connection
from bailian.sandbox.speech.requests import SpeechFailure
from bailian.sandbox.tasks.outcomes import refuse_on_demand

SPEECH_PATH = "/api-ws/v1/inference"
FRAME_BYTES = 8192
"""How much sound one frame holds (a guess)."""

ENDS_EARLY = ("failed", "closed", "reset", "silence")

# One pool for all sandboxes of a process; its thread starts with the first sentence.
SYNTHESIZERS = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-synthesizer")


class SocketTask:
    """One task; `fault` is what shall go wrong with it."""

    def __init__(self, connection: Connection, frame: dict[str, Any]) -> None:
        payload = frame.get("payload")
        self.payload: dict[str, Any] = payload if isinstance(payload, dict) else {}
        self.connection = connection
        self.task_id = str(frame["header"]["task_id"])
        self.request_id = str(uuid.uuid4())
        self.fault: Fault | None = None
        self._sent_frames = 0

    @property
    def fault_kind(self) -> str:
        return self.fault.kind if self.fault is not None else ""

    def check_name(self) -> None:
        """Say so if the model is one that only the real service has on a socket.

        Raises:
            SpeechFailure: it is.
        """
        models, name = self.connection.state.models, str(self.payload.get("model") or "")
        if models.is_lacked(name):
            refusal = not_imitated(f"the model {name} on the socket")
            raise SpeechFailure(refusal.code, refusal.message)

    def admit(self, model: str, family: str, text: str) -> None:
        """Check the account, count the call, and obey the text.

        Raises:
            SpeechFailure: the refusal as it is told on a socket.
        """
        state = self.connection.state
        try:
            check_key(self.connection.key, state.api_keys, state.settings.region, spends=True)
            state.account.count_call(model, family=family)
            refuse_on_demand(text)
        except Refusal as refusal:
            raise SpeechFailure(refusal.code, refusal.message) from None

    async def send_piece(self, piece: bytes) -> None:
        """Send a frame of sound, unless the fault ends the task before it."""
        fault = self.fault
        if fault is not None and fault.sentences is None and fault.count == self._sent_frames:
            await self.break_off(fault)
        await self.connection.send_sound(piece)
        self._sent_frames += 1

    async def break_off_in_sentence(self, index: int) -> None:
        """Let the fault end the task in the middle of the sentence that it names."""
        if self.fault is not None and self.fault.sentences == index:
            await self.break_off(self.fault, silence=True)

    async def break_off(self, fault: Fault, *, silence: bool = False) -> None:
        """End the task if that is what the fault does.

        Raises:
            SpeechFailure: it fails.
            ConnectionOver: the connection is over.
        """
        if fault.kind not in ENDS_EARLY or (fault.kind == "silence" and not silence):
            return
        if fault.kind == "failed":
            _, code, message = fault.error()
            raise SpeechFailure(code, message)
        await self.connection.end(fault.kind)


def pieces_of(data: bytes, frame_bytes: int = FRAME_BYTES) -> list[bytes]:
    return [data[start : start + frame_bytes] for start in range(0, len(data), frame_bytes)]
