"""The object store: serves a result's bytes to whoever holds a signed link, whole or in ranges."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import formatdate

from starlette.requests import Request

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer
from bailian.sandbox.http.endpoints import Call
from bailian.sandbox.http.refusals import Refusal
from bailian.sandbox.state import State
from bailian.sandbox.storage.links import byte_range, oss_error, oss_id
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


ResultOf = Callable[[Task], Awaitable[Result | None]]
"""Says what is behind a link, if anything is."""


def result_path(task: Task, index: int) -> str:
    """Return the path of a result's link."""
    suffix = "mp4" if task.request.kind == "film" else "png"
    return f"/results/{task.task_id}/{index}.{suffix}"


async def follow_link(state: State, call: Call, fault: Fault | None, result_of: ResultOf) -> Answer:
    """Answer a GET of a signed link. The file is made now: a batch that never downloads costs nothing."""
    query = dict(call.request.query_params)
    if fault is not None and fault.kind == "expired":
        state.links.revoke(query)
    refusal = state.links.refusal(call.request.method, call.path, query, state.clock())
    if refusal is not None:
        return _refused(refusal, call)
    task = state.tasks.get(call.param("task_id"))
    result = await result_of(task) if task is not None else None
    if task is None or result is None:
        return _refused(Refusal(404, "NoSuchKey", "The specified key does not exist."), call)
    if fault is not None and fault.kind == "html_file":
        return Answer(200, HTML_PAGE, {}, "text/html")
    data = await state.drawn.get(result.key, result.make, _DRAWERS)
    return file_answer(call.request, data, result.media_type, task.ended, call.request_id)


def _refused(refusal: Refusal, call: Call) -> Answer:
    return oss_error(refusal, oss_id(call.request_id), call.request.headers.get("host", ""))


def file_answer(request: Request, data: bytes, media_type: str, modified: float, request_id: str) -> Answer:
    """Whole file, part of it, or 416; `If-Range` with another ETag gets the whole."""
    etag = f'"{hashlib.md5(data, usedforsecurity=False).hexdigest().upper()}"'
    headers = {
        "accept-ranges": "bytes",
        "etag": etag,
        "last-modified": formatdate(modified, usegmt=True),
        "x-oss-request-id": oss_id(request_id),
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
