"""Runs steps of many jobs on a few threads. A job that waits is an entry in a heap, not a thread.

What only writes down is done at a desk: one thread takes all that has come meanwhile, and commits it at once. So ten
thousand rows need a few thousand waits for the disk, and the threads that wait for the network disturb each other less.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bailian.engine.crash import crashed
from bailian.engine.job import End, Job, Outcome, Ports, Step, Then
from bailian.engine.queues import Lanes
from bailian.engine.signals import Interrupts
from bailian.engine.steps.bulk_steps import PILES
from bailian.engine.steps.step_table import AT_DESK
from bailian.errors import BailianError, JournalError
from bailian.files.naming import sync_folder
from bailian.modalities import of
from bailian.service.download import save_error

THREADS = 64
# So many steps share one commit at most.
DESK_MAX = 100
# Where more jobs than this are under way, each pile waits a moment for more to come: a third of the commits, and of the
# changes of thread. One picture waits for nobody.
FEW_JOBS = 8
DESK_PAUSE_S = 0.01
# Ctrl-C while a paid request is under way: its answer is worth waiting for.
GRACE_S = 8.0
TEXT_GRACE_S = 30.0
SYNC_GRACE_S = 330.0
# Who waits longer than this is told why.
TOLD_AFTER_S = 1.0
# Windows does not interrupt a wait for Ctrl-C: nobody waits longer at a time.
LOOK_UP_S = 1.0
# Every pause is multiplied by this. Tests make a bad day short with it; nothing else touches it.
PAUSE_FACTOR = 1.0


@dataclass(order=True)
class _Due:
    at_s: float
    order: int
    job: Job = field(compare=False)
    step: str = field(compare=False)


class Scheduler:
    """Feeds due steps to its threads and collects how they end. One thread (the caller's) keeps the state."""

    def __init__(self, steps: dict[str, Step], ports: Ports, lanes: Lanes, *, threads: int = THREADS) -> None:
        self._steps = steps
        self.lanes = lanes
        self._ports = ports
        self._threads_max = threads
        self._threads = 0
        self._has_desk = False
        self._due: list[_Due] = []
        self._order = itertools.count()
        self._todo: queue.SimpleQueue[tuple[Job, str] | None] = queue.SimpleQueue()
        self._desk: queue.SimpleQueue[tuple[Job, str] | None] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[list[tuple[Job, End]]] = queue.SimpleQueue()
        self._news: deque[tuple[Job, End]] = deque()
        self._running: dict[str, tuple[Job, str]] = {}
        self.interrupts = Interrupts(lambda: self._ended.put([]))
        self._leaving = False
        self._left: list[Job] = []

    def add(self, job: Job, step: str, after_s: float = 0.0) -> None:
        if after_s > 0:
            heapq.heappush(self._due, _Due(time.monotonic() + after_s * PAUSE_FACTOR, next(self._order), job, step))
        else:
            self._start(job, step)

    def run(self, deadline_s: float | None) -> Iterator[Outcome | tuple[Job, BailianError]]:
        """Yield each job's end as it comes; stop when none is left or `deadline_s` (monotonic) is reached."""
        while self._due or self._running or self.lanes.open:
            self.interrupts.raise_if_pressed()
            now_s = time.monotonic()
            if deadline_s is not None and now_s >= deadline_s:
                return
            for job in self.lanes.next_jobs():
                self.add(job, "turn")
            while self._due and self._due[0].at_s <= now_s:
                due = heapq.heappop(self._due)
                self._start(due.job, due.step)
            if not self._due and not self._running:
                continue  # all lanes have turned out to be empty
            times_s = [self._due[0].at_s] if self._due else []
            times_s += [deadline_s] if deadline_s is not None else []
            ended = self._next_end(max(0.0, min(times_s) - time.monotonic()) if times_s else None)
            if ended is not None:
                yield ended

    def leave(self) -> tuple[list[Outcome | tuple[Job, BailianError]], list[Job]]:
        """Start nothing more, wait for the answers to paid requests under way; return their ends and the jobs left.

        A task can be found again, so its answer gets a moment, and so do the texts of a batch; a synchronous picture
        cannot, so its answer is waited for. Another Ctrl-C ends the waiting.
        """
        ends: list[Outcome | tuple[Job, BailianError]] = []
        told, pressed = False, self.interrupts.pressed
        if self._running:
            self._ports.stopping.set()
        self._leaving = True
        self.lanes.stop()
        begun_s = time.monotonic()
        with contextlib.suppress(KeyboardInterrupt):
            while (grace_s := self._grace_s()) > (waited_s := time.monotonic() - begun_s):
                if self.interrupts.pressed != pressed:
                    break
                if waited_s > TOLD_AFTER_S and not told and (paid := self._left_already()):
                    told = True
                    self._ports.progress.leaving(len(paid), grace_s - waited_s)
                ended = self._next_end(grace_s - waited_s)
                if ended is not None:
                    ends.append(ended)
        for due in self._due:
            if due.step == "send":
                self._keep_from_leaving(due.job)
        left = [*self._left, *(due.job for due in self._due), *(job for job, _ in self._running.values())]
        self._due.clear()
        return ends, left

    def _paid(self) -> list[Job]:
        """Return the requests under way whose answers must not be lost; a single text is asked for again."""
        sending = (job for job, step in self._running.values() if step == "send")
        return [job for job in sending if job.row_key or job.reply is not None or not of(job.kind).REPEATABLE]

    def _left_already(self) -> list[Job]:
        """Return those of which something has left; one that still looks for a connection is not under way."""
        return [job for job in self._paid() if job.reply is not None or (job.sending is not None and job.sending.left)]

    def _grace_s(self) -> float:
        """Return how long what is under way is worth waiting for."""
        paid = self._paid()
        if any(job.prepared["mode"] != "task" and not of(job.kind).REPEATABLE for job in paid):
            return SYNC_GRACE_S
        if any(job.row_key and of(job.kind).REPEATABLE for job in paid):
            return TEXT_GRACE_S
        return GRACE_S if paid or any(step in AT_DESK for _, step in self._running.values()) else 0.0

    def close(self) -> None:
        for _ in range(self._threads):
            self._todo.put(None)
        self._desk.put(None)

    def _next_end(self, timeout_s: float | None) -> Outcome | tuple[Job, BailianError] | None:
        self._ports.pace.beat(self._ports.owner.id)
        if not self._news:
            wait_s = LOOK_UP_S if timeout_s is None else min(timeout_s, LOOK_UP_S)
            with contextlib.suppress(queue.Empty):
                self._news.extend(self._ended.get(timeout=wait_s))
        if not self._news:
            return None
        job, end = self._news.popleft()
        _, step = self._running.pop(job.id)
        if isinstance(end, Then):
            self._go_on(job, step, end)
            return None
        self.lanes.left(job)
        self._free_slot(job)
        if isinstance(end, BailianError):
            return job, end
        if isinstance(end, BaseException):
            raise end
        return end

    def _go_on(self, job: Job, step: str, then: Then) -> None:
        if then.step in ("attach", "send"):
            self.lanes.sending(job)
        elif step in ("send", "record"):  # it is written down: a thread goes straight from one to the other
            self.lanes.left(job)
        if then.step in ("keep", "save", "place"):
            self._free_slot(job)
        if not self._leaving or then.step in ("record", "place"):
            self.add(job, then.step, then.after_s)
            return
        if then.step == "send":
            self._keep_from_leaving(job)
        self._left.append(job)

    def _keep_from_leaving(self, job: Job) -> None:
        """The request is written down as leaving, and waits for its place."""
        with contextlib.suppress(JournalError):
            self._ports.journal.not_sent(job.id)

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
        # Daemons: a request that nobody waits for any more must not keep the process alive.
        if step in AT_DESK:
            if not self._has_desk:
                self._has_desk = True
                threading.Thread(target=self._work_at_desk, name="bailian-desk", daemon=True).start()
            self._desk.put((job, step))
            return
        if len(self._running) > self._threads < self._threads_max:
            self._threads += 1
            threading.Thread(target=self._work, name=f"bailian-{self._threads}", daemon=True).start()
        self._todo.put((job, step))

    def _work(self) -> None:
        while (todo := self._todo.get()) is not None:
            job, step = todo
            end = self._run_step(job, step)
            if end == Then("record") and not self._leaving:  # straight to the desk: one change of thread less
                self._desk.put((job, "record"))
            else:
                self._ended.put([(job, end)])

    def _work_at_desk(self) -> None:
        unnamed: list[tuple[Job, str]] = []
        while pile := self._pile(unnamed):
            try:
                ends = self._run_together(pile)
            except BaseException as error:  # noqa: BLE001 - a desk that died in silence would be waited for for ever
                ends = [(job, error) for job, _ in pile]
            # Texts whose answers are committed get their names with the next pile: nothing paid waits for that.
            unnamed = [(job, "place") for job, end in ends if end == Then("place")]
            self._ended.put([(job, end) for job, end in ends if end != Then("place")])

    def _pile(self, pile: list[tuple[Job, str]]) -> list[tuple[Job, str]]:
        """Return this and what has come meanwhile; wait if there is nothing; an empty list is the end."""
        if len(self._running) > FEW_JOBS:
            self._ports.sleep(DESK_PAUSE_S)
        with contextlib.suppress(queue.Empty):
            while len(pile) < DESK_MAX:
                todo = self._desk.get(block=not pile)
                if todo is None:  # the end, after this pile
                    self._desk.put(None)
                    break
                pile.append(todo)
        return pile

    def _run_together(self, pile: Sequence[tuple[Job, str]]) -> list[tuple[Job, End]]:
        try:
            with self._ports.journal.database.together():
                ends = self._run_pile(pile)
                self._sync_folders()
        except Exception:  # noqa: BLE001 - all is taken back: each tries on its own, and says what that means for it
            self._ports.unsynced.clear()
            return [(job, self._run_alone(job, step)) for job, step in pile]
        return ends

    def _run_pile(self, pile: Sequence[tuple[Job, str]]) -> list[tuple[Job, End]]:
        ends: list[tuple[Job, End]] = []
        by_step: dict[str, list[Job]] = {}
        for job, step in pile:
            turned = self._run_step(job, step) if step == "turn" else None
            if turned is None:
                by_step.setdefault(step, []).append(job)
            elif turned == Then("submit") and not self._leaving:  # it need not wait: one visit to the desk for both
                by_step.setdefault("submit", []).append(job)
            else:
                ends.append((job, turned))
        for step, jobs in by_step.items():
            known = PILES[step](jobs, self._ports) if step in PILES and len(jobs) > 1 else {}
            ends += [(job, known.get(job.id) or self._run_step(job, step)) for job in jobs]
        return ends

    def _run_alone(self, job: Job, step: str) -> End:
        try:
            with self._ports.journal.database.together():
                end = self._run_step(job, step)
                self._sync_folders()
        except JournalError as error:
            return error
        except OSError as error:
            self._ports.unsynced.clear()
            return save_error(job.saving.folder or Path(), error)
        return end

    def _sync_folders(self) -> None:
        for folder in tuple(self._ports.unsynced):
            with contextlib.suppress(FileNotFoundError):  # the folder is gone, and what was in it
                sync_folder(folder)
            self._ports.unsynced.discard(folder)

    def _run_step(self, job: Job, step: str) -> End:
        try:
            return self._steps[step](job, self._ports)
        except (BailianError, KeyboardInterrupt, SystemExit) as error:
            return error  # carried to the caller's thread
        except Exception as error:  # noqa: BLE001 - one job's trouble is not the others'
            return crashed(job, self._ports, error)
