"""How every HTTP request goes: read it, check the key, find its fault, do the work, log it.

Importing this needs starlette and uvicorn.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Protocol
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route

from bailian.sandbox.faults import Fault, Faults
from bailian.sandbox.http.answers import Answer, ErrorAnswer, LoggedRequest, body_for_log, flat_error, read_json
from bailian.sandbox.http.fault_injection import FaultInjection
from bailian.sandbox.http.keys import check_key
from bailian.sandbox.http.raw_sockets import Connections, PlainResponse, SilentResponse
from bailian.sandbox.http.refusals import Refusal, invalid
from bailian.sandbox.scripted.answers import Kind
from bailian.sandbox.scripted.patterns import conversation_of
from bailian.sandbox.scripted.script import Script, Taken
from bailian.sandbox.settings import Settings

BASE_PATH = "/api/v1"

KEYLESS = frozenset({"download", "upload"})
"""The object store knows no keys."""

PAID = frozenset({"submit", "sync", "text", "embedding", "rerank", "batch_create"})
"""What costs money, so an account in trouble is refused."""

ANSWERED = PAID - {"batch_create"}
"""What a scripted answer may be for."""


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

    def param(self, name: str) -> str:
        """Return a part of the path."""
        return str(self.request.path_params[name])

    def root(self) -> str:
        """Return the address the client itself used, so that links also work through a tunnel."""
        parts = urlsplit(str(self.request.base_url))
        return f"{parts.scheme}://{parts.netloc}"

    def asks_async(self) -> bool:
        return self.request.headers.get("x-dashscope-async", "").lower() == "enable"

    def resolves_oss(self) -> bool:
        """Return whether the call wants its `oss://` URLs resolved."""
        return self.request.headers.get("x-dashscope-ossresourceresolve", "").lower() == "enable"

    @cached_property
    def body(self) -> dict[str, Any]:
        """The body's object.

        Raises:
            Refusal: not UTF-8, not JSON, not an object, or without a model.
        """
        try:
            body = json.loads(self.raw.decode("utf-8"))
        except UnicodeDecodeError:  # D-FAQ: what a shell with a wrong code page sends
            raise invalid("Required body invalid, please check the request body format.") from None
        except ValueError:
            raise Refusal(400, "BadRequest.IllegalInput", "The input parameter requires json format.") from None
        if not isinstance(body, dict):
            raise invalid("Required body invalid, please check the request body format.")
        if not isinstance(body.get("model"), str) or not body["model"]:
            raise Refusal(400, "BadRequest.EmptyModel", 'Required parameter "model" missing from request.')
        return body


KindOf = Callable[[Call], str]
"""Says what a fault calls a request whose path several services share. It raises nothing."""

Handler = Callable[[Call, Fault | None], Awaitable[Answer]]
"""Does what a request asks for; what a fault does to the answer afterwards is not its affair."""

About = Callable[[Call], tuple[str, str]]
"""Returns the prompt and the model that a fault may match. A refusal from it comes before any fault."""


KeyOf = Callable[[Mapping[str, str]], str | None]
"""Finds what a request's headers say of its key, as the header `Authorization` has it."""


def key_of_bearer(headers: Mapping[str, str]) -> str | None:
    return headers.get("authorization")


def about_nothing(call: Call) -> tuple[str, str]:
    return "", ""


class SharedState(Protocol):
    """What the endpoints need of a running sandbox."""

    @property
    def faults(self) -> Faults: ...
    @property
    def api_keys(self) -> Collection[str] | None: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def script(self) -> Script: ...
    @property
    def clock(self) -> Callable[[], float]: ...
    def answer_kinds(self, kind: str, model: str) -> Collection[Kind]: ...
    async def until(self, moment: float) -> None: ...
    def record(self, request: LoggedRequest) -> None: ...


class Endpoints:
    """Turns what a service does into routes of the web server."""

    def __init__(
        self,
        state: SharedState,
        connections: Connections,
        error_answer: ErrorAnswer = flat_error,
        key_of: KeyOf = key_of_bearer,
    ) -> None:
        self._state = state
        self._key_of = key_of
        self._error_answer = error_answer
        self._fault_injection = FaultInjection(connections, error_answer)

    def route(
        self, methods: str, path: str, kind: str | KindOf, handler: Handler, about: About = about_nothing
    ) -> Route:
        """Return a route.

        Args:
            methods: with a space between several.
            path: as starlette writes paths.
            kind: what a fault calls such a request, or what finds that out.
            handler: answers the request.
            about: says what the request is about.
        """

        async def endpoint(request: Request) -> Response:
            call = Call(request, kind if isinstance(kind, str) else "other")
            try:
                call.raw = await request.body()
                call.kind = kind if isinstance(kind, str) else kind(call)
                response = await self._answer(call, handler, about)
            except (ClientDisconnect, asyncio.CancelledError):  # the client has left, or the sandbox stops
                return SilentResponse()
            entry = logged(request, request.method, call.kind, response.status_code, body_for_log(call.raw))
            self._state.record(entry)
            return response

        return Route(path, endpoint, methods=methods.split())

    async def _answer(self, call: Call, handler: Handler, about: About) -> Response:
        try:
            if call.kind not in KEYLESS:
                key, region = self._key_of(call.request.headers), self._state.settings.region
                check_key(key, self._state.api_keys, region, spends=call.kind in PAID)
            prompt, model = about(call)
        except Refusal as refusal:
            error = self._error_answer(refusal.status, refusal.code, refusal.message, call.request_id)
            return PlainResponse(error)
        fault = self._state.faults.take(call.kind, prompt, model)
        work = partial(self._work, call, handler, fault, prompt, model)
        return await self._fault_injection.respond(fault, work, call.request_id)

    async def _work(self, call: Call, handler: Handler, fault: Fault | None, prompt: str, model: str) -> Answer:
        """Let the handler work, with the scripted answer that the request has got."""
        script = self._state.script
        if script.is_empty or call.kind not in ANSWERED:
            return await handler(call, fault)
        about = conversation_of(model, prompt, read_json(call.raw))
        taken = script.begin(about, self._state.answer_kinds(call.kind, model))
        try:
            if taken is not None:
                await self._obey(taken)
            return await handler(call, fault)
        finally:
            script.end(taken)

    async def _obey(self, taken: Taken) -> None:
        """Wait as the answer says, and refuse if that is what it is.

        Raises:
            Refusal: the answer is an error.
        """
        answer = taken.entry.answer
        await self._state.until(self._state.clock() + answer.delay_s)
        taken.used = taken.used or answer.kind in ("error", "delay")
        if answer.error is not None:
            raise Refusal(answer.error.status, answer.error.code, answer.error.message)


def logged(connection: HTTPConnection, method: str, kind: str, status: int, body: Any) -> LoggedRequest:
    """Return what the log says of a request, or of a task on a web socket."""
    return LoggedRequest(
        method=method,
        path=connection.url.path,
        status=status,
        headers=dict(connection.headers),
        body=body,
        query=dict(connection.query_params),
        kind=kind,
        at=time.time(),
    )
