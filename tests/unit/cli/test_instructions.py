"""What an error advises is said by whoever runs the engine: the shell in commands, a program in its own words."""

from __future__ import annotations

import ast
import re

import pytest

from bailian.cli.output.shell_words import SCRIPTS, ShellWords
from bailian.engine.job import Job, OutputSpec
from bailian.engine.reports import still_running
from bailian.instructions import Instructions, how_to, spoken_by
from bailian.types import StoredRequest
from tests.support.setting import ROOT

ROOMS = ("engine", "store", "catalog", "service", "files")
SHELL = re.compile(
    r"\bbailian (tasks|models|doctor|cost|batch|show)\b|(?<![\w-])--[a-z]|\b(text2image|audio)\.py\b|Ctrl-C"
)


def job() -> Job:
    return Job(
        id="j", kind="image", model="m", wire_model="m", request={}, prepared=StoredRequest(), saving=OutputSpec(None, ""),
        created_at_s=0.0, estimate_cny=None, task_id="t", account_flags=("--region", "singapore"),
    )  # fmt: skip


def test_the_shell_gives_a_command_that_can_be_pasted() -> None:
    with spoken_by(ShellWords):
        assert still_running(job()).advice.endswith("bailian tasks wait --region singapore t")


def test_the_words_are_given_back() -> None:
    """A program that runs a command in its own process hears its own words afterwards."""
    before = how_to()
    with spoken_by(ShellWords):
        assert (how_to().time_limit(), how_to().caller("text")) == ("--timeout", "bailian text2text")
    assert type(how_to()) is type(before)
    assert before.time_limit() == "timeout_s"


def test_the_shell_says_all_that_can_be_said() -> None:
    """Both say the same things; what the shell does not say its own way is a command already."""
    names = {name for name in vars(Instructions) if not name.startswith("_")}
    assert {name for name in vars(ShellWords) if not name.startswith("_")} <= names
    assert ShellWords().caller("a kind of tomorrow") == "a kind of tomorrow"
    assert all(script.split()[0].endswith(".py") for script in SCRIPTS.values())


def test_the_engine_and_what_is_below_speak_no_shell() -> None:
    """No sentence for people in these rooms names a command, an option or a key: `how_to()` does."""
    found = []
    for room in ROOMS:
        for path in (ROOT / "bailian" / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr":
                    texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
                    found += [(path.name, text) for text in texts if SHELL.search(str(text))]
    assert found == []


@pytest.mark.slow
def test_no_sentence_shows_the_question_itself() -> None:
    """The words are put into the sentence, not left in it as they stand in the code."""
    for path in (ROOT / "bailian").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Constant) and "{how_to()" in str(node.value)), path
