"""Texts that are answered at once: hundreds under way, none asked for more often than promised, in files or not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bailian.sandbox import Sandbox
from tests.support.batches import most_at_once
from tests.support.commands import Run
from tests.support.processes import Child, end, posix_only, said_until, until
from tests.support.setting import KEY, ROOT
from tests.support.stub import Stub

UNDER_WAY = 1000
ROWS = UNDER_WAY + 400


def write_rows(count: int) -> None:
    rows = ({"kind": "text", "prompt": f"第{i}题"} for i in range(count))
    Path("rows.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def results() -> Iterator[dict[str, object]]:
    return map(json.loads, Path("outputs/rows/results.jsonl").read_text("utf-8").splitlines())


# ── in the results alone ──


def test_texts_stand_in_the_results_alone(bailian: Run, box: Sandbox) -> None:
    write_rows(3)
    ran = bailian("batch", "run", "rows.jsonl", "--results-only")
    assert ran.paths == [Path("outputs/rows/results.jsonl")]
    assert not list(Path("outputs").rglob("*.txt"))
    assert all("沙箱" in str(row["text"]) and row["files"] == [] for row in results())
    bailian("batch", "run", "rows.jsonl", "--results-only")
    assert len(box.sync_calls) == 3


def test_a_text_that_has_a_name_gets_its_file(bailian: Run) -> None:
    Path("rows.json").write_text(json.dumps({"text_tasks": [{"prompt": "a", "name": "一"}, {"prompt": "b"}]}), "utf-8")
    ran = bailian("batch", "run", "rows.json", "--results-only")
    assert [path.name for path in ran.paths] == ["一.txt", "results.jsonl"]


# ── no more than the user says ──


@pytest.mark.slow
def test_no_more_answers_are_waited_for_than_the_user_says(bailian: Run, box: Sandbox) -> None:
    box.settings.change({"task_s": 0.1})
    write_rows(12)
    bailian("batch", "run", "rows.jsonl", "--in-flight", "3", "--results-only")
    assert len(box.sync_calls) == 12
    assert most_at_once(box) <= 3


@pytest.mark.slow
def test_what_may_be_lost_is_said_before_it_starts(bailian: Run) -> None:
    write_rows(50)
    assert "note: at most 50 answers are waited for at once: about " in bailian("batch", "run", "rows.jsonl").err
    write_rows(60)
    assert "answers are waited for" not in bailian("batch", "run", "rows.jsonl").err, "10 new rows"


# ── a thousand under way ──


def start(stub: Stub, *words: str) -> subprocess.Popen[str]:
    Path("home").mkdir(exist_ok=True)
    Path("home/models.toml").write_text('[models."qwen-plus"]\nsubmit_per_s = 1000.0\n', "utf-8")
    account = {
        "DASHSCOPE_API_KEY": KEY,
        "DASHSCOPE_HTTP_BASE_URL": stub.base_url,
        "BAILIAN_HOME": str(Path("home").absolute()),
    }
    command = [
        sys.executable,
        "-m",
        "bailian",
        "batch",
        "run",
        "rows.jsonl",
        "--no-gallery",
        "--results-only",
        *words,
    ]
    env = {**os.environ, **account, "PYTHONPATH": str(ROOT)}
    env.pop("BAILIAN_SANDBOX", None)
    return Child(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@posix_only
@pytest.mark.slow
@pytest.mark.process
def test_ctrl_c_brings_a_thousand_answers_in() -> None:
    """All of them are under way until it has heard the Ctrl-C and says that it waits."""
    write_rows(ROWS)
    with Stub(holds=True) as stub:
        process = start(stub)
        until(lambda: stub.stats()["under_way"] >= UNDER_WAY, within_s=240)
        process.send_signal(signal.SIGINT)
        said_until(process, "Ctrl-C: do not wait")
        stub.let_go()
        assert end(process).code == 130
        asked = stub.stats()["prompts"]
        assert sum(row["state"] == "done" for row in results()) == asked >= UNDER_WAY
        assert end(start(stub, "-q")).code == 0
        assert stub.stats()["most_asked"] == 1
    assert [row["state"] for row in results()] == ["done"] * ROWS


@posix_only
@pytest.mark.slow
@pytest.mark.process
def test_after_kill_9_a_thousand_answers_are_asked_for_once_more() -> None:
    write_rows(ROWS)
    with Stub(holds=True) as stub:
        process = start(stub, "-q")
        until(lambda: stub.stats()["under_way"] >= UNDER_WAY, within_s=240)
        process.kill()
        process.communicate()
        stub.let_go()
        assert end(start(stub, "-q")).code == 0
        assert stub.stats()["most_asked"] == 2
    assert [row["state"] for row in results()] == ["done"] * ROWS


@pytest.mark.slow
@pytest.mark.process
def test_answers_of_every_length_refusals_in_bursts_and_dropped_connections() -> None:
    """Every row is done, and none is asked for more often than promised: once, and three times more if it was lost."""
    write_rows(600)
    with Stub("--text-s", "0.05", "3", "--burst-every", "150", "--drop-every", "40") as stub:
        assert end(start(stub, "-q")).code == 0
        told = stub.stats()
        assert told["counts"]["429"] >= 30
        assert told["prompts"] == 600
        assert told["most_asked"] <= 4
    assert [row["state"] for row in results()] == ["done"] * 600
