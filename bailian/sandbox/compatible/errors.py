"""Errors of the compatible routes: nested, with codes of their own (ERR; CAP upload-file-error).

Key to the sources: OBS are bodies of the real service that public projects quote in their reports and tests.
"""

from __future__ import annotations

from typing import Any

from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.refusals import ERROR_URL, Refusal, not_imitated
from bailian.sandbox.served_models import ServedModels

_LACKED = (
    "/compatible-mode/v1/completions",
    "/compatible-mode/v1/images/",
    "/compatible-mode/v1/audio/",
    "/compatible-mode/v1/conversations",
    "/compatible-mode/v1/responses/",
    "/compatible-mode/v1/rerank",
    "/apps/anthropic/v1/messages/count_tokens",
)
"""Routes that are not here, or begin so: the vendor's page on completing code by a prefix
(help.aliyun.com/zh/model-studio/qwen-coder) has the first; that it has the others of these protocols is a guess, and a
client is told no lie by "not imitated"."""

ALGO = "<400> InternalError.Algo.InvalidParameter: "
"""OBS: what stands before the words of the inference engine."""

_PAGE = ERROR_URL.partition("#")[0]
_INVALID, _INTERNAL = "invalid_request_error", "internal_error"

_CODES = {
    "InvalidApiKey": "invalid_api_key",
    "InvalidParameter": "invalid_parameter_error",
    "DataInspectionFailed": "data_inspection_failed",
    "InternalError": "internal_error",
    "ModelNotFound": "model_not_found",
    "AccessDenied": "access_denied",
    "Throttling.RateQuota": "limit_requests",
    "Throttling.BurstRate": "limit_burst_rate",
    "Throttling.AllocationQuota": "insufficient_quota",
}
"""ERR lists these pairs: native code, compatible code."""

_OWN_TYPES = frozenset(
    {"limit_requests", "limit_burst_rate", "insufficient_quota", "data_inspection_failed", "Arrearage",
     "AllocationQuota.FreeTierOnly"}
)  # fmt: skip
"""OBS: codes that are their own type."""

_SENTENCES = {
    "Invalid API-key provided.": f"Incorrect API key provided. For details, see: {_PAGE}#apikey-error",
    "No API-key provided.": "You didn't provide an API key. You need to provide your API key in an Authorization header "
    "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
    "Requests rate limit exceeded, please try again later.": "You have exceeded your current request limit. "
    f"For details, see: {_PAGE}#rate-limit",
    'Required parameter "model" missing from request.': "you must provide a model parameter",
}
"""OBS: the same refusals in the words of these routes (the last one is second hand)."""


def nested_error(refusal: Refusal) -> dict[str, Any]:
    code = _CODES.get(refusal.code, refusal.code) or None
    kind = code if code in _OWN_TYPES else _INVALID if refusal.status < 500 else _INTERNAL
    message = _SENTENCES.get(refusal.message, refusal.message)
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def error_body(refusal: Refusal, request_id: str) -> dict[str, Any]:
    """OBS: chat and vectors tell the request beside the error; files and batches do not (CAP upload-file-error)."""
    return {**nested_error(refusal), "request_id": request_id}


def compatible_error(status: int, code: str, message: str, request_id: str) -> Answer:
    return json_answer(error_body(Refusal(status, code, message), request_id), status)


def file_error(status: int, code: str, message: str, request_id: str) -> Answer:
    """CAP upload-file-error."""
    return json_answer(nested_error(Refusal(status, code, message)), status, {"x-request-id": request_id})


def no_such_model(name: str) -> Refusal:
    """OBS: 404 with the name in it."""
    return Refusal(404, "ModelNotFound", f"The model `{name}` does not exist or you do not have access to it.")


def missing_model(models: ServedModels, name: str) -> Refusal:
    """Return why a name is none of these routes' models: misspelt, or one that only the real service has."""
    return not_imitated(f"the model {name}") if models.is_lacked(name) else no_such_model(name)


def nothing_there(method: str, path: str) -> Refusal:
    """Which words the gateway has for an unknown path is not known; the shape is that of its neighbours."""
    if path.startswith(_LACKED):
        return not_imitated(f"{method} {path}")
    return Refusal(404, "NotFound", f"There is nothing at {method} {path}.")
