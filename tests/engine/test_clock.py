"""One module asks the system for the time; everything else is given a clock."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.support.setting import ROOT

PACKAGE = ROOT / "bailian"
OWNER = PACKAGE / "clock.py"
READINGS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep"},
    "datetime": {"now", "today", "utcnow"},
    "date": {"today"},
}
TAKE_A_TIME = {"localtime": 1, "gmtime": 1, "ctime": 1, "strftime": 2}
"""Functions of `time` that read the clock when they are given fewer arguments than that."""


def readings(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that ask the system for the time or sleep. A default argument is where a clock may be given."""
    defaults = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for default in [*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None)]
        for inner in ast.walk(default)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (node.lineno for alias in node.names if alias.name in READINGS["time"])
        elif isinstance(node, ast.Attribute) and id(node) not in defaults:
            of = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
            if node.attr in READINGS.get(of, ()):
                yield node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            if of == "time" and len(node.args) < TAKE_A_TIME.get(node.func.attr, 0):
                yield node.lineno


@pytest.mark.slow
def test_one_module_reads_the_clock() -> None:
    """The sandbox plays the service, which has a clock of its own."""
    assert [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path != OWNER and "sandbox" not in path.parts
        for line in readings(ast.parse(path.read_text(encoding="utf-8")))
    ] == []


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        ("time.time()", 1),
        ("x = time.monotonic", 1),
        ("from time import sleep", 1),
        ("datetime.datetime.now()", 1),
        ("date.today()", 1),
        ("time.localtime()", 1),
        ("time.strftime('%Y')", 1),
        ("time.strftime('%Y', time.localtime(at_s))", 0),
        ("def f(clock=time.time): pass", 0),
        ("catalog.today", 0),
    ],
)
def test_the_rule_finds_what_it_forbids(code: str, reads: int) -> None:
    assert len(list(readings(ast.parse(code)))) == reads
