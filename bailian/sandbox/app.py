"""The HTTP face: routes, keys, the log of requests, result files.

Importing this needs starlette, uvicorn and Pillow.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bailian.sandbox.admin import Admin
from bailian.sandbox.batches.routes import BatchRoutes
from bailian.sandbox.edits.requests import EditRequests
from bailian.sandbox.faults import Fault
from bailian.sandbox.http import refusals
from bailian.sandbox.http.answers import Answer, LoggedRequest, body_for_log, error_answer, json_answer
from bailian.sandbox.http.fault_injection import FaultInjection, error_of, outcome_of
from bailian.sandbox.http.raw_sockets import Connections, PlainResponse, SilentResponse
from bailian.sandbox.http.refusals import Refusal
from bailian.sandbox.images.models import (
    IMAGE2IMAGE,
    IMAGE_GENERATION,
    MULTIMODAL,
    TEXT2IMAGE,
    VIDEO_SYNTHESIS,
    ServiceModel,
)
from bailian.sandbox.speech.routes import SpeechRoutes
from bailian.sandbox.state import State
from bailian.sandbox.storage.downloads import Downloads
from bailian.sandbox.storage.input_fetcher import InputFetcher
from bailian.sandbox.storage.results import result_path
from bailian.sandbox.storage.uploads import resolves_oss
from bailian.sandbox.tasks import replies
from bailian.sandbox.tasks.requests import TaskRequest, has_pictures, parse_body, prompt_of
from bailian.sandbox.tasks.task_store import Outcome, Task
from bailian.sandbox.text.models import TEXT_GENERATION
from bailian.sandbox.text.routes import TextRoutes
from bailian.sandbox.transcription.models import TRANSCRIPTION
from bailian.sandbox.transcription.routes import TranscriptionRoutes

BASE_PATH = "/api/v1"
_log = logging.getLogger("bailian.sandbox")


@dataclass(frozen=True)
class Errand:
    """What one request wants: which work, and about which prompt (for the faults)."""

    work: Callable[[Fault | None], Awaitable[Answer]]
    prompt: str = ""
    model: str = ""


@dataclass
class Call:
    """One request under way."""

    request: Request
    kind: str
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    raw: bytes = b""

    @property
    def path(self) -> str:
        return self.request.url.path

    def root(self) -> str:
        """The address the client itself used, so that links also work through a tunnel."""
        parts = urlsplit(str(self.request.base_url))
        return f"{parts.scheme}://{parts.netloc}"

    def asks_async(self) -> bool:
        return self.request.headers.get("x-dashscope-async", "").lower() == "enable"


class ServiceRoutes:
    """Takes every request of the imitated service."""

    def __init__(self, state: State, connections: Connections) -> None:
        self._state = state
        self._fault_injection = FaultInjection(connections)
        self._files = Downloads(state)
        self._edits = EditRequests(state.store)
        self._text = TextRoutes(state)
        self._transcription = TranscriptionRoutes(state)

    def routes(self) -> list[Route]:
        task_path = BASE_PATH + "/tasks/{task_id}"
        results = "/results/{task_id}/{index:int}.{suffix}"
        every_method = ["GET", "POST", "PUT", "DELETE"]
        return [
            Route(BASE_PATH + TEXT2IMAGE, self._on("submit", self._request), methods=["POST"]),
            Route(BASE_PATH + IMAGE_GENERATION, self._on("submit", self._request), methods=["POST"]),
            Route(BASE_PATH + IMAGE2IMAGE, self._on("submit", self._request), methods=["POST"]),
            Route(BASE_PATH + VIDEO_SYNTHESIS, self._on("submit", self._request), methods=["POST"]),
            Route(BASE_PATH + MULTIMODAL, self._on("sync", self._request), methods=["POST"]),
            Route(BASE_PATH + TEXT_GENERATION, self._on("text", self._generate), methods=["POST"]),
            Route(BASE_PATH + TRANSCRIPTION, self._on("submit", self._transcribe), methods=["POST"]),
            Route(BASE_PATH + "/uploads", self._on("grant", self._grant), methods=["GET"]),
            Route("/", self._on("upload", self._upload), methods=["POST"]),  # the upload host is this server
            Route(BASE_PATH + "/models", self._on("models", self._models), methods=["GET"]),
            Route(BASE_PATH + "/tasks", self._on("list", self._listing), methods=["GET"]),
            Route(BASE_PATH + "/tasks/", self._on("list", self._listing), methods=["GET"]),
            Route(task_path, self._on("poll", self._poll), methods=["GET"]),
            Route(task_path + "/cancel", self._on("cancel", self._cancel), methods=["POST"]),
            Route(results, self._on("download", self._download), methods=["GET"]),
            Route("/transcripts/{task_id}/{index:int}.json", self._on("download", self._transcript), methods=["GET"]),
            Route("/{anything:path}", self._on("other", self._not_found), methods=every_method),
        ]

    def _on(self, kind: str, errand_of: Callable[[Call], Errand]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            call = Call(request, kind)
            try:
                call.raw = await request.body()
            except ClientDisconnect:
                return SilentResponse()
            try:
                response = await self._answer(call, errand_of)
            except asyncio.CancelledError:  # the sandbox stops; the line is down already
                return SilentResponse()
            self._record(call, response.status_code)
            return response

        return endpoint

    async def _answer(self, call: Call, errand_of: Callable[[Call], Errand]) -> Response:
        try:
            if call.kind not in ("download", "upload"):  # the object store knows no keys
                key, spends = call.request.headers.get("authorization"), call.kind in ("submit", "sync", "text")
                refusals.check_key(key, self._state.api_keys, spends=spends)
            errand = errand_of(call)
            fault = self._state.faults.take(call.kind, errand.prompt, errand.model)
            return await self._fault_injection.respond(fault, lambda: errand.work(fault), call.request_id)
        except Refusal as refusal:
            return PlainResponse(error_answer(refusal, call.request_id))

    def _record(self, call: Call, status: int) -> None:
        self._state.record(
            LoggedRequest(
                method=call.request.method,
                path=call.path,
                status=status,
                headers=dict(call.request.headers),
                body=body_for_log(call.raw),
                query=dict(call.request.query_params),
                kind=call.kind,
                at=time.time(),
            )
        )

    def _request(self, call: Call) -> Errand:
        body = parse_body(call.raw)
        path = call.path.removeprefix(BASE_PATH)

        async def work(fault: Fault | None) -> Answer:
            model = self._state.account.admit(path, body, asks_async=call.asks_async())
            edits = model.edit and (model.edit.images_min or has_pictures(body))
            request = await self._edit_request(call, model, path, body) if edits else None
            task = self._state.account.accept(model, path, body, call.request_id, outcome_of(fault), request)
            if path != MULTIMODAL:
                return json_answer(replies.accepted(task.task_id, call.request_id))
            await asyncio.sleep(max(0.0, task.ended - self._state.clock()))
            answer = replies.blocking_answer(task, call.request_id, self._signer(call))
            # CAP: what the gateway says about its patience.
            return json_answer(answer, headers={"x-dashscope-timeout": "298"})

        return Errand(work, prompt_of(body), str(body["model"]))

    async def _edit_request(self, call: Call, model: ServiceModel, path: str, body: dict[str, Any]) -> TaskRequest:
        name, resolves = str(body["model"]), resolves_oss(call.request.headers)
        fetcher = InputFetcher(self._state.uploads, self._state.settings, name, resolves=resolves)
        return await self._edits.read(name, model, path, body, fetcher)

    def _generate(self, call: Call) -> Errand:
        return Errand(*self._text.errand(call.raw, call.request.headers, call.request_id))

    def _grant(self, call: Call) -> Errand:
        query = call.request.query_params

        async def work(fault: Fault | None) -> Answer:
            self._state.account.count_grant(query.get("model", ""))
            return self._state.uploads.grant(query, call.root(), call.request_id)

        return Errand(work, model=query.get("model", ""))

    def _upload(self, call: Call) -> Errand:
        async def work(fault: Fault | None) -> Answer:
            expired = fault is not None and fault.kind == "expired"
            return self._state.uploads.receive(call.request.headers, call.raw, call.request_id, expired=expired)

        return Errand(work)

    def _transcribe(self, call: Call) -> Errand:
        headers = call.request.headers
        return Errand(*self._transcription.errand(call.raw, headers, call.request_id, asks_async=call.asks_async()))

    def _transcript(self, call: Call) -> Errand:
        async def work(fault: Fault | None) -> Answer:
            return await self._transcription.download(call.request, fault, call.request_id)

        return self._about_task(call.request.path_params["task_id"], work)

    def _signer(self, call: Call) -> replies.Sign:
        def sign(task: Task, index: int) -> str:
            expires = self._state.clock() + self._state.settings.link_life_s
            return self._state.links.sign(call.root(), result_path(task, index), expires)

        return sign

    def _poll(self, call: Call) -> Errand:
        task_id = call.request.path_params["task_id"]

        async def work(fault: Fault | None) -> Answer:
            self._state.account.count_query()
            if call.asks_async():
                raise refusals.refuses_async()
            if fault is not None and fault.kind == "unknown":
                return json_answer(replies.unknown(task_id, call.request_id))
            if fault is not None:
                self._apply_fault(task_id, fault)
            task = self._state.tasks.get(task_id)
            if task is not None and task.request.kind == "transcription":
                return await self._transcription.poll(task, call.request_id, call.root())
            return self._state.account.poll(task_id, call.request_id, self._signer(call))

        return self._about_task(task_id, work)

    def _apply_fault(self, task_id: str, fault: Fault) -> None:
        """Let a fault of a poll happen to the task itself: what is terminal stays so."""
        _, code, message = error_of(fault)
        if fault.kind == "canceled":
            self._state.tasks.cancel(task_id, None, force=True)
        elif fault.kind == "failed":
            self._state.tasks.change_outcome(task_id, end_now=True, failed=True, code=code, message=message)
        elif fault.kind == "partial":
            outcome = Outcome(failed_pictures=fault.count, code=code, message=message)
            self._state.tasks.change_outcome(
                task_id, end_now=False, failed_pictures=outcome.failed_pictures, code=code, message=message
            )

    def _cancel(self, call: Call) -> Errand:
        task_id = call.request.path_params["task_id"]

        async def work(fault: Fault | None) -> Answer:
            self._state.account.count_query()
            return self._state.account.cancel(task_id, call.request_id)

        return self._about_task(task_id, work)

    def _about_task(self, task_id: str, work: Callable[[Fault | None], Awaitable[Answer]]) -> Errand:
        task = self._state.tasks.get(task_id)
        return Errand(work, task.request.prompt, task.model) if task else Errand(work)

    def _listing(self, call: Call) -> Errand:
        async def work(fault: Fault | None) -> Answer:
            self._state.account.count_query()
            return self._state.account.listing(call.request.query_params, call.request_id)

        return Errand(work)

    def _models(self, call: Call) -> Errand:
        async def work(fault: Fault | None) -> Answer:
            self._state.account.count_query()
            return json_answer(self._state.models.answer(call.request.query_params, call.request_id))

        return Errand(work)

    def _download(self, call: Call) -> Errand:
        task_id, index = call.request.path_params["task_id"], call.request.path_params["index"]

        async def work(fault: Fault | None) -> Answer:
            return await self._files.answer(call.request, task_id, index, fault, call.request_id)

        return self._about_task(task_id, work)

    def _not_found(self, call: Call) -> Errand:
        if call.path.startswith(BASE_PATH + "/"):
            raise refusals.not_imitated(f"{call.request.method} {call.path}")
        raise Refusal(404, "NotFound", f"There is nothing at {call.path}.")


async def _crashed(request: Request, error: Exception) -> Response:
    """A bug of the sandbox must not look like a fault of the service."""
    _log.error("the sandbox failed at %s %s", request.method, request.url.path, exc_info=error)
    body: dict[str, Any] = {"code": "Sandbox.Bug", "message": repr(error), "request_id": ""}
    return JSONResponse(body, 500)


def build(state: State, connections: Connections) -> Starlette:
    """Return the ASGI application."""
    own = [
        *Admin(state).routes(),
        *SpeechRoutes(state, connections).routes(),
        *BatchRoutes(state, connections).routes(),
    ]
    routes = [*own, *ServiceRoutes(state, connections).routes()]  # its last one takes everything
    return Starlette(routes=routes, exception_handlers={Exception: _crashed})
