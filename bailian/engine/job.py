"""A job on its way through the engine, what the steps may use, and how a step ends."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from bailian.catalog.model import KINDS
from bailian.engine.task_list import Sweep
from bailian.engine.timing import Usual
from bailian.errors import BailianError, UnreadableJob
from bailian.i18n import say
from bailian.service.client import Service
from bailian.service.download import Downloader
from bailian.service.transport.send_tracking import Watch
from bailian.store.budgets import Budget
from bailian.store.jobs import Journal
from bailian.store.leases import Owner
from bailian.store.paths import restored, stored
from bailian.store.rate_limits import Pace
from bailian.store.schema import Row
from bailian.types import Notice

if TYPE_CHECKING:
    from bailian.engine.steps.speak import Broken
    from bailian.modalities.text_answers import Assembly


@dataclass(frozen=True)
class Saving:
    """Where results go."""

    folder: Path | None
    """None: a text is only shown; the journal has it."""
    template: str
    sidecar: bool = False
    stem: str | None = None
    """The file's very name without suffix, instead of one made by the template."""
    suffix: str | None = None
    """The suffix asked for, of a text."""

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "folder": None if self.folder is None else stored(self.folder)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Saving:
        return _saving(
            data.get("folder"), data["template"], bool(data.get("sidecar")), data.get("stem"), data.get("suffix")
        )


@lru_cache(maxsize=64)
def _saving(folder: str | None, template: str, sidecar: bool, stem: str | None, suffix: str | None) -> Saving:
    """Rows of a batch go to the same place: one object, and one path, for all of them."""
    return Saving(None if folder is None else restored(folder), template, sidecar, stem, suffix)


class Written(NamedTuple):
    """A text that is whole on the disk and waits for its name."""

    folder: Path
    whole: Path
    """Where it is."""
    target: Path
    """The name it is to get."""
    sha256: str


@dataclass
class Job:
    """The working copy of one journal row."""

    id: str
    kind: str
    model: str
    wire_model: str
    request: Mapping[str, Any]
    prepared: Mapping[str, Any]
    saving: Saving
    created_at_s: float
    estimate_cny: float | None
    run: str | None = None
    """The batch or chat it belongs to."""
    row_key: str | None = None
    state: str = "waiting"
    """Where the journal had it when this process took it."""
    submit_per_s: float | None = None
    in_flight_limit: int | None = None
    """How many tasks of this model may be unfinished at once, over all processes."""
    poll_per_s: float = 20.0
    typical_s: float | None = None

    body: dict[str, Any] | None = None
    """What is about to be sent, its files in it."""
    sending: Watch | None = None
    """Shows whether anything of the request has left, while its thread waits for the answer."""
    reply: dict[str, Any] | BailianError | Broken | None = None
    """What came of it, until it is written down."""
    task_id: str | None = None
    request_id: str | None = None
    adopted: bool = False
    sent_at_s: float | None = None
    sent_server_s: float | None = None
    """When it was sent, by the service's clock."""
    clock_doubts: int | None = None
    """How often that clock had contradicted itself then; None: another process sent it."""
    answer: dict[str, Any] | None = None
    charged_cny: float | None = None

    may_resend: bool = True
    """False when a later process looks after the job: what never arrived is reported, not sent again."""
    ask_once: bool = False
    """A person named it: that the service does not know it is an answer, not a reason to wait."""
    resume: str = "bailian tasks wait"
    """The command that fetches it later; the id follows."""
    notices: list[Notice] = field(default_factory=list)
    attempts: int = 0
    last_error: BailianError | None = None
    """Why it was not sent yet."""
    resends: int = 0
    failures_in_a_row: int = 0
    has_place: bool = False
    """Has waited for a place among the account's queries."""
    has_slot: bool = False
    place_at_s: float | None = None
    """When its place among the submits is, or was (monotonic)."""
    waited: bool = False
    """For that place, to the moment."""
    waits_for: str = ""
    """Who has the slots that it waits for."""
    stopped: str = ""
    """Who of them is stopped, and how to go on."""
    confirmations: int = 0
    undecided: set[str] = field(default_factory=set)
    """Tasks that are over and may be this job's or another's."""
    undecided_before: set[str] = field(default_factory=set)
    undecided_looks: int = 0
    """How often the list showed the same ones, and no others."""
    not_ours: set[str] = field(default_factory=set)
    """Tasks that show another's request."""
    refreshed: bool = False
    written: dict[int, Written] = field(default_factory=dict)
    """Texts that are whole beside the names they are to get."""
    unrecorded: dict[int, tuple[Path, str]] = field(default_factory=dict)
    """Files (with SHA-256) that have their names and are not in the journal yet."""
    document: bool = False
    """The answer holds the document it links to."""
    watched_from_s: float | None = None
    nothing_since_s: float | None = None
    """Since when the service knows no task, or shows no result, on the same scale."""
    asked_anyway_s: float = 0.0
    """When it was last asked for although the task list did not show it to be over, since `watched_from_s`."""
    usual: Usual | None = None

    @classmethod
    def of_row(cls, row: Row) -> Job:
        """Continue what another run left.

        Raises:
            UnreadableJob: nothing can be done with the row.
        """
        try:
            return cls._of_row(row)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnreadableJob(
                say(
                    f"job {row.id} cannot be read in the journal: {error!r}",
                    f"无法读取日志中的任务 {row.id}：{error!r}",
                ),
                advice=say(
                    f"the others go on; what is known of it: bailian tasks show {row.id}",
                    f"其他任务不受影响；已知信息：bailian tasks show {row.id}",
                ),
            ) from None

    @classmethod
    def _of_row(cls, row: Row) -> Job:
        if row.kind not in KINDS or not isinstance(row.prepared.get("mode"), str):
            raise ValueError(row.kind)
        return cls(
            id=row.id,
            kind=row.kind,
            model=row.model,
            wire_model=row.wire_model,
            request=row.request,
            prepared=row.prepared,
            saving=Saving.from_json(row.saving),
            created_at_s=row.created_at_s,
            estimate_cny=row.estimate_cny,
            task_id=row.task_id,
            request_id=row.request_id,
            adopted=row.adopted,
            sent_at_s=row.sent_at_s,
            sent_server_s=row.sent_server_s,
            answer=row.answer,
            charged_cny=row.charged_cny,
            run=row.run,
            row_key=row.row_key,
            state=row.state,
            may_resend=False,
            notices=[Notice(**notice) for notice in row.prepared.get("notices") or []],
        )


class Progress(Protocol):
    """Told what happens; the default says nothing."""

    def update(self, job: Job, status: str, elapsed_s: float) -> None: ...

    def piece(self, job: Job, text: str, thought: str) -> None:
        """Show a piece of a streamed answer."""

    def leaving(self, requests: int, seconds: float) -> None:
        """Say that paid requests are under way, and how long their answers are waited for at most."""


class NoProgress:
    def update(self, job: Job, status: str, elapsed_s: float) -> None:
        pass

    def piece(self, job: Job, text: str, thought: str) -> None:
        pass

    def leaving(self, requests: int, seconds: float) -> None:
        pass


class Speech(Protocol):
    """Speaks one text; `wire.speech` does, which is loaded when it is needed."""

    def speak(self, run_task_payload: Mapping[str, Any], part_path: Path) -> dict[str, Any]: ...


@dataclass
class Ports:
    """Everything a step may touch. Time and chance are arguments, so no test sleeps."""

    account: str
    journal: Journal
    pace: Pace
    owner: Owner
    service: Service
    downloader: Downloader
    speech: Callable[[], Speech]
    """Opens no connection: gives what opens one."""
    progress: Progress = field(default_factory=NoProgress)
    budgets: tuple[Budget, ...] = ()
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Answers of tasks that are over and may be one of our lost ones."""
    asking: threading.Lock = field(default_factory=threading.Lock)
    """Held by the one job that asks about such a task; the others wait for what it hears."""
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
    time_asked_s: float | None = None
    """When the service was last asked for its time (monotonic)."""
    asking_time: threading.Lock = field(default_factory=threading.Lock)
    unsynced: set[Path] = field(default_factory=set)
    """Folders with new names in them that a power cut could take back."""
    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    jitter: Callable[[], float] = random.random
    sleep: Callable[[float], None] = time.sleep

    @cached_property
    def sweep(self) -> Sweep:
        """Return what the account's task list tells of many tasks at once."""
        return Sweep(lambda note: self.service.list_tasks(turn=self.query_turn, on_page=note), self.monotonic)

    def queue_of(self, job: Job) -> str:
        """Return the name of the queue that a model's jobs wait in, in all processes."""
        return f"submit:{self.account}:{job.wire_model}"

    def budgets_of(self, job: Job) -> tuple[Budget, ...]:
        """Return what the job must fit into: the account's budgets and its batch's."""
        return tuple(budget for budget in self.budgets if budget.run in (None, job.run))

    def query_turn(self, poll_per_s: float = 20.0) -> None:
        """Wait for a place among the account's queries: for the rare questions that are not polls."""
        wait_s = self.pace.place_s(f"query:{self.account}", poll_per_s)
        if wait_s > 0:
            self.sleep(wait_s)


class Then(NamedTuple):
    """A step is over: do `step` after `after_s` seconds. No thread is held meanwhile."""

    step: str
    after_s: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """How a job ended, or where it was left."""

    job: Job
    state: str
    placed: Mapping[int, Path] = field(default_factory=dict)
    """The finished file of each result, by the result's index."""
    error: BailianError | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(self.placed[index] for index in sorted(self.placed))


def age_s(job: Job, ports: Ports) -> float | None:
    """Return how long ago a job was sent, by the service's clock alone; None if that is not known."""
    now_s = ports.service.clock.now_s()
    return None if now_s is None or job.sent_server_s is None else now_s - job.sent_server_s


def query_wait_s(job: Job, ports: Ports) -> float:
    """Take a place among the account's queries; return the seconds until it (0: ask now).

    A place that must be waited for is kept: the next call for this job is free.
    """
    if job.has_place:
        job.has_place = False
        return 0.0
    wait_s = ports.pace.place_s(f"query:{ports.account}", job.poll_per_s)
    job.has_place = wait_s > 0
    return wait_s


Step = Callable[[Job, Ports], "Then | Outcome"]

End = Then | Outcome | BaseException
"""How a step ended; an exception is carried to the caller's thread."""
Pile = Callable[[Sequence[Job], Ports], dict[str, End]]
"""A step for many jobs, by the jobs' ids."""
