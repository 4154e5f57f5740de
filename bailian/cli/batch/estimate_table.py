"""`--dry-run` of a batch for who sits at a terminal: a line a model, the total, and what would be adapted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bailian.cli.batch.batch_report import waits_word
from bailian.cli.batch.before_sending import cost_parts, time_parts
from bailian.cli.output.columns import print_table
from bailian.cli.output.terminal import money, print_data
from bailian.cli.spending import duration
from bailian.i18n import tr

if TYPE_CHECKING:
    from bailian.batch.estimate import BatchEstimate, ModelTimes, NoticeCount


def print_estimate(estimate: BatchEstimate, *, done: int, waits_for_others: int) -> None:
    """Print what the rows that are left are, cost and take."""
    model = tr("model", "模型")
    rows = [_line(model, name, one, estimate.model_costs_cny[name]) for name, one in estimate.models.items()]
    if rows:
        print_table(rows, keep=(model, tr("rows", "行数"), tr("at most CNY", "最多（元）")), gives_way=model)
    print_data(_total(estimate, done, waits_for_others))
    for notice in estimate.notices:
        print_data(_note(notice))
    print_data(tr("nothing was sent", "未发送任何请求"))


def _line(model: str, name: str, one: ModelTimes, cost_cny: float | None) -> dict[str, Any]:
    return {
        model: name,
        tr("rows", "行数"): one.rows,
        tr("requests", "请求数"): one.requests if one.requests != one.rows else None,
        tr("at most CNY", "最多（元）"): tr("not known", "未知") if cost_cny is None else money(cost_cny),
        tr("at least", "至少"): None if one.seconds is None else duration(one.seconds),
    }


def _total(estimate: BatchEstimate, done: int, waits_for_others: int) -> str:
    rows = "1 row" if estimate.rows == 1 else f"{estimate.rows} rows"
    parts = [tr(f"{rows} to send", f"共 {estimate.rows} 行待发送")]
    parts += [*cost_parts(estimate, by_kind=False), *time_parts(estimate)]
    if waits_for_others:
        waits = waits_word(waits_for_others)
        parts.append(tr(f"{waits_for_others} {waits}", f"其中 {waits_for_others} 行{waits_word()}"))
    if done:
        parts.append(tr(f"{done} done before", f"此前已完成 {done} 行"))
    return tr(", ", "，").join(parts)


def _note(notice: NoticeCount) -> str:
    count = "1 row" if notice.count == 1 else f"{notice.count} rows"
    return tr(f"note: {notice.message} ({count})", f"提示：{notice.message}（{notice.count} 行）")
