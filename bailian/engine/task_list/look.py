"""One look at the task list, page by page, newest first. Nothing that the vendor does not say is taken for granted: how many
rows a page has, in which order they are, and whether the list grows meanwhile shows in the pages themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from bailian.engine.task_list.watched import OVER, Watched
from bailian.service.client import ListedTask, TaskPage

RUNNING = "RUNNING"
PAGES_MAX = 100


@dataclass
class Look:
    """What the pages have shown so far."""

    began_s: float
    status: str | None
    """The list is asked for tasks of this status only: who ran before and is missing is over."""
    expected: dict[str, Watched]
    """The tasks that it can be expected to show."""
    pages_max: int
    """Where the list is in no order, or has not shown them yet: so many pages are read for them at most."""
    rows_a_page: int
    """As known from earlier looks, then as the service really gives."""
    page_no: int = 1
    done: bool = False
    found: list[Watched] = field(default_factory=list)
    """Those that turned out to be over."""
    in_order: bool = True
    """Newest first, as far as was read."""
    is_filtered: bool = True
    """No row had another status than it was asked for."""
    _waited: dict[str, Watched] = field(init=False)
    """Those of the expected that no page has shown yet."""
    _seen: set[str] = field(default_factory=set)
    _rows: int = 0
    _oldest_s: float = math.inf

    def __post_init__(self) -> None:
        self._waited = dict(self.expected)

    def take(self, page: TaskPage, watched: Mapping[str, Watched], asked_s: float) -> None:
        """Read the next page; `asked_s` is when it was asked for."""
        before = len(self._seen)
        for row in page.rows:
            self._take_row(row, watched.get(row.task_id), asked_s)
        self._rows += len(page.rows)
        is_last = not page.rows or (not page.full and self._rows >= page.total)
        if not is_last:
            self.rows_a_page = len(page.rows) if self.page_no == 1 else max(self.rows_a_page, len(page.rows))
        lower_s, upper_s = self._span(page.rows, is_last)
        is_whole = is_last and self.page_no == 1
        if self.status is not None and self.is_filtered and (self.in_order or is_whole):
            self._miss(lower_s, upper_s, is_whole=is_whole)
        if len(self._seen) == before:
            is_last = True  # the same page again, or none
        self.done = is_last or self._is_enough()
        self.page_no += 1

    def end(self) -> list[Watched]:
        """Count the looks that have not shown a task; return those that are not to be expected any more."""
        if self.status is not None:
            return []
        # Pages in no order show now one task, now another: who was shown once will be again.
        missing = [one for one in self._waited.values() if self.in_order or one.created_s is None]
        for one in missing:
            one.unseen += 1
        return [one for one in missing if not one.is_listed]

    @property
    def is_blind(self) -> bool:
        """Return whether it showed none of the tasks that it should have shown."""
        return self.status is None and bool(self.expected) and len(self._waited) == len(self.expected)

    def _take_row(self, row: ListedTask, one: Watched | None, asked_s: float) -> None:
        self.is_filtered = self.is_filtered and self.status in (None, row.status)
        self._seen.add(row.task_id)
        self._waited.pop(row.task_id, None)
        if one is None:
            return
        one.created_s, one.unseen = row.created_at_s, 0
        if row.status in OVER:
            self._find(one)
        else:
            one.alive_s, one.runs = max(one.alive_s, asked_s), row.status == RUNNING

    def _find(self, one: Watched) -> None:
        if not one.over:
            one.over = True
            self.found.append(one)

    def _span(self, rows: list[ListedTask], is_last: bool) -> tuple[float, float]:
        """Return between which times of creation a page in order shows every task."""
        stamps = [math.inf if row.created_at_s is None else row.created_at_s for row in rows]
        # New tasks push others to the next page, so pages overlap; each by itself is in order all the same.
        self.in_order = (
            self.in_order
            and math.inf not in stamps
            and stamps == sorted(stamps, reverse=True)
            and stamps[-1:] <= [self._oldest_s]
        )
        upper_s = math.inf if self.page_no == 1 else max(stamps, default=-math.inf)
        self._oldest_s = min(stamps, default=self._oldest_s)
        return (-math.inf if is_last else self._oldest_s), upper_s

    def _miss(self, lower_s: float, upper_s: float, *, is_whole: bool) -> None:
        """Find the tasks that ran, and that a page should show now and does not."""
        for one in self._waited.values():
            created_s = one.created_s
            if one.runs and (is_whole or (created_s is not None and lower_s < created_s < upper_s)):
                self._find(one)

    def _is_enough(self) -> bool:
        """Return whether older pages are not worth their queries."""
        waited = [one for one in self._waited.values() if not one.over and (one.runs or self.status is None)]
        if not waited or self.page_no >= PAGES_MAX:
            return True
        shown_before_s = [one.created_s for one in waited if one.created_s is not None]
        if self.in_order and shown_before_s and min(shown_before_s) < self._oldest_s:
            return False  # it is known to stand further down
        return (self.in_order and len(shown_before_s) == len(waited)) or self.page_no >= self.pages_max
