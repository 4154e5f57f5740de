"""Runs a batch for the shell: one at a time, shown as it goes, summed up at the end."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian import catalog, settings
from bailian.batch.results import FAILED, RESULTS
from bailian.cli.inputs import input_of
from bailian.cli.options import DEFAULT_OUTPUT, Common
from bailian.cli.report import outcome_json, shown_path
from bailian.cli.run import service
from bailian.cli.target import Target
from bailian.cli.terminal import money, talk, talk_error, write_data, write_json
from bailian.errors import BailianError, Exit, Interrupted, InvalidRequest
from bailian.journal_rows import UNDER_WAY_STATES
from bailian.language import say
from bailian.media import naming

if TYPE_CHECKING:
    from bailian.batch.intents import Wish
    from bailian.batch.run import Ready
    from bailian.engine.job import Outcome
    from bailian.engine.run import Engine
    from bailian.journal_runs import Count
    from bailian.settings import Settings


# Says whose results a folder holds.
MARK = ".bailian-batch"


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """The options of a batch, as given."""

    run: str | None = None
    retry_failed: bool = True
    retry_held: bool = False
    fresh: bool = False
    max_duration_s: float | None = None
    cron: bool = False
    gallery: bool = True
    upload: bool = False
    batch_api: bool = False


def run_file(file: Path, kind: str | None, over: Mapping[str, Any], common: Common, options: BatchOptions) -> int:
    """Run the rows of a file (of one kind, for a script); return the exit code."""
    from bailian.owners import only_one

    here = settings.read_settings(
        region=common.region, base_url=common.base_url, workspace=common.workspace, sandbox=common.sandbox
    )
    naming.check_template(common.name or naming.DEFAULT_TEMPLATE)
    if options.batch_api:
        from bailian.batch.half_price import check_half_price

        check_half_price(here.region)
    if common.dry_run:
        return _show_plan(_wish(file, kind, common, options), over, here, common, half_price=options.batch_api)
    here.require_key()
    wish = _wish(file, kind, common, options)
    with only_one(here.home, f"{here.account}\n{wish.run}") as alone:
        if not alone:
            talk(say(f"{file}: another process is running this batch", f"{file}：另一个进程正在运行该批次"))
            return Exit.OK if options.cron else Exit.STILL_RUNNING
        if not options.fresh and (ended := _ended_before(wish, over, here)) is not None:
            return _say_ended(ended, common, options)
        Target(wish.folder).check()
        _check_own_folder(wish)
        with service(here, quiet=common.quiet or common.as_json or options.cron) as there:
            return _run(wish, over, there, common, options)


def _wish(file: Path, kind: str | None, common: Common, options: BatchOptions) -> Wish:
    from bailian.batch.intents import Wish

    name = options.run or str(file.resolve())
    stem = naming.stem_of(f"{options.run}.run") if options.run else file.stem if str(file) != "-" else "stdin"
    folder = common.output or Path(DEFAULT_OUTPUT) / (f"{stem}-{kind}" if kind else stem)
    return Wish(
        source=file,
        run=f"batch:{name}" + (f"#{kind}" if kind else ""),
        folder=folder.absolute(),
        kind=kind,
        template=common.name,
        sidecar=common.sidecar,
        retry_failed=options.retry_failed,
        retry_held=options.retry_held,
        only_passing=options.cron,
        upload=options.upload,
        strict=common.strict,
        fresh=options.fresh,
    )


def _check_own_folder(wish: Wish) -> None:
    """A folder holds the results of one batch: another's are not overwritten.

    Raises:
        InvalidRequest: the folder is another batch's, or the source is one of its files.
    """
    mark = wish.folder / MARK
    owner = mark.read_text(encoding="utf-8") if mark.is_file() else wish.run
    inside = wish.source.resolve() in ((wish.folder / name).resolve() for name in (RESULTS, FAILED))
    if inside or owner != wish.run:
        raise InvalidRequest.one(
            "output",
            say(f"{wish.folder} holds the results of another batch", f"{wish.folder} 中已有另一批次的结果"),
            advice=say("choose another folder with -o DIR", "请用 -o 指定其他目录"),
        )
    mark.write_text(wish.run, encoding="utf-8")


def _digest(wish: Wish, over: Mapping[str, Any]) -> str:
    """Return what the file is now, with what else decides what its rows become; "" if it cannot be known."""
    if str(wish.source) == "-":
        return ""
    try:
        content = wish.source.read_bytes()
    except OSError:
        return ""
    others = "" if b"prompt_file" not in content else str(time.time())  # files that this file names may have changed
    what = json.dumps([str(wish.folder), wish.template, wish.sidecar, wish.upload, over, others], default=str)
    return hashlib.sha256(content + what.encode()).hexdigest()


def _ended_before(wish: Wish, over: Mapping[str, Any], here: Settings) -> dict[str, Any] | None:
    """Return the summary of a batch that has nothing left to do, without reading its rows."""
    digest = _digest(wish, over)
    if not digest or not (wish.folder / RESULTS).is_file():
        return None
    from bailian.journal import Journal
    from bailian.journal_runs import Runs

    with closing(Journal(here.home)) as journal:
        ended = Runs(journal, here.account).finished(wish.run)
    return ended[1] if ended and ended[0] == digest else None


def _say_ended(summary: Mapping[str, Any], common: Common, options: BatchOptions) -> int:
    if not common.quiet and not options.cron and not common.as_json:
        done = summary["done"]
        talk(say(f"all {done} rows were done before", f"全部 {done} 行此前已完成"))
    return exit_code(summary, None)


def _rows(wish_file: Path, kind: str | None, over: Mapping[str, Any], models: catalog.Catalog) -> Any:
    from bailian.batch.read import read_rows

    return read_rows(wish_file, kind, models=models, over=over)


def _left_to_do(rows: Any, wish: Wish, here: Settings) -> Any:
    """Yield the rows that earlier runs have not finished."""
    from bailian.batch.intents import Seen, to_do
    from bailian.journal import Journal
    from bailian.journal_runs import Runs

    tried = {}
    if (here.home / "journal.sqlite3").is_file() and not wish.fresh:
        with closing(Journal(here.home)) as journal:
            runs = Runs(journal, here.account)
            tried = {**runs.tried(wish.run_aside), **runs.tried(wish.run)}
    return to_do(rows, tried, wish, Seen())


def _show_plan(wish: Wish, over: Mapping[str, Any], here: Settings, common: Common, *, half_price: bool) -> int:
    """Print what the rows that are left are: how many, how much, how long."""
    from bailian.batch.plan import plan, summary

    models = catalog.load(settings.home_folder())
    planned = plan(
        _left_to_do(_rows(wish.source, wish.kind, over, models), wish, here),
        models,
        here.region,
        lambda field, word: input_of(field, word, here.home),
        source=str(wish.source),
    )
    if common.strict:
        found: dict[str, list[str]] = {}
        for one in planned:
            for notice in one.prepared.notices:
                found.setdefault(notice.message, []).append(one.row.where)
        if found:
            from bailian.batch.run import strict_refusal

            raise strict_refusal(found)
    shown = summary(planned)
    if half_price and "text" in shown["cost"]["by_kind"]:
        from bailian.batch.half_price_lines import PRICE_SHARE

        saved_cny = shown["cost"]["by_kind"]["text"] * (1 - PRICE_SHARE)
        shown["cost"]["by_kind"]["text"] = round(shown["cost"]["by_kind"]["text"] - saved_cny, 6)
        shown["cost"]["estimate"] = round(shown["cost"]["estimate"] - saved_cny, 6)
    write_json({"dry_run": True, **shown})
    return Exit.OK


def _run(wish: Wish, over: Mapping[str, Any], there: Settings, common: Common, options: BatchOptions) -> int:
    from bailian.batch.run import make_ready
    from bailian.cli.batch_progress import BatchProgress
    from bailian.engine.run import Engine
    from bailian.journal_runs import Runs

    models = catalog.load(settings.home_folder())
    shown = not (common.quiet or common.as_json or options.cron)
    started_s = time.monotonic()
    with BatchProgress(shown, common.verbose) as progress, Engine(there, models, progress) as engine:
        runs = Runs(engine.journal, engine.ports.account)
        digest = _digest(wish, over)
        rows = _rows(wish.source, wish.kind, over, models)
        ready = make_ready(engine, wish, rows, lambda field, word: input_of(field, word, there.home))
        if common.max_cost_cny is not None:
            engine.limit_run(wish.run, common.max_cost_cny)
        progress.begin(runs.counts(wish.run))
        if shown:
            _say_begin(ready)
            _tell_notices(ready.notices)
        timeout_s = options.max_duration_s or None
        stopped: BailianError | None = None

        def handle(outcome: Outcome) -> None:
            nonlocal stopped
            stopped = stopped or _stops(outcome)
            progress.ended(outcome)
            with progress.paused():
                _report(outcome, common, options)

        try:
            for part in _parts(engine, wish, timeout_s, common, options, lambda: stopped is not None):
                with closing(part) as outcomes:
                    _each(outcomes, handle)
        except Interrupted:
            _write_results(engine, ready)
            raise
        with progress.paused():
            return _sum_up(engine, wish, ready, digest, time.monotonic() - started_s, stopped, common, options)


def _parts(
    engine: Engine,
    wish: Wish,
    timeout_s: float | None,
    common: Common,
    options: BatchOptions,
    is_stopped: Callable[[], bool],
) -> Iterator[Generator[Outcome, None, None]]:
    """Yield what is to be run, one after the other: half-price batches are created first and fetched last."""
    from bailian.batch import half_price
    from bailian.batch.run import run_batch
    from bailian.engine import schedule

    poll_s = (2.0 if engine.settings.sandbox else half_price.POLL_S) * schedule.PAUSE_FACTOR
    until_s = None if timeout_s is None else time.monotonic() + timeout_s

    def left_s() -> float | None:
        return None if until_s is None else max(0.001, until_s - time.monotonic())

    if options.batch_api:
        yield half_price.run_half_price(engine, wish, wait=False, timeout_s=left_s())
    if not is_stopped():
        yield run_batch(engine, wish, timeout_s=left_s(), wait=common.wait)
    if half_price.batches_under_way(engine, wish):
        new_rows = options.batch_api and not is_stopped()
        yield half_price.run_half_price(
            engine, wish, timeout_s=left_s(), wait=common.wait, poll_s=poll_s, new_rows=new_rows
        )


def _each(outcomes: Generator[Outcome, None, None], handle: Callable[[Outcome], None]) -> None:
    """Handle every outcome. Ctrl-C while one is being printed is the engine's to answer, like any other."""
    outcome = next(outcomes, None)
    while outcome is not None:
        try:
            handle(outcome)
        except KeyboardInterrupt as pressed:  # noqa: PERF203
            try:
                outcome = outcomes.throw(pressed)
            except StopIteration:
                return
        else:
            outcome = next(outcomes, None)


def _write_results(engine: Engine, ready: Ready) -> None:
    from bailian.batch.results import records, write_results

    wish = ready.wish
    write_results(wish.folder, records(engine.journal, engine.ports.account, wish.run, ready.places))


def _tell_notices(found: Mapping[str, list[str]]) -> None:
    """Say once what is sent differently from what was asked, and in how many rows."""
    for text, rows in found.items():
        more = "" if len(rows) == 1 else say(f" and {len(rows) - 1} more", f" 等 {len(rows)} 行")
        talk(say(f"note: {text} ({rows[0]}{more})", f"提示：{text}（{rows[0]}{more}）"))


def _say_begin(ready: Ready) -> None:
    text = say(
        f"{ready.rows} rows: {ready.to_run} to run, {ready.done} done before",
        f"共 {ready.rows} 行：待运行 {ready.to_run}，此前已完成 {ready.done}",
    )
    if ready.left_failed:
        text += say(f", {ready.left_failed} failed and left alone", f"，{ready.left_failed} 行失败且不再重试")
    talk(text)


def _stops(outcome: Outcome) -> BailianError | None:
    """Return the error that keeps the rest from being sent."""
    error = outcome.error
    return error if error is not None and error.exit_code == Exit.ACCOUNT else None


def _report(outcome: Outcome, common: Common, options: BatchOptions) -> None:
    if outcome.state == "waiting":
        return
    place = (outcome.job.prepared.get("row") or {}).get("where") or ""
    if common.as_json:
        write_json({"row": outcome.job.row_key, "where": place, "state": outcome.state, **outcome_json(outcome)})
        return
    if options.cron:
        return
    if outcome.state == "submitted" and outcome.error is None:
        write_data(outcome.job.task_id or "")
    for path in outcome.files:
        write_data(shown_path(path))
    if outcome.error is not None and outcome.error.exit_code != Exit.STILL_RUNNING:
        talk(f"{place}:")
        talk_error(outcome.error)


def _sum_up(
    engine: Engine,
    wish: Wish,
    ready: Ready,
    digest: str,
    took_s: float,
    stopped: BailianError | None,
    common: Common,
    options: BatchOptions,
) -> int:
    from bailian.batch.results import records
    from bailian.journal_runs import Runs

    runs = Runs(engine.journal, engine.ports.account)
    counts = runs.counts(wish.run)
    summary = totals(counts)
    _write_results(engine, ready)
    if options.gallery:
        from bailian.batch.gallery import write_gallery

        write_gallery(
            wish.folder, records(engine.journal, engine.ports.account, wish.run, ready.places), title=wish.source.stem
        )
    if digest and summary["done"] == ready.rows == summary["rows"]:
        runs.finish(wish.run, digest, ready.rows, summary)
    code = exit_code(summary, stopped)
    if not common.quiet and (code != Exit.OK or not (options.cron or common.as_json)):
        talk(summary_line(wish, summary, took_s, engine.settings.sandbox))
        if stopped is not None:
            talk(say(f"stopped: {stopped.message}", f"已停止：{stopped.message}"))
        if summary["failed"] or summary["held"] or summary["unsent"]:
            talk(
                say(
                    f"failed rows: {shown_path(wish.folder / FAILED)}",
                    f"失败的行：{shown_path(wish.folder / FAILED)}",
                )
            )
        if options.gallery and not options.cron:
            talk(
                say(
                    f"gallery: {shown_path(wish.folder / 'gallery.html')}",
                    f"画廊：{shown_path(wish.folder / 'gallery.html')}",
                )
            )
    return code


def totals(counts: list[Count]) -> dict[str, Any]:
    """Return how many rows are where, failures by category, and the money."""
    by_state: dict[str, int] = {}
    categories: dict[str, int] = {}
    for count in counts:
        state = "running" if count.state in UNDER_WAY_STATES else count.state
        by_state[state] = by_state.get(state, 0) + count.jobs
        if state in ("failed", "held", "unsent"):
            category = count.error_code or "unknown"
            categories[category] = categories.get(category, 0) + count.jobs
    states = {name: by_state.get(name, 0) for name in ("done", "failed", "held", "unsent", "running", "waiting")}
    return {
        "rows": sum(by_state.values()),
        **states,
        "failures": categories,
        "charged_cny": round(sum(count.charged_cny for count in counts), 6),
        "in_part": sum(count.jobs for count in counts if count.state == "done" and count.error_code),
    }


def exit_code(summary: Mapping[str, Any], stopped: BailianError | None) -> int:
    """Return the batch's verdict: the account's trouble, something failed, something left, or all done."""
    if stopped is not None:
        return stopped.exit_code
    if summary["failed"] or summary["held"] or summary["unsent"] or summary["in_part"]:
        return Exit.SOME_FAILED
    return Exit.STILL_RUNNING if summary["running"] or summary["waiting"] else Exit.OK


def summary_line(wish: Wish, summary: Mapping[str, Any], took_s: float | None, sandbox: bool) -> str:
    words = {
        "done": say("done", "完成"),
        "failed": say("failed", "失败"),
        "held": say("held (maybe paid)", "待核对（可能已计费）"),
        "unsent": say("not sent", "未发送"),
        "running": say("running", "运行中"),
        "waiting": say("waiting", "等待中"),
    }
    parts = [f"{words[name]} {summary[name]}" for name in words if summary[name] or name == "done"]
    if summary["failures"]:
        listed = ", ".join(f"{code} {count}" for code, count in sorted(summary["failures"].items()))
        parts[-1] += f" ({listed})"
    cost = f"{money(summary['charged_cny'])} CNY" + (say(" (sandbox: not paid)", "（沙箱：不计费）") if sandbox else "")
    time_text = "" if took_s is None else f", {took_s:.1f} s"
    return f"{wish.source.name}: {', '.join(parts)}, {cost}{time_text}"


def show_status(here: Settings, file: Path, name: str | None, as_json: bool) -> int:
    """Print how the batches of a file stand; the exit code is their verdict."""
    from bailian.cli.table import print_table
    from bailian.journal import Journal
    from bailian.journal_runs import Runs

    with closing(Journal(here.home)) as journal:
        counts = Runs(journal, here.account).counts(f"batch:{name or file.resolve()}")
    if not counts:
        raise InvalidRequest.one(
            "file",
            say(f"{file} was not run from this machine with this key", f"本机没有用该密钥运行过 {file}"),
            advice=f"bailian batch run {file}",
        )
    summary = totals(counts)
    if as_json:
        write_json(summary)
    else:
        print_table(
            [
                {
                    "kind": count.kind,
                    "state": count.state,
                    "error": count.error_code or "",
                    "rows": count.jobs,
                    "CNY": money(count.charged_cny),
                }
                for count in counts
            ]
        )
    return exit_code(summary, None)
