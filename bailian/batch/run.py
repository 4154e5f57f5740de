"""A file of requests, brought to its end: the same engine as for one, fed from the journal.

Everything is checked before anything is sent; then every row is in the journal, and whatever dies, the next run of the
same file goes on where this one stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field

from bailian.batch.input.problems import placed
from bailian.batch.input.rows import Row
from bailian.batch.missing_prices import refuse_unpriced
from bailian.batch.plan import AsSent, Planned, Resolve, as_given, plan_each
from bailian.batch.sync import Seen, Spool, Wish, to_do, values_of
from bailian.engine.engine import Engine
from bailian.engine.job import Job, Outcome
from bailian.engine.queues import Lane
from bailian.errors import Interrupted, InvalidRequest, JournalError, NotSent, journalled
from bailian.i18n import say
from bailian.modalities import MODULES, of
from bailian.store.batches import Runs, Tried
from bailian.store.schema import UNDER_WAY_STATES


@dataclass(frozen=True)
class Ready:
    """A batch that is in the journal, every row checked."""

    wish: Wish
    rows: int
    done: int
    """Finished by earlier runs."""
    left_failed: int
    left_held: int
    """May be paid, and are sent again only if the user says so."""
    to_run: int
    notices: Mapping[str, list[str]]
    """What is sent differently from what was asked, and in which rows."""
    places: Mapping[str, str]
    """Where each row stands in the file now, by its key."""


def runs_of(engine: Engine, wish: Wish) -> Runs:
    """Return what the journal knows of the wish's rows."""
    return Runs(engine.journal, engine.ports.account, wish.kind)


def tried_before(runs: Runs, wish: Wish) -> dict[str, Tried]:
    """Return the newest try of every row that earlier runs knew, whether the file still held it or not."""
    earlier = (run for _, run in wish.earlier_runs)
    return {} if wish.fresh else runs.tried(*earlier, wish.run_aside, wish.run)


def make_ready(
    engine: Engine,
    wish: Wish,
    rows: Iterator[Row],
    resolve: Resolve,
    accepted: Callable[[], None] = lambda: None,
    as_sent: AsSent = as_given,
) -> Ready:
    """Check the rows and write down what is to be done. Nothing is sent.

    `accepted` is called when all rows are known to be good, before one is written down; what it raises ends this.

    Raises:
        InvalidRequest: everything that is wrong in the file, at once.
        BudgetExceeded: there is a budget, and what some rows cost is not known.
    """
    runs = runs_of(engine, wish)
    owner = engine.ports.owner
    for kind, run in wish.earlier_runs:
        Runs(engine.journal, engine.ports.account, kind).move(run, wish.run)
    gone = [other for other in runs.owners(wish.run) if owner.is_gone(other)]
    runs.take(wish.run, owner.id, gone, [kind for kind in MODULES if of(kind).REPEATABLE])
    if not wish.fresh:
        runs.reopen_unknown(wish.run, owner.id)
    tried, seen = tried_before(runs, wish), Seen()
    with closing(Spool()) as spool:
        found = Found()
        now_s = engine.ports.wall()
        wanted = to_do(rows, tried, wish, seen)
        region = engine.settings.region
        for planned in plan_each(wanted, engine.catalog, region, resolve, as_sent, source=wish.path_title):
            spool.add(values_of(planned, wish, engine.ports.account, owner.id, now_s))
            found.add(planned)
        if wish.strict and found.notices:
            raise strict_refusal(found.notices)
        _refuse_unpriced(engine, wish, runs, found, seen)
        accepted()
        if wish.fresh:
            runs.forget(wish.run)
            runs.forget(wish.run_aside)
        runs.move(wish.run_aside, wish.run, seen.keys)
        new = spool.pour(runs.intend_all)
    _set_aside(runs, wish, tried, seen)
    to_run = new + seen.under_way
    return Ready(wish, seen.rows, seen.done, seen.left_failed, seen.left_held, to_run, found.notices, seen.keys)


@dataclass
class Found:
    """What is to be said of the rows that are new, gathered while they are checked."""

    notices: dict[str, list[str]] = field(default_factory=dict)
    unpriced: list[tuple[str, str]] = field(default_factory=list)
    """Place and model."""

    def add(self, planned: Planned) -> None:
        for notice in planned.prepared.notices:
            self.notices.setdefault(notice.message, []).append(planned.row.where)
        if planned.prepared.estimate_cny is None:
            self.unpriced.append((planned.row.where, planned.prepared.model.name))


def _refuse_unpriced(engine: Engine, wish: Wish, runs: Runs, found: Found, seen: Seen) -> None:
    """Refuse what no budget can be kept with: new rows, and those that wait since a run without one."""
    names = [budget.name for budget in engine.ports.budgets if budget.run in (None, wish.run)]
    waiting = {} if wish.fresh else runs.unpriced(wish.run, engine.ports.owner.id)
    old = [(seen.keys[key], model) for key, model in waiting.items() if key in seen.keys]
    refuse_unpriced(names, [*old, *found.unpriced], wish.path_title)


def _set_aside(runs: Runs, wish: Wish, tried: Mapping[str, Tried], seen: Seen) -> None:
    """What was in the file and is not now is no part of the batch, unless it is under way. It is not forgotten, either:
    a row that comes back was paid."""
    absent = {key: before for key, before in tried.items() if key not in seen.keys}
    runs.give_up([one.job_id for one in absent.values() if one.state == "waiting"], journalled(_not_wanted()))
    runs.move(wish.run, wish.run_aside, [key for key, one in absent.items() if one.state not in UNDER_WAY_STATES])


def strict_refusal(notices: Mapping[str, list[str]]) -> InvalidRequest:
    """Return what `--strict` says to a batch in which something would be adapted."""
    return InvalidRequest.one(
        "",
        "\n".join(f"{placed(rows[0])}: {text}" for text, rows in notices.items()),
        advice=say("change the rows, or leave --strict out", "请修改这些行，或去掉 --strict"),
    )


def _not_wanted() -> NotSent:
    return NotSent(say("the row is no longer in the file; it was not sent", "该行已不在文件中，未发送"), advice="")


def run_batch(
    engine: Engine, wish: Wish, *, timeout_s: float | None = None, wait: bool = True
) -> Generator[Outcome, None, None]:
    """Bring the batch's open jobs to their end, in whatever order they get there.

    Close the generator if it may be left early. What is left when it ends stays in the journal for the next run.

    Raises:
        Interrupted: Ctrl-C; the text says how to go on.
    """
    runs = runs_of(engine, wish)
    owner = engine.ports.owner.id
    try:
        lanes = [
            Lane(wire_model, _jobs(engine, runs, wish.run, wire_model), engine.submit_per_s(model))
            for wire_model, model in runs.queues(wish.run, owner)
        ]
        under_way = [engine.resumed(row) for row in runs.under_way(wish.run, owner)]
        with closing(engine.run(under_way, lanes=lanes, timeout_s=timeout_s, wait=wait)) as outcomes:
            yield from outcomes
    except (Interrupted, KeyboardInterrupt):
        raise Interrupted(
            say("interrupted; what runs goes on at the service", "已中断；已提交的任务在服务端继续运行"),
            advice=say(f"{wish.same_command} to go on", f"{wish.same_command}即可继续"),
        ) from None
    finally:
        with suppress(JournalError):
            runs.let_go(wish.run, owner)


def _jobs(engine: Engine, runs: Runs, run: str, wire_model: str) -> Iterator[Job]:
    for row in runs.waiting(run, engine.ports.owner.id, wire_model):
        yield engine.resumed(row)
