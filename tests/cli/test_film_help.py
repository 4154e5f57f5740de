"""The help of text2video.py: so many options that they stand in groups, on a terminal of 80 columns."""

from __future__ import annotations

import re
import shlex
import sys

import pytest

pytest.importorskip("fcntl", reason="POSIX terminals")

import text2video
from bailian.cli.args.film_options import examples, groups
from tests.support.screen import Terminal
from tests.support.setting import ROOT


@pytest.mark.process
@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_option_stands_in_its_group_and_fits(language: str) -> None:
    terminal = Terminal(80, 24)
    env = {"BAILIAN_LANG": language, "PATH": "/usr/bin", "TERM": "xterm", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
    process = terminal.start([sys.executable, str(ROOT / "text2video.py"), "--help"], env)
    terminal.read()
    assert not process.wait()
    lines = terminal.rows
    terminal.close()
    titles = [line for line in lines if re.fullmatch(r"\S.*[:：]", line)]
    assert len(titles) == 4
    assert len([line for line in lines if line.startswith("  text2video.py ")]) == len(examples().splitlines()) - 1
    assert "  --reference-voice N=FILE" in "\n".join(lines)


def test_every_option_of_a_group_is_one() -> None:
    told = text2video.main.make_context("text2video.py", [], resilient_parsing=True).get_help()
    names = [param.name for param in text2video.main.params]
    for options in groups().values():
        assert set(options) <= set(names)
    assert "--n N" not in told


@pytest.mark.parametrize("line", [line for line in examples().splitlines() if line != "\b"])
def test_every_example_of_the_help_is_a_command_line(line: str) -> None:
    """Its options are known, and it fits on a line of a terminal."""
    assert len(line.encode("gbk")) < 78
    script, *words = shlex.split(line)
    assert script == "text2video.py"
    assert text2video.main.make_context(script, words).params["prompt"]
