"""The engine's working copy of a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from bailian.catalog import Mode
from bailian.catalog.model import KINDS
from bailian.engine.timing import DurationProfile
from bailian.errors import BailianError, UnreadableJob
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities import modality_of
from bailian.service.transport.send_tracking import Watch
from bailian.store.paths import restored, stored
from bailian.store.schema import JobRow, dumped
from bailian.store.states import Status
from bailian.text.storage_path import ResultPath
from bailian.types import Item, Notice, StoredRequest


@dataclass(frozen=True)
class OutputSpec:
    """Where results go."""

    folder: ResultPath | None
    """None: a text is only shown; the journal has it."""
    template: str
    sidecar: bool = False
    stem: str | None = None
    """The file's very name without suffix, instead of one made by the template."""
    suffix: str | None = None
    """The suffix asked for, of a text."""
    recipe: str = "on"
    """What is written into a picture: "on", "no-price" or "off"."""

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "folder": None if self.folder is None else stored(self.folder)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> OutputSpec:
        return _saving(
            data.get("folder"),
            data["template"],
            bool(data.get("sidecar")),
            data.get("stem"),
            data.get("suffix"),
            str(data.get("recipe") or "on"),
        )


@lru_cache(maxsize=64)
def _saving(
    folder: str | None, template: str, sidecar: bool, stem: str | None, suffix: str | None, recipe: str
) -> OutputSpec:
    """Rows of a batch go to the same place: one object, and one path, for all of them."""
    return OutputSpec(None if folder is None else restored(folder), template, sidecar, stem, suffix, recipe)


@lru_cache(maxsize=64)
def saving_text(saving: OutputSpec) -> str:
    """Return the JSON that the journal keeps: once for all rows that go to the same place."""
    return dumped(saving.to_json())


@dataclass(slots=True)
class StagedText:
    """A text that waits for its file and its name."""

    folder: Path
    whole: Path
    """Where it is until it has its name."""
    target: Path
    """The name it is to get."""
    data: bytes
    sha256: str
    is_written: bool = False
    """It is whole on the disk."""


class Broken(Exception):
    """An answer broke off after some of it had come."""

    def __init__(self, answer: dict[str, Any], error: BailianError) -> None:
        super().__init__(error.message)
        self.answer = answer
        self.error = error


def unreadable_job(job_id: str, reason: str) -> UnreadableJob:
    return UnreadableJob(
        tr(f"job {job_id} cannot be read in the journal: {reason}", f"无法读取日志中的任务 {job_id}：{reason}"),
        advice=tr(
            f"the others go on; what is known of it: {how_to().show(job_id)}",
            f"其他任务不受影响；已知信息：{how_to().show(job_id)}",
        ),
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """What the catalog says of its model; None: as much as you like, or not known."""

    submit_per_s: float | None = None
    in_flight_limit: int | None = None
    """How many tasks of this model may be unfinished at once, over all processes."""
    poll_per_s: float = 20.0
    typical_s: float | None = None


NO_LIMITS = Limits()


@dataclass(slots=True)
class AdmitState:
    """What a job has, or waits for, before it may leave."""

    has_slot: bool = False
    place_at_s: float | None = None
    """When its place among the submits is, or was (monotonic)."""
    waited: bool = False
    """For that place, to the moment."""
    waits_for: str = ""
    """Who has the slots that it waits for."""
    stopped: str = ""
    """Who of them is stopped, and how to go on."""


@dataclass(slots=True)
class SendState:
    """A request on its way, and what came of it."""

    body: dict[str, Any] | None = None
    """What is about to be sent, its files in it."""
    watch: Watch | None = None
    """Shows whether anything of the request has left, while its thread waits for the answer."""
    reply: dict[str, Any] | BailianError | Broken | None = None
    """What came of it, until it is written down."""
    clock_doubts: int | None = None
    lease_term: int = 0
    """Of this process, when it was written down that the request leaves; see `Lease.may_send`."""
    """How often the service's clock had contradicted itself then; None: another process sent it."""
    attempts: int = 0
    resends: int = 0
    last_error: BailianError | None = None
    """Why it was not sent yet."""


@dataclass(slots=True)
class ReconcileState:
    """What the account's task list has shown of a request whose answer is lost."""

    confirmations: int = 0
    inconclusive: set[str] = field(default_factory=set)
    """Tasks that are over and may be this job's or another's."""
    inconclusive_before: set[str] = field(default_factory=set)
    inconclusive_looks: int = 0
    """How often the list showed the same ones, and no others."""
    not_ours: set[str] = field(default_factory=set)
    """Tasks that show another's request."""
    failures_in_a_row: int = 0


@dataclass(slots=True)
class QueryPlace:
    """Its place among the account's queries."""

    taken: bool = False
    """It is waited for."""
    at_s: float = 0.0
    """When that is (monotonic)."""
    was_late: bool = False
    """For the place before."""


@dataclass(slots=True)
class PollState:
    """How a task has been asked for."""

    from_s: float | None = None
    nothing_since_s: float | None = None
    """Since when the service knows no task, or shows no result, on the same scale."""
    asks_list: bool = False
    """Its place among the account's queries is for a page of the task list."""
    shown: str = ""
    """The status that was last told to whoever looks on."""
    duration_profile: DurationProfile | None = None
    failures_in_a_row: int = 0


@dataclass(slots=True)
class SaveState:
    """How far the files of an answer are."""

    document: bool = False
    """The answer holds the document it links to."""
    refreshed: bool = False
    staged: dict[int, StagedText] = field(default_factory=dict)
    """Texts whose names are known, and that do not have them yet."""
    published: dict[int, tuple[ResultPath, str]] = field(default_factory=dict)
    """Files (with SHA-256) that have their names and are not in the journal yet."""
    failures_in_a_row: int = 0
    items: tuple[Mapping[str, Any], list[Item]] | None = None
    """An answer and the results that it holds, which several steps ask for."""


@dataclass
class RowCopy:
    """A row of the journal, as far as the engine needs it; the steps keep both alike."""

    id: str
    kind: str
    model: str
    wire_model: str
    request: Mapping[str, Any]
    prepared: StoredRequest
    saving: OutputSpec
    created_at_s: float
    estimate_cny: float | None
    run: str | None = None
    """The batch or chat it belongs to."""
    row_key: str | None = None
    state: Status = Status.WAITING
    """Where the journal had it when this process took it."""
    task_id: str | None = None
    request_id: str | None = None
    adopted: bool = False
    sent_at_s: float | None = None
    sent_server_s: float | None = None
    """When it was sent, by the service's clock."""
    answer: dict[str, Any] | None = None
    charged_cny: float | None = None


@dataclass
class Job(RowCopy):
    """A row of the journal, and the state of its steps in this process."""

    limits: Limits = NO_LIMITS
    may_resend: bool = True
    """False when a later process looks after the job: what never arrived is reported, not sent again."""
    ask_once: bool = False
    """A person named it: that the service does not know it is an answer, not a reason to wait."""
    account_flags: tuple[str, ...] = ()
    """The command that fetches it later; the id follows."""
    notices: list[Notice] = field(default_factory=list)
    query: QueryPlace = field(default_factory=QueryPlace)
    admission: AdmitState = field(default_factory=AdmitState)
    sending: SendState = field(default_factory=SendState)
    reconciling: ReconcileState = field(default_factory=ReconcileState)
    polling: PollState = field(default_factory=PollState)
    results: SaveState = field(default_factory=SaveState)

    def items_of(self, answer: Mapping[str, Any]) -> list[Item]:
        """Return the results that an answer holds, good and failed, in order."""
        known = self.results.items
        if known is None or known[0] is not answer:
            known = self.results.items = answer, modality_of(self.kind).items(answer, self.prepared)
        return known[1]

    @property
    def mode(self) -> Mode:
        """Return how its model is called."""
        assert self.prepared.mode is not None  # noqa: S101 - `of_row` refuses such a row
        return self.prepared.mode

    @classmethod
    def of_row(cls, row: JobRow) -> Job:
        """Continue what another run left.

        Raises:
            UnreadableJob: nothing can be done with the row.
        """
        try:
            return cls._of_row(row)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise unreadable_job(str(row.id), repr(error)) from None  # what stands as an id may be anything

    @classmethod
    def _of_row(cls, row: JobRow) -> Job:
        if row.kind not in KINDS or row.prepared.mode is None:
            raise ValueError(row.kind)
        return cls(
            id=row.id,
            kind=row.kind,
            model=row.model,
            wire_model=row.wire_model,
            request=row.request,
            prepared=row.prepared,
            saving=OutputSpec.from_json(row.saving),
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
            notices=list(row.prepared.notices),
        )


def where_to_look(row: JobRow) -> Status | None:
    """Return from which state on a finished job is looked at again; None if there is nothing to look at."""
    if (row.error or {}).get("error", {}).get("code") == "CutShort":
        return None  # more of it will not come
    if row.task_id:
        return Status.SUBMITTED
    if row.answer and modality_of(row.kind).items(row.answer, row.prepared):  # else there is nothing to save in it
        return Status.ENDED
    return Status.UNSETTLED if row.state == Status.HELD and row.prepared.mode == Mode.TASK else None
