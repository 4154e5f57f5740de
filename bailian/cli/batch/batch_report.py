"""What a batch says: how it begins, its totals and verdict at the end, how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian.batch.output.gallery import PAGE
from bailian.batch.output.records import AGAIN_STATES, FAILED
from bailian.cli.output.report import shown_path
from bailian.cli.output.terminal import money, print_err, print_json
from bailian.errors import BailianError, Exit, InvalidRequest
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.store.paths import stored
from bailian.store.states import UNDER_WAY_STATES

if TYPE_CHECKING:
    from bailian.batch.run import PreparedBatch
    from bailian.batch.sync import BatchSpec
    from bailian.config.settings import Settings
    from bailian.store.schema import Count

# Rows in these states are over, and not done.
FAILED_STATES = ("failed", "held", "unsent")


def print_begin(ready: PreparedBatch) -> None:
    """Say how many rows there are, and once what is sent differently from what was asked, and in how many."""
    from bailian.batch.input.problems import placed

    count = "1 row" if ready.rows == 1 else f"{ready.rows} rows"
    text = tr(
        f"{count}: {ready.to_run} to run, {ready.done} done before",
        f"共 {ready.rows} 行：待运行 {ready.to_run}，此前已完成 {ready.done}",
    )
    if ready.left_failed:
        text += tr(f", {ready.left_failed} failed and left alone", f"，{ready.left_failed} 行失败且不再重试")
    if ready.left_held:
        text += tr(
            f", {ready.left_held} held (maybe paid) and left alone (--retry-held sends them again)",
            f"，{ready.left_held} 行待核对（可能已计费）且不再重发（--retry-held 可重发）",
        )
    print_err(text)
    for notice, rows in ready.notices.items():
        more = "" if len(rows) == 1 else tr(f" and {len(rows) - 1} more", f" 等 {len(rows)} 行")
        where = placed(rows[0])
        print_err(tr(f"note: {notice} ({where}{more})", f"提示：{notice}（{where}{more}）"))


def totals(counts: list[Count]) -> dict[str, Any]:
    """Return how many rows are where, failures by category, and the money."""
    by_state: dict[str, int] = {}
    categories: dict[str, int] = {}
    for count in counts:
        state = "running" if count.state in UNDER_WAY_STATES else count.state
        by_state[state] = by_state.get(state, 0) + count.jobs
        if state in FAILED_STATES:
            category = count.error_code or "unknown"
            categories[category] = categories.get(category, 0) + count.jobs
    states = {name: by_state.get(name, 0) for name in ("done", *FAILED_STATES, "running", "waiting")}
    return {
        "rows": sum(by_state.values()),
        **states,
        "failures": categories,
        "charged_cny": round(sum(count.charged_cny for count in counts), 6),
        "in_part": sum(count.jobs for count in counts if count.state == "done" and count.error_code),
    }


def any_failed(summary: Mapping[str, Any]) -> bool:
    """Return whether a row is over and not done."""
    return any(summary[state] for state in FAILED_STATES)


def exit_code(summary: Mapping[str, Any], stopped: BailianError | None = None) -> int:
    """Return the batch's verdict: the account's trouble, something failed, something left, or all done."""
    if stopped is not None:
        return stopped.exit_code
    if any_failed(summary) or summary["in_part"]:
        return Exit.SOME_FAILED
    return Exit.STILL_RUNNING if summary["running"] or summary["waiting"] else Exit.OK


def summary_line(name: str, summary: Mapping[str, Any], took_s: float, sandbox: bool) -> str:
    """Return the totals as a line for people."""
    words = {
        "done": tr("done", "完成"),
        "failed": tr("failed", "失败"),
        "held": tr("held (maybe paid)", "待核对（可能已计费）"),
        "unsent": tr("not sent", "未发送"),
        "running": tr("running", "运行中"),
        "waiting": tr("waiting", "等待中"),
    }
    parts = {state: f"{word} {summary[state]}" for state, word in words.items() if summary[state] or state == "done"}
    parts["done"] += in_part(summary)
    if summary["failures"]:
        listed = ", ".join(f"{code} {count}" for code, count in sorted(summary["failures"].items()))
        parts[[state for state in parts if state in FAILED_STATES][-1]] += f" ({listed})"
    cost = f"{money(summary['charged_cny'])} CNY" + (tr(" (sandbox: not paid)", "（沙箱：不计费）") if sandbox else "")
    return f"{name}: {', '.join(parts.values())}, {cost}, {took_s:.1f} s"


def in_part(summary: Mapping[str, Any]) -> str:
    """Return how many of the rows that are done lack something, to stand behind their number; "" if none does."""
    count = summary["in_part"]
    return tr(f", {count} of them in part", f"，其中 {count} 行不完整") if count else ""


def print_end(
    spec: BatchSpec,
    summary: Mapping[str, Any],
    took_s: float,
    stopped: BailianError | None,
    *,
    sandbox: bool,
    page: bool,
    written: bool = True,
) -> None:
    """Say the totals, why the rest was not sent, what to do about held rows, and where to look if files were written."""
    print_err(summary_line(spec.title, summary, took_s, sandbox))
    if stopped is not None:
        print_err(tr(f"stopped: {stopped.message}", f"已停止：{stopped.message}"))
    if summary["held"]:
        print_err(_about_held(summary["held"], spec))
    if written and any(summary[state] for state in AGAIN_STATES):
        path = shown_path(spec.folder / FAILED)
        print_err(tr(f"failed rows: {path}", f"失败的行：{path}"))
    if written and page:
        path = shown_path(spec.folder / PAGE)
        print_err(tr(f"gallery: {path}", f"画廊：{path}"))


def _about_held(count: int, spec: BatchSpec) -> str:
    rows, them = ("1 row", "it") if count == 1 else (f"{count} rows", "them")
    again = spec.same_command + (tr(" and", "") if spec.fresh else "")
    return tr(
        f"{rows} may be paid already: check the bill in the console, then {again} with --retry-held to send {them} again",
        f"{count} 行可能已计费：请先在控制台核对账单，再加上 --retry-held，{again}，即可重发",
    )


def print_status(here: Settings, file: Path, name: str | None, as_json: bool) -> int:
    """Print how the batch of a file stands, all kinds, whichever script ran them; the exit code is its verdict."""
    from bailian.cli.output.columns import print_table
    from bailian.store.batches import BatchStore
    from bailian.store.jobs import Journal

    with closing(Journal(here.home)) as journal:
        counts = BatchStore(journal, here.account).counts(f"batch:{name or stored(file.resolve())}")
    if not counts:
        raise InvalidRequest.one(
            "file",
            tr(f"{file} was not run from this machine with this key", f"本机没有用该密钥运行过 {file}"),
            advice=how_to().command("batch run", str(file)),
        )
    summary = totals(counts)
    if as_json:
        print_json(summary)
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
    return exit_code(summary)
