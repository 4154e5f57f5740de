"""Takes transcription tasks, fetches their files when the work is due, and hands out the transcripts.

Importing this needs starlette and Pillow.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request

from bailian.sandbox.faults import Fault
from bailian.sandbox.http import refusals
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.fault_injection import outcome_of
from bailian.sandbox.http.refusals import Refusal
from bailian.sandbox.speech.models import VOICES
from bailian.sandbox.state import State
from bailian.sandbox.storage.downloads import HTML_PAGE, file_answer, oss_error
from bailian.sandbox.storage.input_fetcher import is_loopback
from bailian.sandbox.storage.uploads import resolves_oss
from bailian.sandbox.tasks import replies
from bailian.sandbox.tasks.requests import parse_body
from bailian.sandbox.tasks.task_store import Task
from bailian.sandbox.text.models import text_models
from bailian.sandbox.transcription.models import RECOGNIZERS
from bailian.sandbox.transcription.recordings import FOREIGN_MS, FileFailure, Recording, fetch_recording, read_recording
from bailian.sandbox.transcription.replies import transcription_answer
from bailian.sandbox.transcription.requests import read_transcription_request, urls_of
from bailian.sandbox.transcription.transcripts import transcript

FileResult = dict[str, Any] | FileFailure
"""One file's transcript, or why there is none."""

KEPT_TASKS = 64
"""Tasks whose transcripts are kept in memory; those of others are made again."""

# Not asyncio's own pool: the server's end would wait for it.
_FETCHERS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="sandbox-listener")


class TranscriptionRoutes:
    """The recognition of recorded files."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._texts = text_models(state.catalog)
        self._done: OrderedDict[str, asyncio.Future[list[FileResult]]] = OrderedDict()

    def errand(
        self, raw: bytes, headers: Mapping[str, str], request_id: str, *, asks_async: bool
    ) -> tuple[Callable[[Fault | None], Awaitable[Answer]], str, str]:
        """Return the work of a submit, and the addresses and the model for the faults."""
        body = parse_body(raw)
        name = str(body["model"])

        async def work(fault: Fault | None) -> Answer:
            self._check_model(name)
            if not asks_async:
                raise refusals.wants_async()
            self._state.account.count_call(name)
            request = read_transcription_request(name, body, resolves=resolves_oss(headers))
            task = self._state.account.add_work(request, body, request_id, outcome_of(fault), blocking=False)
            return json_answer(replies.accepted(task.task_id, request_id))

        return work, "\n".join(urls_of(body)), name

    def _check_model(self, name: str) -> None:
        if name in self._state.retired:
            raise refusals.no_such_model(sync=False)
        if name in RECOGNIZERS:
            return
        # ISS-2213: a live model gets the words of a wrong path.
        if "realtime" in name or name in self._texts or name in VOICES or self._state.account.knows(name):
            raise refusals.wrong_path()
        raise refusals.no_such_model(sync=False)

    async def poll(self, task: Task, request_id: str, root: str) -> Answer:
        """Answer a query; a finished task's files are fetched now."""
        file_results = await self._file_results(task) if task.status in ("SUCCEEDED", "FAILED") else []
        expires = self._state.clock() + self._state.settings.link_life_s

        def sign(index: int) -> str:
            return self._state.links.sign(root, f"/transcripts/{task.task_id}/{index}.json", expires)

        return json_answer(transcription_answer(task, file_results, request_id, sign))

    async def download(self, request: Request, fault: Fault | None, request_id: str) -> Answer:
        """Answer a GET of a transcript's link, as the object store does."""
        task_id, index = request.path_params["task_id"], request.path_params["index"]
        query, host = dict(request.query_params), request.headers.get("host", "")
        if fault is not None and fault.kind == "expired":
            self._state.links.revoke(query)
        problem = self._state.links.problem(request.method, request.url.path, query, self._state.clock())
        if problem is not None:
            return oss_error(403, *problem, request_id, host)
        task = self._state.tasks.get(task_id)
        file_results = await self._file_results(task) if task is not None and task.status == "SUCCEEDED" else []
        file_result = file_results[index] if 0 <= index < len(file_results) else None
        if task is None or file_result is None or isinstance(file_result, FileFailure):
            return oss_error(404, "NoSuchKey", "The specified key does not exist.", request_id, host)
        if fault is not None and fault.kind == "html_file":
            return Answer(200, HTML_PAGE, {}, "text/html")
        data = json.dumps(file_result, ensure_ascii=False).encode()
        return file_answer(request, data, "application/json", task.ended, request_id)

    async def _file_results(self, task: Task) -> list[FileResult]:
        """Two queries at once wait for one fetching."""
        key = f"{task.task_id} {task.outcome}"  # a fault can change the fate later
        doing = self._done.get(key)
        if doing is None:
            doing = asyncio.get_running_loop().run_in_executor(_FETCHERS, self._make, task)
            self._done[key] = doing
            if len(self._done) > KEPT_TASKS:
                self._done.popitem(last=False)
        return await asyncio.shield(doing)

    def _make(self, task: Task) -> list[FileResult]:
        urls: list[str] = task.request.details["file_urls"]
        broken = len(urls) if task.outcome.failed else task.outcome.failed_pictures
        failure = FileFailure(task.outcome.code, task.outcome.message)
        return [failure if index >= len(urls) - broken else self._one(task, url) for index, url in enumerate(urls)]

    def _one(self, task: Task, url: str) -> FileResult:
        details = task.request.details
        try:
            return transcript(
                url,
                self._recording(task, url),
                channels=details["channels"],
                language=details["language"],
                diarization=details["diarization"],
            )
        except FileFailure as failure:
            return failure

    def _recording(self, task: Task, url: str) -> Recording:
        if url.startswith("oss://"):
            try:
                return read_recording(self._state.uploads.read(url, task.model, resolves=True))
            except Refusal:  # not there, or uploaded for another model
                raise FileFailure("InvalidFile.DownloadFailed", "The audio file cannot be downloaded.") from None
        foreign = not is_loopback(urlsplit(url).hostname or "") and url.isascii()
        if foreign and self._state.settings.fetch_foreign == "placeholder":
            return Recording("pcm_s16le", 16000, FOREIGN_MS)
        return read_recording(fetch_recording(url))
