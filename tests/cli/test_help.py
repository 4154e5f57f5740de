"""Help: short words, both languages whole, click's own words among them."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest

from bailian.cli import LOCALE
from bailian.cli.main import COMMANDS, REQUEST_COMMANDS
from bailian.sandbox import Sandbox
from tests.support.commands import Run
from tests.support.setting import ROOT

ENGLISH = (
    "Usage",
    "Options",
    "Commands",
    "Show this",
    "Show the",
    "[default:",
    "Missing",
    "Invalid value",
    "No such",
    "is not",
)


@pytest.mark.few(5)
@pytest.mark.parametrize("command", [*REQUEST_COMMANDS, *COMMANDS])
def test_h_is_help(bailian: Run, command: str) -> None:
    assert bailian(command, "-h").out == bailian(command, "--help").out


def test_short_words_are_the_long_ones(box: Sandbox, text2image: Run) -> None:
    text2image("猫", "-m", "wan2.2-t2i-plus", "-s", "512*512", "-n", "2", "-o", "图")
    (task,) = box.tasks
    assert (task.body["model"], task.body["parameters"]["size"], task.body["parameters"]["n"]) == (
        "wan2.2-t2i-plus", "512*512", 2,
    )  # fmt: skip


@pytest.mark.few(1)
@pytest.mark.process
@pytest.mark.parametrize(
    "words",
    [
        ["--help"], ["tasks", "--help"], ["tasks", "list", "--help"], ["text2video", "--help"], ["tasks", "list", "--limit", "x"],
        ["nosuch"], ["text2image", "x", "--timeout", "0"], ["text2image", "x", "--size"], ["tasks", "show"],
        ["history", "--kind", "x"], ["history", "--since", "x"], ["models", "--kind"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_chinese_is_whole(words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever the machine's own language is."""
    monkeypatch.setenv("BAILIAN_LANG", "zh")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    command = [sys.executable, "-u", "-m", "bailian", *words]
    ran = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, cwd=tmp_path)
    assert [word for word in ENGLISH if word in ran.stdout + ran.stderr] == []


@pytest.mark.process
def test_english_stays_english_on_a_chinese_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BAILIAN_LANG", "en")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    command = [sys.executable, "-u", "-m", "bailian", "tasks", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True, cwd=tmp_path).stdout
    assert shown.isascii()
    assert "Usage" in shown


def test_clicks_words_are_compiled_as_they_are_written() -> None:
    """`make docs` does it."""
    from babel.messages.mofile import read_mo
    from babel.messages.pofile import read_po

    folder = LOCALE / "zh/LC_MESSAGES"
    written = read_po(BytesIO((folder / "messages.po").read_bytes()), locale="zh")
    compiled = read_mo(BytesIO((folder / "messages.mo").read_bytes()))
    words = [[(list(one.id), list(one.string)) for one in catalog if one.id] for catalog in (written, compiled)]
    assert sorted(map(str, words[0])) == sorted(map(str, words[1]))
    assert all(all(one.string if isinstance(one.string, tuple) else [one.string]) for one in written if one.id)
