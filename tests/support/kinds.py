"""Which kind a test is, and which tests the default run leaves to `make test-all`.

Kinds: unit (no sandbox), service (against the sandbox, in this process), process (real processes), browser. A test says
`process` or `browser` itself, or its module does. `slow` joins a kind: loops, many processes, thousands of rows, and of
a table that crosses values with doors all but a diagonal. There every value and every door stands once. `few(n)` leaves so many of a table, evenly spaced.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

DEFAULT = "not slow and not long and not clients"
LEFT_OUT = ("slow", "long", "clients")
SAID = ("process", "browser")
FEW = 8
"""So many combinations run always."""
ALL_SLOW = re.compile(r"^pytestmark = (\[[^]]*)?pytest\.mark\.(slow|long|clients)\b", re.MULTILINE)
"""A module that says of all its tests that they are not in the default run."""


def is_left_out(module: Path, config: pytest.Config) -> bool:
    """Return whether the default run has no test of this module. Each worker would compile it and make its tables."""
    if module.suffix != ".py" or not _is_default(config):
        return False
    return bool(ALL_SLOW.search(module.read_text(encoding="utf-8")))


def is_slow(test: object, config: pytest.Config) -> bool:
    """Return whether the default run leaves out this test with its whole table. Each worker would make the items."""
    return _is_default(config) and any(mark.name in LEFT_OUT for mark in getattr(test, "pytestmark", ()))


def _is_default(config: pytest.Config) -> bool:
    """Return whether this is the README's command. Who names a module hears which of its tests were left out."""
    return bool(config.option.markexpr == DEFAULT) and not any(".py" in arg for arg in config.args)


def sort_out(items: Iterable[pytest.Item]) -> None:
    tables: dict[object, list[pytest.Function]] = defaultdict(list)
    for item in items:
        assert isinstance(item, pytest.Function)
        if not any(item.get_closest_marker(kind) for kind in SAID):
            item.add_marker("service" if "box" in item.fixturenames else "unit")
        if hasattr(item, "callspec"):
            tables[item.nodeid.partition("[")[0]].append(item)
    for table in tables.values():
        few = table[0].get_closest_marker("few")
        left = _all_but(table, few.args[0]) if few else off_diagonal(table) if len(table) > FEW else []
        for item in left:
            item.add_marker("slow")


def _all_but(table: list[pytest.Function], count: int) -> list[pytest.Function]:
    stay = {at * len(table) // count for at in range(count)}
    return [item for at, item in enumerate(table) if at not in stay]


def off_diagonal(table: list[pytest.Function]) -> list[pytest.Function]:
    """Return the combinations without which every value of every axis still stands in one."""
    axes = _axes(table[0])
    places = _places(table, axes)
    sizes = [1 + max(column) for column in zip(*places, strict=True)]
    longest = sizes.index(max(sizes))
    order = sorted(range(len(table)), key=lambda row: not _is_diagonal(places[row], sizes, longest))
    stand: set[tuple[int, int]] = set()
    left = []
    for row in order:
        new = set(enumerate(places[row])) - stand
        stand |= new
        if not new:
            left.append(table[row])
    return left


def _is_diagonal(place: list[int], sizes: list[int], longest: int) -> bool:
    return all(at == place[longest] % size for at, size in zip(place, sizes, strict=True))


def _axes(item: pytest.Function) -> list[list[str]]:
    """Return the names that vary together: those of one `parametrize`, and each fixture with parameters."""
    axes = []
    for mark in item.iter_markers("parametrize"):
        names = mark.args[0]
        axes.append([name.strip() for name in names.split(",")] if isinstance(names, str) else list(names))
    known = {name for axis in axes for name in axis}
    return axes + [[name] for name in item.callspec.params if name not in known]


def _places(table: list[pytest.Function], axes: list[list[str]]) -> list[list[int]]:
    """Return for each item which value of each axis it has, by the order in which they come."""
    seen: list[dict[tuple[int, ...], int]] = [{} for _ in axes]
    places = []
    for item in table:
        values = [tuple(id(item.callspec.params.get(name)) for name in axis) for axis in axes]
        places.append([known.setdefault(value, len(known)) for known, value in zip(seen, values, strict=True)])
    return places
