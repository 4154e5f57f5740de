"""Which job comes next: one queue a model, so that pictures do not wait behind texts, and a small window of jobs each.

A queue takes its next job only when one of its window has been admitted. So a process reserves few permits at a time,
ten thousand rows need no more memory than ten, and a batch that is killed blocks nobody. Calls that are answered at
once (a thread each) have a share of what the process can hold, each queue as many as its rate and its answers ask for.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from bailian.catalog import Mode
from bailian.engine.admission.call_capacity import (
    UNKNOWN_RATE_CALLS,
    CallCapacity,
    call_capacity,
    shares,
    usual_s,
    wanted_calls,
)
from bailian.engine.job import Job
from bailian.engine.step import Outcome

# The window of a fast queue: as many jobs as are admitted within this time.
WINDOW_S = 0.05
LEAVING_MOST = 64
"""So many calls may be on their way out: where this machine is the slow one, more of them only get in each other's way."""
LEAVING_LOOK_S = 0.02
"""How soon it is looked again whether some have left."""
ANSWERS_KEPT = 50
"""Of so many last answers a queue knows how long they took."""


@dataclass
class ModelQueue:
    """The jobs of one model (or of one queue of the service) that are still to be sent."""

    queue: str
    source: Iterator[Job]
    per_s: float | None = None
    late: Iterator[Job] = field(default_factory=lambda: iter(()))
    """Jobs that become ready while others run: asked first, and asked again after `wake`."""
    waiting_jobs: set[str] = field(default_factory=set)
    calling: dict[str, float] = field(default_factory=dict)
    """Calls under way, the oldest first, and since when (monotonic)."""
    answer_times_s: deque[float] = field(default_factory=lambda: deque(maxlen=ANSWERS_KEPT))
    usual_s: float | None = None
    """How long an answer takes, by the last ones."""
    exhausted: bool = False
    stopped: bool = False
    """No more jobs are let in."""

    def next_job(self) -> Job | None:
        return next(self.late, None) or next(self.source, None)

    def wake(self) -> None:
        """There are late jobs again."""
        self.exhausted = self.stopped

    @property
    def window(self) -> int:
        return UNKNOWN_RATE_CALLS if not self.per_s else max(1, int(self.per_s * WINDOW_S))

    def wanted(self, now_s: float) -> int:
        """Return how many calls are under way where only the rate limits them; of a queue of tasks there is none."""
        if not self.calling and (self.exhausted or self.usual_s is None):
            return 0 if self.exhausted else 1
        oldest_s = now_s - next(iter(self.calling.values()), now_s)
        return wanted_calls(self.per_s, self.usual_s, oldest_s)

    def begin_call(self, job: Job, now_s: float) -> bool:
        """Count a call that is about to leave; return whether it was not counted yet."""
        if job.mode == Mode.TASK or job.id in self.calling:
            return False
        self.calling[job.id] = now_s
        return True

    def end_call(self, job: Job, now_s: float, *, answered: bool) -> bool:
        """Take a call out, and note how long its answer took; return whether it was counted."""
        began_s = self.calling.pop(job.id, None)
        if began_s is None:
            return False
        if answered:
            self.answer_times_s.append(now_s - began_s)
            self.usual_s = usual_s(self.answer_times_s)
        return True


class ModelQueues:
    """All queues of a run. Used by the scheduler's own thread only."""

    def __init__(
        self,
        model_queues: list[ModelQueue],
        *,
        monotonic: Callable[[], float],
        most_calls: int | None = None,
        on_full: Callable[[CallCapacity], None] = lambda _capacity: None,
    ) -> None:
        """Keep the queues; of those of one name the jobs follow each other.

        Args:
            model_queues: in the order in which they are asked.
            monotonic: seconds.
            most_calls: the user's own limit of calls under way.
            on_full: told once when the queues together want more calls than the process can hold.
        """
        self._queues: dict[str, ModelQueue] = {}
        for model_queue in model_queues:
            same = self._queues.setdefault(model_queue.queue, model_queue)
            if same is not model_queue:
                same.source = chain(same.source, model_queue.source)
        self._monotonic = monotonic
        self._most_calls, self._on_full = most_calls, on_full
        self._capacity: CallCapacity | None = None
        self._full_told = False
        self._leaving: list[Job] = []
        self._looked_s = -math.inf
        self.calls = 0
        """How many calls are under way."""

    @property
    def open(self) -> bool:
        return any(not model_queue.exhausted for model_queue in self._queues.values())

    def next_jobs(self) -> Iterator[Job]:
        """Yield the jobs that may enter a window now."""
        ready = [one for one in self._queues.values() if not one.exhausted and len(one.waiting_jobs) < one.window]
        if not ready:
            return
        may_call = self._shares()
        for model_queue in ready:
            while (
                not model_queue.exhausted
                and len(model_queue.waiting_jobs) < model_queue.window
                and len(model_queue.calling) < may_call[model_queue.queue]
                and not self.is_crowded()
            ):
                job = model_queue.next_job()
                if job is None:
                    model_queue.exhausted = True
                    break
                model_queue.waiting_jobs.add(job.id)
                if model_queue.begin_call(job, self._monotonic()):
                    self.calls += 1
                    self._leaving.append(job)
                yield job

    def is_crowded(self) -> bool:
        """Return whether too many calls have not left yet, though they may."""
        if len(self._leaving) < LEAVING_MOST:
            return False
        now_s = self._monotonic()
        if now_s - self._looked_s >= LEAVING_LOOK_S:
            self._looked_s = now_s
            self._leaving = [job for job in self._leaving if self._is_leaving(job)]
        return len(self._leaving) >= LEAVING_MOST

    def _is_leaving(self, job: Job) -> bool:
        sending = job.sending
        has_left = sending.reply is not None or (sending.watch is not None and sending.watch.left)
        return not has_left and job.id in self._queues[job.wire_model].calling

    def _shares(self) -> dict[str, int]:
        now_s = self._monotonic()
        wanted = {name: model_queue.wanted(now_s) for name, model_queue in self._queues.items()}
        total = sum(wanted.values())
        if self._capacity is None and self._most_calls is None and total <= UNKNOWN_RATE_CALLS:
            return wanted  # any machine holds as many
        capacity = self._capacity = self._capacity or call_capacity(self._most_calls)
        if total > capacity.calls <= self.calls and not self._full_told:
            self._full_told = True
            self._on_full(capacity)
        return shares(wanted, capacity.calls)

    def on_sending(self, job: Job) -> None:
        """The job is being sent: the next one may enter the window."""
        model_queue = self._queues.get(job.wire_model)
        if model_queue is not None:
            model_queue.waiting_jobs.discard(job.id)
            self.calls += model_queue.begin_call(job, self._monotonic())  # refused before, it leaves once more

    def on_done(self, job: Job, *, answered: bool = True) -> None:
        """The job is over, or has been sent; or, without an answer, will be sent again later."""
        model_queue = self._queues.get(job.wire_model)
        if model_queue is not None:
            model_queue.waiting_jobs.discard(job.id)
            self.calls -= model_queue.end_call(job, self._monotonic(), answered=answered)

    def heed(self, outcome: Outcome) -> None:
        """A bad key, an overdue account, a spent budget, a full disk, a host that nobody reaches stop all that is not
        sent yet; a spent free tier its model."""
        error = outcome.error
        if error is not None and error.stops_all:
            self.stop(outcome.job.wire_model if getattr(error, "of_model", False) else None)

    def stop(self, queue: str | None = None) -> None:
        """Let no more jobs in: of one queue, or of all."""
        for model_queue in self._queues.values():
            if queue in (None, model_queue.queue):
                model_queue.exhausted = model_queue.stopped = True

    def lower(self, capacity: CallCapacity) -> None:
        """Hold fewer calls from now on: the system gives no more."""
        self._capacity = capacity
