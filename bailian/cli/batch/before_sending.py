"""What a batch says before its first row is sent: rows, money, time; and the question, if it is much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from bailian.cli.output.shell_words import SCRIPTS
from bailian.cli.output.terminal import money, print_err
from bailian.cli.spending import ask, duration, is_asked
from bailian.i18n import tr

if TYPE_CHECKING:
    from bailian.batch.estimate import BatchEstimate
    from bailian.cli.batch.batch_call import Call
    from bailian.config.settings import Settings

NAMED_MODELS = 3


class Unasked(Exception):
    """The rows are checked and cost much, and nobody was asked yet. Nothing is held while a person thinks."""

    def __init__(self, estimate: BatchEstimate) -> None:
        super().__init__()
        self.estimate = estimate


def agreed(call: Call, run: Callable[[Call], int]) -> int:
    """Run the batch, and once more after a question, if one is due.

    The rows are checked again then: another process may have run the batch meanwhile, or somebody changed its file.

    Raises:
        click.exceptions.Exit: the answer is no.
    """
    try:
        return run(call)
    except Unasked as due:
        estimate = due.estimate
    cost_cny = estimate.cost.estimate_cny
    ask(cost_cny, tr("it" if estimate.rows == 1 else "them", ""))
    return agreed(replace(call, agreed_cny=cost_cny or 0.0), run)


def refuse_unasked(estimate: BatchEstimate, call: Call, here: Settings) -> None:
    """Raise the question about rows that are to be paid.

    Raises:
        Unasked: it is due.
    """
    cost_cny = estimate.cost.estimate_cny
    due = estimate.rows and not call.options.cron and is_asked(cost_cny, call.common, here)
    if due and (call.agreed_cny is None or (cost_cny or 0.0) > call.agreed_cny):
        raise Unasked(estimate)


def print_spending(estimate: BatchEstimate, *, sandbox: bool, batch_api: bool) -> None:
    """Say what the rows that are to be sent cost at most, and how long they take at least."""
    if not estimate.rows:
        return
    parts = [*cost_parts(estimate, sandbox=sandbox), *_time_parts(estimate, sandbox=sandbox, batch_api=batch_api)]
    print_err(tr("to send: ", "待发送：") + tr(", ", "，").join(parts))


def cost_parts(estimate: BatchEstimate, *, sandbox: bool = False, by_kind: bool = True) -> list[str]:
    """Return what the rows cost at most, and how many have no price."""
    cost, parts = estimate.cost, []
    if cost.estimate_cny is not None:
        aside = [f"{_called(kind)} {money(cny)}" for kind, cny in cost.by_kind_cny.items()]
        notes = [tr(", ", "、").join(aside)] if by_kind and len(aside) > 1 else []
        notes += [tr("sandbox: not paid", "沙箱：不计费")] if sandbox else []
        of_it = tr(f" ({'; '.join(notes)})", f"（{'；'.join(notes)}）") if notes else ""
        total = money(cost.estimate_cny)
        parts.append(tr(f"at most {total} CNY", f"最多 {total} 元") + of_it)
    if cost.unknown:
        more = "…" if len(cost.unknown_models) > NAMED_MODELS else ""
        models = tr(", ", "、").join([*cost.unknown_models[:NAMED_MODELS], *more])
        rows = "1 row" if cost.unknown == 1 else f"{cost.unknown} rows"
        parts.append(tr(f"price of {rows} is not known ({models})", f"{cost.unknown} 行价格未知（{models}）"))
    return parts


def _time_parts(estimate: BatchEstimate, *, sandbox: bool, batch_api: bool) -> list[str]:
    if batch_api and any(one.kind in ("text", "embedding") for one in estimate.models.values()):
        return [tr("within 24 hours", "24 小时内完成")]
    return time_parts(estimate, sandbox=sandbox)


def time_parts(estimate: BatchEstimate, *, sandbox: bool = False) -> list[str]:
    """Return how long the account's limits make it take."""
    if estimate.seconds is None:
        return []
    time = duration(estimate.seconds)
    if sandbox:
        return [tr(f"at the real service at least {time}", f"真实服务按限额至少 {time}")]
    return [tr(f"at least {time} by the account's limits", f"按账号限额至少 {time}")]


def _called(kind: str) -> str:
    return SCRIPTS.get(kind, kind).replace(".py", "")
