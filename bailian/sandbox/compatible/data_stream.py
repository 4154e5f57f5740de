"""The streams of the compatible routes: `data:` lines alone, closed by `[DONE]` (DEF), or events with names.

Importing this needs starlette.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from bailian.sandbox.compatible.errors import error_body
from bailian.sandbox.http.event_stream import EVENT_STREAM, EventStream
from bailian.sandbox.http.frames import HEARTBEAT, Failure
from bailian.sandbox.settings import Settings

DONE = b"data: [DONE]\n\n"


def data_stream(
    bodies: Iterable[dict[str, Any]], failure: Failure | None, request_id: str, settings: Settings, *, lasts_s: float
) -> EventStream:
    """Return the answer whose lines have these bodies; a failure cuts them off with an error, and nothing follows."""
    lines = [_line(body) for body in bodies]
    if failure is None:
        lines.append(DONE)
    else:
        lines = [*lines[: failure[0]], _line(error_body(failure[1], request_id))]
    return _stream(lines, request_id, settings, lasts_s)


def named_stream(
    events: Iterable[dict[str, Any]], request_id: str, settings: Settings, *, lasts_s: float
) -> EventStream:
    """Return the answer with these events, each under the name that its `type` is."""
    lines = [f"event: {event['type']}\n".encode() + _line(event) for event in events]
    return _stream(lines, request_id, settings, lasts_s)


def _stream(lines: list[bytes], request_id: str, settings: Settings, lasts_s: float) -> EventStream:
    comment = HEARTBEAT + b"\n" if settings.sse_heartbeats else b""
    pieces = tuple(comment + line for line in lines)
    headers = {"x-request-id": request_id}
    return EventStream(200, b"", headers, EVENT_STREAM, pieces=pieces, pause_s=max(0.0, lasts_s) / len(pieces))


def _line(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
