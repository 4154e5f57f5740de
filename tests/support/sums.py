"""Whether the sums that a journal keeps are those that adding up gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bailian.store.sums import Sum


def differences(read: Callable[[str], Iterable[Any]], sums: tuple[Sum, ...]) -> list[tuple[str, set[Any]]]:
    """Return what the sums say and adding up does not, or the other way round."""
    found = []
    for each in sums:
        # A sum of nothing may be there as nothing, or not at all.
        kept = {row for row in map(tuple, read(f"SELECT * FROM {each.table}")) if any(row[-len(each.sums) :])}
        right = {row for row in map(tuple, read(each.added_up())) if any(row[-len(each.sums) :])}
        if kept != right:
            found.append((each.table, kept ^ right))
    return found
