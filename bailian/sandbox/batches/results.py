"""One line of a batch answered: a chat completion, or why there is none (CAP get-file-content-compatible; BATCH)."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.batches.input_file import TEST_MODEL, lines_of
from bailian.sandbox.http.refusals import Refusal, output_inspection
from bailian.sandbox.tasks.outcomes import refuse_on_demand
from bailian.sandbox.text.models import TextModel
from bailian.sandbox.text.requests import TextRequest, read_text_request
from bailian.sandbox.text.writer import GeneratedText, generate

_TEST_ANSWER = "This is a test result of the Bailian sandbox; no model was asked."

_SNAKE = {
    "InvalidApiKey": "invalid_api_key",
    "InvalidParameter": "invalid_parameter_error",
    "DataInspectionFailed": "data_inspection_failed",
    "InternalError": "internal_error",
    "ModelNotFound": "model_not_found",
    "Throttling.RateQuota": "limit_requests",
}
"""ERR lists these pairs: native code, compatible code."""


@dataclass(frozen=True)
class Results:
    """Both files of a batch that is over."""

    output: bytes
    errors: bytes
    completed: int
    failed: int


def nested_error(refusal: Refusal) -> dict[str, Any]:
    """ERR, CAP upload-file-error: errors of the compatible paths are nested."""
    kind = "invalid_request_error" if refusal.status < 500 else "internal_error"
    code = _SNAKE.get(refusal.code, refusal.code) or None
    return {"error": {"message": refusal.message, "type": kind, "param": None, "code": code}}


def answer_lines(
    batch_id: str,
    data: bytes,
    models: Mapping[str, TextModel],
    created: int,
    share: float,
    unreached_error: tuple[str, str],
) -> Results:
    """Answer a file's lines, in an order of its own.

    Args:
        share: the part of the lines that was reached; the others fail with `leftover` (code, message).
    """
    lines = [json.loads(line) for line in lines_of(data)]
    reached = round(share * len(lines))
    done: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for number, line in enumerate(lines):
        request_id = _request_id(batch_id, line["custom_id"])
        if number >= reached:
            # Which words the service has for these is not known; OpenAI's own lines look so (a guess).
            error = {"code": unreached_error[0], "message": unreached_error[1]}
            failed.append({"id": request_id, "custom_id": line["custom_id"], "response": None, "error": error})
            continue
        status, body = _answered(line["body"], models, request_id, created)
        response = {"status_code": status, "request_id": request_id, "body": body}
        made = {"id": request_id, "custom_id": line["custom_id"], "response": response, "error": None}
        (done if status == 200 else failed).append(made)
    random.Random(batch_id).shuffle(done)  # noqa: S311  # an order, no secret
    return Results(_jsonl(done), _jsonl(failed), len(done), len(failed))


def _answered(
    body: Mapping[str, Any], models: Mapping[str, TextModel], request_id: str, created: int
) -> tuple[int, dict[str, Any]]:
    name = str(body["model"])
    if name == TEST_MODEL:
        request, generated = None, GeneratedText((), (_TEST_ANSWER,), "stop")
    else:
        try:
            request = _request(name, body, models[name])
        except Refusal as refusal:
            return refusal.status, nested_error(refusal)
        generated = generate(name, request)
    return 200, _completion(name, request, generated, request_id, created)


def _request(name: str, body: Mapping[str, Any], model: TextModel) -> TextRequest:
    """The rules are those of the native call; only the envelope differs."""
    parameters = {key: value for key, value in body.items() if key not in ("model", "messages", "stream")}
    parameters["result_format"] = "message"
    # BATCH: thinking is allowed, although nothing streams.
    parameters["incremental_output"] = bool(body.get("enable_thinking"))
    native = {"model": name, "input": {"messages": body.get("messages")}, "parameters": parameters}
    request = read_text_request(name, model, native, streams=True)
    refuse_on_demand(request.question)
    if "[sandbox:fail]" in request.question:
        raise output_inspection()
    return request


def _completion(
    name: str, request: TextRequest | None, generated: GeneratedText, request_id: str, created: int
) -> dict[str, Any]:
    """CAP get-file-content-compatible, key for key."""
    message = {"role": "assistant", "content": "".join(generated.answer)}
    spent = len(generated.reasoning) + len(generated.answer)
    asked = request.input_tokens if request else 0
    usage: dict[str, Any] = {"completion_tokens": spent, "prompt_tokens": asked, "total_tokens": asked + spent}
    if generated.reasoning:
        message["reasoning_content"] = "".join(generated.reasoning)
        usage["completion_tokens_details"] = {"reasoning_tokens": len(generated.reasoning)}
    return {
        "created": created,
        "usage": usage,
        "model": name,
        "id": f"chatcmpl-{request_id}",
        "choices": [{"finish_reason": generated.finish_reason, "index": 0, "message": message}],
        "object": "chat.completion",
    }


def _request_id(batch_id: str, custom_id: str) -> str:
    return str(uuid.UUID(bytes=hashlib.sha256(f"{batch_id} {custom_id}".encode()).digest()[:16]))


def _jsonl(lines: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines).encode()
