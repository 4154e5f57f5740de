"""Where the rows of a batch are: how many in which state, why some failed, and the money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bailian.errors import Skipped
from bailian.store.states import UNDER_WAY_STATES, Status

if TYPE_CHECKING:
    from bailian.store.schema import Count

# Rows in these states are over, and not done.
FAILED_STATES = ("failed", "held", "unsent")
STATES = ("done", *FAILED_STATES, "running", "waiting")


@dataclass(frozen=True)
class BatchTotals:
    """Rows by state, and what else is told of them. `running` are all that are under way."""

    rows: int = 0
    done: int = 0
    failed: int = 0
    held: int = 0
    unsent: int = 0
    running: int = 0
    waiting: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    """How many were not done, by the category of their errors."""
    charged_cny: float = 0.0
    in_part: int = 0
    """How many of those that are done lack something."""
    skipped: int = 0
    """How many of the unsent ones were skipped: the row whose result they take was not done."""
    waits_for_others: int = 0
    """How many of the waiting ones wait for another row's result."""

    def of(self, state: str) -> int:
        """Return how many rows are in one of `STATES`."""
        return int(getattr(self, state))

    @property
    def any_failed(self) -> bool:
        """Return whether a row is over and not done."""
        return any(self.of(state) for state in FAILED_STATES)

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "failures": dict(self.failures)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> BatchTotals:
        """Return what the journal kept of a batch that was brought to its end."""
        return cls(**{name: data[name] for name in cls.__dataclass_fields__ if name in data})


def is_skipped(count: Count) -> bool:
    """Return whether rows were not sent because of other rows."""
    return count.state == Status.UNSENT and count.error_code == Skipped.code


def totals(counts: list[Count], waits: Mapping[str, int] | None = None) -> BatchTotals:
    """Add up how a batch stands. `waits`: how many rows of each kind wait for others."""
    by_state: Counter[str] = Counter()
    categories: Counter[str] = Counter()
    for count in counts:
        state = "running" if count.state in UNDER_WAY_STATES else str(count.state)
        by_state[state] += count.jobs
        if state in FAILED_STATES:
            categories[count.error_code or "unknown"] += count.jobs
    return BatchTotals(
        rows=sum(by_state.values()),
        **{state: by_state[state] for state in STATES},
        failures=dict(categories),
        charged_cny=round(sum(count.charged_cny for count in counts), 6),
        skipped=sum(count.jobs for count in counts if is_skipped(count)),
        waits_for_others=sum((waits or {}).values()),
        in_part=sum(count.jobs for count in counts if count.state == "done" and count.error_code),
    )
