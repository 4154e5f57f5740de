"""A JSON file → the fields of one request, flat or nested as the service writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bailian.batch.forms import flat_fields
from bailian.errors import InvalidRequest
from bailian.language import say

MANY = (".jsonl", ".ndjson", ".csv", ".tsv")


def holds_many(path: Path) -> bool:
    """Return whether a file is a batch: lines, a table, a list, or sections such as `image_tasks`."""
    if path.suffix.lower() in MANY:
        return True
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        return False  # whoever reads it as one request says what is wrong
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _holds_lines(text)
    return isinstance(value, list) or (isinstance(value, dict) and any(key.endswith("_tasks") for key in value))


def _holds_lines(text: str) -> bool:
    """Return whether these are JSON lines, which a pipe cannot say by its name."""
    first, _, rest = text.strip().partition("\n")
    try:
        return bool(rest) and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def read_request(path: Path) -> dict[str, Any]:
    """Return the flat fields of a file that holds one request.

    Raises:
        InvalidRequest: not there, not JSON, not one request; with line and column.
    """
    value = _read_json(path)
    if not isinstance(value, dict):
        raise InvalidRequest.one("config", say(f"{path} holds no JSON object", f"{path} 的内容不是 JSON 对象"))
    return flat_fields(value)


def _read_json(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest.one(
            "config", say(f"{path} is not UTF-8: save it as UTF-8", f"{path} 不是 UTF-8 编码，请另存为 UTF-8")
        ) from None
    except OSError as error:
        raise InvalidRequest.one(
            "config", say(f"cannot read {path}: {error.strerror}", f"无法读取 {path}：{error.strerror}")
        ) from None
    try:
        return json.loads(text, object_pairs_hook=_no_twins)
    except RecursionError:
        raise InvalidRequest.one("config", say(f"{path} is nested too deeply", f"{path} 嵌套过深")) from None
    except json.JSONDecodeError as error:
        raise InvalidRequest.one(
            "config",
            say(
                f"{path} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}",
                f"{path} 不是合法的 JSON：第 {error.lineno} 行第 {error.colno} 列：{error.msg}",
            ),
        ) from None
    except ValueError as error:  # a number with thousands of digits
        raise InvalidRequest.one("config", f"{path}: {error}") from None


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON lets a field stand twice and keeps the last; a paid request should not be read that way."""
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidRequest.one(twice, say("stands twice in the same object", "在同一对象中出现两次"))
    return value
