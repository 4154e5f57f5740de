"""Runs a batch for the shell: one at a time, shown as it goes, summed up at the end."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian.batch.input.placeholders import check_template_of_rows
from bailian.catalog import catalog
from bailian.cli.account import filled, settings_of
from bailian.cli.args.options import SharedOptions
from bailian.cli.args.target import Target
from bailian.cli.batch.batch_call import BatchOptions, Call
from bailian.cli.batch.batch_spec import spec_of, spec_of_made
from bailian.cli.batch.before_sending import agreed, print_spending, refuse_unasked
from bailian.cli.batch.close import Trouble, cut_short, sum_up
from bailian.cli.batch.ended import digest_of, ended_before, print_ended
from bailian.cli.batch.ending import Ending
from bailian.cli.batch.on_cluster import check_cluster, ended_first, outcomes_of_workers, workers
from bailian.cli.chosen_service import engine_at
from bailian.cli.output.progress import print_journal_pause
from bailian.cli.output.report import outcome_json, print_other_names, write_result
from bailian.cli.output.streams import expect_results
from bailian.cli.output.terminal import print_err, print_error, print_json
from bailian.config import settings
from bailian.errors import Exit, FileElsewhere, Interrupted, SaveError, SetupError, TransportError
from bailian.i18n import tr
from bailian.inputs.once import lasting_text
from bailian.store.backends.server_patience import running
from bailian.store.states import Status

if TYPE_CHECKING:
    from bailian.batch.run import PreparedBatch
    from bailian.cli.batch.batch_progress import BatchProgress
    from bailian.cli.batch.made_rows import MadeRows
    from bailian.cluster.dask_shares import Shares
    from bailian.config.settings import Settings
    from bailian.engine.engine import Engine
    from bailian.engine.step import Outcome
    from bailian.store.runs.file_rows import FileRows


def run_file(
    file: Path, kind: str | None, over: Mapping[str, Any], common: SharedOptions, options: BatchOptions
) -> int:
    """Run the rows of a file (of one kind, for a script); return the exit code."""
    from bailian.batch.sync import require_name

    here = check_cluster(common, options, settings_of(common))
    common = filled(common, here)
    check_template_of_rows(common.name)
    require_name(options.run, here.journal)
    if options.batch_api:
        from bailian.batch.service_batches.runner import check_service_batches

        check_service_batches(here.region)
    file, piped = (file, False) if str(file) == "-" else lasting_text("config", file)
    folder = Path.cwd() if piped else common.config_folder
    spec = spec_of(file, folder, kind, common, options, here.defaults)
    return _run_call(Call(spec, over, common, options), here)


def run_made(made: MadeRows, kind: str, common: SharedOptions, options: BatchOptions, here: Settings) -> int:
    """Run rows that a command line has made; return the exit code."""
    from bailian.batch.sync import require_name

    common = filled(replace(common, name=common.name or made.template), here)
    require_name(options.run, here.journal)
    check_template_of_rows(common.name)
    return _run_call(Call(spec_of_made(made, kind, common, options, here.defaults), {}, common, options), here)


def _run_call(call: Call, here: Settings) -> int:
    if call.common.dry_run:
        from bailian.cli.batch.dry_run import print_plan

        with _nothing_sent():
            print_plan(call.spec, call.overrides, here, call.common)
        return Exit.OK
    here.require_key()
    return agreed(call, lambda asked: _run_alone(asked, here))


def _run_alone(call: Call, here: Settings) -> int:
    """Run unless another process does: scripts of other kinds may be at the same file, nobody else."""
    from bailian.batch.output.folder import check_owner
    from bailian.batch.sync import only_one

    spec, asked = call.spec, here
    here = replace(here, journal_patience=running(print_journal_pause))
    with Ending(call, asked) as ending, only_one(spec, here.journal, here.account) as alone:
        if not alone:
            busy = tr("another process is running this batch", "另一个进程正在运行该批次")
            print_err(tr(f"{spec.path_title}: {busy}", f"{spec.path_title}：{busy}"))
            return Exit.OK if call.options.cron else Exit.STILL_RUNNING
        if not spec.fresh and (ended := ended_before(call, here)) is not None:
            ending.code = print_ended(ended, call)
        else:
            check_owner(spec)
            ending.code = _run(call, here)
        return ending.code


@contextmanager
def _nothing_sent() -> Iterator[None]:
    """Say after Ctrl-C what is true until the first row is sent."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            tr("interrupted while the rows were checked; nothing was sent", "检查各行时被中断；未发送任何请求"),
            advice=tr("run the same command again", "请再次运行同一命令"),
        ) from None


# Thousands of calls that wait are much to look through, and nearly nothing of a row is garbage in circles.
GC_THRESHOLDS = (200_000, 20, 100)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*GC_THRESHOLDS)
    gc.freeze()  # what is loaded stays: it need not be looked through again
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def _run(call: Call, here: Settings) -> int:
    from bailian.cli.batch.batch_progress import BatchProgress
    from bailian.store.runs.file_rows import FileRows

    models = catalog.load(settings.home_folder(), use_successor=call.spec.use_successor)
    with (
        _seldom_collected(),
        workers(call) as shares,
        BatchProgress(call.shown, call.common.verbose) as progress,
        engine_at(here, models, progress, quiet=not call.shown) as engine,
        closing(FileRows()) as file_rows,
        ended_first(shares),
    ):
        started_s = engine.clock.monotonic()
        digest = digest_of(call)
        with _nothing_sent():
            ready = _ready(call, engine, progress, file_rows, shares)
        trouble, renamed = Trouble(), False

        def handle(outcome: Outcome) -> None:
            nonlocal renamed
            for_cron = trouble.note(outcome)
            progress.ended(outcome)
            with progress.paused():
                _report(outcome, call)
                if call.shown and not renamed:  # once: the others are called so for the same reason
                    renamed = print_other_names(outcome)
            if call.options.cron and for_cron:  # cron hears of one, at each run while it is so
                _print_error(outcome)

        try:
            for part in _parts(call, engine, lambda: trouble.stopped is not None, shares, progress):
                with closing(part) as outcomes:
                    _each(outcomes, handle)
        except (Interrupted, SetupError, TransportError, OSError, SaveError) as error:
            raise cut_short(call, engine, ready, error) from None
        progress.stop()
        return sum_up(call, engine, ready, digest, engine.clock.monotonic() - started_s, trouble)


def _ready(
    call: Call, engine: Engine, progress: BatchProgress, file_rows: FileRows, shares: Shares | None
) -> PreparedBatch:
    """Check the rows, write down what is to be done, say what was found."""
    from bailian.batch.input.chains import Chains
    from bailian.batch.output.folder import claim
    from bailian.batch.run import prepare_batch, runs_of
    from bailian.batch.sync import rows_of
    from bailian.cli.batch.batch_report import print_begin, print_calls

    spec = call.spec
    if call.common.max_cost_cny is not None:
        engine.limit_run(spec.run, call.common.max_cost_cny)
    chains = Chains()
    rows = rows_of(spec, engine.catalog, call.overrides, chains, file_rows)

    if call.options.vectors == "npy":
        from bailian.batch.output.vector_files import of_one_matrix

        rows = of_one_matrix(rows, engine.catalog, engine.settings.region)

    def accepted(ready: PreparedBatch) -> None:
        if call.shown and call.agreed_cny is None:
            print_begin(ready)
            print_spending(ready.estimate, sandbox=engine.settings.sandbox, batch_api=spec.batch_api)
        refuse_unasked(ready.estimate, call, engine.settings)
        if shares is not None:
            shares.wait_connected()
        Target(spec.folder).check()
        claim(spec, shared=engine.journal.place.splits_rows)

    ready = prepare_batch(engine, spec, rows, file_rows, accepted, chains)
    runs = runs_of(engine, spec)
    progress.begin(runs.counts(spec.run), runs.waits_for_others(spec.run))
    if call.shown and shares is None:
        print_calls(
            runs.queues(spec.run, engine.services.lease.id), runs.counts(spec.run), engine.catalog, call.options
        )
    return ready


def _parts(
    call: Call, engine: Engine, is_stopped: Callable[[], bool], shares: Shares | None, progress: BatchProgress
) -> Iterator[Generator[Outcome, None, None]]:
    """Yield what is to be run, one after the other: service batches are created first and fetched last."""
    from bailian.batch.run import run_batch
    from bailian.batch.service_batches import runner

    spec, wait, new_rows = call.spec, call.common.wait, call.options.batch_api
    poll_s = 2.0 if engine.settings.sandbox else runner.POLL_S
    until_s = None if call.timeout_s is None else engine.clock.monotonic() + call.timeout_s

    def left_s() -> float | None:
        return None if until_s is None else max(0.001, until_s - engine.clock.monotonic())

    if new_rows:
        yield runner.run_service_batches(engine, spec, wait=False, timeout_s=left_s())
    if shares is not None:
        yield outcomes_of_workers(call, engine, shares, left_s(), progress)
    elif not is_stopped():
        yield run_batch(engine, spec, timeout_s=left_s(), wait=wait, most_calls=call.options.in_flight)
    if runner.batches_under_way(engine, spec):
        yield runner.run_service_batches(
            engine, spec, timeout_s=left_s(), wait=wait, poll_s=poll_s, new_rows=new_rows and not is_stopped()
        )


def _each(outcomes: Generator[Outcome, None, None], handle: Callable[[Outcome], None]) -> None:
    """Handle every outcome. Ctrl-C while one is being printed is the engine's to answer, like any other; and so is an
    output that takes no more: nothing more is sent, and the answers under way are brought in.

    Raises:
        OSError, SaveError: the output took no more.
    """
    unsaid: OSError | SaveError | None = None
    outcome = next(outcomes, None)
    while outcome is not None:
        pressed: KeyboardInterrupt | None = None
        try:
            if unsaid is None:
                handle(outcome)
        except KeyboardInterrupt as error:
            pressed = error
        except (OSError, SaveError) as error:
            unsaid, pressed = error, KeyboardInterrupt()
        try:
            outcome = next(outcomes, None) if pressed is None else outcomes.throw(pressed)
        except StopIteration:
            break
        except Interrupted:
            if unsaid is None:
                raise
            break
    if unsaid is not None:
        raise unsaid


TOLD_OF_A_ROW = ("cut_at_max_tokens", "not_searched")
"""Notices that an answer has made, and that a person may act on. Web sources stand in the results."""


def _report(outcome: Outcome, call: Call) -> None:
    """Print how a row ended."""
    if outcome.state == Status.WAITING:
        if isinstance(outcome.error, FileElsewhere):
            _print_error(outcome)
        return
    expect_results()
    if call.common.as_json:
        stored = outcome.job.prepared
        label = stored.row.label if stored.row else None
        about = {"row": outcome.job.row_key, "where": stored.where, "label": label, "state": outcome.state}
        print_json({**about, **outcome_json(outcome)})
        return
    if call.options.cron:
        return
    if outcome.job.saving.folder is not None:  # else it stands in the results
        write_result(outcome, call.prefix)
    if not call.common.quiet:
        _print_notices(outcome)
    if outcome.error is not None and outcome.error.exit_code != Exit.STILL_RUNNING:
        _print_error(outcome)


def _title(outcome: Outcome) -> str:
    from bailian.cli.batch.row_title import row_title
    from bailian.types import RowPlace

    return row_title(outcome.job.prepared.row or RowPlace(), outcome.job.request)


def _print_notices(outcome: Outcome) -> None:
    for notice in outcome.job.notices:
        if notice.code in TOLD_OF_A_ROW:
            print_err(_title(outcome) + tr(": note: ", "：提示：") + notice.message)


def _print_error(outcome: Outcome) -> None:
    if outcome.error is not None:
        print_err(_title(outcome) + tr(":", "："))
        print_error(outcome.error)
