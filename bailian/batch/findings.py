"""What there is to say of checked requests before the first is sent, and what is refused because of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bailian.batch.input.problems import SHOWN_MAX, placed
from bailian.batch.plan import Planned
from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.store.budgets import Budget, cost_unknown, no_room


@dataclass
class Findings:
    """Gathered while requests are checked, one or a million."""

    notices: dict[str, list[str]] = field(default_factory=dict)
    """What is sent differently from what was asked, and in which rows."""
    missing_prices: list[tuple[str, str]] = field(default_factory=list)
    """Place and model."""
    total_cny: float = 0.0

    def add(self, planned: Planned) -> None:
        for notice in planned.prepared.notices:
            self.notices.setdefault(notice.message, []).append(planned.row.where)
        estimate_cny = planned.prepared.estimate_cny
        self.total_cny += estimate_cny or 0.0
        if estimate_cny is None:
            self.missing_prices.append((planned.row.where, planned.prepared.model.name))

    def refuse_adapted(self) -> None:
        """Refuse what would be adapted, as `--strict` says.

        Raises:
            InvalidRequest: with every notice once, and its first place.
        """
        if self.notices:
            raise InvalidRequest.one(
                "",
                "\n".join(_line(rows[0], text) for text, rows in self.notices.items()),
                advice=how_to().allow_adapting(),
            )

    def refuse_cost(self, budgets: Sequence[Budget], source: str = "", waiting: Iterable[tuple[str, str]] = ()) -> None:
        """Refuse what no budget can be kept with, and requests that the command's own has no room for.

        `waiting`: place and model of rows whose cost is not known, and that wait since a run without a budget.

        Raises:
            BudgetExceeded: the one or the other.
        """
        refuse_missing_prices(budgets, [*waiting, *self.missing_prices], source)
        for budget in budgets:
            if budget.name == "request" and round(self.total_cny, 6) > budget.limit_cny:
                raise no_room(budget, 0.0, round(self.total_cny, 6))


def refuse_missing_prices(budgets: Iterable[Budget], rows: Sequence[tuple[str, str]], source: str = "") -> None:
    """Refuse rows (place and model) whose cost is not known, if there is a budget; `source` is their file.

    Raises:
        BudgetExceeded: with the first 50 of them, and how many more there are.
    """
    budget = next(iter(budgets), None)
    if budget is None or not rows:
        return
    lines = dict.fromkeys(_line(where, model) for where, model in rows[:SHOWN_MAX])
    more = len(rows) - SHOWN_MAX
    last = [tr(f"… and {more:,} more", f"…… 另有 {more:,} 行")] if more > 0 else []
    raise cost_unknown(budget, "\n".join([*([source] if source else []), *lines, *last]))


def _line(where: str, text: str) -> str:
    return f"{placed(where)}: {text}" if where else text
