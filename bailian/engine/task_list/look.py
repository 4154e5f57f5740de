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
# Tasks of other programs stand among ours: so many pages more than ours would fill are read at most.
PAGES_MORE = 3
PAGES_MAX = 100


@dataclass
class Look:
    """What the pages have shown so far."""

    began_s: float
    status: str | None
    """The list is asked for tasks of this status only: who ran before and is missing is over."""
    expected: dict[str, Watched]
    """The tasks that it can be expected to show."""
    rows_a_page: int
    """As known from earlier looks, then as the service really gives."""
    page_no: int = 1
    done: bool = False
    found: list[Watched] = field(default_factory=list)
    """Those that turned out to be over."""
    is_filtered: bool = True
    """No row had another status than it was asked for."""
    _seen: set[str] = field(default_factory=set)
    _rows: int = 0
    _in_order: bool = True
    _last_created_s: float = math.inf

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
        if self.status is not None and self.is_filtered and (self._in_order or (is_last and self.page_no == 1)):
            self._miss(lower_s, upper_s, is_whole=is_last and self.page_no == 1)
        if len(self._seen) == before:
            is_last = True  # the same page again, or none
        self.done = is_last or self.page_no >= self._pages_max or self._shows_all
        if is_last and self.status is not None and self.is_filtered and not self._in_order:
            self._miss(-math.inf, math.inf, is_whole=True)
        self.page_no += 1

    def end(self) -> None:
        """Count the looks that have not shown a task."""
        for task_id, one in self.expected.items():
            if task_id in self._seen:
                one.unseen = 0
            elif self.status is None:
                one.unseen += 1

    def _take_row(self, row: ListedTask, one: Watched | None, asked_s: float) -> None:
        self._seen.add(row.task_id)
        self.is_filtered = self.is_filtered and self.status in (None, row.status)
        if row.created_at_s is None or row.created_at_s > self._last_created_s:
            self._in_order = False
        else:
            self._last_created_s = row.created_at_s
        if one is None:
            return
        one.created_s = row.created_at_s
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
        stamps = [row.created_at_s for row in rows if row.created_at_s is not None]
        upper_s = math.inf if self.page_no == 1 else max(stamps, default=-math.inf)
        return (-math.inf if is_last else min(stamps, default=math.inf)), upper_s

    def _miss(self, lower_s: float, upper_s: float, *, is_whole: bool) -> None:
        """Find the tasks that ran, and that a page should show now and does not."""
        for task_id, one in self.expected.items():
            if one.runs and not one.over and task_id not in self._seen:
                created_s = one.created_s
                if is_whole or (created_s is not None and lower_s < created_s < upper_s):
                    self._find(one)

    @property
    def _pages_max(self) -> int:
        return min(PAGES_MAX, PAGES_MORE + math.ceil(2 * len(self.expected) / self.rows_a_page))

    @property
    def _shows_all(self) -> bool:
        """Return whether older pages can show nothing that is waited for."""
        waited = [one for task_id, one in self.expected.items() if task_id not in self._seen and not one.over]
        if self.status is not None:
            waited = [one for one in waited if one.runs]
        return not waited or (
            self._in_order and all(one.created_s is not None and one.created_s > self._last_created_s for one in waited)
        )
