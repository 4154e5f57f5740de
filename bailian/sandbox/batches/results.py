"""The result files of a batch that is over: its lines answered, or why not (CAP get-file-content-compatible; BATCH)."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.batches.input_file import lines_of
from bailian.sandbox.compatible.errors import nested_error
from bailian.sandbox.http.refusals import Refusal

Answer = Callable[[Mapping[str, Any], str, int], dict[str, Any]]
"""Answers a line, given its request id and when it was made; it raises a refusal."""


@dataclass(frozen=True)
class Results:
    """Both files of a batch that is over."""

    output: bytes
    errors: bytes
    completed: int
    failed: int


def answer_lines(
    batch_id: str,
    data: bytes,
    answer: Answer,
    created: int,
    share: float,
    unreached_error: tuple[str, str],
) -> Results:
    """Answer a file's lines, in an order of its own.

    Args:
        share: the part of the lines that was reached; the others fail with `unreached_error` (code, message).
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
        try:
            status, body = 200, answer(line, request_id, created)
        except Refusal as refusal:
            status, body = refusal.status, nested_error(refusal)
        response = {"status_code": status, "request_id": request_id, "body": body}
        made = {"id": request_id, "custom_id": line["custom_id"], "response": response, "error": None}
        (done if status == 200 else failed).append(made)
    random.Random(batch_id).shuffle(done)  # noqa: S311  # an order, no secret
    return Results(_jsonl(done), _jsonl(failed), len(done), len(failed))


def _request_id(batch_id: str, custom_id: str) -> str:
    return str(uuid.UUID(bytes=hashlib.sha256(f"{batch_id} {custom_id}".encode()).digest()[:16]))


def _jsonl(lines: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines).encode()
