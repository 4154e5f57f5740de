"""Imports point down, the sandbox shares nothing with the client, and `--help` loads nothing heavy."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.setting import ROOT

PACKAGE = ROOT / "bailian"

# From the ground up, one part a line; a module may import its own part and those above it in this list.
LAYERS = (
    "bailian",
    "clock",
    "i18n",
    "instructions",
    "advice",
    "errors",
    "text",
    "counts",
    "catalog",
    "types",
    "store",
    "config",
    "files",
    "history",
    "modalities",
    "inputs",
    "service",
    "engine",
    "batch",
    "sandbox",
    "api",
    "cluster",
    "agents",
    "selftest",
    "cli",
    "door",
    "__main__",
)
FOLDER_MAX = 16
SANDBOX_MAY_IMPORT = {"catalog", "i18n", "sandbox", "bailian"}
MAY_IMPORT_SANDBOX = {"api", "cli", "sandbox"}
HEAVY = (
    "dask",
    "distributed",
    "requests",
    "pydantic",
    "PIL",
    "rich",
    "dashscope",
    "websockets",
    "starlette",
    "uvicorn",
)

MODULES = sorted(PACKAGE.rglob("*.py"))


def part_of(dotted: str) -> str:
    """Return the part of the house: "bailian.service.http" → "wire", "bailian" → "bailian"."""
    return dotted.split(".")[1] if "." in dotted else dotted


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def exists(dotted: str) -> bool:
    path = ROOT.joinpath(*dotted.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def is_module(text: str) -> bool:
    return text.startswith("bailian.") and bool(re.fullmatch(r"bailian(\.\w+)+", text)) and exists(text)


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of everything of ours that a module imports, wherever it does so."""
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield node.lineno, inner if base.startswith("bailian") and exists(inner) else base
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and is_module(node.value):
            # A module named in a string is loaded by `import_module`.
            yield node.lineno, node.value


def ours(path: Path) -> list[tuple[int, str]]:
    return [(line, name) for line, name in imports_of(path) if name.split(".")[0] == "bailian"]


def parts_of(path: Path) -> set[str]:
    return {part_of(name) for _, name in ours(path)}


def test_every_module_has_its_layer() -> None:
    """A new part of the house is given its place here first."""
    assert {part_of(name_of(path)) for path in MODULES} == set(LAYERS)


def test_imports_point_down() -> None:
    """A module imports only its own part and lower ones, inside functions and for types too.

    The package's own `__init__` is the list of public names, from all layers, loaded when used.
    """
    assert [
        f"{name_of(path)}:{line} imports {name}"
        for path in MODULES
        if path != PACKAGE / "__init__.py"
        for line, name in ours(path)
        if LAYERS.index(part_of(name)) > LAYERS.index(part_of(name_of(path)))
    ] == []


@pytest.mark.slow
def test_the_sandbox_stands_alone() -> None:
    """The sandbox knows catalog and language only, so it cannot share the client's mistakes; only `api` and `cli` start it."""
    for path in MODULES:
        own = part_of(name_of(path))
        if own == "sandbox":
            assert parts_of(path) <= SANDBOX_MAY_IMPORT, path
        elif own not in MAY_IMPORT_SANDBOX:
            assert "sandbox" not in parts_of(path), path


@pytest.mark.slow
def test_only_service_and_sandbox_touch_the_network() -> None:
    """One room sends: no other module imports an HTTP library or a socket."""
    network = {"requests", "urllib3", "http", "socket", "websockets", "httpx", "aiohttp", "dashscope"}
    for path in MODULES:
        if part_of(name_of(path)) not in ("service", "sandbox"):
            # The tokenizer is the one part of the SDK that works offline.
            names = {name for _, name in imports_of(path)} - {"dashscope.tokenizers"}
            assert {name.split(".")[0] for name in names} & network == set(), path


@pytest.mark.slow
def test_no_modules_import_each_other() -> None:
    """No module needs itself, over however many others."""
    needs = {name_of(path): {name for _, name in ours(path)} for path in MODULES if path.name != "__init__.py"}
    while free := {name for name, others in needs.items() if not others & needs.keys() - {name}}:
        for name in free:
            del needs[name]
    assert needs == {}


def test_folders_can_be_overlooked() -> None:
    """No folder has more modules than a person looks over at once."""
    modules = Counter(path.parent for path in MODULES if path.name != "__init__.py")
    assert {folder.name: count for folder, count in modules.items() if count > FOLDER_MAX} == {}


def test_no_two_modules_have_one_name() -> None:
    """One name leads to one module of the client. The commands of `cli/scripts` are named as the six scripts."""
    client = [path for path in MODULES if "sandbox" not in path.parts and path.parent.name != "scripts"]
    names = Counter(path.name for path in client if path.name not in ("__init__.py", "__main__.py"))
    assert [name for name, count in names.items() if count > 1] == []


def test_the_rule_finds_what_it_forbids(tmp_path: Path) -> None:
    """The walker sees plain, from, relative, inner and named imports."""
    path = PACKAGE / "files" / "__init__.py"
    assert name_of(path) == "bailian.files"
    source = (
        "import bailian.engine.engine\nfrom bailian.config import settings\nfrom bailian.service.transport import http as h\n"
        "def f():\n    from bailian.errors import Exit\nM = 'bailian.modalities.picture.image'\n"
    )
    module = tmp_path / "bailian" / "x.py"
    module.parent.mkdir()
    module.write_text(source, encoding="utf-8")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setitem(globals(), "name_of", lambda _path: "bailian.x")
        found = sorted(ours(module))
    assert [name for _, name in found] == [
        "bailian.engine.engine",
        "bailian.config.settings",
        "bailian.service.transport.http",
        "bailian.errors",
        "bailian.modalities.picture.image",
    ]


@pytest.mark.parametrize("words", [["text2image.py", "--help"], ["-m", "bailian", "--help"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    """`--help` shows at once: none of the heavy libraries is imported for it."""
    code = (
        "import runpy, sys\n"
        f"sys.argv = {words[-2:]!r}\n"
        "try:\n"
        f"    runpy.run_{'module' if words[0] == '-m' else 'path'}(sys.argv[0], run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        f"print('loaded:', *[name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Usage:" in ran.stdout
    assert ran.stdout.splitlines()[-1] == "loaded:"


def test_importing_the_package_costs_nothing() -> None:
    """`import bailian` loads none of its parts."""
    code = "import sys, bailian; print(sorted(name for name in sys.modules if name.startswith('bailian.')))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
