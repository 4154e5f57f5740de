"""A budget cannot be kept where nobody knows what a row will cost: said of all such rows, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable

from bailian.batch.input.problems import SHOWN_MAX, placed
from bailian.errors import BudgetExceeded
from bailian.i18n import tr
from bailian.store.budgets import budget_title


def refuse_missing_prices(names: Iterable[str], rows: Iterable[tuple[str, str]], source: str) -> None:
    """Refuse rows whose cost is not known, if there is a budget.

    Args:
        names: the budgets that hold: "day", "month", "run".
        rows: place and model of each row without a cost.
        source: the file's name.

    Raises:
        BudgetExceeded: with the first 50 of them, and how many more there are.
    """
    name, found = next(iter(names), None), list(rows)
    if name is None or not found:
        return
    lines = [f"{placed(where)}: {model}" for where, model in found[:SHOWN_MAX]]
    more = len(found) - SHOWN_MAX
    lines += [tr(f"… and {more:,} more", f"…… 另有 {more:,} 行")] if more > 0 else []
    head = tr(
        f"{source}: nothing is sent; what these rows will cost is not known before, so the budget of the "
        f"{budget_title(name)} cannot be kept",
        f"{source}：未发送任何请求；以下各行的费用无法事先得知，无法保证{budget_title(name)}预算",
    )
    raise BudgetExceeded(
        "\n".join([head, *lines]),
        advice=tr(
            f"{_without(name)} (a recording's length may be unknown), or put `price_cny` into the user's models.toml",
            f"{_without(name)}（录音时长可能未知），或在用户的 models.toml 中填写 price_cny",
        ),
    )


def _without(name: str) -> str:
    if name == "run":
        return tr("leave --max-cost out", "请去掉 --max-cost")
    return tr(
        f"leave BAILIAN_{name.upper()}_BUDGET_CNY or `{name}_cny` in settings.toml out",
        f"请去掉 BAILIAN_{name.upper()}_BUDGET_CNY 或 settings.toml 中的 `{name}_cny`",
    )
