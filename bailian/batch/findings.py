"""What there is to say of checked requests before the first is sent, and what is refused because of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from bailian.batch.input.problems import SHOWN_MAX, placed
from bailian.batch.plan import Planned
from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.store.budgets import Budget, cost_unknown, no_room


@dataclass
class Places:
    """The rows of which something is true: the first, and how many."""

    first: str
    rows: int = 0


@dataclass
class Findings:
    """Gathered while requests are checked, one or a million: what is found is kept, not the rows."""

    notices: dict[str, Places] = field(default_factory=dict)
    """What is sent differently from what was asked, and in which rows."""
    missing_prices: list[tuple[str, str]] = field(default_factory=list)
    """Place and model of the first of them."""
    missing_count: int = 0
    total_cny: float = 0.0

    def add(self, planned: Planned) -> None:
        for notice in planned.prepared.notices:
            places = self.notices.get(notice.message)
            if places is None:
                places = self.notices[notice.message] = Places(planned.row.where)
            places.rows += 1
        estimate_cny = planned.prepared.estimate_cny
        if estimate_cny is not None:
            self.total_cny += estimate_cny
            return
        self.missing_count += 1
        if self.missing_count <= SHOWN_MAX:
            self.missing_prices.append((planned.row.where, planned.prepared.model.name))

    def refuse_adapted(self) -> None:
        """Refuse what would be adapted, as `--strict` says.

        Raises:
            InvalidRequest: with every notice once, and its first place.
        """
        if self.notices:
            raise InvalidRequest.one(
                "",
                "\n".join(_line(rows.first, text) for text, rows in self.notices.items()),
                advice=how_to().allow_adapting(),
            )

    def refuse_cost(self, budgets: Sequence[Budget], source: str = "", waiting: Iterable[tuple[str, str]] = ()) -> None:
        """Refuse what no budget can be kept with, and requests that the command's own has no room for.

        `waiting`: place and model of rows whose cost is not known, and that wait since a run without a budget.

        Raises:
            BudgetExceeded: the one or the other.
        """
        unseen = self.missing_count - len(self.missing_prices)
        refuse_missing_prices(budgets, chain(waiting, self.missing_prices), source, unseen=unseen)
        for budget in budgets:
            if budget.name == "request" and round(self.total_cny, 6) > budget.limit_cny:
                raise no_room(budget, 0.0, round(self.total_cny, 6))


def refuse_missing_prices(
    budgets: Iterable[Budget], rows: Iterable[tuple[str, str]], source: str = "", *, unseen: int = 0
) -> None:
    """Refuse rows (place and model) whose cost is not known, if there is a budget; `source` is their file, and `unseen`
    how many more than `rows` there are.

    Raises:
        BudgetExceeded: with the first 50 of them, and how many more there are.
    """
    budget = next(iter(budgets), None)
    left = iter(rows)
    first = list(islice(left, SHOWN_MAX)) if budget is not None else []
    if budget is None or not first:
        return
    lines = dict.fromkeys(_line(where, model) for where, model in first)
    more = sum(1 for _ in left) + unseen
    last = [tr(f"… and {more:,} more", f"…… 另有 {more:,} 行")] if more > 0 else []
    raise cost_unknown(budget, "\n".join([*([source] if source else []), *lines, *last]))


def _line(where: str, text: str) -> str:
    return f"{placed(where)}: {text}" if where else text
