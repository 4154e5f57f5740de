"""A request reads the models of its own kind; whoever asks for others finds them all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bailian.catalog import KINDS, load, model_tables
from bailian.errors import InvalidRequest


@pytest.fixture
def files_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return which of the package's files are parsed, as they are."""
    model_tables.package_file.cache_clear()
    model_tables.package_models.cache_clear()
    seen: list[str] = []
    read = Path.read_text

    def noted(path: Path, *args: Any, **kwargs: Any) -> str:
        seen.extend([path.stem] if path in model_tables.PACKAGE_FILES else [])
        return read(path, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", noted)
    return seen


@pytest.mark.parametrize("kind", KINDS)
def test_its_own_kind_is_whole(kind: str, files_read: list[str]) -> None:
    """Default, aliases and successors need no other file."""
    some = load(kind=kind)
    own = some.of_kind(kind)
    assert len(files_read) <= 2
    assert own == load().of_kind(kind)
    for model in own:
        assert some.find(model.wire_name("beijing"), kind).name == model.name


@pytest.mark.few(4)
@pytest.mark.parametrize(
    "ask",
    [
        lambda one: list(one),
        lambda one: len(one),
        lambda one: one["qwen-plus"],
        lambda one: "qwen-plus" in one,
        lambda one: "nosuch" in one,
        lambda one: one.get("nosuch"),
        lambda one: one.of_kind("text"),
        lambda one: one.find("qwen-plus"),
        lambda one: sorted(one.not_callable),
        lambda one: one.as_of,
        lambda one: one.successor_of(one.find("qwen-turbo")),
    ],
)
def test_whatever_is_asked_has_the_same_answer(ask: Any) -> None:
    assert ask(load(kind="image")) == ask(load())


@pytest.mark.parametrize("name, kind", [("qwen-plus", "image"), ("wan2.2-t2i-flsh", "image"), ("qwen-imge", None)])
def test_a_refusal_has_the_same_words(name: str, kind: str | None) -> None:
    told = []
    for one in (load(kind="image"), load()):
        with pytest.raises(InvalidRequest) as raised:
            one.find(name, kind)
        told.append(raised.value.message)
    assert told[0] == told[1]


def test_a_users_models_are_there_at_once(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text('[models."mine"]\nlike = "qwen-plus"\n', encoding="utf-8")
    assert load(tmp_path, kind="image").find("mine", "text").name == "mine"
