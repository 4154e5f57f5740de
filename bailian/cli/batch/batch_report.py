"""What a batch says: how it begins, its totals and verdict at the end, how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bailian.batch.output.gallery import CARDS_MAX, PAGE
from bailian.batch.output.records import AGAIN_STATES, FAILED, RESULTS
from bailian.batch.totals import FAILED_STATES, BatchTotals
from bailian.catalog import Mode
from bailian.cli.output.report import shown_path
from bailian.cli.output.terminal import money, print_err
from bailian.errors import BailianError, Exit, Skipped
from bailian.files.storage.local_copies import is_file
from bailian.i18n import tr
from bailian.store.states import Status

if TYPE_CHECKING:
    from bailian.batch.run import PreparedBatch
    from bailian.batch.sync import BatchSpec
    from bailian.catalog import Catalog
    from bailian.cli.batch.batch_call import BatchOptions
    from bailian.store.schema import Count


def print_begin(ready: PreparedBatch) -> None:
    """Say how many rows there are, and once what is sent differently from what was asked, and in how many."""
    from bailian.batch.input.problems import placed

    count = "1 row" if ready.rows == 1 else f"{ready.rows} rows"
    text = tr(
        f"{count}: {ready.to_run} to run, {ready.done} done before",
        f"共 {ready.rows} 行：待运行 {ready.to_run}，此前已完成 {ready.done}",
    )
    if ready.waits_for_others:
        waits = ready.waits_for_others
        text += tr(f", {waits} of them {waits_word(waits)}", f"，其中 {waits} 行{waits_word()}")
    if ready.left_failed:
        text += tr(f", {ready.left_failed} failed and left alone", f"，{ready.left_failed} 行失败且不再重试")
    if ready.left_held:
        text += tr(
            f", {ready.left_held} held (maybe paid) and left alone (--retry-held sends them again)",
            f"，{ready.left_held} 行待核对（可能已计费）且不再重发（--retry-held 可重发）",
        )
    print_err(text)
    for notice, rows in ready.notices.items():
        more = "" if rows.rows == 1 else tr(f" and {rows.rows - 1} more", f" 等 {rows.rows} 行")
        where = placed(rows.first)
        print_err(tr(f"note: {notice} ({where}{more})", f"提示：{notice}（{where}{more}）"))


def print_calls(
    queues: Sequence[tuple[str, str]], counts: Sequence[Count], models: Catalog, options: BatchOptions
) -> None:
    """Say how much may be paid and lost if this machine dies in the middle: the answers under way then."""
    from bailian.engine.admission.call_capacity import UNKNOWN_RATE_CALLS, call_capacity

    calling = {models[model].kind for _, model in queues if model in models and models[model].mode != Mode.TASK}
    waiting = [count for count in counts if count.state == Status.WAITING and count.kind in calling]
    rows = sum(count.jobs for count in waiting)
    if rows <= UNKNOWN_RATE_CALLS:
        return
    calls = min(rows, call_capacity(options.in_flight).calls)
    cny = money(calls * sum(count.estimate_cny for count in waiting) / rows)
    print_err(
        tr(
            f"note: at most {calls} answers are waited for at once: about {cny} CNY that may be paid, and lost, if this "
            "machine dies then (--in-flight N: fewer)",
            f"提示：最多同时等待 {calls} 个应答：若此时本机断电，约 {cny} 元可能已计费而丢失（--in-flight N 可减少）",
        )
    )


def exit_code(summary: BatchTotals, stopped: BailianError | None = None) -> int:
    """Return the batch's verdict: the account's trouble, something failed, something left, or all done."""
    if stopped is not None:
        return stopped.exit_code
    if summary.any_failed or summary.in_part:
        return Exit.SOME_FAILED
    return Exit.STILL_RUNNING if summary.running or summary.waiting else Exit.OK


def summary_line(name: str, summary: BatchTotals, took_s: float, sandbox: bool) -> str:
    """Return the totals as a line for people."""
    words = {
        "done": tr("done", "完成"),
        "failed": tr("failed", "失败"),
        "held": tr("held (maybe paid)", "待核对（可能已计费）"),
        "unsent": tr("not sent", "未发送"),
        "skipped": tr("skipped", "已跳过"),
        "running": tr("running", "运行中"),
        "waiting": tr("waiting", "等待中"),
    }
    rows = {state: summary.of(state) for state in words} | {"unsent": summary.unsent - summary.skipped}
    parts = {state: f"{word} {rows[state]}" for state, word in words.items() if rows[state] or state == "done"}
    parts["done"] += in_part(summary)
    if summary.waits_for_others and "waiting" in parts:
        waits = summary.waits_for_others
        parts["waiting"] += tr(f" ({waits} {waits_word(waits)})", f"（其中 {waits} 行{waits_word()}）")
    failures = {code: count for code, count in summary.failures.items() if code != Skipped.code}
    if failures:
        listed = ", ".join(f"{code} {count}" for code, count in sorted(failures.items()))
        parts[[state for state in parts if state in FAILED_STATES][-1]] += f" ({listed})"
    cost = f"{money(summary.charged_cny)} CNY" + (tr(" (sandbox: not paid)", "（沙箱：不计费）") if sandbox else "")
    return f"{name}: {', '.join(parts.values())}, {cost}, {took_s:.1f} s"


def waits_word(rows: int = 1) -> str:
    """Return what rows do whose input is another row's result."""
    return tr("waits for others" if rows == 1 else "wait for others", "等待其他行")


def in_part(summary: BatchTotals) -> str:
    """Return how many of the rows that are done lack something, to stand behind their number; "" if none does."""
    count = summary.in_part
    return tr(f", {count} of them in part", f"，其中 {count} 行不完整") if count else ""


def print_end(
    spec: BatchSpec,
    summary: BatchTotals,
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
    if summary.waits_for_others and stopped is None:
        count = summary.waits_for_others
        rows = tr("1 row waits" if count == 1 else f"{count} rows wait", f"{count} 行等待")
        again = spec.same_command
        print_err(tr(f"{rows} for other rows' results: {again} to go on", f"{rows}其他行的结果：{again}即可继续"))
    if summary.held:
        print_err(_about_held(summary.held, spec))
    if written and any(summary.of(state) for state in AGAIN_STATES) and is_file(spec.folder / FAILED):
        path = shown_path(spec.folder / FAILED)
        print_err(tr(f"failed rows: {path}", f"失败的行：{path}"))
    if written and page:
        path, some = shown_path(spec.folder / PAGE), ("", "")
        if summary.rows > CARDS_MAX:
            some = f" (the first {CARDS_MAX:,} rows; all: {RESULTS})", f"（前 {CARDS_MAX:,} 行；全部：{RESULTS}）"
        print_err(tr(f"gallery: {path}{some[0]}", f"画廊：{path}{some[1]}"))


def _about_held(count: int, spec: BatchSpec) -> str:
    rows, them = ("1 row", "it") if count == 1 else (f"{count} rows", "them")
    again = spec.same_command + (tr(" and", "") if spec.fresh else "")
    return tr(
        f"{rows} may be paid already: check the bill in the console, then {again} with --retry-held to send {them} again",
        f"{count} 行可能已计费：请先在控制台核对账单，再加上 --retry-held，{again}，即可重发",
    )
