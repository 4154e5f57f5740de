"""One HTTP answer before it is sent, and the log of requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

LOG_BODY_BYTES = 65536
"""A bigger body is logged as its length: ten thousand pictures in a log would not fit in memory."""


PATIENCE = {"x-dashscope-timeout": "298"}
"""CAP: what the gateway says about its patience, with pictures, and for qwen-max and qwen-plus since 2025-07."""


@dataclass(frozen=True)
class Answer:
    """Status, headers and a body: an object (sent as JSON) or bytes."""

    status: int
    body: dict[str, Any] | bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True)
class LoggedRequest:
    """One request as it arrived, and the status it was answered with."""

    method: str
    path: str
    status: int
    """0: no answer was given (reset or silence)."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any
    """The JSON value, or the text when it is no JSON; None when empty."""
    query: Mapping[str, str]
    kind: str
    """"submit", "sync", "poll", "list", "cancel", "download" or "other"."""
    at: float
    """When the answer was ready, epoch seconds."""


def json_answer(body: dict[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer as the gateway does: the request id is also a header (CAP response headers)."""
    request_id = str(body.get("request_id", ""))
    own = {"x-request-id": request_id} if request_id else {}
    return Answer(status, body, {**own, **(headers or {})})


ErrorAnswer = Callable[[int, str, str, str], Answer]
"""Makes the answer of a status, a code, a message and a request id."""


def flat_error(status: int, code: str, message: str, request_id: str) -> Answer:
    """CAP auth-error, parameter-error: flat, never nested. An empty code or message is left out."""
    return json_answer({**error_fields(code, message), "request_id": request_id}, status)


def error_fields(code: str, message: str) -> dict[str, str]:
    """Return `code` and `message`, without what is empty."""
    return {key: value for key, value in (("code", code), ("message", message)) if value}


def read_json(raw: bytes) -> Any:
    """Return the JSON value; None when it is none."""
    try:
        return json.loads(raw)
    except ValueError:
        return None


def body_for_log(raw: bytes) -> Any:
    if not raw:
        return None
    if len(raw) > LOG_BODY_BYTES:
        return f"({len(raw)} bytes)"
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")
