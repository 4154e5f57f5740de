"""From waiting rows to a created batch: reserve, upload, create once, and look for what was lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

from bailian.batch.run import runs_of
from bailian.batch.service_batches.collect import finish
from bailian.batch.service_batches.line_format import CHAT, OFFER, endpoint_of, first_file, is_taken, line_of, thinks
from bailian.batch.sync import BatchSpec
from bailian.engine.engine import Engine
from bailian.engine.job import Job
from bailian.engine.step import Outcome
from bailian.engine.timing import LOOK_PAUSES_S, backoff_s
from bailian.errors import BailianError, InvalidRequest, MaybeSent, NotSent, Retry, ServiceError, TransportError
from bailian.files.under_way import forget_files, under_way
from bailian.i18n import tr
from bailian.service.batch_api import BatchApi
from bailian.service.transport import send_tracking
from bailian.store.backends.sqlite import unusable
from bailian.store.batches import BatchStore
from bailian.store.jobs import NotOurs
from bailian.store.private import private_file
from bailian.store.service_batches import ServiceBatch, ServiceBatchStore, Stage
from bailian.store.states import Status

TRIES = 4
LOOK_FAILURES = 10


class NotCreated(Exception):
    """The batch certainly does not exist, and will not."""

    def __init__(self, error: BailianError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass
class BatchCreation:
    """What one run of the text rows works with."""

    engine: Engine
    spec: BatchSpec
    api: BatchApi
    window_h: int
    timeout_s: float | None
    store: ServiceBatchStore = field(init=False)
    folder: Path = field(init=False)
    """Where the lines and the results of a batch are until it is over."""
    deadline_s: float | None = field(init=False)
    """On the clock's `monotonic`."""

    def __post_init__(self) -> None:
        services = self.engine.services
        self.store = ServiceBatchStore(self.engine.journal, services.account, services.lease.id)
        self.folder = under_way(self.engine.journal.folder)
        self.deadline_s = None if self.timeout_s is None else self.engine.clock.monotonic() + self.timeout_s

    def left_s(self) -> float:
        """Return how much time is left."""
        return float("inf") if self.deadline_s is None else max(0.0, self.deadline_s - self.engine.clock.monotonic())

    def pause(self, pause_s: float) -> None:
        pause_s = min(self.engine.clock.pause_s(pause_s), self.left_s())
        if pause_s > 0:
            self.engine.clock.sleep(pause_s)

    def pause_after(self, error: BailianError, failures: int) -> None:
        """Wait before a call that failed so often in a row is repeated."""
        asked_s = error.retry_after_s if isinstance(error, ServiceError) else None
        self.pause(backoff_s(min(failures - 1, 4), retry_after_s=asked_s, jitter=self.engine.services.jitter()))

    def unfinished(self) -> Iterator[ServiceBatch]:
        """Yield the batches that earlier runs left, and forget those whose jobs are all over."""
        for one in self.store.of_run(self.spec.run):
            if not self.store.take_over(one.name, self.engine.services.lease.is_dead):
                continue
            if next(self.store.jobs(one.name), None) is None:
                self.forget(one)
            else:
                yield one

    def forget(self, kept: ServiceBatch) -> None:
        """Forget a batch that is over; the journal does so last, so that a next process finds what is left."""
        forget_files(self.engine.journal.folder, kept.name)
        self.store.forget(kept.name)

    def left(self, kept: ServiceBatch, error: Callable[[], BailianError]) -> Iterator[Outcome]:
        """Report the rows of a batch that is left to the next run."""
        for row in self.store.jobs(kept.name):
            yield Outcome(self.engine.continued(row), Status.SUBMITTED, error=error())


def create_batch(work: BatchCreation, *, new_rows: bool) -> Iterator[Outcome]:
    """Create what is to be created; the account's trouble, or a spent budget, keeps the rest waiting."""
    for kept in work.unfinished():
        if kept.step != Stage.CREATED and (yield from _push(work, kept)):
            return
    if not new_rows:
        return
    runs = runs_of(work.engine, work.spec)
    for wire_model, _ in runs.queues(work.spec.run, work.engine.services.lease.id):
        while True:
            chosen = yield from _choose(work, runs, wire_model)
            if not chosen:
                break
            if (yield from _send(work, chosen)):
                return


def _choose(work: BatchCreation, runs: BatchStore, wire_model: str) -> Generator[Outcome, None, list[str]]:
    """Return the jobs of the next file; a row that is too long for a line is not sent."""
    too_long: list[tuple[Job, InvalidRequest]] = []
    region = work.engine.settings.region

    def sizes() -> Iterator[tuple[str, int]]:
        thinking: bool | None = None
        for row in runs.waiting(work.spec.run, work.engine.services.lease.id, wire_model):
            if not is_taken(row.kind, work.engine.catalog.get(row.model), row.prepared.body, region):
                continue
            thinking = thinks(row.prepared.body) if thinking is None else thinking
            if thinks(row.prepared.body) != thinking:  # it goes into the next file
                continue
            try:
                yield row.id, len(line_of(row.id, row.prepared.body))
            except InvalidRequest as error:
                too_long.append((work.engine.continued(row), error))

    chosen = first_file(sizes())
    for job, error in too_long:
        yield finish(work.engine, job, error, Status.UNSENT)
    return chosen


def _send(work: BatchCreation, job_ids: list[str]) -> Generator[Outcome, None, bool]:
    services = work.engine.services
    now_s = services.clock.wall()
    begun = ServiceBatch(f"bailian-{int(now_s):x}-{uuid4().hex[:12]}", services.account, work.spec.run)
    budgets = [budget for budget in services.run_state.budgets if budget.run in (None, work.spec.run)]
    kept, full = work.store.reserve(begun, job_ids, OFFER, budgets, now_s)
    stopped = bool(kept.jobs) and (yield from _push(work, kept))
    if full is not None:
        row = work.engine.journal.job(job_ids[kept.jobs])
        if row is not None:
            yield Outcome(work.engine.continued(row), Status.WAITING, error=full)
    return stopped or full is not None


def _push(work: BatchCreation, kept: ServiceBatch) -> Generator[Outcome, None, bool]:
    """Bring a batch to where it is created; return whether the account's trouble stops all others too."""
    try:
        _created(work, kept)
    except NotOurs:  # this machine was taken for dead, and another one goes on with the batch
        return False
    except NotCreated as refused:
        return (yield from _not_created(work, kept, refused.error))
    except (TransportError, ServiceError) as failed:
        # It may exist, and the list does not answer: the next run looks again, and sends nothing before it knows.
        reason = failed.message
        yield from work.left(kept, lambda: _unclear(reason))
    return False


def _created(work: BatchCreation, kept: ServiceBatch) -> ServiceBatch:
    """Create the batch, once. Where the answer is lost, only its absence from the list lets it be sent again."""
    attempt = 0
    last: BailianError = _never_arrived()
    while True:
        if kept.step == Stage.CREATING:
            batch_id = _found(work, kept.name)
            if batch_id:
                return _put(work, kept, Stage.CREATED, batch_id=batch_id)
            kept = _put(work, kept, Stage.UPLOADED if kept.file_id else Stage.BEGUN)
            if attempt >= TRIES:
                raise NotCreated(last)
        if kept.step == Stage.BEGUN:
            kept = _put(work, kept, Stage.UPLOADED, file_id=_uploaded(work, kept))
        term = work.engine.services.lease.term
        kept = _put(work, kept, Stage.CREATING)
        attempt += 1
        try:
            return _put(work, kept, Stage.CREATED, batch_id=_create(work, kept, term))
        except MaybeSent:
            continue
        except (NotSent, ServiceError) as error:
            if isinstance(error, ServiceError) and (error.maybe_done or (error.http_status or 0) >= 500):
                last = error
                continue
            kept = _put(work, kept, Stage.UPLOADED)
            if attempt >= TRIES or (isinstance(error, ServiceError) and error.again == Retry.NEVER):
                raise NotCreated(error) from None
            work.pause_after(error, attempt)


def _create(work: BatchCreation, kept: ServiceBatch, term: int) -> str:
    """Make the paid call, unless this machine may be taken for dead meanwhile; `term` is that of its writing down."""
    endpoint = next((endpoint_of(row.prepared.body) for row in work.store.jobs(kept.name)), CHAT)
    send_tracking.watch(lambda: work.engine.services.lease.may_send(term))
    try:
        return work.api.create(kept.file_id, kept.name, work.window_h, endpoint=endpoint)
    finally:
        send_tracking.watch()  # what else this thread asks costs nothing


def _put(work: BatchCreation, kept: ServiceBatch, step: Stage, **known: str) -> ServiceBatch:
    kept = replace(kept, step=step, **known)  # type: ignore[arg-type]
    work.store.put(kept)
    return kept


def _uploaded(work: BatchCreation, kept: ServiceBatch) -> str:
    path = _write_lines(work, kept.name)
    attempt = 0
    while True:
        attempt += 1
        try:
            file_id = work.api.upload(path)
            path.unlink(missing_ok=True)
            return file_id
        except (TransportError, ServiceError) as error:
            again = isinstance(error, TransportError) or error.again != Retry.NEVER or error.maybe_done
            if not again or attempt == TRIES:
                raise NotCreated(error) from None
            work.pause_after(error, attempt)


def _write_lines(work: BatchCreation, name: str) -> Path:
    """Write the file to upload. One that was left half written is written anew."""
    path = work.folder / f"{name}.jsonl"
    try:
        with private_file(path).open("wb") as file:
            file.writelines(line_of(row.id, row.prepared.body) for row in work.store.jobs(name))
    except OSError as error:
        raise unusable(path, error) from None
    return path


def _found(work: BatchCreation, name: str) -> str:
    """Return the id of the batch of this name; "" when it certainly does not exist.

    Raises:
        TransportError, ServiceError: the list did not answer, or time was too short: that proves nothing.
    """
    looks, failures = 0, 0
    while looks < len(LOOK_PAUSES_S):
        if work.left_s() < work.engine.clock.pause_s(LOOK_PAUSES_S[looks]):
            raise TransportError(tr("no time was left to look for it", "剩余时间不足，未能核对"))
        work.pause(LOOK_PAUSES_S[looks])
        try:
            batches = work.api.find(name)
        except (TransportError, ServiceError) as error:
            failures += 1
            if failures >= LOOK_FAILURES or error.stops_all:
                raise
            work.pause_after(error, failures)
            continue
        if batches:
            return str(batches[0].get("id") or "")
        looks += 1
    return ""


def _not_created(work: BatchCreation, kept: ServiceBatch, error: BailianError) -> Generator[Outcome, None, bool]:
    """The account's trouble lets the rows wait; anything else ends them."""
    stops = isinstance(error, ServiceError) and error.stops_all
    if stops:
        row = next(work.store.jobs(kept.name), None)
        work.store.give_back(kept.name, OFFER)
        if row is not None:
            yield Outcome(work.engine.continued(row), Status.WAITING, error=error)
    else:
        passing = isinstance(error, TransportError) or getattr(error, "again", Retry.NEVER) != Retry.NEVER
        for member in work.store.jobs(kept.name):
            yield finish(work.engine, work.engine.continued(member), error, Status.UNSENT if passing else Status.FAILED)
    work.forget(kept)
    return stops


def _never_arrived() -> NotSent:
    return NotSent(
        tr(
            "the connection broke whenever the batch was created; the service has no such batch, nothing was billed",
            "每次创建批次时连接均中断；服务端没有对应批次，未产生费用",
        )
    )


def _unclear(reason: str) -> MaybeSent:
    return MaybeSent(
        tr(f"whether the batch was created is not clear yet: {reason}", f"尚不清楚批次是否已创建：{reason}"),
        advice=tr(
            "it is not sent again, because it may be paid; run the same command again to look again",
            "由于可能已计费，不会自动重发；再次运行同一命令即可重新核对",
        ),
    )
