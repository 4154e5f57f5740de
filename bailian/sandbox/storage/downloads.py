"""The object store: serves a result's bytes to whoever holds a signed link, whole or in ranges."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import formatdate

from starlette.requests import Request

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer
from bailian.sandbox.http.endpoints import Call
from bailian.sandbox.state import State
from bailian.sandbox.storage.links import byte_range, oss_error_xml
from bailian.sandbox.tasks.task_store import Task

# One pool for all sandboxes of a process; its threads start with the first picture.
_DRAWERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sandbox-drawer")

HTML_PAGE = b"<!DOCTYPE html>\n<html><body>This is a page of the sandbox, not the picture.</body></html>\n"


@dataclass(frozen=True)
class Result:
    """A file that can be made, again and again the same."""

    key: Hashable
    media_type: str
    make: Callable[[], bytes]


ResultOf = Callable[[Task, int, tuple[int, int] | None], Result]
"""Returns a task's result by its index; a size instead of the requested one is a fault's."""


def result_path(task: Task, index: int) -> str:
    """Return the path of a result's link."""
    suffix = "mp4" if task.request.kind == "video" else "png"
    return f"/results/{task.task_id}/{index}.{suffix}"


class Downloads:
    """Draws when a link is first followed: a batch that never downloads costs nothing."""

    def __init__(self, state: State, result_of: ResultOf) -> None:
        self._state = state
        self._result_of = result_of

    async def result(self, call: Call, task_id: str, index: int, fault: Fault | None) -> Answer:
        """Answer a GET of a result link."""
        refusal = link_refusal(self._state, call, fault)
        if refusal is not None:
            return refusal
        task = self._state.tasks.get(task_id)
        if task is None or task.status == "UNKNOWN" or not 0 <= index < task.pictures:
            return no_such_key(call)
        if fault is not None and fault.kind == "html_file":
            return Answer(200, HTML_PAGE, {}, "text/html")
        size = fault.drawn_size() if fault is not None and fault.kind == "wrong_size" else None
        result = self._result_of(task, index, size)
        data = await self._state.drawn.get(result.key, result.make, _DRAWERS)
        return file_answer(call.request, data, result.media_type, task.ended, call.request_id)


def link_refusal(state: State, call: Call, fault: Fault | None) -> Answer | None:
    """Return why a link is refused, or None; the fault `expired` ends it for ever."""
    query = dict(call.request.query_params)
    if fault is not None and fault.kind == "expired":
        state.links.revoke(query)
    problem = state.links.problem(call.request.method, call.path, query, state.clock())
    return oss_error(403, *problem, call) if problem is not None else None


def no_such_key(call: Call) -> Answer:
    return oss_error(404, "NoSuchKey", "The specified key does not exist.", call)


def file_answer(request: Request, data: bytes, media_type: str, modified: float, request_id: str) -> Answer:
    """Whole file, part of it, or 416; `If-Range` with another ETag gets the whole."""
    etag = f'"{hashlib.md5(data, usedforsecurity=False).hexdigest().upper()}"'
    headers = {
        "accept-ranges": "bytes",
        "etag": etag,
        "last-modified": formatdate(modified, usegmt=True),
        "x-oss-request-id": request_id.replace("-", "").upper()[:24],
    }
    wanted = request.headers.get("range")
    if request.headers.get("if-range", etag) not in (etag, headers["last-modified"]):
        wanted = None
    try:
        part = byte_range(wanted, len(data))
    except ValueError:
        return Answer(416, b"", {**headers, "content-range": f"bytes */{len(data)}"}, media_type)
    if part is None:
        return Answer(200, data, headers, media_type)
    first, last = part
    headers["content-range"] = f"bytes {first}-{last}/{len(data)}"
    return Answer(206, data[first : last + 1], headers, media_type)


def oss_error(status: int, code: str, message: str, call: Call) -> Answer:
    host = call.request.headers.get("host", "")
    xml = oss_error_xml(code, message, call.request_id.replace("-", "").upper()[:24], host)
    return Answer(status, xml.encode(), {}, "application/xml")
