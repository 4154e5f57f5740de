"""The money of one self test."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Purse:
    """`--max-cost`, and what went. The engine holds it, too, as the budget of the run `run`."""

    limit_cny: float
    run: str
    spent_cny: float = 0.0

    @property
    def left_cny(self) -> float:
        return max(0.0, round(self.limit_cny - self.spent_cny, 6))

    def has_room(self, cost_cny: float | None) -> bool:
        """Return whether a request may be made; one whose cost is not known may not."""
        return cost_cny is not None and cost_cny <= self.left_cny

    def pay(self, cost_cny: float | None) -> None:
        self.spent_cny = round(self.spent_cny + (cost_cny or 0.0), 6)
