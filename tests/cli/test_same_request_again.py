"""A command that was killed and is run again: people see what the first one may have cost, and how to get it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run
from tests.support.processes import end, posix_only, start_script, until

pytestmark = [pytest.mark.process, posix_only]


def killed(box: Sandbox, *words: str) -> str:
    """Kill a run when the service has its task; return the task's id."""
    before = len(box.tasks)
    box.faults.add(Fault(on="submit", kind="slow", delay_s=0, task_s=3.0, times=1))
    first = start_script(box, *words)
    until(lambda: len(box.tasks) > before and any(box.tasks[-1].task_id in entry.path for entry in box.requests))
    first.kill()
    first.communicate()
    return box.tasks[-1].task_id


@pytest.mark.slow
def test_the_same_command_after_a_kill_says_what_was_left_and_how_to_fetch_it(box: Sandbox, bailian: Run) -> None:
    task_id = killed(box, "猫")
    again = end(start_script(box, "猫"))
    assert again.code == 0
    assert "left unfinished and may be paid" in again.err
    assert f"tasks wait {task_id}" in again.err
    fetched = bailian("tasks", "wait", task_id)
    assert fetched.code == 0
    assert len(list(Path("outputs").glob("*.png"))) == len(box.tasks) == 2
    assert "unfinished" not in end(start_script(box, "猫")).err


@pytest.mark.slow
def test_another_request_a_quiet_one_and_json_are_not_disturbed(box: Sandbox, bailian: Run) -> None:
    killed(box, "猫")
    assert "unfinished" not in end(start_script(box, "狗")).err
    assert end(start_script(box, "猫", "-q")).err == ""
    told = json.loads(end(start_script(box, "猫", "--json")).out)["notices"]
    assert [notice["code"] for notice in told] == ["same_request_unfinished"]


def test_a_request_whose_answer_was_lost_is_spoken_of_when_it_is_sent_again(box: Sandbox, audio: Run) -> None:
    """It is held, and what it cost nobody knows; a text in parts takes those that are paid."""
    box.faults.add(Fault(on="speech", kind="reset", sentences=2, times=1))
    text = "你好。今天天气很好。我们去公园。再见。"
    audio("tts", text, "--voice", "longanyang", "-o", "1.mp3", exits=5)
    assert "may be paid; this run is another one" in audio("tts", text, "--voice", "longanyang", "-o", "2.mp3").err
