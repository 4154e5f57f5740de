"""What passes between a modality and the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bailian.catalog import Model


@dataclass(frozen=True)
class Notice:
    """Something sent differently from what was asked, or worth knowing before paying. `--strict` refuses it."""

    code: str
    message: str


@dataclass(frozen=True)
class Prepared:
    """A checked request, ready to send."""

    model: Model
    wire_model: str
    request: Mapping[str, Any]
    """The user's fields, complete with defaults: what is shown, stored, and makes it again."""
    body: Mapping[str, Any]
    estimate_cny: float | None
    count: int
    """How many results are expected."""
    notices: tuple[Notice, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what the journal keeps to continue the job in another process."""
        return {
            "mode": self.model.mode,
            "route": self.model.route,
            "body": dict(self.body),
            "count": self.count,
            "unit_cny": None if self.estimate_cny is None else round(self.estimate_cny / self.count, 6),
            "notices": [vars(notice) for notice in self.notices],
        }


@dataclass(frozen=True)
class Item:
    """One result of an answer: a link, or why there is none."""

    index: int
    url: str | None = None
    code: str = ""
    message: str = ""
    wire: Mapping[str, Any] = field(default_factory=dict)
    """The entry as the service sent it."""
