"""One task of a Sambert voice: the whole text comes with `run-task` (SAM-CE, SAM-SE).

Importing this needs starlette and uvicorn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from bailian.sandbox.http.refusals import output_inspection
from bailian.sandbox.speech import replies
from bailian.sandbox.speech.connection import Connection, ConnectionOver
from bailian.sandbox.speech.requests import SpeechFailure, SpeechRequest, read_speech_request, text_of
from bailian.sandbox.speech.socket_task import SPEECH_PATH, SYNTHESIZERS, SocketTask, pieces_of
from bailian.sandbox.speech.synthesis import AudioPart, synthesize
from bailian.sandbox.tasks.requests import plain_request


class SambertTask(SocketTask):
    """One `run-task`."""

    def __init__(self, connection: Connection, frame: dict[str, Any]) -> None:
        super().__init__(connection, frame)
        text, model = text_of(self.payload), str(self.payload.get("model"))
        self.fault = connection.state.socket_fault(text, model)

    async def run(self) -> int:
        """Do it; returns 200.

        Raises:
            ConnectionOver: it failed, or a fault ended the connection.
        """
        fault = self.fault
        try:
            if fault is not None and fault.kind == "slow":
                await asyncio.sleep(fault.delay_s)
            self.check_name()
            request = read_speech_request(self.payload, self.connection.state.models.voices)
            self.admit(request.model, "sambert", request.text)  # LIMIT: 20 a second for all voices
            duration_s = self._accept(request)
            if fault is not None and fault.sentences is None and (fault.kind == "silence" or fault.count == 0):
                await self.break_off(fault, silence=True)
            await self.connection.send(replies.started(self.task_id, self.request_id))
            await self._speak(request, duration_s)
            finish = replies.finished(self.task_id, self.request_id, request.characters, self.fault_kind)
            await self.connection.send(finish)
        except SpeechFailure as failure:
            await self.connection.fail(self.task_id, failure, self.request_id)
            raise ConnectionOver(400) from None
        return 200

    def _accept(self, request: SpeechRequest) -> float:
        """Note the work; return how long it takes."""
        details = {"format": request.format, "sample_rate": request.sample_rate, "characters": request.characters}
        note = plain_request("speech", request.model, SPEECH_PATH, request.text, details)
        account = self.connection.state.account
        task = account.start_work(note, self.payload, self.request_id, self.fault, blocking=True)
        return task.ended - task.created

    async def _speak(self, request: SpeechRequest, duration_s: float) -> None:
        sizes = {"true_sizes": "true", "zero_sizes": "zero"}.get(self.fault_kind, "placeholder")
        parts = synthesize(request, sizes=sizes)
        characters = 0
        index = 0
        loop = asyncio.get_running_loop()
        while (part := await loop.run_in_executor(SYNTHESIZERS, _next, parts)) is not None:
            await asyncio.sleep(duration_s * len(part.spoken.text) / len(request.text))
            characters = min(request.characters, characters + len(part.spoken.text))
            await self._send_part(request, part, index, None if self.fault_kind == "null_usage" else characters)
            if "[sandbox:fail]" in request.text:
                reason = output_inspection()
                raise SpeechFailure(reason.code, reason.message)
            index += 1
        if self.fault is not None:
            await self.break_off(self.fault)  # it wanted more frames or sentences than there were

    async def _send_part(self, request: SpeechRequest, part: AudioPart, index: int, usage: int | None) -> None:
        states = replies.sentences(request, part)
        if not request.word_times and part.begin > 0:
            states = []  # without times there is nothing new, and the official SDK crashes at a second one
        pieces = [] if self.fault_kind == "no_audio" else pieces_of(part.data)
        for number, piece in enumerate(pieces):
            await self.send_piece(piece)
            if number == 0:
                await self.break_off_in_sentence(index)
            if number == 0 and len(states) > 1:
                await self._send_states([states.pop(0)], usage)
        await self._send_states(states, usage)

    async def _send_states(self, states: list[dict[str, Any]], characters: int | None) -> None:
        for sentence in states:
            await self.connection.send(replies.result(self.task_id, self.request_id, sentence, characters))


def _next(parts: Iterator[AudioPart]) -> AudioPart | None:
    return next(parts, None)
