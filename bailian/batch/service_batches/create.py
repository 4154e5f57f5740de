"""From waiting rows to a created batch: reserve, upload, create once, and look for what was lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from uuid import uuid4

from bailian.batch.run import runs_of
from bailian.batch.service_batches.collect import ended
from bailian.batch.service_batches.ledger import Kept, Members, Shelf
from bailian.batch.service_batches.line_format import first_file, line_of
from bailian.batch.sync import Wish
from bailian.engine import scheduler
from bailian.engine.engine import Engine
from bailian.engine.job import Job, Outcome
from bailian.engine.timing import backoff_s
from bailian.errors import BailianError, InvalidRequest, MaybeSent, NotSent, ServiceError, TransportError
from bailian.i18n import say
from bailian.service.batch_api import BatchApi
from bailian.store.batches import Runs

TRIES = 4
# How long a created batch may stay out of the list is not documented: seven looks over a minute prove it absent (a guess).
LOOKS_S = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
LOOK_FAILURES = 10


class NotCreated(Exception):
    """The batch certainly does not exist, and will not."""

    def __init__(self, error: BailianError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass
class Work:
    """What one run of the text rows works with."""

    engine: Engine
    wish: Wish
    api: BatchApi
    window_h: int
    timeout_s: float | None
    members: Members = field(init=False)
    shelf: Shelf = field(init=False)
    deadline_s: float | None = field(init=False)
    """On the clock of `ports.monotonic`."""

    def __post_init__(self) -> None:
        ports = self.engine.ports
        self.members = Members(self.engine.journal, ports.account, ports.owner.id)
        self.shelf = Shelf(self.engine.journal.folder)
        self.deadline_s = None if self.timeout_s is None else ports.monotonic() + self.timeout_s

    def left_s(self) -> float:
        """Return how much time is left."""
        return float("inf") if self.deadline_s is None else max(0.0, self.deadline_s - self.engine.ports.monotonic())

    def pause(self, pause_s: float) -> None:
        pause_s = min(pause_s * scheduler.PAUSE_FACTOR, self.left_s())
        if pause_s > 0:
            self.engine.ports.sleep(pause_s)

    def pause_after(self, error: BailianError, failures: int) -> None:
        """Wait before a call that failed so often in a row is repeated."""
        asked_s = error.retry_after_s if isinstance(error, ServiceError) else None
        self.pause(backoff_s(min(failures - 1, 4), retry_after_s=asked_s, jitter=self.engine.ports.jitter()))

    def unfinished(self) -> Iterator[Kept]:
        """Yield the batches that earlier runs left; one whose file is lost is looked for at the service."""
        account, run = self.engine.ports.account, self.wish.run
        kept = {one.name: one for one in self.shelf.batches(account, run)}
        for name in self.members.names(run):
            kept.setdefault(name, Kept(name, account, run, "creating"))
        for one in kept.values():
            if not self.members.take(one.name, self.engine.ports.owner.is_gone):
                continue
            if next(self.members.rows(one.name), None) is None:
                self.shelf.drop(one.name)  # every job is over, or none was reserved
            else:
                yield one

    def left(self, kept: Kept, error: Callable[[], BailianError]) -> Iterator[Outcome]:
        """Report the rows of a batch that is left to the next run."""
        for row in self.members.rows(kept.name):
            yield Outcome(self.engine.continued(row), "submitted", error=error())


def send(work: Work, *, new_rows: bool) -> Iterator[Outcome]:
    """Create what is to be created; the account's trouble, or a spent budget, keeps the rest waiting."""
    for kept in work.unfinished():
        if kept.step != "created" and (yield from _push(work, kept)):
            return
    if not new_rows:
        return
    runs = runs_of(work.engine, work.wish)
    for wire_model, _ in runs.queues(work.wish.run, work.engine.ports.owner.id):
        while True:
            chosen = yield from _choose(work, runs, wire_model)
            if not chosen:
                break
            if (yield from _send(work, chosen)):
                return


def _choose(work: Work, runs: Runs, wire_model: str) -> Generator[Outcome, None, list[str]]:
    """Return the jobs of the next file; a row that is too long for a line is not sent."""
    too_long: list[tuple[Job, InvalidRequest]] = []

    def sizes() -> Iterator[tuple[str, int]]:
        for row in runs.waiting(work.wish.run, work.engine.ports.owner.id, wire_model):
            if row.kind != "text":
                continue
            try:
                yield row.id, len(line_of(row.id, row.prepared["body"]))
            except InvalidRequest as error:
                too_long.append((work.engine.continued(row), error))

    chosen = first_file(sizes())
    for job, error in too_long:
        yield ended(work.engine, job, error, "unsent")
    return chosen


def _send(work: Work, job_ids: list[str]) -> Generator[Outcome, None, bool]:
    ports = work.engine.ports
    now_s = ports.wall()
    kept = Kept(f"bailian-{int(now_s):x}-{uuid4().hex[:12]}", ports.account, work.wish.run)
    work.shelf.put(kept)
    budgets = [budget for budget in ports.budgets if budget.run in (None, work.wish.run)]
    taken, full = work.members.reserve(kept.name, job_ids, budgets, now_s)
    if not taken:
        work.shelf.drop(kept.name)
    stopped = bool(taken) and (yield from _push(work, replace(kept, jobs=taken)))
    if full is not None:
        row = work.engine.journal.job(job_ids[taken])
        if row is not None:
            yield Outcome(work.engine.continued(row), "waiting", error=full)
    return stopped or full is not None


def _push(work: Work, kept: Kept) -> Generator[Outcome, None, bool]:
    """Bring a batch to where it is created; return whether the account's trouble stops all others too."""
    try:
        _created(work, kept)
    except NotCreated as refused:
        return (yield from _not_created(work, kept, refused.error))
    except (TransportError, ServiceError) as failed:
        # It may exist, and the list does not answer: the next run looks again, and sends nothing before it knows.
        reason = failed.message
        yield from work.left(kept, lambda: _unclear(reason))
    return False


def _created(work: Work, kept: Kept) -> Kept:
    """Create the batch, once. Where the answer is lost, only its absence from the list lets it be sent again."""
    attempt = 0
    last: BailianError = _never_arrived()
    while True:
        if kept.step == "creating":
            batch_id = _found(work, kept.name)
            if batch_id:
                return _put(work, kept, step="created", batch_id=batch_id)
            kept = _put(work, kept, step="uploaded" if kept.file_id else "begun")
            if attempt >= TRIES:
                raise NotCreated(last)
        if kept.step == "begun":
            kept = _put(work, kept, step="uploaded", file_id=_uploaded(work, kept))
        kept = _put(work, kept, step="creating")
        attempt += 1
        try:
            return _put(work, kept, step="created", batch_id=work.api.create(kept.file_id, kept.name, work.window_h))
        except MaybeSent:
            continue
        except (NotSent, ServiceError) as error:
            if isinstance(error, ServiceError) and (error.maybe_done or (error.http_status or 0) >= 500):
                last = error
                continue
            kept = _put(work, kept, step="uploaded")
            if attempt >= TRIES or (isinstance(error, ServiceError) and error.again == "no"):
                raise NotCreated(error) from None
            work.pause_after(error, attempt)


def _put(work: Work, kept: Kept, *, step: str, file_id: str = "", batch_id: str = "") -> Kept:
    kept = replace(kept, step=step, file_id=file_id or kept.file_id, batch_id=batch_id)
    work.shelf.put(kept)
    return kept


def _uploaded(work: Work, kept: Kept) -> str:
    lines = (line_of(row.id, row.prepared["body"]) for row in work.members.rows(kept.name))
    path = work.shelf.put_lines(kept.name, lines)
    attempt = 0
    while True:
        attempt += 1
        try:
            return work.api.upload(path)
        except (TransportError, ServiceError) as error:
            again = isinstance(error, TransportError) or error.again != "no" or error.maybe_done
            if not again or attempt == TRIES:
                raise NotCreated(error) from None
            work.pause_after(error, attempt)


def _found(work: Work, name: str) -> str:
    """Return the id of the batch of this name; "" when it certainly does not exist.

    Raises:
        TransportError, ServiceError: the list did not answer, or time was too short: that proves nothing.
    """
    looks, failures = 0, 0
    while looks < len(LOOKS_S):
        if work.left_s() < LOOKS_S[looks] * scheduler.PAUSE_FACTOR:
            raise TransportError(say("no time was left to look for it", "剩余时间不足，未能核对"))
        work.pause(LOOKS_S[looks])
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


def _not_created(work: Work, kept: Kept, error: BailianError) -> Generator[Outcome, None, bool]:
    """The account's trouble lets the rows wait; anything else ends them."""
    stops = isinstance(error, ServiceError) and error.stops_all
    if stops:
        row = next(work.members.rows(kept.name), None)
        work.members.give_back(kept.name)
        if row is not None:
            yield Outcome(work.engine.continued(row), "waiting", error=error)
    else:
        passing = isinstance(error, TransportError) or getattr(error, "again", "no") != "no"
        for member in work.members.rows(kept.name):
            yield ended(work.engine, work.engine.continued(member), error, "unsent" if passing else "failed")
    work.shelf.drop(kept.name)
    return stops


def _never_arrived() -> NotSent:
    return NotSent(
        say(
            "the connection broke whenever the batch was created; the service has no such batch, nothing was billed",
            "每次创建批次时连接均中断；服务端没有对应批次，未产生费用",
        )
    )


def _unclear(reason: str) -> MaybeSent:
    return MaybeSent(
        say(f"whether the batch was created is not clear yet: {reason}", f"尚不清楚批次是否已创建：{reason}"),
        advice=say(
            "it is not sent again, because it may be paid; run the same command again to look again",
            "由于可能已计费，不会自动重发；再次运行同一命令即可重新核对",
        ),
    )
