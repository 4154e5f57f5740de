"""The frames of a stream, whatever they bring: results, and the error that ends it (CAP single-generation-*).

Importing this needs starlette.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bailian.sandbox.http.answers import PATIENCE, error_fields
from bailian.sandbox.http.event_stream import EVENT_STREAM, EventStream
from bailian.sandbox.http.refusals import Refusal
from bailian.sandbox.settings import Settings

HEARTBEAT = b":heartbeat\n"
"""Which words the service's own comments have is not known; a client skips them (a guess)."""

Failure = tuple[int, Refusal]
"""After how many frames a stream breaks off, and with which refusal."""


def wants_stream(headers: Mapping[str, str]) -> bool:
    """API, CAP single-generation-text-sse: either header alone is enough."""
    return headers.get("x-dashscope-sse", "").lower() == "enable" or "text/event-stream" in headers.get("accept", "")


def event_stream(
    bodies: Iterable[dict[str, Any]],
    failure: Failure | None,
    request_id: str,
    settings: Settings,
    *,
    lasts_s: float = 0.0,
) -> EventStream:
    """Return the answer whose frames have these bodies; a failure cuts them off with an error frame."""
    frames = [_frame(number, body) for number, body in enumerate(bodies, 1)]
    if failure is not None:
        frames = [*frames[: failure[0]], _error_frame(failure, len(frames), request_id)]
    end = b"\n" if settings.sse_blank_lines else b""
    comment = HEARTBEAT if settings.sse_heartbeats else b""
    pieces = tuple(comment + frame + end for frame in frames)
    headers = {"x-request-id": request_id, **PATIENCE}
    return EventStream(200, b"", headers, EVENT_STREAM, pieces=pieces, pause_s=max(0.0, lasts_s) / len(pieces))


def _frame(number: int, body: dict[str, Any], *, event: str = "result", status: int = 200) -> bytes:
    """No space after a colon, the status as a comment."""
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return f"id:{number}\nevent:{event}\n:HTTP_STATUS/{status}\ndata:{data}\n".encode()


def _error_frame(failure: Failure, frames: int, request_id: str) -> bytes:
    """CAP parameter-error-sse."""
    after, refusal = failure
    body = {**error_fields(refusal.code, refusal.message), "request_id": request_id}
    return _frame(min(after, frames) + 1, body, event="error", status=refusal.status)
