"""Rows of one pattern: checked word for word until another text has given what the check gives, and then no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bailian.batch.input.batch_row import BatchRow
from bailian.batch.row_patterns import PATTERNS_MAX
from bailian.modalities import other_texts
from bailian.types import Prepared

Make = Callable[[str], Prepared | None]


class _Known(NamedTuple):
    make: Make | None
    """None: each is to be checked word for word."""
    name: str = ""
    """Of the field that holds the text."""
    proven: bool = False


class CheckedPatterns:
    """The patterns of one file, by their numbers; what the check of a row depends on beside its text is the same for all."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}

    def prepared(self, row: BatchRow) -> Prepared | None:
        """Return the checked request of a row; None: it is to be checked word for word."""
        known = self._known.get(row.pattern)
        if known is None or known.make is None or not known.proven:
            return None
        return known.make(row.fields[known.name])

    def learn(self, row: BatchRow, prepared: Prepared) -> None:
        """Take in what the check has made of a row."""
        known = self._known.get(row.pattern)
        if known is None:
            if len(self._known) >= PATTERNS_MAX:
                del self._known[next(iter(self._known))]
            name = "prompt" if "prompt" in row.fields else "text"
            self._known[row.pattern] = _Known(other_texts(prepared), name)
        elif known.make is not None and not known.proven:
            good = known.make(row.fields[known.name]) == prepared
            self._known[row.pattern] = known._replace(proven=good, make=known.make if good else None)
