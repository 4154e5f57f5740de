"""A JSON file → the fields of one request, flat or nested as the service writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bailian.batch.input.documents import whole
from bailian.batch.input.row_schema import flat_fields
from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.text.decoding import Decoded, NotText, read_text
from bailian.text.json_text import loaded
from bailian.types import Notice, read_as

MANY = (".jsonl", ".ndjson", ".csv", ".tsv")
LIST = ".txt"
"""Prompts, one a line, unless it holds JSON."""


def holds_many(path: Path) -> bool:
    """Return whether a file is a batch: lines, a table, a list, or sections such as `image_tasks`."""
    if path.suffix.lower() in MANY:
        return True
    try:
        text = read_text(path).text
    except (OSError, ValueError):
        return False  # whoever reads it as one request says what is wrong
    try:
        value, _ = loaded(text)
    except ValueError:
        return _holds_lines(text) or path.suffix.lower() == LIST
    return isinstance(value, list) or (isinstance(value, dict) and any(key.endswith("_tasks") for key in value))


def _holds_lines(text: str) -> bool:
    """Return whether these are JSON lines, which a pipe cannot say by its name."""
    first, _, rest = text.strip().partition("\n")
    try:
        return bool(rest) and isinstance(loaded(first)[0], dict)
    except ValueError:
        return False


def read_request(path: Path, notices: list[Notice] | None = None) -> dict[str, Any]:
    """Return the flat fields of a file that holds one request; `notices` takes what is to be said about the reading.

    Raises:
        InvalidRequest: not there, not JSON, not one request; with line and column.
    """
    found = _text_of(path)
    if notices is not None:
        notices += read_as(found.remark)
    value, doubled = whole(found.text, str(path))
    if doubled:
        raise InvalidRequest(doubled)
    if not isinstance(value, dict):
        raise InvalidRequest.one("config", tr(f"{path} holds no JSON object", f"{path} 的内容不是 JSON 对象"))
    return flat_fields(value)


def _text_of(path: Path) -> Decoded:
    try:
        return read_text(path)
    except NotText as error:
        raise InvalidRequest.one("config", str(error)) from None
    except OSError as error:
        raise InvalidRequest.unreadable("config", path, error) from None
