"""The sandbox's own house: one folder a service, none crowded, no circle, and a map that is true."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

SANDBOX = Path(__file__).parents[2] / "bailian" / "sandbox"
README = (SANDBOX / "README.md").read_text(encoding="utf-8")
ROOMS = README.partition("## The rooms\n")[2].partition("\n## ")[0]
MODULES_MAX = 16
SERVICES = (
    "images", "edits", "message_images", "films", "text", "embeddings", "speech", "transcription", "batches",
    "voices", "rerank",
)  # fmt: skip

MODULES = {
    ".".join(path.relative_to(SANDBOX.parents[1]).with_suffix("").parts): path
    for path in SANDBOX.rglob("*.py")
    if path.name != "__init__.py"
}


def folder_of(module: str) -> str:
    """Return the folder of a module, empty for those at the top."""
    return module.removeprefix("bailian.sandbox.").rpartition(".")[0]


def imports_of(source: str, modules: Mapping[str, Path]) -> Iterator[str]:
    """Yield the modules that a source imports, wherever it does so."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from ([name for name in names if name in modules] or [node.module] * (node.module in modules))


def circle_in(arrows: Mapping[str, set[str]]) -> list[str]:
    """Return what is left when everything that leads nowhere is taken away, again and again."""
    left = {name: set(targets) - {name} for name, targets in arrows.items()}
    while ends := {name for name, targets in left.items() if not targets & set(left)}:
        left = {name: targets for name, targets in left.items() if name not in ends}
    return sorted(left)


@cache
def arrows() -> dict[str, set[str]]:
    """Return what each module imports."""
    return {name: set(imports_of(path.read_text(encoding="utf-8"), MODULES)) for name, path in MODULES.items()}


def test_no_folder_is_crowded() -> None:
    crowded = {name: count for name, count in Counter(map(folder_of, MODULES)).items() if count > MODULES_MAX}
    assert crowded == {}


@pytest.mark.slow
def test_no_module_imports_itself_round_a_corner() -> None:
    assert circle_in(arrows()) == []


def test_no_service_folder_imports_itself_round_a_corner() -> None:
    """The modules at the top join the services, so only the folders count."""
    folders: dict[str, set[str]] = {}
    for module, targets in arrows().items():
        folders.setdefault(folder_of(module), set()).update(map(folder_of, targets))
    assert circle_in({name: targets - {""} for name, targets in folders.items() if name}) == []


def test_the_search_for_circles_finds_one() -> None:
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == ["a", "b", "c", "d"]
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": set(), "d": {"a"}}) == []
    modules = {"bailian.sandbox.a": SANDBOX, "bailian.sandbox.b.c": SANDBOX}
    source = (
        "def f():\n    from bailian.sandbox import a, x\nfrom bailian.sandbox.b.c import d\nimport bailian.sandbox.a\n"
    )
    assert sorted(imports_of(source, modules)) == ["bailian.sandbox.a", "bailian.sandbox.a", "bailian.sandbox.b.c"]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_shape(service: str) -> None:
    """Rules, checks and JSON stand under the same name everywhere; text's models also check the lines of a batch."""
    wanted = {"models", "requests", "replies"} - ({"models"} if service == "batches" else set())
    wanted -= {"replies"} if service == "edits" else set()  # an edit is answered as a picture is
    assert wanted <= {path.stem for path in (SANDBOX / service).glob("*.py")}


def test_the_map_of_the_rooms_is_true() -> None:
    """Every file and folder that the map names is there, and every folder and module at the top is on the map."""
    named = set(re.findall(r"`([\w/]+(?:\.py|/))`", ROOMS))
    inside = {name for folder in SERVICES for name in (p.name for p in (SANDBOX / folder).glob("*.py"))}
    root = SANDBOX.parents[1]
    missing = {
        name for name in named if not (SANDBOX / name).exists() and name not in inside and not (root / name).exists()
    }
    assert missing == set()
    folders = {f"{name}/" for name in map(folder_of, MODULES) if name}
    assert (folders | {path.name for path in SANDBOX.glob("*.py")} - {"__init__.py"}) - named == set()


@pytest.mark.parametrize(
    "place, name",
    [
        ("faults", "KINDS"), ("faults", "_DEFAULT_ERRORS"), ("http.endpoints", "PAID"), ("http.endpoints", "Call"),
        ("http.answers", "Answer"), ("images.models", "RULES"), ("films.models", "RULES"), ("text.models", "RULES"),
    ],
)  # fmt: skip
def test_the_names_in_the_instructions_are_there(place: str, name: str) -> None:
    tree = ast.parse(MODULES[f"bailian.sandbox.{place}"].read_text(encoding="utf-8"))
    assigned = {n.target.id for n in tree.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
    assigned |= {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    assert name in assigned | {n.name for n in tree.body if isinstance(n, ast.ClassDef)}
    assert f"`{name}`" in ROOMS
