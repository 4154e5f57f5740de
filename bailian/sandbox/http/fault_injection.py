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
from bailian.sandbox.http.answers import Answer, ErrorAnswer
from bailian.sandbox.http.event_stream import EventStream, cut_response, response_to
from bailian.sandbox.http.raw_sockets import Connections, ResetResponse, SilentResponse
from bailian.sandbox.http.refusals import Refusal

DoWork = Callable[[], Awaitable[Answer]]

_HTML = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n"
    b"<hr><center>bailian sandbox</center>\r\n</body>\r\n</html>\r\n"
)
_REPLACING_KINDS = frozenset({"throttle", "status", "top_level_code", "html", "garbage", "empty", "silence"})
"""Kinds that answer something else, or nothing."""

_WORKS_BY_DEFAULT = frozenset({"silence", "garbage", "empty"})
"""Those of them whose request is carried out all the same; `Fault.work` overrides."""


class FaultInjection:
    """Turns work and a fault into a response."""

    def __init__(self, connections: Connections, error_answer: ErrorAnswer) -> None:
        self._connections = connections
        self._error_answer = error_answer

    async def respond(self, fault: Fault | None, accepted_work: DoWork, request_id: str) -> Response:
        """Do the work as the fault allows and answer as it demands.

        A refusal is an answer like any other: a fault loses, delays or cuts it too.
        """

        async def work() -> Answer:
            try:
                return await accepted_work()
            except Refusal as refusal:
                return self._error_answer(refusal.status, refusal.code, refusal.message, request_id)

        if fault is None:
            return response_to(await work())
        kind = fault.kind
        if kind == "reset_before":
            return ResetResponse(self._connections)
        if kind == "reset_during":
            return ResetResponse(self._connections, lambda: _later(work, fault.delay_s))
        if kind == "reset_after":
            await work()
            return ResetResponse(self._connections)
        if kind == "slow":
            await asyncio.sleep(fault.delay_s)
            return response_to(await work())
        if kind == "cut":
            return cut_response(await work(), self._connections)
        return await self._other_answer(fault, work, request_id)

    async def _other_answer(self, fault: Fault, work: DoWork, request_id: str) -> Response:
        if fault.kind in _REPLACING_KINDS:
            if fault.work if fault.work is not None else fault.kind in _WORKS_BY_DEFAULT:
                await work()
            return SilentResponse() if fault.kind == "silence" else response_to(self._replacement(fault, request_id))
        made = await work()
        if fault.kind == "raw":
            return response_to(_with_raw(made, fault.replace))
        body = made.body
        if isinstance(body, dict) and "choices" in body and fault.kind == "no_choices":  # in the shape of OpenAI
            return response_to(replace(made, body={key: value for key, value in body.items() if key != "choices"}))
        if not isinstance(body, dict) or "output" not in body or not isinstance(body["output"], dict):
            return response_to(made)  # a refusal has nothing to spoil
        if fault.kind == "no_choices":
            made = _without_results(made, body)
        elif fault.kind == "weird_status":
            made = _with_status(made, body, fault.task_status)
        return response_to(made)  # what the other kinds do was done to the work itself

    def _replacement(self, fault: Fault, request_id: str) -> Answer:
        headers = {} if fault.retry_after_s is None else {"retry-after": f"{fault.retry_after_s:g}"}
        if fault.kind == "html":
            return Answer(fault.status or 502, _HTML, headers, "text/html")
        if fault.kind == "garbage":
            return Answer(200, b"\x00this is not the JSON you asked for", headers)
        if fault.kind == "empty":
            return Answer(200, b"" if fault.on == "download" else {}, headers)
        answer = self._error_answer(*fault.error(), request_id)
        return replace(answer, headers={**answer.headers, **headers})


async def _later(work: DoWork, delay_s: float) -> None:
    await asyncio.sleep(delay_s)
    await work()


def _without_results(answer: Answer, body: dict[str, Any]) -> Answer:
    dropped = ("choices", "results", "video_url", "audio", "text", "sentence")
    output = {key: value for key, value in body["output"].items() if key not in dropped}
    return replace(answer, body={**body, "output": output})


def _with_raw(answer: Answer, replacements: Mapping[str, str]) -> Answer:
    """Put raw JSON into an answer, or into each frame of a stream."""
    if isinstance(answer, EventStream):
        frames = [piece.partition(b"data:") for piece in answer.pieces]
        return replace(
            answer, pieces=tuple(head + data_field + _raw(data, replacements) for head, data_field, data in frames)
        )
    return replace(answer, body=_raw(answer.content(), replacements))


def _raw(content: bytes, replacements: Mapping[str, str]) -> bytes:
    """Return JSON with raw texts where the objects that hold them are: a running task has no `usage` yet."""
    try:
        body = json.loads(content)
    except ValueError:
        return content
    raw_texts: dict[str, str] = {}
    for path, raw in replacements.items():
        *parents, name = path.split(".")
        holder = body
        for step in parents:
            holder = holder.get(step) if isinstance(holder, dict) else None
        if isinstance(holder, dict):
            holder[name] = placeholder = f"raw-{uuid4().hex}"
            raw_texts[json.dumps(placeholder)] = raw
    text = json.dumps(body, ensure_ascii=False)
    for placeholder, raw in raw_texts.items():
        text = text.replace(placeholder, raw)
    return text.encode("utf-8", "surrogateescape") + content[len(content.rstrip()) :]


def _with_status(answer: Answer, body: dict[str, Any], status: str) -> Answer:
    kept_keys = ("task_id", "submit_time", "scheduled_time")
    output = {key: value for key, value in body["output"].items() if key in kept_keys}
    return replace(answer, body={"request_id": body["request_id"], "output": {**output, "task_status": status}})
