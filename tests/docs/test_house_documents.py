"""The pages about the house tell the truth: every path and name in them exists, and one word is one thing."""

from __future__ import annotations

import re

import pytest

from tests.support.setting import ROOT

WORDS_MAX = 20


def glossary() -> list[list[str]]:
    lines = (ROOT / "docs/glossary.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return rows[1:]


def test_a_word_stands_once_with_one_plain_sentence() -> None:
    """A word is not listed twice, in either language, and its sentence is short."""
    rows = glossary()
    for column in (0, 1):
        assert len({row[column] for row in rows}) == len(rows)
    assert [row[0] for row in rows if len(row[2].split()) > WORDS_MAX or not row[2].endswith(".")] == []


@pytest.mark.parametrize("word, where", [(row[0], row[3]) for row in glossary()])
def test_a_word_lives_where_the_glossary_says(word: str, where: str) -> None:
    """The file exists and defines the name."""
    path, name = re.findall(r"`([^`]+)`", where)
    text = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"^(?:class|def) {name}\b", text, re.MULTILINE), (word, where)


def test_the_paths_of_the_architecture_exist() -> None:
    """A page that names a moved file leads nowhere."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    missing = []
    for path in re.findall(r"`([\w/]+(?:\.py|\.toml|/))`", text):
        homes = [ROOT / path, ROOT / "bailian" / path, *(ROOT / "bailian").glob(f"*/{path}")]
        missing += [] if any(home.exists() for home in homes) else [path]
    assert missing == []


def test_the_names_of_the_architecture_exist() -> None:
    """`module.py` (`name`): the module has it."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    wrong = []
    for path, names in re.findall(r"`([\w/]+\.py)`\s+\(((?:`\w+`(?:, )?)+)\)", text):
        homes = [ROOT / "bailian" / path, *(ROOT / "bailian").glob(f"*/{path}")]
        source = next(home for home in homes if home.exists()).read_text(encoding="utf-8")
        for name in re.findall(r"`(\w+)`", names):
            wrong += [] if re.search(rf"\b(?:class|def) {name}\b|^{name}\b", source, re.MULTILINE) else [(path, name)]
    assert wrong == []
