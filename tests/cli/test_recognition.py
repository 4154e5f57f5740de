"""audio.py asr by the models of today, against the sandbox, as its users run it: what was spoken is written down."""

from __future__ import annotations

import json
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bailian.sandbox import Fault, Sandbox
from bailian.store.jobs import Journal
from tests.support.commands import Run
from tests.support.journals import place
from tests.support.processes import end, start_script

TEXT = "你好，世界。今天天气很好，我们去公园散步吧！"
TASKS = ("fun-asr", "qwen-audio-3.0-asr-flash-filetrans", "qwen-audio-3.1-asr-flash-filetrans", "qwen3-asr-flash-filetrans")  # fmt: skip
CALLS = ("qwen3-asr-flash", "fun-asr-flash", "qwen-audio-3.0-asr-flash", "qwen-audio-3.1-asr-flash")


@pytest.fixture
def recording(audio: Run, box: Sandbox) -> Path:
    (path,) = audio("tts", TEXT, "-o", "录音 一.wav").paths
    return path


def sent(box: Sandbox, kind: str) -> list[Any]:
    return [request for request in box.requests if request.kind == kind]


@pytest.mark.parametrize("model", TASKS)
@pytest.mark.few(1)
def test_a_task_of_each_model(audio: Run, box: Sandbox, recording: Path, model: str) -> None:
    ran = audio(
        "asr", str(recording), "--model", model, "-f", "txt", "-f", "srt", "-f", "lrc", "-f", "ass", "-o", "文稿"
    )
    assert [path.suffix for path in ran.paths] == [".txt", ".srt", ".lrc", ".ass"]
    assert "你好" in ran.paths[0].read_text(encoding="utf-8")
    assert " --> " in ran.paths[1].read_text(encoding="utf-8")
    (request,) = sent(box, "submit")
    named = request.body["input"]
    (url,) = [named["file_url"]] if model.startswith("qwen3") else named["file_urls"]
    assert url.startswith("oss://"), "a local file goes by upload"


@pytest.mark.parametrize("model", CALLS)
@pytest.mark.few(1)
def test_a_call_of_each_model(audio: Run, box: Sandbox, recording: Path, model: str) -> None:
    """One request: no upload, no task."""
    before = len(box.requests)
    ran = audio("asr", str(recording), "--model", model, "-o", "文稿")
    assert "你好" in ran.paths[0].read_text(encoding="utf-8")
    assert [request.kind for request in box.requests[before:]] == ["sync"]
    (request,) = sent(box, "sync")
    assert request.headers.get("x-dashscope-sse") == (None if model == "qwen3-asr-flash" else "disable")
    assert "x-dashscope-async" not in request.headers


def test_fast_says_its_price_and_gives_the_text(audio: Run, box: Sandbox, recording: Path) -> None:
    ran = audio("asr", str(recording), "--fast", "-o", "a.txt")
    assert "公园" in Path("a.txt").read_text(encoding="utf-8")
    assert "qwen3-asr-flash costs 0.00022 CNY a second, paraformer-v1 as a task 0.00008" in ran.err
    assert "paraformer-v2" in audio("asr", str(recording), "--fast", "-f", "srt", exits=2).err
    assert len(sent(box, "sync")) == 1


def test_a_link_goes_into_a_call_as_it_is(audio: Run, box: Sandbox) -> None:
    audio("asr", "https://example.com/a.mp3", "--model", "qwen-audio-3.0-asr-flash")
    (request,) = sent(box, "sync")
    assert request.body["parameters"]["format"] == "mp3"
    assert request.body["input"]["messages"][-1]["content"][0]["input_audio"] == {"data": "https://example.com/a.mp3"}


@pytest.mark.slow
def test_one_level_deeper_is_read_too(audio: Run, box: Sandbox, recording: Path) -> None:
    box.faults.add(Fault("sync", "nested_output"))
    (path,) = audio("asr", str(recording), "--model", "fun-asr-flash", "-f", "srt").paths
    assert path.read_text(encoding="utf-8").count(" --> ") == 2, "a sentence each, by the times of the words"


@pytest.mark.parametrize("kind", ["reset_after", "garbage", "empty", "cut", "status", "html", "no_choices"])
@pytest.mark.parametrize("model", ["qwen3-asr-flash", "fun-asr-flash"])
@pytest.mark.few(1)
def test_a_lost_answer_is_held_and_never_asked_for_again(
    audio: Run, bailian: Run, box: Sandbox, recording: Path, kind: str, model: str
) -> None:
    """It may be paid, and leaves no task to look up."""
    if (model, kind) == ("fun-asr-flash", "no_choices"):
        pytest.skip("its answer has no choices")
    box.faults.add(Fault("sync", kind))
    ran = audio("asr", str(recording), "--model", model, exits=5)
    assert "not sent again" in ran.err
    assert len(sent(box, "sync")) == 1
    bailian("tasks", "wait", "--all", exits=None)
    assert len(sent(box, "sync")) == 1
    with closing(Journal(place(Path("bailian")))) as journal:
        assert [row.state.value for row in journal._rows("WHERE kind = 'transcription'", ())] == ["held"]


@pytest.mark.slow
def test_what_was_certainly_not_done_is_sent_again(audio: Run, box: Sandbox, recording: Path) -> None:
    box.faults.add(Fault("sync", "throttle"))
    assert "你好" in audio("asr", str(recording), "--fast").paths[0].read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_task_of_qwen3_is_fetched_later(audio: Run, bailian: Run, recording: Path) -> None:
    task_id = audio("asr", str(recording), "--model", "qwen3-asr-flash-filetrans", "--no-wait").out.strip()
    assert "你好" in bailian("tasks", "wait", task_id).paths[0].read_text(encoding="utf-8")


def test_dry_run_shows_the_header_that_is_needed(audio: Run, recording: Path) -> None:
    shown = audio("asr", str(recording), "--model", "fun-asr-flash", "--dry-run").json["request"]
    assert shown["headers"]["X-DashScope-SSE"] == "disable"
    assert shown["body"]["model"] == "fun-asr-flash-2026-06-15"
    assert shown["body"]["parameters"]["sample_rate"] == "48000"


@pytest.mark.slow
def test_rows_of_a_batch_and_the_services_own_shape(bailian: Run, box: Sandbox, recording: Path) -> None:
    Path("热词.txt").write_text("百炼 5\n", encoding="utf-8")
    rows = [
        {"kind": "transcription", "file": str(recording), "fast": True, "context": "公园"},
        {
            "kind": "transcription",
            "file": "https://h/b.wav",
            "model": "qwen-audio-3.0-asr-flash",
            "hot_words": "热词.txt",
        },
        {
            "kind": "transcription",
            "model": "qwen3-asr-flash-filetrans",
            "input": {"file_url": str(recording)},
            "parameters": {"language": "zh", "enable_words": True},
        },
    ]
    Path("rows.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    ran = bailian("batch", "run", "rows.jsonl", "-o", "文稿")
    assert ran.code == 0
    bodies = {
        request.body["model"]: request.body
        for request in [*sent(box, "sync"), *sent(box, "submit")]
        if isinstance(request.body, dict)
    }  # a long one is logged as text
    assert len(sent(box, "sync")) == 2
    assert bodies["qwen-audio-3.0-asr-flash"]["parameters"]["vocabulary"] == {"百炼": 5}
    assert bodies["qwen3-asr-flash-filetrans"]["parameters"]["enable_words"] is True
    assert len(list(Path("文稿").glob("*.txt"))) == 3


@pytest.mark.slow
def test_a_config_in_the_shape_of_a_call(audio: Run, box: Sandbox, recording: Path) -> None:
    content = [{"type": "input_audio", "input_audio": {"data": str(recording)}}]
    config = {
        "model": "fun-asr-flash-2026-06-15",
        "input": {"messages": [{"role": "user", "content": content}]},
        "parameters": {"format": "wav", "sample_rate": "48000"},
    }
    Path("call.json").write_text(json.dumps(config), encoding="utf-8")
    (path,) = audio("asr", "--config", "call.json").paths
    assert "你好" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "content, says",
    [("{", "line 1"), ("", "0 words"), ("百炼 9", "the weight is 1 to 5"), ('{"a": 1, "a": 2}', "twice")],
)
def test_a_bad_file_of_hot_words_is_refused(audio: Run, box: Sandbox, content: str, says: str) -> None:
    Path("w.txt").write_text(content, encoding="utf-8")
    before = len(box.requests)
    assert says in audio("asr", "https://h/a.wav", "--model", "fun-asr", "--hot-words", "w.txt", exits=2).err
    assert "w2.txt" in audio("asr", "https://h/a.wav", "--model", "fun-asr", "--hot-words", "w2.txt", exits=2).err
    assert len(box.requests) == before


@pytest.mark.parametrize("model", ["qwen3-asr-flash", "fun-asr-flash"])
@pytest.mark.slow
def test_a_call_whose_process_was_killed_is_held(bailian: Run, box: Sandbox, recording: Path, model: str) -> None:
    """It left, and nobody heard what became of it: no later process sends it again by itself."""
    box.faults.add(Fault("sync", "slow", delay_s=60))
    process = start_script(box, "asr", str(recording), "--model", model, command="from audio import main")
    while not sent(box, "sync") and not box.faults.fired and process.poll() is None:
        pass
    process.send_signal(signal.SIGKILL)
    end(process)
    ran = bailian("tasks", "wait", "--all", exits=None)
    assert ran.code != 0
    assert len(box.faults.fired) == 1
    with closing(Journal(place(Path("bailian")))) as journal:
        assert [row.state.value for row in journal._rows("WHERE kind = 'transcription'", ())] == ["held"]
    assert len(sent(box, "sync")) <= 1
