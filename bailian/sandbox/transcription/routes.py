"""The routes of transcription: the submit, and the transcript behind a signed link.

The files are fetched when the work is due. Importing this needs starlette.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from starlette.routing import Route

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.endpoints import BASE_PATH, Call, Endpoints
from bailian.sandbox.http.refusals import Refusal, refuses_async, wants_async, wrong_path
from bailian.sandbox.scripted.script import scripted
from bailian.sandbox.state import State
from bailian.sandbox.storage.downloads import Result, follow_link
from bailian.sandbox.storage.input_fetcher import is_loopback
from bailian.sandbox.tasks.replies import accepted
from bailian.sandbox.tasks.requests import SCRIPTED
from bailian.sandbox.tasks.task_store import Task
from bailian.sandbox.transcription.models import TRANSCRIPTION, Recognizer
from bailian.sandbox.transcription.recordings import (
    FOREIGN_MS,
    FileFailure,
    Recording,
    fetch_recording,
    not_downloaded,
    read_recording,
)
from bailian.sandbox.transcription.replies import transcription_answer
from bailian.sandbox.transcription.requests import read_transcription_request, urls_of
from bailian.sandbox.transcription.transcripts import qwen3_transcript, transcript
from bailian.sandbox.transcription.vocabularies import PATH, Vocabularies

FileResult = dict[str, Any] | FileFailure
"""One file's transcript, or why there is none."""

# Not asyncio's own pool: the server's end would wait for it.
_FETCHERS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="sandbox-transcriber")


class TranscriptionRoutes:
    """Recognizes recorded files."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self, endpoints: Endpoints) -> list[Route]:
        transcript_path = "/transcripts/{task_id}/{index:int}.json"
        vocabularies = Vocabularies(self._state)
        return [
            endpoints.route("POST", BASE_PATH + PATH, "customization", vocabularies.handle, _about_hot_words),
            endpoints.route("POST", BASE_PATH + TRANSCRIPTION, "submit", self._submit, _about),
            endpoints.route("GET", transcript_path, "download", self._download, self._state.about_task),
        ]

    async def _submit(self, call: Call, fault: Fault | None) -> Answer:
        name = str(call.body["model"])
        model = self._model(name)
        if not call.asks_async():
            raise wants_async()
        self._state.account.count_call(name)
        hot_words = self._state.hot_words
        request = read_transcription_request(name, model, call.body, hot_words, resolves=call.resolves_oss())
        answer = scripted("transcript")
        if answer is not None:
            request = replace(request, details={**request.details, SCRIPTED: answer.transcript})
        task = self._state.account.start_work(request, call.body, call.request_id, fault, blocking=False)
        return json_answer(accepted(task.task_id, call.request_id))

    def _model(self, name: str) -> Recognizer:
        models = self._state.models
        if name in models.recognizers:
            if models.recognizers[name].instant:
                raise refuses_async()  # ERR: a model without tasks
            return models.recognizers[name]
        # ISS-2213: a live model gets the words of a wrong path.
        if (
            "realtime" in name
            or name in models.texts
            or name in models.voices
            or name in models.told
            or name in models.pictures
        ):
            raise wrong_path()
        raise models.refusal_of(name, sync=False)

    async def task_answer(self, task: Task, call: Call) -> dict[str, Any]:
        """Answer a query; a finished task's files are fetched now."""
        file_results = await self._file_results(task) if task.status in ("SUCCEEDED", "FAILED") else []

        def sign(index: int) -> str:
            return self._state.sign(call.root(), f"/transcripts/{task.task_id}/{index}.json")

        return transcription_answer(task, file_results, call.request_id, sign)

    async def _download(self, call: Call, fault: Fault | None) -> Answer:
        """Answer a GET of a transcript's link, as the object store does."""

        async def result_of(task: Task) -> Result | None:
            index = int(call.param("index"))
            file_results = await self._file_results(task) if task.status == "SUCCEEDED" else []
            file_result = file_results[index] if 0 <= index < len(file_results) else None
            if file_result is None or isinstance(file_result, FileFailure):
                return None
            content = json.dumps(file_result, ensure_ascii=False).encode()
            return Result((task.task_id, index, task.outcome), "application/json", lambda: content)

        return await follow_link(self._state, call, fault, result_of)

    async def _file_results(self, task: Task) -> list[FileResult]:
        key = (task.task_id, task.outcome)  # a fault can change the outcome later
        made: list[FileResult] = await self._state.transcripts.get(key, partial(self._make, task), _FETCHERS)
        return made

    def _make(self, task: Task) -> list[FileResult]:
        urls: list[str] = task.request.details["file_urls"]
        broken = len(urls) if task.outcome.failed else task.outcome.failed_pictures
        failure = FileFailure(task.outcome.code, task.outcome.message)
        return [failure if index >= len(urls) - broken else self._one(task, url) for index, url in enumerate(urls)]

    def _one(self, task: Task, url: str) -> FileResult:
        details = task.request.details
        try:
            document = transcript(
                url,
                self._recording(task, url),
                channels=details["channels"],
                language=details["language"],
                diarization=details["diarization"],
                hot=details.get("hot", ()),  # a state file may have older tasks
                said=details.get(SCRIPTED),
            )
        except FileFailure as failure:
            return failure
        if details.get("one_result"):
            return qwen3_transcript(document, details["language"], words=details["words"])
        return document

    def _recording(self, task: Task, url: str) -> Recording:
        if url.startswith("oss://"):
            try:
                return read_recording(self._state.uploads.read(url, task.model, resolves=True))
            except Refusal:  # not there, or uploaded for another model
                raise not_downloaded() from None
        foreign = not is_loopback(urlsplit(url).hostname or "") and url.isascii()
        if foreign and self._state.settings.fetch_foreign == "placeholder":
            return Recording("pcm_s16le", 16000, FOREIGN_MS)
        return read_recording(fetch_recording(url))


def _about(call: Call) -> tuple[str, str]:
    return "\n".join(urls_of(call.body)), str(call.body["model"])


def _about_hot_words(call: Call) -> tuple[str, str]:
    inputs = call.body.get("input")
    return str(inputs.get("action")) if isinstance(inputs, dict) else "", str(call.body["model"])
