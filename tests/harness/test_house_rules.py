"""Rules for the tests themselves: public seams, a kind for each, and each promise of the README with real processes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.setting import ROOT

TESTS = ROOT / "tests"
OF_THE_LANGUAGE = {"_exit", "_fields", "_replace", "_getframe"}
STILL_PRIVATE = {
    "_commit", "_connect", "_connection", "_current", "_folder", "_http", "_line", "_lock", "_next_end",
    "_page", "_read", "_report", "_rows", "_run_batch", "_runner", "_server", "_started", "_tokenizer", "_waiting", "_write", "_writer",
}  # fmt: skip
"""Names that tests still reach for. None is added; whoever gives one of them a public seam takes it out."""


def private_names(tree: ast.AST) -> Iterator[str]:
    """Give each private name of another object that is read, patched or deleted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            own = own or (isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "super")
            if not own:
                yield node.attr
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            "setattr",
            "delattr",
            "object",
            "patch",
        ):
            words = [word.value for word in node.args[:2] if isinstance(word, ast.Constant)]
            for word in words:
                name = word.rpartition(".")[2] if isinstance(word, str) else ""
                if name.startswith("_") and not name.endswith("__"):
                    yield name


@pytest.mark.slow
def test_no_test_reaches_for_a_private_name() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in TESTS.rglob("*.py")
        for name in private_names(ast.parse(path.read_text(encoding="utf-8")))
        if name not in OF_THE_LANGUAGE | STILL_PRIVATE
    }
    assert not found, "test through a public seam: " + ", ".join(sorted(found))


def test_a_private_name_is_found_however_it_is_written() -> None:
    code = "x._a; monkeypatch.setattr(x, '_b', 1); patch.object(x, '_c'); self._d; setattr(x, '_e', 1); patch('m._f'); x.__doc__"
    assert set(private_names(ast.parse(code))) == {"_a", "_b", "_c", "_e", "_f"}


def promises() -> list[tuple[str, str, str]]:
    text = (TESTS / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^\| (.+?) \| `(\S+?\.py)::(\w+)` \|$", text, re.MULTILINE)


def test_every_promise_has_its_test_in_the_default_run() -> None:
    """The table in tests/README.md: each test is there, and not left to `make test-all`."""
    table = promises()
    assert len(table) >= 10
    for promise, file, name in table:
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        (test,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
        marks = [ast.unparse(mark) for mark in test.decorator_list]
        assert "pytest.mark.slow" not in marks, promise


def test_no_test_module_is_a_library() -> None:
    """What two need stands in tests/support/."""
    texts = {path: path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py")}
    taken = [
        f"{path.relative_to(ROOT)}: {node.module}"
        for path, text in texts.items()
        if re.search(r"\bfrom\s+(\S*\.)?(test_\w+|conftest)\s+import\b", text)  # the others need not be parsed
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and re.search(r"(^|\.)(test_\w+|conftest)$", node.module or "")
    ]
    assert not taken


def test_every_test_has_one_kind(request: pytest.FixtureRequest) -> None:
    kinds = {"unit", "service", "process", "browser"}
    wrong = [
        item.nodeid for item in request.session.items if len(kinds & {mark.name for mark in item.iter_markers()}) != 1
    ]
    assert not wrong


def test_the_readme_of_the_tests_names_every_folder() -> None:
    text = (TESTS / "README.md").read_text(encoding="utf-8")
    folders = [path.name for path in Path(TESTS).iterdir() if path.is_dir() and list(path.glob("*.py"))]
    assert [name for name in folders if f"`{name}/`" not in text] == []
