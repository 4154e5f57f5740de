"""Carries a request out, or what a fault makes of it.

Importing this needs uvicorn and starlette.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from starlette.responses import Response

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer, error_answer, json_answer
from bailian.sandbox.http.event_stream import EventStream, cut_response, response_to
from bailian.sandbox.http.raw_sockets import Connections, ResetResponse, SilentResponse
from bailian.sandbox.http.refusals import Refusal
from bailian.sandbox.tasks.replies import PICTURE_FAILED
from bailian.sandbox.tasks.task_store import Outcome

Work = Callable[[], Awaitable[Answer]]

_HTML = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n"
    b"<hr><center>bailian sandbox</center>\r\n</body>\r\n</html>\r\n"
)
_DEFAULTS = {
    "throttle": (429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later."),
    "status": (500, "InternalError", "An internal error has occured, please try again later."),
    "top_level_code": (200, "InvalidParameter", "An error that came with HTTP 200."),
    "failed": (200, "InternalError.Algo", "inference internal error."),
    "partial": (200, *PICTURE_FAILED),
    "stream_error": (429, "Throttling.AllocationQuota", "Allocated quota exceeded, please increase your quota limit."),
}
"""Status, code and message of each kind, from D-ERR where the code is the service's."""

_REPLACING_KINDS = frozenset({"throttle", "status", "top_level_code", "html", "garbage", "empty", "silence"})
"""Kinds that answer something else, or nothing."""

_WORKS_BY_DEFAULT = frozenset({"silence", "garbage", "empty"})
"""Those of them whose request is carried out all the same; `Fault.work` overrides."""


def error_of(fault: Fault) -> tuple[int, str, str]:
    """Return the fault's status, code and message."""
    status, code, message = _DEFAULTS.get(fault.kind, (200, "", ""))
    return (
        status if fault.status is None else fault.status,
        code if fault.code is None else fault.code,
        message if fault.message is None else fault.message,
    )


def outcome_of(fault: Fault | None) -> Outcome:
    """Return what a fault on a submit does to the work itself."""
    if fault is None:
        return Outcome()
    _, code, message = error_of(fault)
    if fault.kind == "failed":
        return Outcome(failed=True, code=code, message=message, task_s=fault.task_s)
    if fault.kind == "partial":
        return Outcome(failed_pictures=fault.count, code=code, message=message, task_s=fault.task_s)
    size = fault.drawn_size() if fault.kind == "wrong_size" else None
    return Outcome(drawn_size=size, task_s=fault.task_s)


class FaultInjection:
    """Turns work and a fault into a response."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._later: set[asyncio.Task[None]] = set()

    async def respond(self, fault: Fault | None, accepted_work: Work, request_id: str) -> Response:
        """Do the work as the fault allows and answer as it demands.

        A refusal is an answer like any other: a fault loses, delays or cuts it too.
        """

        async def work() -> Answer:
            try:
                return await accepted_work()
            except Refusal as refusal:
                return error_answer(refusal, request_id)

        if fault is None:
            return response_to(await work())
        kind = fault.kind
        if kind == "reset_before":
            return ResetResponse(self._connections)
        if kind == "reset_during":
            self._do_later(work, fault.delay_s)
            return ResetResponse(self._connections)
        if kind == "reset_after":
            await work()
            return ResetResponse(self._connections)
        if kind == "slow":
            await asyncio.sleep(fault.delay_s)
            return response_to(await work())
        if kind == "cut":
            return cut_response(await work(), self._connections)
        return await self._other_answer(fault, work, request_id)

    async def _other_answer(self, fault: Fault, work: Work, request_id: str) -> Response:
        if fault.kind in _REPLACING_KINDS:
            if fault.work if fault.work is not None else fault.kind in _WORKS_BY_DEFAULT:
                await work()
            return SilentResponse() if fault.kind == "silence" else response_to(_replacement(fault, request_id))
        made = await work()
        if fault.kind == "raw":
            return response_to(_with_raw(made, fault.replace))
        body = made.body
        if not isinstance(body, dict) or "output" not in body:
            return response_to(made)  # a refusal has nothing to spoil
        if fault.kind == "no_choices":
            made = _without_results(made, body)
        elif fault.kind == "weird_status":
            made = _with_status(made, body, fault.task_status)
        return response_to(made)  # what the other kinds do was done to the work itself

    def _do_later(self, work: Work, delay_s: float) -> None:
        async def later() -> None:
            await asyncio.sleep(delay_s)
            await work()

        task = asyncio.get_running_loop().create_task(later())
        self._later.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._later.discard)


def _replacement(fault: Fault, request_id: str) -> Answer:
    headers = {} if fault.retry_after_s is None else {"retry-after": f"{fault.retry_after_s:g}"}
    if fault.kind == "html":
        return Answer(fault.status or 502, _HTML, headers, "text/html")
    if fault.kind == "garbage":
        return Answer(200, b"\x00this is not the JSON you asked for", headers)
    if fault.kind == "empty":
        return Answer(200, b"" if fault.on == "download" else {}, headers)
    status, code, message = error_of(fault)
    body = {key: value for key, value in (("code", code), ("message", message)) if value}
    return json_answer({**body, "request_id": request_id}, status, headers)


def _without_results(answer: Answer, body: dict[str, Any]) -> Answer:
    dropped = ("choices", "results", "video_url")
    output = {key: value for key, value in body["output"].items() if key not in dropped}
    return replace(answer, body={**body, "output": output})


def _with_raw(answer: Answer, replacements: Mapping[str, str]) -> Answer:
    """Put raw texts into an answer, or into each frame of a stream."""
    if isinstance(answer, EventStream):
        frames = [piece.partition(b"data:") for piece in answer.pieces]
        return replace(answer, pieces=tuple(head + mark + _raw(data, replacements) for head, mark, data in frames))
    return replace(answer, body=_raw(answer.content(), replacements))


def _raw(content: bytes, replacements: Mapping[str, str]) -> bytes:
    """Return JSON with raw texts where the objects that hold them are: a running task has no `usage` yet."""
    try:
        body = json.loads(content)
    except ValueError:
        return content
    raw_texts: dict[str, str] = {}
    for place, raw in replacements.items():
        *way, name = place.split(".")
        holder = body
        for step in way:
            holder = holder.get(step) if isinstance(holder, dict) else None
        if isinstance(holder, dict):
            holder[name] = mark = f"raw-{uuid4().hex}"
            raw_texts[json.dumps(mark)] = raw
    text = json.dumps(body, ensure_ascii=False)
    for mark, raw in raw_texts.items():
        text = text.replace(mark, raw)
    return text.encode("utf-8", "surrogateescape") + content[len(content.rstrip()) :]


def _with_status(answer: Answer, body: dict[str, Any], status: str) -> Answer:
    input_bytes = ("task_id", "submit_time", "scheduled_time")
    output = {key: value for key, value in body["output"].items() if key in input_bytes}
    return replace(answer, body={"request_id": body["request_id"], "output": {**output, "task_status": status}})
