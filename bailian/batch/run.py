"""A file of requests, brought to its end: the same engine as for one, fed from the journal.

Everything is checked before anything is sent; then every row is in the journal, and whatever dies, the next run of the
same file goes on where this one stopped.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass

from bailian.batch.intents import Seen, Spool, Wish, to_do, values_of
from bailian.batch.plan import Resolve, plan_each
from bailian.batch.rows import Row
from bailian.engine.job import Job, Outcome
from bailian.engine.lanes import Lane
from bailian.engine.run import Engine
from bailian.errors import Interrupted, InvalidRequest, JournalError, NotSent, journalled
from bailian.journal_rows import UNDER_WAY_STATES
from bailian.journal_runs import Runs, Tried
from bailian.language import say
from bailian.modalities import MODULES, of


@dataclass(frozen=True)
class Ready:
    """A batch that is in the journal, every row checked."""

    wish: Wish
    rows: int
    done: int
    """Finished by earlier runs."""
    left_failed: int
    to_run: int
    notices: Mapping[str, list[str]]
    """What is sent differently from what was asked, and in which rows."""
    places: Mapping[str, str]
    """Where each row stands in the file now, by its key."""


def make_ready(engine: Engine, wish: Wish, rows: Iterator[Row], resolve: Resolve) -> Ready:
    """Check the rows and write down what is to be done. Nothing is sent.

    Raises:
        InvalidRequest: everything that is wrong in the file, at once.
    """
    runs = Runs(engine.journal, engine.ports.account)
    owner = engine.ports.owner
    gone = [other for other in runs.owners(wish.run) if owner.is_gone(other)]
    runs.take(wish.run, owner.id, gone, [kind for kind in MODULES if of(kind).REPEATABLE])
    aside = {} if wish.fresh else runs.tried(wish.run_aside)
    tried, seen = {} if wish.fresh else {**aside, **runs.tried(wish.run)}, Seen()
    notices: dict[str, list[str]] = {}
    with closing(Spool()) as spool:
        wanted = to_do(rows, tried, wish, seen)
        now_s = engine.ports.wall()
        for planned in plan_each(wanted, engine.catalog, engine.settings.region, resolve, source=str(wish.source)):
            spool.add(values_of(planned, wish, engine.ports.account, owner.id, now_s))
            for notice in planned.prepared.notices:
                notices.setdefault(notice.message, []).append(planned.row.where)
        if wish.strict and notices:
            raise strict_refusal(notices)
        if wish.fresh:
            runs.forget(wish.run)
            runs.forget(wish.run_aside)
        new = spool.pour(runs.intend_all)
    _set_aside(runs, wish, tried, aside, seen)
    return Ready(wish, seen.rows, seen.done, seen.left_failed, new + seen.under_way, notices, seen.keys)


def _set_aside(runs: Runs, wish: Wish, tried: Mapping[str, Tried], aside: Mapping[str, Tried], seen: Seen) -> None:
    """What was in the file and is not now is no part of the batch, unless it is under way. It is not forgotten, either:
    a row that comes back was paid."""
    absent = {key: before for key, before in tried.items() if key not in seen.keys and key not in aside}
    runs.give_up([one.job_id for one in absent.values() if one.state == "waiting"], journalled(_not_wanted()))
    runs.move([key for key, one in absent.items() if one.state not in UNDER_WAY_STATES], wish.run, wish.run_aside)
    runs.move([key for key in aside if key in seen.keys], wish.run_aside, wish.run)


def strict_refusal(notices: Mapping[str, list[str]]) -> InvalidRequest:
    """Return what `--strict` says to a batch in which something would be adapted."""
    return InvalidRequest.one(
        "",
        "\n".join(f"{rows[0]}: {text}" for text, rows in notices.items()),
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
    runs = Runs(engine.journal, engine.ports.account)
    owner = engine.ports.owner.id
    lanes = [
        Lane(wire_model, _jobs(engine, runs, wish.run, wire_model), engine.submit_per_s(model))
        for wire_model, model in runs.queues(wish.run, owner)
    ]
    under_way = [engine.resumed(row) for row in runs.under_way(wish.run, owner)]
    try:
        with closing(engine.run(under_way, lanes=lanes, timeout_s=timeout_s, wait=wait)) as outcomes:
            yield from outcomes
    except Interrupted:
        raise Interrupted(
            say("interrupted; what runs goes on at the service", "已中断；已提交的任务在服务端继续运行"),
            advice=say("run the same command again to go on", "再次运行同一命令即可继续"),
        ) from None
    finally:
        with suppress(JournalError):
            runs.let_go(wish.run, owner)


def _jobs(engine: Engine, runs: Runs, run: str, wire_model: str) -> Iterator[Job]:
    for row in runs.waiting(run, engine.ports.owner.id, wire_model):
        yield engine.resumed(row)
