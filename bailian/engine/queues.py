"""Which job comes next: one queue a model, so that pictures do not wait behind texts, and a small window of jobs each.

A queue takes its next job only when one of its window has been admitted. So a process reserves few permits at a time,
ten thousand rows need no more memory than ten, and a batch that is killed blocks nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from bailian.catalog import Mode
from bailian.engine.job import Job
from bailian.engine.step import Outcome

# The window of a fast queue: as many jobs as are admitted within this time.
WINDOW_S = 0.05
# Synchronous calls hold a thread each.
SYNC_CALLS_MAX = 40


@dataclass
class ModelQueue:
    """The jobs of one model (or of one queue of the service) that are still to be sent."""

    queue: str
    source: Iterator[Job]
    per_s: float | None = None
    late: Iterator[Job] = field(default_factory=lambda: iter(()))
    """Jobs that become ready while others run: asked first, and asked again after `wake`."""
    waiting_jobs: set[str] = field(default_factory=set)
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
        return SYNC_CALLS_MAX if not self.per_s else max(1, int(self.per_s * WINDOW_S))


class ModelQueues:
    """All queues of a run. Used by the scheduler's own thread only."""

    def __init__(self, model_queues: list[ModelQueue]) -> None:
        self._queues: dict[str, ModelQueue] = {}
        for model_queue in model_queues:
            same = self._queues.setdefault(model_queue.queue, model_queue)
            if same is not model_queue:
                same.source = chain(same.source, model_queue.source)
        self._calling: set[str] = set()

    @property
    def open(self) -> bool:
        return any(not model_queue.exhausted for model_queue in self._queues.values())

    def next_jobs(self) -> Iterator[Job]:
        """Yield the jobs that may enter a window now."""
        for model_queue in self._queues.values():
            while (
                not model_queue.exhausted
                and len(model_queue.waiting_jobs) < model_queue.window
                and len(self._calling) < SYNC_CALLS_MAX
            ):
                job = model_queue.next_job()
                if job is None:
                    model_queue.exhausted = True
                    break
                model_queue.waiting_jobs.add(job.id)
                if job.mode != Mode.TASK:
                    self._calling.add(job.id)
                yield job

    def on_sending(self, job: Job) -> None:
        """The job is being sent: the next one may enter the window."""
        model_queue = self._queues.get(job.wire_model)
        if model_queue is not None:
            model_queue.waiting_jobs.discard(job.id)

    def on_done(self, job: Job) -> None:
        """The job is over, or has been sent."""
        self.on_sending(job)
        self._calling.discard(job.id)

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
