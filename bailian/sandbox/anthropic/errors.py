"""Errors in the shape of Anthropic. That the route has it is what its clients need; the service's own words are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.sandbox.compatible.errors import nested_error
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.refusals import Refusal

_TYPES: Mapping[int, str] = {
    401: "authentication_error", 403: "permission_error", 404: "not_found_error", 413: "request_too_large",
    429: "rate_limit_error", 503: "overloaded_error",
}  # fmt: skip


def error_body(refusal: Refusal, request_id: str) -> dict[str, Any]:
    kind = _TYPES.get(refusal.status, "invalid_request_error" if refusal.status < 500 else "api_error")
    message = nested_error(refusal)["error"]["message"]
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}


def anthropic_error(status: int, code: str, message: str, request_id: str) -> Answer:
    headers = {"request-id": request_id}
    return json_answer(error_body(Refusal(status, code, message), request_id), status, headers)


def key_of(headers: Mapping[str, str]) -> str | None:
    """Page anthropic-api-messages: `x-api-key`, or a Bearer as everywhere else."""
    key = headers.get("x-api-key")
    return f"Bearer {key}" if key else headers.get("authorization")
