"""A file of requests, brought to its end: the same engine as for one, fed from the journal.

Everything is checked before anything is sent; then every row is in the journal, and whatever dies, the next run of the
same file goes on where this one stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial

from bailian.batch.chained import ChainedRows
from bailian.batch.default_fields import DefaultFields
from bailian.batch.estimate import BatchEstimate, Estimator
from bailian.batch.findings import Findings, Places
from bailian.batch.input.batch_row import BatchRow
from bailian.batch.input.chains import Chains
from bailian.batch.intents import Spool, intent_of
from bailian.batch.machines import SharedRows, planning, take_over
from bailian.batch.plan import LeftOut, Planned, plan_each
from bailian.batch.service_batches.offer import at_its_price, offered
from bailian.batch.sync import BatchSpec, EarlierTries, FileScan, sync_rows
from bailian.engine.admission.queues import ModelQueue
from bailian.engine.engine import Engine
from bailian.engine.step import Outcome
from bailian.errors import Interrupted, JournalError, NotSent, journalled
from bailian.i18n import tr
from bailian.inputs.lookup import Inputs
from bailian.store.batches import BatchStore
from bailian.store.jobs import Journal
from bailian.store.runs.file_rows import FileRows
from bailian.store.schema import LastAttempt
from bailian.store.states import UNDER_WAY_STATES, Status


@dataclass(frozen=True)
class PreparedBatch:
    """A batch whose rows are all checked."""

    spec: BatchSpec
    rows: int
    done: int
    """Finished by earlier runs."""
    left_failed: int
    left_held: int
    """May be paid, and are sent again only if the user says so."""
    to_run: int
    notices: Mapping[str, Places]
    """What is sent differently from what was asked, and in which rows."""
    waits_for_others: int
    """How many rows wait for other rows' results."""
    estimate: BatchEstimate
    """Of what is to be sent and was not yet, those included that wait since an earlier run."""
    file_rows: FileRows
    """Where each row stands in the file now."""
    left_out: Mapping[str, str]
    """Rows that are refused and keep no other back, by their place, and why."""


def runs_of(engine: Engine, spec: BatchSpec) -> BatchStore:
    """Return what the journal knows of the spec's rows."""
    return BatchStore(engine.journal, engine.services.account, spec.kind)


def tried_before(runs: BatchStore, spec: BatchSpec, *, waiting: bool = True) -> EarlierTries:
    """Return the newest tries of the rows that earlier runs knew, whether the file still held them or not."""
    return EarlierTries() if spec.fresh else EarlierTries(runs, (spec.run_aside, spec.run), waiting=waiting)


def prepare_batch(
    engine: Engine,
    spec: BatchSpec,
    rows: Iterator[BatchRow],
    file_rows: FileRows,
    accepted: Callable[[PreparedBatch], None] = lambda _ready: None,
    chains: Chains | None = None,
) -> PreparedBatch:
    """Check the rows and write down what is to be done. Nothing is sent.

    `file_rows` counts those of `rows`, and `chains` are theirs. `accepted` is called when all rows are known to be
    good, before one is written down; what it raises ends this.

    Raises:
        InvalidRequest: everything that is wrong in the file, at once.
        BudgetExceeded: there is a budget, and what some rows cost is not known.
    """
    with planning(engine, spec) as allowed:
        return _prepared(engine, allowed, rows, file_rows, accepted, chains)


def _prepared(
    engine: Engine,
    spec: BatchSpec,
    rows: Iterator[BatchRow],
    file_rows: FileRows,
    accepted: Callable[[PreparedBatch], None],
    chains: Chains | None,
) -> PreparedBatch:
    runs = runs_of(engine, spec)
    since = runs.newest_number(spec.run)
    take_over(engine, spec, runs)
    if not spec.fresh:
        runs.reopen_unknown(spec.run, engine.services.lease.id)
    tried, seen, gathered = tried_before(runs, spec), FileScan(file_rows), Gathered(engine, spec)
    seen.on_waiting = gathered.add_waiting
    with closing(Spool()) as spool:
        wanted = sync_rows(rows, tried, spec, seen)
        for row in _checked(engine, spec, wanted, tried, chains, gathered.left_out if spec.leaves_out else None):
            spool.add(intent_of(row, spec, engine))
            gathered.add(row)
        gathered.refuse_if_none_is_good(seen)
        if spec.strict:
            gathered.found.refuse_adapted()
        budgets = [budget for budget in engine.services.run_state.budgets if budget.run in (None, spec.run)]
        unpriced = _waiting_without_price(engine, spec, runs, file_rows)
        gathered.found.refuse_cost(budgets, spec.path_title, unpriced)
        ready = gathered.ready(seen)
        accepted(ready)
        if spec.fresh:
            runs.forget(spec.run, upto=since)
            runs.forget(spec.run_aside, upto=since)
        runs.move_rows(spec.run_aside, spec.run, file_rows.present)
        spool.flush(partial(runs.intend_all, run=spec.run, since=since))
    if tried:
        _set_aside(runs, spec, file_rows)
    return ready


class Gathered:
    """What is to be said of the rows that are to be sent, those included that wait since an earlier run."""

    def __init__(self, engine: Engine, spec: BatchSpec) -> None:
        self._catalog = engine.catalog
        self._region = engine.settings.region
        self._spec = spec
        self._estimator = Estimator()
        self._new = 0
        self._waits_for_others = 0
        self.found = Findings()
        self.left_out = LeftOut(spec.path_title)

    def add(self, row: Planned) -> None:
        self.found.add(row)
        self._estimator.add(at_its_price(row, self._region) if self._spec.batch_api else row)
        self._new += 1
        self._waits_for_others += bool(row.row.sources)

    def add_waiting(self, row: BatchRow, before: LastAttempt) -> None:
        self._estimator.add_waiting(row.kind, before.model, before.estimate_cny, self._catalog)
        self._waits_for_others += bool(row.sources)

    def refuse_if_none_is_good(self, seen: FileScan) -> None:
        """Refuse everything if it is the request that is wrong, and not a file.

        Raises:
            InvalidRequest: no row is good, and none was before.
        """
        if not (self._new or seen.done or seen.under_way):
            self.left_out.refuse_all()

    def ready(self, seen: FileScan) -> PreparedBatch:
        return PreparedBatch(
            spec=self._spec,
            rows=seen.rows,
            done=seen.done,
            left_failed=seen.left_failed,
            left_held=seen.left_held,
            to_run=self._new + seen.under_way,
            notices=self.found.notices,
            waits_for_others=self._waits_for_others,
            estimate=self._estimator.estimate(),
            file_rows=seen.file_rows,
            left_out=self.left_out.reasons,
        )


def _checked(
    engine: Engine,
    spec: BatchSpec,
    rows: Iterator[BatchRow],
    tried: EarlierTries,
    chains: Chains | None,
    left_out: LeftOut | None,
) -> Iterator[Planned]:
    """Yield the rows that need a new job, checked."""
    here = engine.settings
    for row in plan_each(
        rows,
        engine.catalog,
        here.region,
        Inputs(here.home, chained=True),
        source=spec.path_title,
        defaults=DefaultFields(here.defaults),
        chains=chains,
        made_before=lambda key: made_before(engine.journal, tried, key),
        left_out=left_out,
    ):
        yield offered(row, here.region) if spec.batch_api else row


def made_before(journal: Journal | None, tried: EarlierTries, key: str) -> int:
    """Return how many results the newest try of a row makes; 0: not known."""
    before = tried.of([key]).get(key) if journal else None
    row = journal.job(before.job_id) if journal and before else None
    return row.prepared.count if row else 0


def _waiting_without_price(
    engine: Engine, spec: BatchSpec, runs: BatchStore, file_rows: FileRows
) -> Iterator[tuple[str, str]]:
    """Yield place and model of the rows that wait since an earlier run, and whose cost is not known."""
    waiting = () if spec.fresh else runs.missing_prices(spec.run, engine.services.lease.id)
    for models in waiting:
        places = file_rows.places_of(models)
        yield from ((places[key], model) for key, model in models.items() if key in places)


def _set_aside(runs: BatchStore, spec: BatchSpec, file_rows: FileRows) -> None:
    """What was in the file and is not now is no part of the batch, unless it is under way. It is not forgotten, either:
    a row that comes back was paid."""
    for keys in runs.keys(spec.run):
        tried = runs.tried(spec.run, keys=file_rows.absent(keys))
        unwanted = [one.job_id for one in tried.values() if one.state == Status.WAITING]
        if unwanted:
            runs.give_up(unwanted, journalled(_not_wanted()))

    def over(keys: list[str]) -> list[str]:
        tried = runs.tried(spec.run, keys=file_rows.absent(keys))
        return [key for key, one in tried.items() if one.state not in UNDER_WAY_STATES]

    runs.move_rows(spec.run, spec.run_aside, over)


def _not_wanted() -> NotSent:
    return NotSent(tr("the row is no longer in the file; it was not sent", "该行已不在文件中，未发送"), advice="")


def run_batch(
    engine: Engine,
    spec: BatchSpec,
    *,
    timeout_s: float | None = None,
    wait: bool = True,
    most_calls: int | None = None,
) -> Generator[Outcome, None, None]:
    """Bring the batch's open jobs to their end, in whatever order they get there.

    Close the generator if it may be left early. What is left when it ends stays in the journal for the next run.

    Raises:
        Interrupted: Ctrl-C; the text says how to go on.
    """
    runs = runs_of(engine, spec)
    owner = engine.services.lease.id
    shared, until_s = (
        SharedRows(engine, spec, runs),
        None if timeout_s is None else engine.clock.monotonic() + timeout_s,
    )
    engine.services.run_state.strict = spec.strict
    try:
        more = True
        while more:
            left_s = None if until_s is None else max(0.001, until_s - engine.clock.monotonic())
            with closing(_pass(engine, spec, runs, shared, left_s, wait=wait, most_calls=most_calls)) as outcomes:
                yield from outcomes  # an interrupt that is thrown in here is the engine's to answer
            more = wait and shared.more(until_s)
        yield from shared.left_elsewhere()
    except (Interrupted, KeyboardInterrupt):
        raise Interrupted(
            tr("interrupted; what runs goes on at the service", "已中断；已提交的任务在服务端继续运行"),
            advice=tr(f"{spec.same_command} to go on", f"{spec.same_command}即可继续"),
        ) from None
    finally:
        with suppress(JournalError):
            runs.let_go(spec.run, owner)


def _pass(
    engine: Engine,
    spec: BatchSpec,
    runs: BatchStore,
    shared: SharedRows,
    timeout_s: float | None,
    *,
    wait: bool,
    most_calls: int | None,
) -> Generator[Outcome, None, None]:
    """Bring to their end what is under way here, and what waits and may be sent."""
    owner = engine.services.lease.id
    chained = ChainedRows(engine, spec.run)
    model_queues = [
        ModelQueue(wire_model, shared.jobs(wire_model), engine.submit_per_s(model), late=chained.late_jobs(wire_model))
        for wire_model, model in runs.queues(spec.run, owner)
    ]
    under_way = [engine.resumed(row) for row in shared.under_way()]

    def follow(outcome: Outcome) -> Iterator[Outcome]:
        shared.note(outcome)
        return chained.follow(outcome)

    yield from chained.begin(model_queues)
    running = engine.run(
        under_way,
        model_queues=model_queues,
        timeout_s=timeout_s,
        wait=wait,
        most_calls=most_calls,
        follow=follow,
    )
    with closing(running) as outcomes:
        yield from outcomes
