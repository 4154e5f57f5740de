"""What the two customization routes share: an action in `input`, pages, times (SDK, CLONE, HOT)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from bailian.sandbox.http.refusals import Refusal, off_specification

PAGE_SIZE = 10
MAX_PAGE_SIZE = 1000
_CHINA = timezone(timedelta(hours=8))

Row = TypeVar("Row")


def action_of(inputs: Mapping[str, Any], allowed: Sequence[str]) -> str:
    action = inputs.get("action")
    if action not in allowed:
        raise off_specification(f"action must be one of {', '.join(allowed)}")
    return str(action)


def check_prefix(inputs: Mapping[str, Any]) -> str:
    prefix = inputs.get("prefix")
    if not isinstance(prefix, str) or re.fullmatch(r"[A-Za-z0-9]{1,10}", prefix) is None:
        raise off_specification("prefix must have 1 to 10 letters and digits")
    return prefix


def page_of(inputs: Mapping[str, Any]) -> tuple[int, int]:
    """Return which page, from 0, and how many rows it has."""
    index, size = inputs.get("page_index", 0), inputs.get("page_size", PAGE_SIZE)
    for value, least, most in ((index, 0, 10**6), (size, 1, MAX_PAGE_SIZE)):
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise off_specification("page_index or page_size is out of range")
    return index, size


def listed(rows: Sequence[Row], index: int, size: int) -> Sequence[Row]:
    return rows[index * size : (index + 1) * size]


def moment(epoch: float) -> str:
    """Times of these answers have no fraction and no zone."""
    return datetime.fromtimestamp(epoch, _CHINA).strftime("%Y-%m-%d %H:%M:%S")


def no_such_resource() -> Refusal:
    return Refusal(400, "BadRequest.ResourceNotExist", "The Required resource not exist")  # ERR
