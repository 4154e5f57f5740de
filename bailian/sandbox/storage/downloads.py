"""The object store: serves a result's bytes to whoever holds a signed link, whole or in ranges."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

from starlette.requests import Request

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer
from bailian.sandbox.state import State
from bailian.sandbox.storage.links import byte_range, oss_error_xml
from bailian.sandbox.storage.results import Result, result_of

KEPT_RESULTS = 16
"""Drawn results kept in memory, so that a resumed download does not draw again."""

# One pool for all sandboxes of a process; its threads start with the first picture.
_PAINTERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sandbox-painter")

HTML_PAGE = b"<!DOCTYPE html>\n<html><body>This is a page of the sandbox, not the picture.</body></html>\n"


class Downloads:
    """Draws when a link is first followed: a batch that never downloads costs nothing."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._drawn: OrderedDict[Hashable, asyncio.Future[bytes]] = OrderedDict()

    async def answer(self, request: Request, task_id: str, index: int, fault: Fault | None, request_id: str) -> Answer:
        """Answer a GET of a result link."""
        query = dict(request.query_params)
        if fault is not None and fault.kind == "expired":
            self._state.links.revoke(query)
        host = request.headers.get("host", "")
        problem = self._state.links.problem(request.method, request.url.path, query, self._state.clock())
        if problem is not None:
            return oss_error(403, *problem, request_id, host)
        task = self._state.tasks.get(task_id)
        if task is None or task.status == "UNKNOWN" or not 0 <= index < task.pictures:
            return oss_error(404, "NoSuchKey", "The specified key does not exist.", request_id, host)
        if fault is not None and fault.kind == "html_file":
            return Answer(200, HTML_PAGE, {}, "text/html")
        size = fault.drawn_size() if fault is not None and fault.kind == "wrong_size" else None
        result = result_of(task, index, size, self._state.store)
        return file_answer(request, await self._bytes(result), result.media_type, task.ended, request_id)

    async def _bytes(self, result: Result) -> bytes:
        drawing = self._drawn.get(result.key)
        if drawing is None:
            drawing = asyncio.get_running_loop().run_in_executor(_PAINTERS, result.make)
            self._drawn[result.key] = drawing
            if len(self._drawn) > KEPT_RESULTS:
                self._drawn.popitem(last=False)
        try:
            # Shielded: two downloads may wait for one drawing, and one of them may go.
            return await asyncio.shield(drawing)
        except Exception:
            self._drawn.pop(result.key, None)
            raise


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


def oss_error(status: int, code: str, message: str, request_id: str, host: str) -> Answer:
    xml = oss_error_xml(code, message, request_id.replace("-", "").upper()[:24], host)
    return Answer(status, xml.encode(), {}, "application/xml")
