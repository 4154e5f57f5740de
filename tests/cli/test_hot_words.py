"""Hot words: a list is made in the account before the request, used by all of a run, and removed afterwards, always."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run
from tests.support.processes import end, start_script

AUDIO_SCRIPT = "from audio import main"
TEXT = "你好，bai lian。"


@pytest.fixture
def words(audio: Run, box: Sandbox) -> list[str]:
    """The words of a command whose recording says what the list spells."""
    Path("w.txt").write_text("Bailian 5\n", encoding="utf-8")
    audio("tts", TEXT, "-o", "a.wav")
    return ["asr", "a.wav", "--model", "paraformer-v2", "--hot-words", "w.txt"]


def actions(box: Sandbox) -> list[str]:
    return [request.body["input"]["action"] for request in box.requests if request.kind == "customization"]


def lists(box: Sandbox) -> list[Any]:
    state: Any = box._started()
    return list(state.hot_words.all(""))


def left() -> list[Path]:
    return list(Path("bailian/hot-words").glob("*"))


@pytest.mark.few(1)
@pytest.mark.parametrize("model", ["paraformer-v2", "fun-asr", "fun-asr-flash"])
def test_a_list_is_made_used_and_removed(audio: Run, box: Sandbox, words: list[str], model: str) -> None:
    words[words.index("paraformer-v2")] = model
    ran = audio(*words)
    assert "Bailian" in ran.paths[0].read_text(encoding="utf-8"), "as the list spells it"
    assert "is made in the account first, and removed afterwards" in ran.err
    made = next(request.body for request in box.requests if request.kind == "customization")
    assert made["input"]["target_model"] == ("fun-asr-flash-2026-06-15" if model == "fun-asr-flash" else model)
    assert made["input"]["vocabulary"] == [{"text": "Bailian", "weight": 5}]
    assert actions(box) == ["create_vocabulary", "delete_vocabulary"]
    assert (lists(box), left()) == ([], [])


@pytest.mark.few(1)
@pytest.mark.parametrize("door", ["link", "row"])
def test_a_list_is_made_for_a_recording_that_is_not_on_this_machine(
    audio: Run, bailian: Run, box: Sandbox, words: list[str], door: str
) -> None:
    """Such a request has no file to attach, and yet something to wait for."""
    link = "https://example.com/a.wav"
    if door == "link":
        audio("asr", link, *words[2:], exits=None)
    else:
        row = {"kind": "transcription", "file": link, "model": "paraformer-v2", "hot_words": "w.txt"}
        Path("rows.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
        bailian("batch", "run", "rows.jsonl", exits=None)
    (task,) = [request for request in box.requests if request.kind == "submit"]
    assert "create_vocabulary" in actions(box)
    assert task.body["parameters"]["vocabulary_id"]


@pytest.mark.slow
def test_words_in_the_request_itself_need_no_list(audio: Run, box: Sandbox, words: list[str]) -> None:
    words[words.index("paraformer-v2")] = "qwen-audio-3.0-asr-flash-filetrans"
    assert "Bailian" in audio(*words).paths[0].read_text(encoding="utf-8")
    assert actions(box) == []


@pytest.mark.slow
def test_one_list_for_all_rows_of_the_same_words(bailian: Run, box: Sandbox, words: list[str]) -> None:
    rows = [{"kind": "transcription", "file": "a.wav", "model": "paraformer-v2", "hot_words": "w.txt", "id": f"r{n}"} for n in range(3)]  # fmt: skip
    rows.append({**rows[0], "hot_words": {"Bailian": 4}, "id": "other"})
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    bailian("batch", "run", "rows.jsonl")
    assert sorted(actions(box)) == ["create_vocabulary"] * 2 + ["delete_vocabulary"] * 2
    assert (lists(box), left()) == ([], [])


def test_a_list_stays_as_long_as_its_task_runs(audio: Run, bailian: Run, box: Sandbox, words: list[str]) -> None:
    task_id = audio(*words, "--no-wait").out.strip()
    assert len(lists(box)) == 1
    bailian("tasks", "wait", task_id)
    assert (lists(box), left()) == ([], [])


def test_a_lost_answer_makes_no_second_list(audio: Run, box: Sandbox, words: list[str]) -> None:
    box.faults.add(Fault("customization", "reset_after"))
    audio(*words)
    assert actions(box) == ["create_vocabulary", "list_vocabulary", "delete_vocabulary"]
    assert (lists(box), left()) == ([], [])


@pytest.mark.slow
def test_what_could_not_be_removed_is_by_the_next_run(audio: Run, box: Sandbox, words: list[str]) -> None:
    box.faults.add(Fault("customization", "status", after=1))
    audio(*words)
    assert len(left()) == 2
    audio("asr", "a.wav", "-o", "b.txt")
    assert (lists(box), left()) == ([], [])


def test_without_a_list_nothing_is_sent(audio: Run, box: Sandbox, words: list[str]) -> None:
    """A refusal of the list is said; the recording is not recognized without its words."""
    box.faults.add(Fault("customization", "top_level_code", times=None))
    audio(*words, exits=None)
    assert "submit" not in [request.kind for request in box.requests]


@pytest.mark.slow
def test_a_killed_run_leaves_a_list_that_the_next_removes(
    audio: Run, bailian: Run, box: Sandbox, words: list[str]
) -> None:
    box.settings.change({"task_s": 1.5})
    process = start_script(box, *words, command=AUDIO_SCRIPT)
    while not any(request.kind == "poll" for request in box.requests) and process.poll() is None:
        pass
    process.send_signal(signal.SIGKILL)
    end(process)
    box.settings.change({"task_s": 0})
    audio("asr", "a.wav", "-o", "b.txt")
    assert len(lists(box)) == 1, "its task may still run"
    (path,) = bailian("tasks", "wait", "--all").paths
    assert "Bailian" in path.read_text(encoding="utf-8")
    assert (lists(box), left()) == ([], [])


@pytest.mark.slow
def test_a_run_killed_before_it_heard_of_its_list_leaves_none(audio: Run, box: Sandbox, words: list[str]) -> None:
    box.faults.add(Fault("customization", "slow", delay_s=60))
    process = start_script(box, *words, command=AUDIO_SCRIPT)
    while not left() and process.poll() is None:
        pass
    process.send_signal(signal.SIGKILL)
    end(process)
    box.faults.clear()
    audio("asr", "a.wav", "-o", "b.txt")
    assert (lists(box), left()) == ([], [])
