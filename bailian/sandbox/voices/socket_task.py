"""One task whose text comes in pieces: it speaks each sentence as soon as it is whole (COSY-CE, COSY-SE).

Importing this needs starlette and uvicorn.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.refusals import Refusal, output_inspection
from bailian.sandbox.speech import replies as frames
from bailian.sandbox.speech.connection import Connection, ConnectionOver, Task, header_of, wrong_frame
from bailian.sandbox.speech.requests import SpeechFailure, refused
from bailian.sandbox.speech.sentences import sentences_of
from bailian.sandbox.speech.socket_task import ENDS_EARLY, SPEECH_PATH, SYNTHESIZERS, SocketTask, pieces_of
from bailian.sandbox.speech.synthesis import REAL_VOICE_CHARS, AudioPart, Speech
from bailian.sandbox.speech.task import SambertTask
from bailian.sandbox.tasks.outcomes import SLOW_FACTOR, refuse_on_demand
from bailian.sandbox.tasks.requests import plain_request
from bailian.sandbox.voices import replies
from bailian.sandbox.voices.counting import counted
from bailian.sandbox.voices.requests import PIECE_CHARS, TEXT_CHARS, VoiceRequest, no_text, read_voice_request

DEFAULTS = ("mp3", 22050)
"""COSY-CE: format and sample rate when none is named."""
ODD_FRAME_BYTES = 777
"""With the fault `odd_frames`: a sample is cut in two."""
_ENDS = tuple("。！？!?\n;；")


@dataclass(frozen=True)
class _Finish:
    """The client has no more text; with `cancel` it does not want the rest of the sound either."""

    cancel: bool


@dataclass(frozen=True)
class _Flush:
    """What is there shall be spoken, whole sentence or not (SDK)."""


_Message = str | _Flush | _Finish | SpeechFailure | ConnectionOver


class StreamedTask(SocketTask):
    """One `run-task`, its `continue-task`s and its `finish-task`."""

    def __init__(self, connection: Connection, frame: dict[str, Any]) -> None:
        super().__init__(connection, frame)
        self._streaming = header_of(frame).get("streaming")
        self.fault = connection.state.socket_fault("", str(self.payload.get("model")))
        self._inbox: asyncio.Queue[_Message] = asyncio.Queue()
        self._reader: asyncio.Task[None] | None = None
        self._canceled = False
        self._text = ""
        self._characters = 0
        self._index = 0

    async def run(self) -> int:
        """Do it; returns 200.

        Raises:
            ConnectionOver: it failed, or a fault ended the connection.
        """
        try:
            await self._converse(self._read())
        except SpeechFailure as failure:
            await self._stop_reading()
            await self.connection.fail(self.task_id, failure, self.request_id)
            raise ConnectionOver(400) from None
        finally:
            await self._stop_reading()
            self._note()
        return 200

    def _read(self) -> VoiceRequest:
        """Check the frame.

        Raises:
            SpeechFailure: with the documented code.
        """
        name = str(self.payload.get("model") or "")
        model = self.connection.state.models.told[name]
        kind = tuple(self.payload.get(key) for key in ("task_group", "task", "function"))
        if kind != ("audio", "tts", "SpeechSynthesizer"):
            raise SpeechFailure("ModelNotFound", f"Model not found ({name})!")  # ISS-2593
        if not isinstance(self.payload.get("input"), dict):
            raise SpeechFailure("InvalidParameter", "task can not be null")  # ERR
        parameters = self.payload.get("parameters")
        if self._streaming != "duplex" or not isinstance(parameters, dict):
            raise wrong_frame()
        request = read_voice_request(name, model, parameters, self.connection.state.own_voices, defaults=DEFAULTS)
        self.admit(name, model.family, "")
        return request

    async def _converse(self, request: VoiceRequest) -> None:
        fault = self.fault
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.delay_s)
        if fault is not None and fault.sentences is None and (fault.kind == "silence" or fault.count == 0):
            await self.break_off(fault, silence=True)
        await self.connection.send(frames.started(self.task_id, self.request_id))
        self._reader = asyncio.ensure_future(self._receive(request))
        speech = Speech(request.speech(), sizes="zero" if self.fault_kind == "zero_sizes" else "placeholder")
        await self._speak_as_it_comes(request, speech)
        if self.fault is not None and not self._canceled:
            await self.break_off(self.fault)  # it wanted more frames or sentences than there were
        kind = "sentence_finish" if self.fault_kind == "sentence_finish" else "bare_finish"
        await self.connection.send(frames.finished(self.task_id, self.request_id, self._characters, kind))

    # ── the text that comes ──

    async def _receive(self, request: VoiceRequest) -> None:
        """Put what the client sends into the inbox, up to its `finish-task`."""
        pieces = 0
        try:
            while True:
                frame = await self.connection.receive()
                message = self._message(frame)
                if isinstance(message, str):
                    pieces += 1
                    self._check_piece(request, message, pieces)
                self._inbox.put_nowait(message)
                if isinstance(message, _Finish):
                    self._canceled = message.cancel
                    return
        except (SpeechFailure, ConnectionOver) as end:
            self._inbox.put_nowait(end)

    def _message(self, frame: dict[str, Any]) -> str | _Flush | _Finish:
        header, payload = header_of(frame), frame.get("payload")
        inputs = payload.get("input") if isinstance(payload, dict) else None
        if header.get("task_id") != self.task_id or not isinstance(inputs, dict):
            raise wrong_frame()
        if header.get("action") == "finish-task":
            return _Finish(inputs.get("directive") == "cancel")
        if header.get("action") != "continue-task":
            raise wrong_frame()
        if inputs.get("flush") is True:
            return _Flush()
        if not isinstance(inputs.get("text"), str):
            raise wrong_frame()
        return str(inputs["text"])

    def _check_piece(self, request: VoiceRequest, text: str, pieces: int) -> None:
        if request.ssml and pieces > 1:
            raise SpeechFailure("InvalidParameter", "Text request limit violated, expected 1.")  # ERR
        self._text += text
        if counted(text) > PIECE_CHARS or counted(self._text) > TEXT_CHARS:
            raise refused()
        try:
            refuse_on_demand(text)
        except Refusal as refusal:
            raise SpeechFailure(refusal.code, refusal.message) from None
        if self.fault is None:  # a fault may be for a text, which is known only now
            self.fault = self.connection.state.socket_fault(text, request.model, by_prompt=True)

    # ── the sound that goes ──

    async def _speak_as_it_comes(self, request: VoiceRequest, speech: Speech) -> None:
        waiting, said = "", False
        while True:
            message = await self._inbox.get()
            if isinstance(message, SpeechFailure | ConnectionOver):
                raise message
            if isinstance(message, str):
                waiting += request.words_of(message)
            whole, waiting = (sentences_of(waiting), "") if not isinstance(message, str) else whole_sentences(waiting)
            for sentence in whole:
                if self._canceled:
                    return
                await self._say(request, speech, sentence)
                said = True
            if isinstance(message, _Finish):
                break
        if self._canceled:
            return
        if not said:
            raise no_text()
        if rest := speech.end():
            await self._send_sound(rest)

    async def _say(self, request: VoiceRequest, speech: Speech, sentence: str) -> None:
        speech.real_voice = len(self._text) <= REAL_VOICE_CHARS
        part = await asyncio.get_running_loop().run_in_executor(SYNTHESIZERS, speech.say, sentence)
        await asyncio.sleep(self._pace_s(sentence))
        await self._tell(replies.sentence_begin(self._index, sentence))
        await self._send_sound(part.data)
        self._characters += counted(sentence)
        await self._tell(replies.sentence_end(self._index, self._words(request, part)), self._characters)
        self._index += 1
        if "[sandbox:fail]" in self._text:
            reason = output_inspection()
            raise SpeechFailure(reason.code, reason.message)

    async def _send_sound(self, data: bytes) -> None:
        """COSY-SE: one frame of sound after each event that announces it."""
        if self.fault_kind == "no_audio":
            return
        size = ODD_FRAME_BYTES if self.fault_kind == "odd_frames" else None
        for number, piece in enumerate(pieces_of(data, size) if size else pieces_of(data)):
            if self._canceled:
                return
            if self.fault_kind != "sound_first":
                await self._tell(replies.sentence_sound(self._index))
            await self.send_piece(piece)
            if self.fault_kind == "sound_first":
                await self._tell(replies.sentence_sound(self._index))
            if number == 0:
                await self.break_off_in_sentence(self._index)

    async def _tell(self, output: dict[str, Any], characters: int | None = None) -> None:
        if self.fault_kind == "no_events":
            return
        if self.fault_kind == "unknown_events":
            header = {"task_id": self.task_id, "event": "result-announced", "attributes": {}}
            await self.connection.send({"header": header, "payload": {}})
            await self.connection.send(replies.event(self.task_id, {"type": "sentence-emotion", "sentence": None}))
        told = replies.event(self.task_id, output, characters)
        if self.fault_kind == "null_usage":
            told["payload"]["usage"] = None
        await self.connection.send(told)

    def _words(self, request: VoiceRequest, part: AudioPart) -> list[dict[str, Any]]:
        if not request.word_times or self.fault_kind == "no_words":
            return []
        return replies.words_of(part, restarting=self.fault_kind == "restarting_times")

    def _pace_s(self, sentence: str) -> float:
        """A text that came at once takes the sandbox's `task_s`; one in pieces somewhat longer."""
        base = self.connection.state.settings.task_s
        if self.fault is not None and self.fault.task_s is not None:
            base = self.fault.task_s
        slower = SLOW_FACTOR if "[sandbox:slow]" in self._text else 1.0
        return base * slower * len(sentence) / max(len(sentence), len(self._text))

    # ── the end ──

    async def break_off(self, fault: Fault, *, silence: bool = False) -> None:
        if fault.kind in ENDS_EARLY:
            await self._stop_reading()
        await super().break_off(fault, silence=silence)

    async def _stop_reading(self) -> None:
        """End the reader: only one may wait for the client's frames."""
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
            self._reader = None

    def _note(self) -> None:
        """Note the work, whole or broken off: what was spoken is paid."""
        if not self._characters:
            return
        model = str(self.payload["model"])
        note = plain_request("speech", model, SPEECH_PATH, self._text, {"characters": self._characters})
        body = {**self.payload, "input": {"text": self._text}}
        self.connection.state.account.start_work(note, body, self.request_id, self.fault, blocking=True)


def task_of(connection: Connection, frame: dict[str, Any]) -> Task:
    """Return the task of a `run-task`: of a model that is told a voice, else of one that is a voice."""
    payload = frame.get("payload")
    told = connection.state.models.told.get(str(payload.get("model"))) if isinstance(payload, dict) else None
    kind = SambertTask if told is None or told.family == "qwen-tts" else StreamedTask
    return kind(connection, frame)


def whole_sentences(text: str) -> tuple[list[str], str]:
    """Return the sentences that are whole, and the rest."""
    found = sentences_of(text)
    if not found or found[-1].rstrip().endswith(_ENDS):
        return found, ""
    return found[:-1], found[-1]
