"""Runs steps of many jobs on a few threads. A job that waits is an entry in a heap, not a thread.

Steps that wait for the network run on worker threads. Steps that only write run on the writer thread (`db_writer`).
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
import queue
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bailian.catalog import Mode
from bailian.engine.admission.call_capacity import CallCapacity
from bailian.engine.admission.queues import LEAVING_LOOK_S, ModelQueues
from bailian.engine.context import Services
from bailian.engine.crash import crashed
from bailian.engine.job import Job
from bailian.engine.shutdown import grace_s, left_already
from bailian.engine.signals import ShutdownSignals
from bailian.engine.step import Next, Outcome, Step, StepFunction, StepResult
from bailian.engine.steps.ask_time import wants_time
from bailian.engine.steps.step_table import WRITER_STEPS, way_in
from bailian.engine.threads.db_writer import DbWriter
from bailian.engine.threads.step_threads import STUCK_S, THREADS, StepThreads
from bailian.errors import BailianError, JournalError
from bailian.i18n import tr

# Whose end changes nothing that the scheduler keeps: the worker hands the job straight to the writer.
STRAIGHT_TO_WRITER = {
    (Step.ASK_TIME, Step.ADMIT),
    (Step.SEND, Step.RECORD_REPLY),
    (Step.POLL, Step.STORE_ANSWER),
}
# Who waits longer than this is told why.
NOTIFY_AFTER_S = 1.0
# How often a leaving process that is busy looks through all that is under way, which may be thousands.
LOOK_UNDER_WAY_S = 0.05
# Windows does not interrupt a wait for Ctrl-C: nobody waits longer at a time.
MAX_WAIT_S = 1.0


@dataclass(order=True)
class _Due:
    at_s: float
    order: int
    job: Job = field(compare=False)
    step: Step = field(compare=False)


class Scheduler:
    """Feeds due steps to its threads and collects how they end. One thread (the caller's) keeps the state."""

    def __init__(
        self, steps: dict[Step, StepFunction], services: Services, model_queues: ModelQueues, *, threads: int = THREADS
    ) -> None:
        self._steps = steps
        self.model_queues = model_queues
        self._services = services
        self._clock = services.clock
        self._workers = StepThreads(self._work, services.clock, self._on_short, threads=threads)
        self._due: list[_Due] = []
        self._order = itertools.count()
        self._ended: queue.SimpleQueue[list[tuple[Job, StepResult]]] = queue.SimpleQueue()
        self._news: deque[tuple[Job, StepResult]] = deque()
        self._running: dict[str, tuple[Job, Step]] = {}
        self._writer = DbWriter(
            self._run_step, services, under_way=lambda: len(self._running), on_results=self._on_written
        )
        self.interrupts = ShutdownSignals(lambda: self._ended.put([]))
        self._leaving = False
        self._left: list[Job] = []
        self._woken: set[str] = set()
        self._admissions_due = 0
        """How many jobs wait to be admitted, perhaps for a slot that another one's end would free."""

    def add(self, job: Job, step: Step, delay_s: float = 0.0) -> None:
        if delay_s > 0:
            self._admissions_due += step == Step.ADMIT
            at_s = self._clock.monotonic() + self._clock.pause_s(delay_s)
            heapq.heappush(self._due, _Due(at_s, next(self._order), job, step))
        else:
            self._start(job, step)

    def run(self, deadline_s: float | None) -> Iterator[Outcome | tuple[Job, BailianError]]:
        """Yield each job's end as it comes; stop when none is left or `deadline_s` (monotonic) is reached."""
        while self._due or self._running or self.model_queues.open:
            self.interrupts.raise_if_pressed()
            now_s = self._clock.monotonic()
            if deadline_s is not None and now_s >= deadline_s:
                return
            for job in self.model_queues.next_jobs():
                step = way_in(job)
                self.add(job, Step.ASK_TIME if step == Step.ADMIT and wants_time(job, self._services) else step)
            self._wake()
            while self._due and self._due[0].at_s <= now_s:
                due = heapq.heappop(self._due)
                self._admissions_due -= due.step == Step.ADMIT
                self._start(due.job, due.step)
            if not self._due and not self._running:
                continue  # all queues have turned out to be empty
            times_s = [self._due[0].at_s] if self._due else []
            times_s += [deadline_s] if deadline_s is not None else []
            times_s += [now_s + LEAVING_LOOK_S] if self.model_queues.is_crowded() else []
            times_s += [now_s + STUCK_S] if self._workers.keep_up(self.model_queues.calls) else []
            ended = self._next_end(max(0.0, min(times_s) - self._clock.monotonic()) if times_s else None)
            if ended is not None:
                self._workers.keep_up(self.model_queues.calls)  # whoever hears of it may take a while
                yield ended

    def leave(self) -> tuple[list[Outcome | tuple[Job, BailianError]], list[Job]]:
        """Start nothing more, wait for the answers to paid requests under way; return their ends and the jobs left.

        A task can be found again, so its answer gets a moment, and so do the texts of a batch; a synchronous picture
        cannot, so its answer is waited for. Another Ctrl-C ends the waiting.
        """
        ends: list[Outcome | tuple[Job, BailianError]] = []
        told, pressed = False, self.interrupts.pressed
        if self._running:
            self._services.run_state.stopping.set()
        self._leaving = self._writer.leaving = True
        self.model_queues.stop()
        begun_s = looked_s = self._clock.monotonic()
        wait_s = grace_s(self._running.values())
        with contextlib.suppress(KeyboardInterrupt):
            while self._running and wait_s > (waited_s := self._clock.monotonic() - begun_s):
                if self.interrupts.pressed != pressed:
                    break
                idle = not self._news and self._ended.empty()
                if idle or begun_s + waited_s - looked_s > LOOK_UNDER_WAY_S:
                    looked_s, wait_s = begun_s + waited_s, grace_s(self._running.values())
                    if wait_s <= waited_s:
                        break
                if waited_s > NOTIFY_AFTER_S and not told and (paid := left_already(self._running.values())):
                    told = True
                    self._services.progress.on_shutdown(len(paid), wait_s - waited_s)
                look_s = STUCK_S if self._workers.keep_up(self.model_queues.calls) else math.inf
                ended = self._next_end(min(look_s, wait_s - waited_s))
                if ended is not None:
                    ends.append(ended)
        for due in self._due:
            if due.step == Step.SEND:
                self._keep_from_leaving(due.job)
        left = [*self._left, *(due.job for due in self._due), *(job for job, _ in self._running.values())]
        self._due.clear()
        return ends, left

    def close(self) -> None:
        self._workers.close()
        self._writer.close()

    def _next_end(self, timeout_s: float | None) -> Outcome | tuple[Job, BailianError] | None:
        """Return how a job ended; None where none of those did whose steps are over: they go on."""
        self._services.limits.slots.beat(self._services.lease.id)
        if not self._news:
            wait_s = MAX_WAIT_S if timeout_s is None else min(timeout_s, MAX_WAIT_S)
            with contextlib.suppress(queue.Empty):
                self._news.extend(self._ended.get(timeout=wait_s))
        while self._news:
            job, end = self._news.popleft()
            _, step = self._running.pop(job.id)
            if isinstance(end, Next):
                self._go_on(job, step, end)
                continue
            self.model_queues.on_done(job)
            self._free_slot(job)
            if isinstance(end, BailianError):
                return job, end
            if isinstance(end, BaseException):
                raise end
            return end
        return None

    def _go_on(self, job: Job, step: Step, then: Next) -> None:
        if then.step in (Step.ATTACH, Step.SEND):
            self.model_queues.on_sending(job)
        elif step in (Step.SEND, Step.RECORD_REPLY):  # it is written down: a thread goes straight from one to the other
            self.model_queues.on_done(job, answered=then.step != Step.ADMIT)
        if then.step in (Step.STORE_ANSWER, Step.SAVE, Step.PUBLISH):
            self._free_slot(job)
        # What a call has brought is saved; what a task has made stays at the service, and is named.
        saves = then.step == Step.SAVE and job.mode != Mode.TASK
        if not self._leaving or saves or then.step in (Step.RECORD_REPLY, Step.PUBLISH):
            self.add(job, then.step, then.delay_s)
            return
        if then.step == Step.SEND:
            self._keep_from_leaving(job)
        self._left.append(job)

    def _keep_from_leaving(self, job: Job) -> None:
        """The request is written down as leaving, and waits for its place."""
        with contextlib.suppress(JournalError):
            self._services.journal.requeue(job.id)

    def _free_slot(self, job: Job) -> None:
        """The task runs no more: wake the jobs of this model that wait for a slot."""
        if self._release_slot(job):
            self._hasten(lambda due: due.step == Step.ADMIT and due.job.wire_model == job.wire_model)

    def _wake(self) -> None:
        """Ask at once for the tasks that the task list shows to be over."""
        woken = self._woken | self._services.task_list.take_woken()
        if woken:
            self._hasten(lambda due: due.step == Step.POLL and due.job.id in woken and not due.job.query.taken)
            self._woken = woken & self._running.keys()  # about to wait: they did not know yet

    def _hasten(self, is_meant: Callable[[_Due], bool]) -> None:
        """Wait no longer with the steps that are meant."""
        for due in self._due:
            if is_meant(due):
                due.at_s = 0.0
        heapq.heapify(self._due)

    def _release_slot(self, job: Job) -> bool:
        if not job.admission.has_slot:
            return False
        self._services.limits.slots.release(job.id)
        job.admission.has_slot = False
        return True

    def _start(self, job: Job, step: Step) -> None:
        self._running[job.id] = (job, step)
        self._writer.start()
        if step in WRITER_STEPS:
            self._writer.put(job, step)
            return
        self._workers.start_few(len(self._running))
        self._workers.put(job, step)

    def _on_short(self, threads: int) -> None:
        """The system starts no more threads: as many calls as half of them."""
        reason = tr("the system starts no more threads (`ulimit -u`)", "系统不再启动更多线程（`ulimit -u`）")
        self.model_queues.lower(CallCapacity(max(1, threads // 2), reason))

    def _work(self, job: Job, step: Step) -> None:
        """Do a step, in a thread of its own."""
        end = self._run_step(job, step)
        if isinstance(end, Next) and (step, end.step) in STRAIGHT_TO_WRITER and not self._leaving:
            if step != Step.SEND:  # a reply that is not written down is waited for as its request is
                self._running[job.id] = (job, end.step)
            self._writer.put(job, end.step)
        else:
            self._ended.put([(job, end)])

    def _on_written(self, results: list[tuple[Job, StepResult]]) -> None:
        """Tell the scheduler what the writer's batch came to, but for answers whose files a worker may fetch at once."""
        told = [(job, end) for job, end in results if not self._save_at_once(job, end)]
        if told or self._workers.is_behind:  # the scheduler has more of them started
            self._ended.put(told)

    def _save_at_once(self, job: Job, end: StepResult) -> bool:
        if end != Next(Step.SAVE) or self._running[job.id][1] != Step.STORE_ANSWER:
            return False
        if self._admissions_due or self._leaving:
            return False
        try:
            self._release_slot(job)  # nobody here waits for it
        except JournalError:  # the scheduler meets it again, and tells it
            return False
        self._running[job.id] = (job, Step.SAVE)
        self._workers.put(job, Step.SAVE)
        return True

    def _run_step(self, job: Job, step: Step) -> StepResult:
        try:
            return self._steps[step](job, self._services)
        except (BailianError, KeyboardInterrupt, SystemExit) as error:
            return error  # carried to the caller's thread
        except Exception as error:  # noqa: BLE001 - one job's trouble is not the others'
            return crashed(job, self._services, error)
