"""A made-up service on a clock of its own, and the jobs that ask it: thousands of tasks end in no time.

The jobs take the real step (`poll`), and wait and wake as the scheduler has them.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from bailian.catalog import Mode
from bailian.clock import Clock
from bailian.engine.context import Services
from bailian.engine.job import Job, OutputSpec
from bailian.engine.step import Next, Step
from bailian.engine.steps.poll import begin_polling, poll
from bailian.engine.task_list.poller import TaskListPoller
from bailian.errors import ServiceError
from bailian.service.client import ListedTask, TaskPage
from bailian.types import StoredRequest

QUERIES_PER_S = 20.0 / 1.15
"""As far apart as the limiter has them."""
ANSWER_S = 0.02
"""How long an answer is under way."""


@dataclass
class MadeTask:
    """A task of the service; times are seconds since its beginning."""

    task_id: str
    created_s: float
    begins_s: float
    ends_s: float

    def status(self, now_s: float) -> str:
        return "SUCCEEDED" if now_s >= self.ends_s else "RUNNING" if now_s >= self.begins_s else "PENDING"


@dataclass
class ListHabits:
    """How a service gives its task list. The first values are those that the documents suggest."""

    page_size: int = 100
    """A larger one is cut to this."""
    refuses_larger: bool = False
    """A larger one is refused instead."""
    order: str = "newest"
    """Or "oldest", or "shuffled": another order for each page."""
    filters: str = "yes"
    """Whether a status is heeded: or "no", or "refused"."""
    late_s: float = 0.0
    """So old is what it shows."""
    hidden: float = 0.0
    """The share of tasks that it never shows."""
    others_per_s: float = 0.0
    """Tasks of other programs, which run for 5 s."""
    others_before: int = 0
    """How many of them were over before."""
    throttled: float = 0.0
    """The share of queries that are refused (429)."""
    broken: bool = False
    """It is never readable."""
    says_one_page: bool = False
    """`total_page` is worked out from the page size that was asked for."""


@dataclass
class PolledService:
    """The service, the limiter and the journal, as far as `poll` knows them."""

    habits: ListHabits = field(default_factory=ListHabits)
    seed: int = 0
    now_s: float = 1000.0
    known_durations_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.tasks: dict[str, MadeTask] = {}
        self.counts: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.fetched_s: dict[str, float] = {}
        self._place_s = 0.0
        self._others = [
            MadeTask(f"other-{n}", self.now_s - 100.0 - n, self.now_s - 99.0 - n, self.now_s - 50.0 - n)
            for n in range(self.habits.others_before)
        ]
        self._hidden: dict[str, bool] = {}
        clock = Clock(wall=lambda: self.now_s, monotonic=lambda: self.now_s)
        self.task_list = TaskListPoller(self._page, clock)
        self.services = cast(
            "Services",
            SimpleNamespace(
                account="a", task_list=self.task_list, clock=clock, jitter=lambda: 0.5,
                limits=SimpleNamespace(rates=SimpleNamespace(reserve=self._reserve, reserve_later=self._reserve_later, penalize=self._penalize)),
                service=SimpleNamespace(task=self._task, clock=SimpleNamespace(now_s=lambda: None)),
                journal=SimpleNamespace(durations_s=lambda model: list(self.known_durations_s)),
                run_state=SimpleNamespace(queued_s={}, queries_refused=0), progress=SimpleNamespace(update=lambda *_: None),
            ),
        )  # fmt: skip

    def run(self, tasks: list[MadeTask], *, until_s: float = 100_000.0) -> list[float]:
        """Wait for tasks as the scheduler does; return how long after its end each was seen to be over."""
        order = itertools.count()
        due: list[tuple[float, int, MadeTask, Job | None]] = [
            (self.now_s + task.created_s, next(order), task, None) for task in tasks
        ]
        heapq.heapify(due)
        start_s, lags_s, left = self.now_s, [], len(tasks)
        while left:
            self.now_s, _, made, job = heapq.heappop(due)
            assert self.now_s < start_s + until_s, "a task is never asked for"
            if job is None:
                job = self._submit(made, start_s)
                then: Any = Next(Step.POLL, begin_polling(job, self.services))
            else:
                then = poll(job, self.services)
            if isinstance(then, Next) and then.step == Step.POLL:
                heapq.heappush(due, (max(self.now_s, self.now_s + then.delay_s), next(order), made, job))
            else:
                left -= 1
                lags_s.append(self.now_s - self.tasks[made.task_id].ends_s)
                self.known_durations_s.insert(0, made.ends_s - made.begins_s)
                del self.known_durations_s[50:]
            if woken := self.task_list.take_woken():
                due = [
                    (self.now_s if one and one.id in woken and not one.query.taken else at_s, n, of, one)
                    for at_s, n, of, one in due
                ]
                heapq.heapify(due)
        return lags_s

    @property
    def queries(self) -> int:
        return self.counts["task"] + self.counts["list"]

    def _submit(self, made: MadeTask, start_s: float) -> Job:
        self.tasks[made.task_id] = MadeTask(made.task_id, self.now_s, start_s + made.begins_s, start_s + made.ends_s)
        job = Job(
            id=f"job-{made.task_id}", kind="image", model="m", wire_model="m", request={},
            prepared=StoredRequest(mode=Mode.TASK), saving=OutputSpec(Path(), ""), created_at_s=self.now_s,
            estimate_cny=None, row_key="r", task_id=made.task_id, sent_at_s=self.now_s,
        )  # fmt: skip
        return job

    def _reserve(self, _name: str, _per_s: float) -> float:
        at_s = max(self.now_s, self._place_s)
        self._place_s = at_s + 1 / QUERIES_PER_S
        return at_s - self.now_s

    def _reserve_later(self, name: str, per_s: float, _late_s: float) -> float:
        return self._reserve(name, per_s)

    def _penalize(self, _name: str, pause_s: float) -> None:
        self._place_s = max(self._place_s, self.now_s + pause_s)

    def _query(self, kind: str) -> None:
        self.now_s += ANSWER_S
        self.counts[kind] += 1
        if self.chance.random() < self.habits.throttled:
            raise refusal("RateLimitExceeded", 429)

    def _task(self, task_id: str) -> dict[str, Any]:
        self.asked[task_id] += 1
        self._query("task")
        made, output = self.tasks[task_id], {}
        if made.begins_s <= self.now_s:
            output = {"submit_time": stamp(made.created_s), "scheduled_time": stamp(made.begins_s)}
        results = [{"url": "https://example.com/1.png"}] if made.status(self.now_s) == "SUCCEEDED" else []
        return {"output": {"task_id": task_id, "task_status": made.status(self.now_s), "results": results, **output}}

    def _page(self, page_no: int, page_size: int, status: str | None) -> TaskPage:
        self._query("list")
        habits = self.habits
        if habits.broken:
            raise refusal("InternalError", 500)
        if (habits.refuses_larger and page_size > habits.page_size) or (status and habits.filters == "refused"):
            raise refusal("InvalidParameter", 400)
        self._make_others()
        shown_s = self.now_s - habits.late_s
        rows = [one for one in (*self.tasks.values(), *self._others) if one.created_s <= shown_s and self._shows(one)]
        if status and habits.filters == "yes":
            rows = [one for one in rows if one.status(shown_s) == status]
        rows.sort(key=lambda one: one.created_s, reverse=habits.order != "oldest")
        if habits.order == "shuffled":
            self.chance.shuffle(rows)
        size = min(page_size, habits.page_size)
        first = (page_no - 1) * size
        pages = -(-len(rows) // (page_size if habits.says_one_page else size))
        listed = [
            ListedTask(one.task_id, "m", one.status(shown_s), "r", round(one.created_s, 3))
            for one in rows[first : first + size]
        ]
        return TaskPage(listed, len(rows), page_no < pages)

    def _shows(self, one: MadeTask) -> bool:
        return not self._hidden.setdefault(one.task_id, self.chance.random() < self.habits.hidden)

    def _make_others(self) -> None:
        for _ in range(
            int(self.habits.others_per_s * (self.now_s - 1000.0)) + self.habits.others_before - len(self._others)
        ):
            name = f"other-{len(self._others)}"
            self._others.append(MadeTask(name, self.now_s, self.now_s, self.now_s + 5.0))


def at_the_limit(
    count: int, *, running: int, duration_s: Callable[[], float], per_s: float = 20.0, ahead: int = 0
) -> list[MadeTask]:
    """Return tasks as a batch sends them: so many a second, and no more unfinished than run, and a few ahead."""
    running_s: list[float] = []
    unfinished_s: list[float] = []
    tasks, created_s = [], 0.0
    for number in range(count):
        created_s = max(
            created_s + 1 / per_s, heapq.heappop(unfinished_s) if len(unfinished_s) >= running + ahead else 0.0
        )
        begins_s = max(created_s, heapq.heappop(running_s) if len(running_s) >= running else 0.0)
        ends_s = begins_s + duration_s()
        heapq.heappush(running_s, ends_s)
        heapq.heappush(unfinished_s, ends_s)
        tasks.append(MadeTask(f"t-{number}", created_s, begins_s, ends_s))
    return tasks


def stamp(at_s: float) -> str:
    """Return a time as the service writes it."""
    minutes, seconds = divmod(at_s, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"2026-11-{1 + hours // 24:02d} {hours % 24:02d}:{minutes:02d}:{seconds:06.3f}"


def refusal(code: str, status: int) -> ServiceError:
    return ServiceError(code, code=code, wire_code=code, http_status=status)
