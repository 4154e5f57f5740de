"""Runs steps of many jobs on a few threads. A job that waits is an entry in a heap, not a thread."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bailian.engine.job import Job, Outcome, Ports, Step, Then
from bailian.engine.lanes import Lanes
from bailian.errors import BailianError
from bailian.modalities import of

THREADS = 64
# Ctrl-C while a paid request is under way: its answer is worth waiting for.
GRACE_S = 8.0
SYNC_GRACE_S = 330.0
# Every pause is multiplied by this. Tests make a bad day short with it; nothing else touches it.
PAUSE_FACTOR = 1.0
# A text that has come is written down by the thread that received it: ten thousand hand-overs less.
GOES_ON = ("keep", "save")


@dataclass(order=True)
class _Due:
    at_s: float
    order: int
    job: Job = field(compare=False)
    step: str = field(compare=False)


class Scheduler:
    """Feeds due steps to worker threads and collects how they end. One thread (the caller's) keeps the state."""

    def __init__(self, steps: dict[str, Step], ports: Ports, lanes: Lanes, *, threads: int = THREADS) -> None:
        self._steps = steps
        self.lanes = lanes
        self._ports = ports
        self._threads_max = threads
        self._threads: list[threading.Thread] = []
        self._due: list[_Due] = []
        self._order = itertools.count()
        self._todo: queue.SimpleQueue[tuple[Job, str] | None] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[tuple[Job, Then | Outcome | BaseException]] = queue.SimpleQueue()
        self._running: dict[str, tuple[Job, str]] = {}

    def add(self, job: Job, step: str, after_s: float = 0.0) -> None:
        heapq.heappush(self._due, _Due(time.monotonic() + after_s * PAUSE_FACTOR, next(self._order), job, step))

    def run(self, deadline_s: float | None) -> Iterator[Outcome | tuple[Job, BailianError]]:
        """Yield each job's end as it comes; stop when none is left or `deadline_s` (monotonic) is reached."""
        while self._due or self._running or self.lanes.open:
            now_s = time.monotonic()
            if deadline_s is not None and now_s >= deadline_s:
                return
            for job in self.lanes.next_jobs():
                self.add(job, "turn")
            if not self._due and not self._running:
                continue  # all lanes have turned out to be empty
            while self._due and self._due[0].at_s <= now_s:
                due = heapq.heappop(self._due)
                self._start(due.job, due.step)
            times_s = [self._due[0].at_s] if self._due else []
            times_s += [deadline_s] if deadline_s is not None else []
            ended = self._next_end(max(0.0, min(times_s) - time.monotonic()) if times_s else None)
            if ended is not None:
                yield ended

    def leave(self) -> tuple[list[Outcome | tuple[Job, BailianError]], list[Job]]:
        """Start nothing more, wait for the answers to paid requests under way; return their ends and the jobs left.

        A task can be found again, so its answer gets a moment; a synchronous one cannot, so its answer is waited
        for. Another Ctrl-C ends the waiting.
        """
        ends: list[Outcome | tuple[Job, BailianError]] = []
        if self._running:
            self._ports.stopping.set()
        self.lanes.stop()
        left = [due.job for due in self._due]
        self._due.clear()
        begun_s = time.monotonic()
        with contextlib.suppress(KeyboardInterrupt):
            while (grace_s := self._grace_s()) > 0 and time.monotonic() < begun_s + grace_s:
                ended = self._next_end(begun_s + grace_s - time.monotonic())
                if ended is not None:
                    ends.append(ended)
        left += [due.job for due in self._due] + [job for job, _ in self._running.values()]
        self._due.clear()
        return ends, left

    def _grace_s(self) -> float:
        """Return how long the paid requests under way are worth waiting for."""
        submitting = [job for job, step in self._running.values() if step == "submit"]
        lost = [job for job in submitting if not of(job.kind).REPEATABLE]
        if any(job.prepared["mode"] != "task" for job in lost):
            return SYNC_GRACE_S
        return GRACE_S if lost else 0.0

    def close(self) -> None:
        for _ in self._threads:
            self._todo.put(None)

    def _next_end(self, timeout_s: float | None) -> Outcome | tuple[Job, BailianError] | None:
        try:
            job, end = self._ended.get(timeout=timeout_s)
        except queue.Empty:
            return None
        _, step = self._running.pop(job.id)
        if isinstance(end, Then):
            if step == "submit" and end.step != "submit":
                self.lanes.left(job)
            if end.step in ("keep", "save"):
                self._free_slot(job)
            self.add(job, end.step, end.after_s)
            return None
        self.lanes.left(job)
        self._free_slot(job)
        if isinstance(end, BailianError):
            return job, end
        if isinstance(end, BaseException):
            raise end
        return end

    def _free_slot(self, job: Job) -> None:
        """The task runs no more: whoever waits at the same door asks at once, not at its next look."""
        if not job.has_slot:
            return
        job.has_slot = False
        self._ports.pace.free_slot(job.id)
        for due in self._due:
            if due.step == "turn" and due.job.wire_model == job.wire_model:
                due.at_s = 0.0
        heapq.heapify(self._due)

    def _start(self, job: Job, step: str) -> None:
        self._running[job.id] = (job, step)
        if step == "submit":
            self.lanes.sending(job)
        if len(self._running) > len(self._threads) < self._threads_max:
            # Daemons: a request that nobody waits for any more must not keep the process alive.
            thread = threading.Thread(target=self._work, name=f"bailian-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._todo.put((job, step))

    def _work(self) -> None:
        while (todo := self._todo.get()) is not None:
            job, step = todo
            end = _run_step(self._steps[step], job, self._ports)
            while isinstance(end, Then) and end.step in GOES_ON and not end.after_s and of(job.kind).REPEATABLE:
                end = _run_step(self._steps[end.step], job, self._ports)
            self._ended.put((job, end))


def _run_step(step: Callable[[Job, Ports], Then | Outcome], job: Job, ports: Ports) -> Then | Outcome | BaseException:
    try:
        return step(job, ports)
    except BaseException as error:  # noqa: BLE001 - carried to the caller's thread, where it is raised
        return error
