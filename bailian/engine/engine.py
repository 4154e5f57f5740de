"""Jobs in, outcomes out. A single picture and a batch come through here alike."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import ExitStack, suppress
from copy import copy
from dataclasses import replace
from threading import Lock
from types import TracebackType
from typing import Any

from bailian.catalog import Catalog
from bailian.clock import Clock, current_clock
from bailian.config.settings import Settings
from bailian.engine.admission.queues import ModelQueue, ModelQueues
from bailian.engine.context import NoProgress, Progress, RunState, Services, Speech
from bailian.engine.job import Job, Limits
from bailian.engine.job_intake import JobIntake
from bailian.engine.outcomes import Outcomes
from bailian.engine.scheduler import Scheduler
from bailian.engine.signals import ShutdownSignals
from bailian.engine.step import Outcome, Step
from bailian.engine.steps.step_table import NO_WAIT_STEPS, STEPS, first_step
from bailian.engine.steps.word_lists import remove_word_lists
from bailian.errors import JournalError
from bailian.files.under_way import take_in
from bailian.service.client import Service
from bailian.service.download import Downloader
from bailian.service.transport import network
from bailian.service.transport.headers import request_headers
from bailian.store.backends.database import JournalAway
from bailian.store.backends.server_patience import running
from bailian.store.budgets import Budget
from bailian.store.jobs import Journal
from bailian.store.leases import lease_at
from bailian.store.pace.limits import SharedLimits
from bailian.store.states import FINAL_STATES, Status
from bailian.types import Prepared


class Engine(JobIntake):
    """One account at one host, with its journal. Use as a context manager."""

    def __init__(
        self, settings: Settings, catalog: Catalog, progress: Progress | None = None, *, clock: Clock | None = None
    ) -> None:
        self.settings = settings
        self.catalog = catalog
        self.clock = clock or current_clock()
        self._progress = progress or NoProgress()
        self._stack = ExitStack()
        self._known_limits: dict[str, Limits] = {}
        self._interrupted = False
        self._interrupts: ShutdownSignals | None = None
        self._pausing, self._paused = Lock(), 0

    def __enter__(self) -> Engine:
        self.settings.require_key()
        network.check(self.settings.socket_url)  # before a job is written down; the calls' own is asked below
        home = self.settings.home
        place = replace(self.settings.journal, patience=running(self._on_pause, self._is_leaving))
        journal = Journal(place, clock=None if place.is_shared else self.clock.wall)
        self._stack.callback(journal.close)
        if place.is_shared:  # the clocks of two machines may be minutes apart
            self.clock = replace(self.clock, wall=journal.clock)
        limits = SharedLimits(place, clock=self.clock.wall, monotonic=self.clock.monotonic)
        self._stack.callback(limits.close)
        service = Service(self.settings, self.clock)
        downloader = Downloader(only_public=service.is_public, clock=self.clock)
        self._stack.callback(service.close)
        self._stack.callback(downloader.close)
        owner = self._stack.enter_context(lease_at(place))
        journal.owner = owner.id if place.is_shared else None
        take_in(home)
        self.services = Services(
            self.settings.account,
            journal,
            limits,
            owner,
            service,
            downloader,
            self._speech,
            self._check_again,
            self._progress,
            run_state=RunState(budgets=self.settings.budgets),
            clock=self.clock,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            remove_word_lists(self.services)

    def _on_pause(self, why: str) -> None:
        """Hear that a connection waits for its server, or goes on; several are said as one. Any thread."""
        with self._pausing:
            before, self._paused = self._paused, self._paused + (1 if why else -1)
            if bool(before) != bool(self._paused):
                self._progress.on_journal(why)

    def _is_leaving(self) -> bool:
        return self._interrupts is not None and self._interrupts.pressed

    def limit_run(self, run: str, limit_cny: float) -> None:
        """Stop a batch before it has cost more than this, whatever runs of it have spent already."""
        self.services.run_state.budgets = (*self.services.run_state.budgets, Budget(limit_cny, "run", run=run))

    def interrupt(self) -> None:
        """Let `run` end as Ctrl-C lets it: what is paid is kept. From any thread."""
        self._interrupted = True
        if self._interrupts is not None:
            self._interrupts.press()

    def watch_signals(self, signals: ShutdownSignals) -> None:
        """Let a wait for the journal's server end when they are pressed, while no `run` does."""
        self._interrupts = signals

    @property
    def interrupted(self) -> bool:
        """Return whether somebody has told it to end."""
        return self._interrupted

    def _check_again(self, kind: str, fields: Mapping[str, Any]) -> Prepared:
        from bailian.inputs.lookup import Inputs, checked  # loads what reads pictures

        as_named = copy(self.catalog)  # the model was chosen when the row was first checked
        as_named.use_successor = False
        return checked(kind, fields, as_named, self.settings.region, Inputs(self.settings.home))

    def _speech(self) -> Speech:
        from bailian.service.speech.session import SpeechSocket  # loads websockets

        return SpeechSocket(self.settings.socket_url, request_headers(self.settings), clock=self.clock)

    def run(
        self,
        jobs: Iterable[Job] = (),
        *,
        model_queues: Iterable[ModelQueue] = (),
        timeout_s: float | None = None,
        wait: bool = True,
        most_calls: int | None = None,
        follow: Callable[[Outcome], Iterable[Outcome]] = lambda _outcome: (),
    ) -> Generator[Outcome, None, None]:
        """Bring jobs to their end, in whatever order they get there.

        Close the generator (`contextlib.closing`) if it may be left early: its end lets go of the jobs.

        Args:
            jobs: those that are here.
            model_queues: where more of them come from, when they are about to be admitted.
            timeout_s: seconds for all of them; what still runs then is left to run, and reported so.
            wait: False ends each job when its task exists.
            most_calls: how many calls that are answered at once may be under way; None: as many as their rates ask for.
            follow: called with each outcome; wakes the queues of jobs that waited for it, ends those that cannot be.

        Raises:
            Interrupted: Ctrl-C; the message names what runs on and the command that fetches it.
        """
        model_queues = [*model_queues]
        open_ids: set[str] = set()
        by_queue: dict[str, list[Job]] = {}
        direct = []
        for job in jobs:
            open_ids.add(job.id)
            step = first_step(job)
            if step == Step.ADMIT:
                if job.state != Status.WAITING:
                    self.journal.requeue_maybe_billed(job.id)
                by_queue.setdefault(job.wire_model, []).append(job)
            else:
                direct.append((job, step))
        model_queues += [
            ModelQueue(queue, iter(waiting), waiting[0].limits.submit_per_s) for queue, waiting in by_queue.items()
        ]
        queues = ModelQueues(
            model_queues,
            monotonic=self.clock.monotonic,
            most_calls=most_calls,
            on_full=self.services.progress.on_capacity,
        )
        scheduler = Scheduler(STEPS if wait else NO_WAIT_STEPS, self.services, queues)
        self._interrupts = scheduler.interrupts
        if self._interrupted:
            self._interrupts.press()
        for job, step in direct:
            if job.limits.in_flight_limit and step in (Step.POLL, Step.RECONCILE):
                self.services.limits.slots.adopt(self.services.queue_of(job), job.id, self.services.lease.id)
                job.admission.has_slot = True
            scheduler.add(job, step)
        deadline_s = None if timeout_s is None else self.clock.monotonic() + timeout_s
        try:
            with scheduler.interrupts:
                yield from self._outcomes(scheduler, deadline_s, open_ids, follow)
        finally:
            scheduler.close()
            with suppress(JournalError):  # the disk is full: this process's lock goes with it all the same
                self.journal.release(open_ids, self.services.lease.id)
                self.services.limits.slots.leave(self.services.lease.id)

    def _outcomes(
        self,
        scheduler: Scheduler,
        deadline_s: float | None,
        open_ids: set[str],
        follow: Callable[[Outcome], Iterable[Outcome]],
    ) -> Generator[Outcome, None, None]:
        outcomes = Outcomes(self.services)

        def told(outcome: Outcome) -> Outcome:
            if outcome.state in FINAL_STATES:  # nobody's any more, by the commit that ended it
                open_ids.discard(outcome.job.id)
            return outcome

        try:
            for end in scheduler.run(deadline_s):
                outcome = told(outcomes.outcome(end))
                scheduler.model_queues.heed(outcome)
                yield outcome
                yield from follow(outcome)
            ends, left = scheduler.leave()
            yield from (told(outcomes.outcome(end)) for end in ends)
            yield from (told(outcome) for outcome in map(outcomes.left_at_deadline, left))
        except (KeyboardInterrupt, JournalAway) as error:
            ends, left = scheduler.leave()
            ended = [told(outcomes.outcome(end)) for end in ends]
            yield from ended
            if isinstance(error, JournalAway) and not self._is_leaving():
                raise
            raise outcomes.interrupted(left, made=any(outcome.placed for outcome in ended)) from None
