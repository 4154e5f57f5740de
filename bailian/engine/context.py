"""What the steps may use: the services of one account, and the state of one run."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bailian.clock import Clock
from bailian.engine.admission.call_capacity import CallCapacity
from bailian.engine.job import Job
from bailian.engine.task_list.poller import TaskListPoller
from bailian.errors import BailianError
from bailian.service.client import Service
from bailian.service.download import Downloader
from bailian.store.budgets import Budget
from bailian.store.jobs import Journal
from bailian.store.leases import Lease
from bailian.store.pace.limits import SharedLimits
from bailian.types import Prepared

if TYPE_CHECKING:
    from bailian.modalities.text.text_answers import Assembly

# So late a query still leaves at its place; the service counts in seconds.
QUERY_LATE_S = 0.1
FIRST_PENALTY_S = 0.25


class Progress(Protocol):
    """Told what happens; the default says nothing."""

    def update(self, job: Job, status: str, elapsed_s: float) -> None: ...

    def on_chunk(self, job: Job, text: str, thought: str) -> None:
        """Show a piece of a streamed answer."""

    def on_sound(self, job: Job, data: bytes) -> None:
        """Play a piece of a sound that is made of one part, in a format that needs no end to begin."""

    def on_capacity(self, capacity: CallCapacity) -> None:
        """Say that the account allows more calls at once than this process can hold."""

    def on_journal(self, why: str) -> None:
        """Say that the run waits for the journal's server, and why; or (empty) that it goes on."""

    def on_shutdown(self, requests: int, seconds: float) -> None:
        """Say that paid requests are under way, and how long their answers are waited for at most."""


class NoProgress:
    def update(self, job: Job, status: str, elapsed_s: float) -> None:
        pass

    def on_chunk(self, job: Job, text: str, thought: str) -> None:
        pass

    def on_sound(self, job: Job, data: bytes) -> None:
        pass

    def on_capacity(self, capacity: CallCapacity) -> None:
        pass

    def on_journal(self, why: str) -> None:
        pass

    def on_shutdown(self, requests: int, seconds: float) -> None:
        pass


class Speech(Protocol):
    """Speaks one text; `service.speech.session` does, which is loaded when it is needed."""

    def speak(
        self,
        run_task_payload: Mapping[str, Any],
        part_path: Path,
        *,
        pieces: Sequence[str] | None = None,
        heard: Callable[[bytes], None] = ...,
    ) -> dict[str, Any]: ...


@dataclass
class StrangeTasks:
    """Tasks that are over and may be one of our lost ones."""

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    asking: threading.Lock = field(default_factory=threading.Lock)
    """Held by the one job that asks about such a task; the others wait for what it hears."""


@dataclass
class TimeQuestion:
    """The service's time, asked for by one job for all."""

    asked_s: float | None = None
    """When it was last asked for (monotonic)."""
    asking: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class RunState:
    """What the jobs of one run of the engine know of each other. Gone with the process."""

    budgets: tuple[Budget, ...] = ()
    strangers: StrangeTasks = field(default_factory=StrangeTasks)
    service_time: TimeQuestion = field(default_factory=TimeQuestion)
    queued_s: dict[str, float] = field(default_factory=dict)
    """How long the last finished task of a model had waited in the service's queue: the next one will, too."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when this process is about to leave: no further part of a text is sent."""
    streams: dict[str, Assembly] = field(default_factory=dict)
    """What has come of the answers under way, by job. Who takes one out writes its end down."""
    uploads: dict[tuple[str, Path], str] = field(default_factory=dict)
    """Where files were uploaded, by job and path."""
    open_prices: set[str] = field(default_factory=set)
    """Requests under way whose real cost is known with their answers: until then the most they can cost is reserved."""
    halted_by: BailianError | None = None
    """Why no further request of this run would reach the service."""
    queries_refused: int = 0
    """How many queries in a row were too many for the service."""
    strict: bool = False
    """What would be adapted is refused, also where that shows only when another row's result is there."""
    dirty_dirs: set[Path] = field(default_factory=set)
    """Folders with new names in them that a power cut could take back."""


@dataclass
class Services:
    """Everything a step may touch. Time and chance are arguments, so no test sleeps."""

    account: str
    journal: Journal
    limits: SharedLimits
    lease: Lease
    service: Service
    downloader: Downloader
    speech: Callable[[], Speech]
    """Opens no connection: gives what opens one."""
    check_again: Callable[[str, Mapping[str, Any]], Prepared]
    """Checks the fields of a request of a kind once more, when the results of other rows are there."""
    progress: Progress = field(default_factory=NoProgress)
    run_state: RunState = field(default_factory=RunState)
    clock: Clock = field(default_factory=Clock)
    jitter: Callable[[], float] = random.random

    @cached_property
    def task_list(self) -> TaskListPoller:
        """Return what the account's task list tells of many tasks at once."""
        return TaskListPoller(self.service.task_page, self.clock)

    def queue_of(self, job: Job) -> str:
        """Return the name of the queue that a model's jobs wait in, in all processes."""
        return f"submit:{self.account}:{job.wire_model}"

    def budgets_of(self, job: Job) -> tuple[Budget, ...]:
        """Return what the job must fit into: the account's budgets and its batch's."""
        return tuple(budget for budget in self.run_state.budgets if budget.run in (None, job.run))

    def query_turn(self, poll_per_s: float = 20.0) -> None:
        """Wait for a place among the account's queries: for the rare questions that are not polls."""
        wait_s = self.limits.rates.reserve(f"query:{self.account}", poll_per_s)
        if wait_s > 0:
            self.clock.sleep(wait_s)


def age_s(job: Job, services: Services) -> float | None:
    """Return how long ago a job was sent, by the service's clock alone; None if that is not known."""
    now_s = services.service.clock.now_s()
    return None if now_s is None or job.sent_server_s is None else now_s - job.sent_server_s


def query_wait_s(job: Job, services: Services) -> float:
    """Take a place among the account's queries; return the seconds until it (0: ask now).

    A place that must be waited for is kept: the next call for this job is free. Whoever comes late for it takes another
    one, once: on a busy machine those who are late would leave together.
    """
    name, per_s = f"query:{services.account}", job.limits.poll_per_s
    now_s = services.clock.monotonic()
    if job.query.taken:
        late_s = now_s - job.query.at_s
        job.query.taken = False
        if late_s <= QUERY_LATE_S or job.query.was_late:
            job.query.was_late = False
            return 0.0
        wait_s, job.query.was_late = services.limits.rates.reserve_later(name, per_s, late_s), True
    else:
        wait_s, job.query.was_late = services.limits.rates.reserve(name, per_s), False
    job.query.taken, job.query.at_s = wait_s > 0, now_s + services.clock.pause_s(wait_s)
    return wait_s


def note_query(services: Services, *, refused: bool) -> None:
    """Slow all queries down when the service says that they are too many; the more, the more often it says so."""
    if not refused:
        services.run_state.queries_refused = 0
        return
    services.run_state.queries_refused += 1
    pause_s = min(1.0, FIRST_PENALTY_S * 2.0 ** min(services.run_state.queries_refused - 1, 10))
    services.limits.rates.penalize(f"query:{services.account}", pause_s)
