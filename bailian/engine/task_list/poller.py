"""Many tasks at once: one page of the account's task list tells of twenty or a hundred, where a query tells of one.

The list names no results, so a task that is over is asked for all the same; but once. It is a hint and no more: a task that
it does not show, or not rightly, is asked for by itself. One of the jobs that wait, the driver, reads it for all.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from enum import Enum
from itertools import islice

from bailian.clock import Clock
from bailian.engine.task_list.look import RUNNING, Look
from bailian.engine.task_list.watched import Watched
from bailian.engine.timing import LONGEST_POLL_S, DurationProfile, list_is_cheaper, look_pause_s
from bailian.errors import BailianError, ServiceError
from bailian.service.client import TaskPage

ReadPage = Callable[[int, int, "str | None"], TaskPage]

# The largest page size is not documented: what is refused as a parameter is not asked for again.
PAGE_SIZES = (100, 50, 20, 10)
# Tasks of other programs stand among ours: so many pages more than ours would fill are read at most.
PAGES_MORE = 3
# Pages of tasks that run show no others: worth it where that leaves out many, and now and then not.
FROM_PAGES = 3
WORTH = 0.9
WHOLE_EVERY_S = 30.0
# A list that could not be read, or showed none of ours, so often in a row is left alone for a while.
FAILURES = 3
REST_S = 60.0
# Who waits for the list looks after it so often: perhaps nobody reads it any more.
CHECK_S = 10.0
LATE_S = 5.0
# A task that the list shows to run is asked for all the same, now and then; of thousands more seldom.
ANYWAY_S = 30.0
# So many queries are left to the tasks that the list does not show, while it shows others.
ALONE_PER_S = 5.0
# How often the pause is worked out anew while tasks come to their likely end.
PLAN_S = 0.25
# So many are woken when the driver leaves: one of them may be busy.
CANDIDATES = 3


class Ask(Enum):
    """What a place among the account's queries is used for."""

    TASK = "task"
    LIST = "list"


class TaskListPoller:
    """Decides for each task that is waited for whether it is asked for, or the list, or neither now."""

    def __init__(self, read: ReadPage, clock: Clock) -> None:
        """`read` takes the number of a page, its size, and the status of its tasks (None: any)."""
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._watched: dict[str, Watched] = {}
        self._woken: set[str] = set()
        self._driver: str | None = None
        self._look: Look | None = None
        self._look_at_s = self._driven_s = self._planned_s = self._last_began_s = -math.inf
        self._sizes = list(PAGE_SIZES)
        self._rows_a_page = PAGE_SIZES[0]
        self._pages = 0
        """How many pages the last whole look took."""
        self._whole_s = -math.inf
        self._next_pages = 1
        self._next_filters = False
        self._may_filter = True
        self._expected_ends = self._found_ends = 0.0
        self._failures = 0
        self._resting_until_s = -math.inf

    def watch(
        self, task_id: str, job_id: str, *, began_s: float, profile: DurationProfile | None, wait_s: float
    ) -> None:
        """Wait for a task, too. It would be asked for in `wait_s` seconds."""
        now_s = self._clock.monotonic()
        due_s = now_s + self._clock.pause_s(wait_s)
        with self._lock:
            anyway_s = due_s + self._anyway_s(profile)
            self._watched[task_id] = Watched(job_id, began_s, profile, due_s, due_s, now_s, anyway_s)

    def runs_on(
        self, task_id: str, *, began_s: float, profile: DurationProfile | None, wait_s: float, runs: bool
    ) -> None:
        """A task's own answer shows that it is not over."""
        now_s = self._clock.monotonic()
        with self._lock:
            one = self._watched.get(task_id)
            if one is None:
                return
            if one.over:  # the list was wrong
                one.over, one.misjudged = False, True
            one.began_s, one.profile, one.runs, one.alive_s = began_s, profile, runs, now_s
            if not one.is_listed:
                alone = sum(1 for other in self._watched.values() if not other.is_listed)
                wait_s = max(wait_s, alone / ALONE_PER_S)
            one.due_s = now_s + self._clock.pause_s(wait_s)
            one.anyway_s = one.due_s + max(self._anyway_s(profile), now_s - began_s)

    def leave(self, task_id: str) -> None:
        """Nobody waits for this task any more."""
        with self._lock:
            self._watched.pop(task_id, None)
            self._hand_over(task_id)

    def take_woken(self) -> set[str]:
        """Return the jobs that need not wait any longer."""
        if not self._woken:
            return set()
        with self._lock:
            woken, self._woken = self._woken, set()
        return woken

    def shows_running(self, task_id: str) -> bool:
        """Return whether a task was last seen to run."""
        one = self._watched.get(task_id)
        return one is not None and one.runs

    def plan(self, task_id: str) -> Ask | float:
        """Return what to ask for now on behalf of a task, or the seconds until it wants to know."""
        now_s = self._clock.monotonic()
        with self._lock:
            one = self._watched.get(task_id)
            if one is None or one.over:
                self._hand_over(task_id)
                return Ask.TASK
            if now_s < self._resting_until_s or not one.is_listed or now_s >= one.anyway_s:
                self._hand_over(task_id)
                return self._alone(one, now_s)
            late_s = now_s - max(self._look_at_s, self._driven_s)
            if self._driver is None or (late_s > LATE_S and now_s >= one.due_s):
                if not self._pays(now_s):
                    self._driver = None
                    return self._alone(one, now_s)
                self._driver = task_id
            if self._driver == task_id:
                return self._drive(one, now_s)
            if self._look is None and now_s - self._planned_s >= PLAN_S:
                before_s = self._look_at_s
                self._plan_look(now_s)
                if self._look_at_s < before_s - PLAN_S:  # it is wanted earlier than the driver knows
                    self._driver = task_id
                    return self._drive(one, now_s)
            return self._seconds_until(min(one.anyway_s, now_s + CHECK_S + len(self._watched) / 50), now_s)

    def read_page(self) -> None:
        """Read the next page of the list, for all.

        Raises:
            TransportError: it could not be read.
            ServiceError: it was refused.
        """
        now_s = self._clock.monotonic()
        with self._lock:
            look = self._look or self._begin(now_s)
            size = self._sizes[0]
        try:
            page = self._read(look.page_no, size, look.status)
        except BailianError as error:
            self._failed(look, error)
            raise
        with self._lock:
            if look is not self._look:
                return  # another one reads it meanwhile
            found = len(look.found)
            look.take(page, self._watched, now_s)
            self._woken.update(one.job_id for one in look.found[found:])
            if look.done:
                self._end(look)

    def _alone(self, one: Watched, now_s: float) -> Ask | float:
        return Ask.TASK if now_s >= one.due_s else self._seconds_until(one.due_s, now_s)

    def _drive(self, one: Watched, now_s: float) -> Ask | float:
        self._driven_s = now_s
        if self._look is not None:
            return Ask.LIST
        if now_s < self._look_at_s:
            return self._seconds_until(self._look_at_s, now_s)
        if self._pays(now_s):
            return Ask.LIST
        self._stop_driving(now_s)
        return self._alone(one, now_s)

    def _hand_over(self, task_id: str) -> None:
        """This task's job has something else to do: others may read the list."""
        if self._driver == task_id:
            self._driver = None
            others = (one.job_id for other, one in self._watched.items() if other != task_id and not one.over)
            self._woken.update(islice(others, CANDIDATES))

    def _stop_driving(self, now_s: float) -> None:
        self._driver = None
        self._woken.update(one.job_id for one in self._watched.values() if now_s >= one.due_s)

    def _pays(self, now_s: float) -> bool:
        """Return whether a look at the list costs less than asking for each task that may be over."""
        share = self._share()
        chances = (
            min(1.0, share * one.chance(now_s))
            for one in self._watched.values()
            if one.is_listed and not one.over and now_s >= one.window_s
        )
        return len(self._watched) > 1 and list_is_cheaper(chances, self._next_pages)

    def _estimate(self, waiting: list[Watched]) -> None:
        """Work out how the list is read next, and how many pages that takes.

        Pages of tasks that run show no task that waits in the service's queue.
        """
        run = sum(1 for one in waiting if one.runs)
        whole, running = (max(1, math.ceil(rows / self._rows_a_page)) for rows in (len(waiting), run))
        whole = self._pages or whole
        self._next_filters = (
            self._may_filter and whole >= FROM_PAGES and running <= WORTH * whole and 2 * run >= len(waiting)
        )
        self._next_pages = running if self._next_filters else whole

    def _begin(self, now_s: float) -> Look:
        is_whole = now_s - self._whole_s >= WHOLE_EVERY_S or not self._next_filters
        expected = {
            task_id: one
            for task_id, one in self._watched.items()
            if one.is_listed and not one.over and (one.created_s is not None or now_s >= one.window_s)
        }
        self._expected_ends += sum(one.chance(now_s) for one in expected.values())
        pages_max = PAGES_MORE + math.ceil(2 * len(self._watched) / self._rows_a_page)
        self._look = Look(now_s, None if is_whole else RUNNING, expected, pages_max, self._rows_a_page)
        return self._look

    def _end(self, look: Look) -> None:
        self._woken.update(one.job_id for one in look.end())
        self._may_filter = self._may_filter and look.is_filtered and look.in_order
        self._rows_a_page = look.rows_a_page
        if look.status is None:
            self._pages, self._whole_s = look.page_no - 1, look.began_s
        self._found_ends += len(look.found)
        self._last_began_s = look.began_s
        self._look = None
        self._failures = self._failures + 1 if look.is_blind else 0
        now_s = self._clock.monotonic()
        self._plan_look(now_s)
        self._rest_if_useless(now_s)

    def _plan_look(self, now_s: float) -> None:
        """Work out when the next look costs least."""
        waiting = [one for one in self._watched.values() if one.is_listed and not one.over]
        ends_per_s = self._share() * sum(one.ends_per_s(now_s) for one in waiting)
        longest_s = min(
            (one.longest_pause_s(now_s) for one in waiting if now_s >= one.window_s), default=LONGEST_POLL_S
        )
        self._estimate(waiting)
        pause_s = look_pause_s(ends_per_s, self._next_pages, longest_s)
        self._look_at_s, self._planned_s = self._last_began_s + self._clock.pause_s(pause_s), now_s

    def _share(self) -> float:
        """Return how many tasks really end where one is expected to."""
        if self._expected_ends > 50:  # what was long ago counts less
            self._expected_ends, self._found_ends = self._expected_ends / 2, self._found_ends / 2
        return min(3.0, max(0.2, (self._found_ends + 2) / (self._expected_ends + 2)))

    def _failed(self, look: Look, error: BailianError) -> None:
        now_s = self._clock.monotonic()
        with self._lock:
            if error.code == "RateLimitExceeded":
                return  # the same page again; the account's rate sees to it
            self._look = None if look is self._look else self._look
            if isinstance(error, ServiceError) and error.code == "InvalidParameter" and look.page_no == 1:
                if look.status is not None:
                    self._may_filter = False
                    return
                if len(self._sizes) > 1:
                    del self._sizes[0]
                    self._rows_a_page = self._sizes[0]
                    return
            self._failures += FAILURES if error.stops_all else 1
            self._look_at_s = now_s + self._clock.pause_s(2.0**self._failures)
            self._rest_if_useless(now_s)

    def _rest_if_useless(self, now_s: float) -> None:
        if self._failures >= FAILURES:
            self._failures = 0
            self._resting_until_s = now_s + self._clock.pause_s(REST_S)
            self._stop_driving(now_s)

    def _anyway_s(self, profile: DurationProfile | None) -> float:
        expected_s = 2 * profile.high_s if profile else 0.0
        return self._clock.pause_s(max(ANYWAY_S, expected_s, len(self._watched)))

    def _seconds_until(self, at_s: float, now_s: float) -> float:
        """Return a pause that the scheduler shortens as all pauses."""
        return max(0.0, at_s - now_s) / self._clock.pause_s(1.0)
