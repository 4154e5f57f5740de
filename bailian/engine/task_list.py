"""Many tasks at once: one page of the account's task list tells of a hundred, where a query tells of one.

The list names no results, so a task that is over is still asked for; but only then. It is read no more often than the
queries' limit leaves room for, by whichever job comes first. What a page shows counts at once: with thousands of tasks
the last page comes many seconds after the first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from bailian.errors import ServiceError, TransportError
from bailian.service.client import ListedTask

# Below this many waiting tasks, asking for each at its expected end needs fewer queries.
FROM_TASKS = 200
EVERY_S = 4.0
LOOK_S = 1.0
REST_S = 60.0
# A task that the list does not show to be over is asked for all the same, now and then.
ASK_ANYWAY_S = 600.0
OVER = ("SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN")


class TaskListPoller:
    """What the list last said. Used by all worker threads; one at a time reads the list."""

    def __init__(
        self, read: Callable[[Callable[[list[ListedTask]], None]], object], monotonic: Callable[[], float]
    ) -> None:
        """`read` reads the list and calls its argument with each page as it comes."""
        self._read = read
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._began_at_s: float | None = None
        self._over: set[str] = set()
        self._resting_until_s = 0.0
        self.waiting: set[str] = set()
        """Tasks of this process that are not known to be over."""

    @property
    def wanted(self) -> bool:
        return len(self.waiting) >= FROM_TASKS and self._monotonic() >= self._resting_until_s

    def is_over(self, task_id: str) -> bool:
        """Return whether the list shows a task to be over; read it again if that is due and nobody else does."""
        now_s = self._monotonic()
        due = self._began_at_s is None or now_s - self._began_at_s >= EVERY_S
        if due and self._lock.acquire(blocking=False):
            try:
                self._began_at_s = now_s
                self._over &= self.waiting
                self._read(self._note)
            except (TransportError, ServiceError):
                # Too long to read, or not readable now: for a while every task is asked for by itself again.
                self._resting_until_s = self._monotonic() + REST_S
            finally:
                self._lock.release()
        return task_id in self._over

    def _note(self, page: list[ListedTask]) -> None:
        self._over |= {task.task_id for task in page if task.status in OVER and task.task_id in self.waiting}
