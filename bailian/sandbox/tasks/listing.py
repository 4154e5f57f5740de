"""The query of a task list: filters, pages, at most 24 hours (TASKS)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bailian.sandbox.http.refusals import off_specification
from bailian.sandbox.tasks.replies import china_moment
from bailian.sandbox.tasks.task_store import LIFE_S

STATUSES = ("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN")


@dataclass(frozen=True)
class ListQuery:
    """Which tasks a list shows; times are epoch seconds."""

    begin: float
    end: float
    model: str | None
    status: str | None
    task_id: str | None
    page_no: int
    page_size: int


def read_list_query(query: Mapping[str, str], now: float, largest_page: int) -> ListQuery:
    """Read the query of a list.

    Raises:
        Refusal: a value that makes no sense.
    """
    begin, end = _span(query.get("start_time"), query.get("end_time"), now)
    status = query.get("status") or None
    if status is not None and status not in STATUSES:
        raise off_specification(f"status must be one of {', '.join(STATUSES)}")
    return ListQuery(
        begin=max(begin, now - LIFE_S),
        end=end,
        model=query.get("model_name") or None,
        status=status,
        task_id=query.get("task_id") or None,
        page_no=positive_integer(query, "page_no", 1),
        page_size=min(positive_integer(query, "page_size", 10), largest_page),
    )


def positive_integer(query: Mapping[str, str], name: str, default: int) -> int:
    """Return a number of a query.

    Raises:
        Refusal: it is none.
    """
    value = query.get(name)
    if not value:
        return default
    if not value.isdecimal() or not 1 <= int(value) <= 10**9:
        raise off_specification(f"{name} must be a positive integer")
    return int(value)


def _span(start: str | None, end: str | None, now: float) -> tuple[float, float]:
    """TASKS: neither → the last 24 hours; one → 24 hours after or before it; zone UTC+8 (likely)."""
    begin_at = _moment(start, "start_time") if start else None
    end_at = _moment(end, "end_time") + 0.999 if end else None
    if begin_at is not None and end_at is None:
        return begin_at, begin_at + LIFE_S
    if begin_at is None:
        end_at = now if end_at is None else end_at
        return end_at - LIFE_S, end_at
    assert end_at is not None  # noqa: S101  # both are given
    if end_at < begin_at:
        raise off_specification("end_time must not be before start_time")
    if end_at - begin_at > LIFE_S + 1:
        raise off_specification("the span of start_time and end_time must not exceed 24 hours")
    return begin_at, end_at


def _moment(text: str, name: str) -> float:
    try:
        return china_moment(text)
    except ValueError:
        raise off_specification(f"{name} must be YYYYMMDDhhmmss") from None
