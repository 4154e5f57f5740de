"""`bailian batch status`: how a batch stands, which rows are not done, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian.advice import advice_for
from bailian.batch.file_queue.files import root_of
from bailian.batch.output.folder import MARK
from bailian.batch.output.records import FAILED, asked
from bailian.batch.totals import BatchTotals, is_skipped, totals
from bailian.catalog import KINDS
from bailian.cli.batch.batch_report import exit_code, waits_word
from bailian.cli.batch.row_title import row_title
from bailian.cli.output.columns import print_table
from bailian.cli.output.report import shown_path
from bailian.cli.output.terminal import money, print_err, print_json
from bailian.cli.spending import duration
from bailian.clock import current_clock
from bailian.errors import InvalidRequest, from_journal
from bailian.files.storage.local_copies import is_file
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.store.batches import BatchStore
from bailian.store.jobs import Journal
from bailian.store.paths import leads_to_file, leads_to_folder, restored, stored
from bailian.store.runs.unfinished_rows import SameError, UnfinishedRows
from bailian.store.states import Status
from bailian.text.quoting import quoted
from bailian.types import RowPlace

if TYPE_CHECKING:
    from bailian.config.settings import Settings
    from bailian.store.schema import Count, JobRow

KINDLESS = (".txt", ".csv", ".tsv")
"""Files whose rows may say nothing of their kind."""
MOST_LINES = 20
ROWS_OF_AN_ERROR = 5
FAILED_ROWS_MAX = 100
"""So many rows are in the JSON."""


def print_status(here: Settings, file: Path, name: str | None, *, as_json: bool, quiet: bool) -> int:
    """Print how the batch of a file stands, all kinds, whichever script ran them; the exit code is its verdict."""
    with closing(Journal(here.journal)) as journal:
        runs, run = BatchStore(journal, here.account), _run_of(file, name)
        counts, waits = runs.counts(run), runs.waits_for_others(run)
        if not counts:
            raise InvalidRequest.one(
                "file",
                tr(f"{file} was not run from this machine with this key", f"本机没有用该密钥运行过 {file}"),
                advice=how_to().command("batch run", str(file)),
            )
        summary, rows = totals(counts, waits), UnfinishedRows(journal, here.account, run)
        if as_json:
            failed = [_failed_row(row) for row in rows.first(FAILED_ROWS_MAX)]
            print_json({**summary.to_json(), "failed_rows": failed, "failed_rows_max": FAILED_ROWS_MAX})
            return exit_code(summary)
        print_table([line for count in counts for line in _lines_of(count, waits)])
        if not quiet:
            for line in _told(rows, summary, _same_command(here, file, name, {count.kind for count in counts})):
                print_err(line)
    return exit_code(summary)


def _failed_row(row: JobRow) -> dict[str, Any]:
    place = row.prepared.row or RowPlace()
    return {
        "row": row.row_key,
        "where": place.where,
        "label": place.label,
        "prompt": asked(row.request),
        "kind": row.kind,
        "model": row.model,
        "state": row.state,
        "task_id": row.task_id,
        "error": (row.error or {}).get("error"),
    }


def _run_of(file: Path, name: str | None) -> str:
    """Return how a batch is known: by its name, its file, the folder of its results, or the files that `--each` found."""
    if name is not None:
        return f"batch:{name}"
    if leads_to_file(file / MARK):
        owner, _, kind = (file / MARK).read_text(encoding="utf-8").rpartition("#")
        return owner if kind in KINDS else f"{owner}#{kind}".lstrip("#")
    of_files = leads_to_folder(file) or has_magic(str(file))
    return f"batch:each:{stored(root_of(str(file)))}" if of_files else f"batch:{stored(file.resolve())}"


def _same_command(here: Settings, file: Path, name: str | None, kinds: set[str]) -> str:
    if not leads_to_file(file) and name is None:
        return tr("the same command", "同一命令")
    named = ["--run", quoted(name)] if name else []
    if len(kinds) == 1 and file.suffix.lower() in KINDLESS:
        named += ["--kind", *kinds]
    return how_to().command("batch run", quoted(str(file)), *named, *(quoted(flag) for flag in here.resume_flags))


def _told(rows: UnfinishedRows, summary: BatchTotals, again: str) -> Iterator[str]:
    """Yield which rows are not done and why, what is under way, and how to go on."""
    if summary.any_failed:
        yield from _errors(rows, summary)
    if summary.held:
        yield tr(
            f"held rows may be paid: check the bill in the console, then `{again} --retry-held` sends them again",
            f"待核对的行可能已计费：请先在控制台核对账单，再用 `{again} --retry-held` 重发",
        )
    count, since_s = rows.under_way()
    if count:
        since = "" if since_s is None else _since(since_s)
        yield tr(f"under way: {count}{since}", f"运行中：{count} 行{since}")
    if summary.waiting or count or summary.failed or summary.unsent:
        yield tr(f"to go on: {again}", f"继续运行：{again}")


def _since(since_s: float) -> str:
    ago = duration(current_clock().wall() - since_s)
    at = f"{datetime.fromtimestamp(since_s):%Y-%m-%d %H:%M:%S}"
    return tr(f", the first sent {ago} ago ({at})", f"，最早于 {ago}前发送（{at}）")


def _errors(rows: UnfinishedRows, summary: BatchTotals) -> Iterator[str]:
    """Yield the errors, the most frequent first, with their first rows; so many lines that a screen holds them."""
    left, told, path = MOST_LINES, 0, ""
    errors = rows.errors()
    for same in errors:
        most = max(1, MOST_LINES - 3) if len(errors) == 1 else ROWS_OF_AN_ERROR
        first = rows.first(min(most, same.rows), same)
        path = path or _failed_file(first)
        lines = list(_error_lines(same, first))
        if len(lines) > left:
            break
        yield from lines
        left -= len(lines)
        told += len(first)
    more = summary.failed + summary.held + summary.unsent - told
    if more > 0:
        where = path or FAILED
        yield tr(f"… and {more} more: see {where}", f"…… 另有 {more} 行：见 {where}")


def _error_lines(same: SameError, first: list[JobRow]) -> Iterator[str]:
    error = from_journal(first[0].error or {})
    state = {Status.HELD: tr("held (maybe paid)", "待核对（可能已计费）"), Status.UNSENT: tr("not sent", "未发送")}
    told = state.get(same.state, tr("failed", "失败"))
    what = tr(f"{told}: {error.code}: {error.message}", f"{told}：{error.code}：{error.message}")
    if same.rows == 1:
        yield _title(first[0]) + tr(": ", "：") + what
    else:
        yield tr(f"{same.rows} rows {what}", f"{same.rows} 行{what}")
        yield from (f"  {_title(row)}" for row in first)
        if same.rows > len(first):
            more = same.rows - len(first)
            yield tr(f"  … and {more} more", f"  …… 另有 {more} 行")
    advice = advice_for(error.code) or error.advice
    if advice and same.state == Status.FAILED:
        yield tr(f"  try: {advice}", f"  建议：{advice}")


def _title(row: JobRow) -> str:
    return row_title(row.prepared.row or RowPlace(), row.request)


def _failed_file(first: list[JobRow]) -> str:
    """Return where the batch has written its failed rows: in the folder that is marked as its own."""
    for row in first:
        kept = row.saving.get("folder")
        folder = restored(kept) if isinstance(kept, str) else Path()
        for marked in (folder, *folder.parents)[:3]:
            if is_file(marked / MARK) and is_file(marked / FAILED):
                return shown_path(marked / FAILED)
    return ""


def _lines_of(count: Count, waits: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the lines of the table for rows of one kind and state; those that wait for others have their own."""
    line = {
        "kind": count.kind,
        "state": tr("skipped", "已跳过") if is_skipped(count) else count.state,
        "error": "" if is_skipped(count) else count.error_code or "",
        "rows": count.jobs,
        "CNY": money(count.charged_cny),
    }
    others = waits.get(count.kind, 0) if count.state == Status.WAITING else 0
    if not others:
        return [line]
    both = [{**line, "rows": count.jobs - others}, {**line, "state": waits_word(), "rows": others}]
    return [one for one in both if one["rows"]]
