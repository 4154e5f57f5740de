"""The input file of a batch: read line by line, refused with the service's codes (BATCH, ERR; CAP get-invalid-batch)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bailian.sandbox.embeddings.requests import first_text
from bailian.sandbox.text.messages import last_question

LINES_MAX = 50_000
LINE_BYTES_MAX = 6 * 1024**2

TEST_MODEL = "batch-test-model"
"""BATCH: a free dry run that writes nothing of its own."""
TEST_LINES_MAX = 100
TEST_FILE_BYTES_MAX = 1024**2
CHAT = "/v1/chat/completions"
TEST = "/v1/chat/ds-test"
EMBEDDINGS = "/v1/embeddings"
ENDPOINTS = (CHAT, TEST, EMBEDDINGS)

ERRORS_SHOWN = 50
"""How many errors an answer lists at most (a guess)."""


@dataclass(frozen=True)
class FileCheck:
    """What validation found in a file."""

    total: int
    model: str = ""
    question: str = ""
    """Some prompt of it, for the faults."""
    errors: list[dict[str, Any]] = field(default_factory=list)


def lines_of(data: bytes) -> Iterator[bytes]:
    """Yield what is not blank."""
    return (line for line in data.split(b"\n") if line.strip())


@dataclass(frozen=True)
class Batchable:
    """The names that batch files may have, and which of them think unless they are told not to."""

    names: Mapping[str, Collection[str]]
    """By endpoint."""
    thinking: Collection[str] = ()


def check_file(data: bytes, endpoint: str, models: Batchable) -> FileCheck:
    """Validate a file as the service does before it starts. The words, but for the url's, are guesses."""
    total = sum(1 for _ in lines_of(data))
    if not total:
        return FileCheck(0, errors=[_error("empty_file", "The input file is empty.", None, None)])
    checker = _FileChecker(endpoint, models)
    for number, line in enumerate(lines_of(data), 1):
        checker.look(number, line)
    lines_max = TEST_LINES_MAX if checker.model == TEST_MODEL else LINES_MAX
    if total > lines_max:
        message = f"The input file has {total} lines, at most {lines_max} are allowed."
        checker.errors.insert(0, _error("too_many_tasks", message, None, None))
    if checker.model == TEST_MODEL and len(data) > TEST_FILE_BYTES_MAX:
        checker.errors.insert(0, _error("file_too_large", "A test file must not exceed 1 MB.", None, None))
    return FileCheck(total, checker.model, checker.question, checker.errors[:ERRORS_SHOWN])


class _FileChecker:
    """Collects what is wrong while the lines go by."""

    def __init__(self, endpoint: str, models: Batchable) -> None:
        self._endpoint = endpoint
        self._models = models
        self._ids: set[str] = set()
        self.model = ""
        self._thinks: bool | None = None
        self.question = ""
        self.errors: list[dict[str, Any]] = []

    def look(self, number: int, raw: bytes) -> None:
        problem = self._problem(raw)
        if problem is not None:
            self.errors.append(_error(*problem, number))

    def _problem(self, raw: bytes) -> tuple[str, str, str | None] | None:
        if len(raw) > LINE_BYTES_MAX:
            return "line_too_large", "A line must not exceed 6 MB.", None
        try:
            line = json.loads(raw)
        except ValueError:
            line = None
        if not isinstance(line, dict):
            return "invalid_json_line", "This line is not parseable as valid JSON.", None
        custom_id, body = line.get("custom_id"), line.get("body")
        if not isinstance(custom_id, str) or not custom_id:
            return "missing_required_parameter", "Missing required parameter: 'custom_id'.", "custom_id"
        if custom_id in self._ids:
            return "duplicate_custom_id", f"The custom_id '{custom_id}' is not unique in this file.", "custom_id"
        self._ids.add(custom_id)
        if line.get("method") != "POST":
            return "invalid_method", "The method must be 'POST'.", "method"
        if line.get("url") != self._endpoint:
            # CAP get-invalid-batch: word for word.
            return "url_not_found", f"The provided url '{line.get('url')}' is not supported by the Batch API.", "url"
        if not isinstance(body, dict) or not isinstance(body.get("model"), str):
            return "missing_required_parameter", "Missing required parameter: 'body.model'.", "body.model"
        self.question = self.question or last_question(body) or first_text(body)
        return self._model_problem(body["model"]) or self._mode_problem(body)

    def _model_problem(self, model: str) -> tuple[str, str, str | None] | None:
        first, self.model = not self.model, self.model or model
        if model != self.model:
            message = f"The model '{model}' differs from '{self.model}' of the lines before."
            return "mismatched_model", message, "body.model"
        if first and model not in self._models.names[self._endpoint]:
            return "model_not_found", f"The model '{model}' is not supported by the Batch API.", "body.model"
        return None

    def _mode_problem(self, body: Mapping[str, Any]) -> tuple[str, str, str | None] | None:
        """BATCH: one thinking mode a file."""
        said = body.get("enable_thinking")
        thinks = self.model in self._models.thinking if said is None else bool(said)
        if self._thinks is None:
            self._thinks = thinks
        if thinks != self._thinks:
            return "mismatched_thinking_mode", "All lines must have the same thinking mode.", "body.enable_thinking"
        return None


def _error(code: str, message: str, param: str | None, line: int | None) -> dict[str, Any]:
    """CAP get-invalid-batch: the four keys."""
    return {"code": code, "message": message, "param": param, "line": line}
