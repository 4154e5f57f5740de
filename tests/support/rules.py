"""A rule that holds for every row of a table is one test, and names all rows that break it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any


def for_every(values: Iterable[Any], name: Callable[[Any], str] = repr) -> Callable[[Callable[..., None]], Any]:
    """Make one test of a rule for many values; a tuple is as many arguments. The rule has no fixtures."""
    rows = list(values)

    def one_test(rule: Callable[..., None]) -> Callable[[], None]:
        @functools.wraps(rule)
        def test() -> None:
            broken = []
            for row in rows:
                try:
                    rule(*row) if isinstance(row, tuple) else rule(row)
                except Exception as error:  # noqa: BLE001, PERF203 - whatever it is, the next row is tried too
                    broken.append(f"{name(row)}: {type(error).__name__}: {error}")
            assert rows, "a rule for nothing"
            assert not broken, "\n".join(broken)

        del test.__wrapped__  # type: ignore[attr-defined]  # its arguments are no fixtures
        return test

    return one_test
