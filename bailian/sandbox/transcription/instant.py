"""Recognition in one call: a short recording goes up, its text comes back (QASR, FUNF).

Importing this needs starlette.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.endpoints import Call
from bailian.sandbox.http.frames import event_stream, wants_stream
from bailian.sandbox.http.refusals import invalid, refuses_async, wants_async
from bailian.sandbox.images.models import MULTIMODAL
from bailian.sandbox.multimodal_route import Room
from bailian.sandbox.scripted.script import scripted
from bailian.sandbox.speech.audio_watermark import RecognizedSentence
from bailian.sandbox.state import State
from bailian.sandbox.storage.input_fetcher import FetchFailed, InputFetcher, NotOnLoopback
from bailian.sandbox.tasks.outcomes import cut_off
from bailian.sandbox.tasks.requests import plain_request
from bailian.sandbox.transcription import instant_replies as replies
from bailian.sandbox.transcription.instant_requests import InstantRequest, read_instant_request, source_of
from bailian.sandbox.transcription.models import Recognizer
from bailian.sandbox.transcription.recordings import FOREIGN_MS, FileFailure, Recording, read_recording
from bailian.sandbox.transcription.transcripts import heard

MAX_MS = 5 * 60 * 1000
MAX_DATA_CHARS = 10 * 1024**2
"""QASR, ERR: of a recording in the body, after encoding."""
MAX_BYTES = {"qwen3": 10 * 1024**2}
"""Of a recording at an address (QASR); the others take 2 GB, of which the sandbox reads as much as these lines say."""
READ_BYTES = 512 * 1024**2

# Not asyncio's own pool: the server's end would wait for it.
_LISTENERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sandbox-listener")


class InstantRecognition:
    """The room of the multimodal path."""

    def __init__(self, state: State) -> None:
        self._state = state

    def room(self) -> Room:
        return Room("sync", self._takes, self._handle, _about)

    def _takes(self, name: str) -> bool:
        return name in self._state.models.recognizers

    async def _handle(self, call: Call, fault: Fault | None) -> Answer:
        name = str(call.body["model"])
        model = self._state.models.recognizers[name]
        if not model.instant:
            raise wants_async()  # ERR: a task model on the path of calls
        if call.asks_async():
            raise refuses_async()
        self._state.account.count_call(name)
        request = read_instant_request(name, model, call.body, self._state.hot_words)
        recording = await self._recording(call, name, model, request)
        answer = scripted("transcript")
        sentences = await asyncio.get_running_loop().run_in_executor(
            _LISTENERS, heard, recording, 0, request.language, request.hot, answer.transcript if answer else None
        )
        return await self._answer(call, fault, model, request, recording, sentences)

    async def _recording(self, call: Call, name: str, model: Recognizer, request: InstantRequest) -> Recording:
        fetcher = InputFetcher(
            self._state.uploads, self._state.settings, name, resolves=call.resolves_oss(),
            max_bytes=MAX_BYTES.get(model.family, READ_BYTES), max_chars=MAX_DATA_CHARS, media="audio",
        )  # fmt: skip
        try:
            data = await fetcher.get(request.source)
            if len(data) > MAX_BYTES.get(model.family, READ_BYTES):
                raise invalid("The audio file is too large.")
            recording = await asyncio.get_running_loop().run_in_executor(_LISTENERS, read_recording, data)
        except NotOnLoopback:
            return Recording("pcm_s16le", 16000, FOREIGN_MS)
        except FetchFailed:
            raise invalid("Download multimodal file timed out or failed.") from None
        except FileFailure:
            raise invalid("The audio format is illegal and cannot be opened") from None  # ERR
        if recording.duration_ms > MAX_MS:
            raise invalid("The audio is too long")  # ERR
        return recording

    async def _answer(
        self, call: Call, fault: Fault | None, model: Recognizer, request: InstantRequest, recording: Recording,
        sentences: list[RecognizedSentence],
    ) -> Answer:  # fmt: skip
        name, seconds = str(call.body["model"]), -(-recording.duration_ms // 1000)
        note = plain_request("recognition", name, MULTIMODAL, _short(request.source), {"seconds": seconds})
        task = self._state.account.start_work(note, _short_body(call.body), call.request_id, fault, blocking=True)
        nested = fault is not None and fault.kind == "nested_output"
        whole = _whole(model, request, sentences, seconds, nested=nested)
        streams = wants_stream(call.request.headers)
        failure = cut_off(task.outcome, fault)
        if not streams:
            if failure is not None:
                raise failure[1]
            await self._state.until(task.ended)
            return json_answer({"request_id": call.request_id, **whole})
        bodies = [{"request_id": call.request_id, **frame} for frame in _frames(model, request, sentences, seconds)]
        lasts_s = task.ended - task.created
        return event_stream(bodies, failure, call.request_id, self._state.settings, lasts_s=lasts_s)


def _whole(
    model: Recognizer, request: InstantRequest, sentences: list[RecognizedSentence], seconds: int, *, nested: bool
) -> dict[str, Any]:
    if model.family == "qwen3":
        return replies.message_answer(_text(sentences), request.language, seconds)
    return replies.sentence_answer(sentences, seconds, nested=nested)


def _frames(
    model: Recognizer, request: InstantRequest, sentences: list[RecognizedSentence], seconds: int
) -> list[dict[str, Any]]:
    if model.family == "qwen3":
        return list(replies.message_frames(_text(sentences), request.language, seconds, grows=request.grows))
    return list(replies.sentence_frames(sentences, seconds))


def _text(sentences: list[RecognizedSentence]) -> str:
    return "".join(sentence.text for sentence in sentences).strip()


def _short(source: str) -> str:
    return f"{source[:40]}…" if source.startswith("data:") else source


def _short_body(body: dict[str, Any]) -> dict[str, Any]:
    """A recording in a body is not kept: the notes of a thousand calls would not fit in memory."""
    if not source_of(body).startswith("data:"):
        return body
    return {**body, "input": {"messages": [{"role": "user", "content": [{"audio": _short(source_of(body))}]}]}}


def _about(call: Call) -> tuple[str, str]:
    return _short(source_of(call.body)), str(call.body["model"])
