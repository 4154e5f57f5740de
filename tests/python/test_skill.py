"""An agent that follows skills/bailian/SKILL.md word for word comes to its end."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from bailian.sandbox import Sandbox
from tests.support.commands import Run
from tests.support.pictures import bytes_of, drawn
from tests.support.recordings import spoken
from tests.support.setting import ROOT

TEXT = (ROOT / "skills/bailian/SKILL.md").read_text(encoding="utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("{")]


def commands() -> list[list[str]]:
    in_table = re.findall(r"\| `(bailian [^`]+)` \|", TEXT)
    in_blocks = [line for block in re.findall(r"```\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]
    found = [*in_table, *(line for line in in_blocks if line.startswith("bailian "))]
    return [shlex.split(line)[1:] for line in found]


def test_it_has_what_a_skill_needs() -> None:
    """A name and a description at the top, by which an agent finds it."""
    head = TEXT.split("---")[1]
    assert re.search(r"^name: bailian$", head, re.MULTILINE)
    assert len(re.findall(r"^description: (.+)$", head, re.MULTILINE)[0]) < 1024
    assert len(commands()) >= 12


@pytest.mark.few(1)
@pytest.mark.parametrize("number", range(len(commands())))
def test_its_commands_do_what_they_say(box: Sandbox, request: pytest.FixtureRequest, number: int) -> None:
    run: Run = request.getfixturevalue("bailian")
    Path("cat.png").write_bytes(bytes_of(drawn()))
    Path("shop.jsonl").write_text("\n".join(ROWS), encoding="utf-8")
    Path("photos").mkdir()
    Path("photos/cat.jpg").write_bytes(bytes_of(drawn()))
    words = commands()[number]
    if "status" in words:
        run("batch", "run", "shop.jsonl", "--json")
    if "hello.wav" in words and "asr" in words:
        Path("hello.wav").write_bytes(spoken("你好，世界"))
    if "ID" in words:
        submitted = run("text2video", "海浪", "--no-wait", "--json").json
        words = [submitted["output"]["task_id"] if word == "ID" else word for word in words]
    ran = run(*words)
    if "--json" in words:
        assert [json.loads(line) for line in ran.out.splitlines()] or "--all" in words
