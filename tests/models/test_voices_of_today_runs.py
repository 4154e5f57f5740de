"""The voices of today against the sandbox: a run of each model, bad days, long texts, kill -9, rows."""

from __future__ import annotations

import json
import os
import wave
from contextlib import closing
from pathlib import Path
from typing import Any

import pysubs2
import pytest

from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run
from tests.support.journals import opened
from tests.support.processes import end, posix_only, start_script, until

TEXT = "你好，世界。今天天气很好！我们去公园散步吧。再见。"
COUNTED = 2 * len("你好世界今天天气很好我们去公园散步吧再见") + 5
STOCK = [
    ("cosyvoice-v2", "longxiaochun_v2"),
    ("cosyvoice-v3-flash", "longanyang"),
    ("cosyvoice-v3-plus", "longanhuan"),
    ("qwen-audio-3.0-tts-flash", "longanlingxi"),
    ("qwen-audio-3.0-tts-plus", "longanlingxin"),
    ("qwen3-tts-flash", "Cherry"),
]
PRICES = {"cosyvoice-v2": 2, "cosyvoice-v3-flash": 1, "cosyvoice-v3-plus": 2, "qwen-audio-3.0-tts-flash": 1,
          "qwen-audio-3.0-tts-plus": 1.4, "qwen3-tts-flash": 0.8}  # fmt: skip


def paid(box: Sandbox) -> list[Any]:
    return [request for request in box.requests if request.method in ("WS", "POST")]


def frames(path: Path) -> int:
    with wave.open(str(path)) as sound:
        return sound.getnframes()


@pytest.mark.parametrize("model, voice", STOCK)
@pytest.mark.few(2)
def test_each_model_speaks(audio: Run, box: Sandbox, model: str, voice: str) -> None:
    shown = audio("tts", TEXT, "--voice", voice, "--model", model, "--json").json
    assert frames(Path(shown["files"][0])) > 20_000
    assert shown["usage"]["characters"] == COUNTED
    assert shown["cost"]["charged"] == shown["cost"]["estimate"] == pytest.approx(COUNTED * PRICES[model] / 10_000)
    assert len(paid(box)) == 1


@pytest.mark.parametrize("form", ["mp3", "opus", "pcm", "wav"])
@pytest.mark.few(1)
def test_http_is_another_way_to_the_same(audio: Run, box: Sandbox, form: str) -> None:
    (path,) = audio("tts", TEXT, "--voice", "longanyang", "--http", "--format", form).paths
    (asked,) = paid(box)
    assert asked.body["input"]["format"] == form
    assert "parameters" not in asked.body
    assert path.suffix == f".{form}"
    assert path.stat().st_size > 2000
    assert list(Path("bailian/under-way").iterdir()) == []


@pytest.mark.parametrize("kind", ["", "restarting_times"])
@pytest.mark.parametrize("form", ["srt", "ass"])
@pytest.mark.few(1)
def test_subtitles_of_a_stock_voice_are_read_by_others(audio: Run, box: Sandbox, form: str, kind: str) -> None:
    if kind:
        box.faults.add(Fault("speech", kind))
    sound, subtitles = audio("tts", TEXT, "--voice", "longanyang", "--subtitles", form).paths
    found = pysubs2.load(str(subtitles))
    assert "".join(line.plaintext for line in found) == TEXT
    assert [line.start for line in found] == sorted(line.start for line in found)
    assert found[-1].end == pytest.approx(1000 * frames(sound) / 22050, rel=0.2)


@pytest.mark.slow
def test_no_words_although_asked_for_is_said(audio: Run, box: Sandbox) -> None:
    box.faults.add(Fault("speech", "no_words"))
    ran = audio("tts", TEXT, "--voice", "longanyang", "--subtitles", "lrc", exits=7)
    assert "told no word times" in ran.err
    assert "the sound is whole, and paid" in ran.err
    assert "not billed" not in ran.err
    assert len(ran.paths) == 1


@pytest.mark.few(1)
@pytest.mark.parametrize("kind", ["reset", "closed", "failed"])
def test_an_end_in_the_third_sentence_is_held_and_not_sent_again(audio: Run, box: Sandbox, kind: str) -> None:
    box.faults.add(Fault("speech", kind, sentences=2, code="InternalError", message="x"))
    ran = audio("tts", TEXT, "--voice", "longanyang", "-o", "结果", "--name", "一", exits=5)
    assert "not sent again" in ran.err
    assert len(paid(box)) == 1
    (came,) = Path("结果").iterdir()  # two sentences are paid: they are not thrown away, and not called the whole
    assert came.name == "一.broken-off.wav"
    assert str(came) in ran.err
    with wave.open(str(came)) as sound:
        assert sound.getnframes() / sound.getframerate() > 1
    assert list(Path("bailian/under-way").iterdir()) == []


@pytest.mark.parametrize("voice", ["Cherry", "longanyang"])
@pytest.mark.parametrize("kind", ["reset_after", "garbage", "cut", "no_choices"])
@pytest.mark.few(1)
def test_a_lost_answer_over_http_is_held(audio: Run, box: Sandbox, voice: str, kind: str) -> None:
    box.faults.add(Fault("sync", kind))
    ran = audio("tts", TEXT, "--voice", voice, "--http", exits=5)
    assert "not sent again" in ran.err
    assert len(paid(box)) == 1


@pytest.mark.slow
def test_a_throttled_call_is_made_again(audio: Run, box: Sandbox) -> None:
    box.faults.add(Fault("sync", "throttle"))
    assert len(audio("tts", TEXT, "--voice", "Cherry").paths) == 1


def test_a_refused_style_says_why(audio: Run, box: Sandbox) -> None:
    box.faults.add(
        Fault("speech", "failed", count=0, code="InvalidParameter", message="[tts:]Engine return error code: 428")
    )
    assert "--instruct in these words" in audio("tts", TEXT, "--voice", "longanyang", exits=4).err


@pytest.mark.slow
def test_a_long_text_for_qwen_is_one_wav_and_parts_are_paid_once(audio: Run, box: Sandbox) -> None:
    long = "这是一个句子。" * 150  # 13 counted characters each: four calls
    words = ("tts", long, "--voice", "Cherry", "-o", "长.wav")
    box.faults.add(Fault("sync", "reset_after", after=2))
    audio(*words, exits=5)
    assert not Path("长.wav").exists()
    ran = audio(*words, "--json").json
    assert [notice["code"] for notice in ran["notices"]].count("same_request_held") == 1
    texts = [request.body["input"]["text"] for request in paid(box)]
    assert len(texts) == 5, "the third twice: its answer was lost, and somebody asked for it again"
    assert texts[2] == texts[3]
    assert "".join([*texts[:3], texts[4]]) == long
    assert ran["usage"]["characters"] == sum(13 * text.count("。") for text in texts[3:]), "two were paid before"
    with wave.open("长.wav") as sound:
        assert sound.getframerate() == 24000
    assert list(Path("bailian/under-way").iterdir()) == []


@pytest.mark.slow
def test_a_refused_link_is_asked_once_more_by_the_next_run_and_then_its_part_spoken_again(
    audio: Run, box: Sandbox
) -> None:
    words = ("tts", "这是一个句子。" * 150, "--voice", "Cherry", "-o", "长.wav")
    box.faults.add(Fault("download", "expired", after=1), Fault("download", "expired", after=3, times=9))
    audio(*words, exits=5)
    box.faults.clear()
    box.faults.add(Fault("download", "expired"))
    ran = audio(*words)
    assert "that part is spoken, and paid, again" in ran.err
    texts = [request.body["input"]["text"] for request in paid(box)]
    assert len(texts) == 5
    assert texts[4] == texts[1]


@pytest.mark.slow
def test_a_part_whose_link_is_dead_is_spoken_again_and_no_other(audio: Run, box: Sandbox) -> None:
    """The link of the second part ends before its sound is here, say while this machine was off."""
    long = "这是一个句子。" * 150
    words = ("tts", long, "--voice", "Cherry", "-o", "长.wav")
    box.faults.add(Fault("download", "expired", after=1), Fault("download", "expired", after=3, times=9))
    audio(*words, exits=5)
    assert len(paid(box)) == 4
    box.faults.clear()
    for answer in Path("bailian/under-way").glob("*.json"):  # a day goes by
        told = json.loads(answer.read_text("utf-8"))
        answer.write_text(json.dumps({**told, "kept_at_s": told["kept_at_s"] - 24 * 3600}), "utf-8")
    ran = audio(*words, "--json").json
    texts = [request.body["input"]["text"] for request in paid(box)]
    assert len(texts) == 5
    assert texts[4] == texts[1]
    assert ran["usage"]["characters"] == 13 * texts[1].count("。")


@pytest.mark.slow
def test_a_download_that_breaks_is_tried_again_and_nothing_is_paid_twice(audio: Run, box: Sandbox) -> None:
    box.faults.add(Fault("download", "cut"))
    (path,) = audio("tts", TEXT, "--voice", "Cherry").paths
    assert frames(path) > 20_000
    assert len(paid(box)) == 1


@posix_only
@pytest.mark.slow
@pytest.mark.parametrize("words", [["--voice", "longanyang"], ["--voice", "Cherry"]], ids=["socket", "http"])
def test_a_killed_process_is_not_paid_twice(audio: Run, bailian: Run, box: Sandbox, words: list[str]) -> None:
    """Killed while the service works: nobody knows, so it is held; the same command does not send it silently."""
    box.faults.add(Fault("speech" if "longanyang" in words else "sync", "slow", delay_s=1.0))
    process = start_script(box, "tts", TEXT, *words, "-o", "结果", command="from audio import main")
    until(lambda: bool(box.faults.fired))
    process.kill()
    end(process)
    bailian("tasks", "wait", "--all", exits=None)
    with closing(opened(Path("bailian"))) as journal:
        assert journal.execute("SELECT state FROM jobs").fetchall() == [("held",)]
    assert len(box.faults.fired) == 1


@posix_only
@pytest.mark.slow
def test_a_process_killed_before_the_download_has_paid_and_the_next_one_fetches(bailian: Run, box: Sandbox) -> None:
    box.faults.add(Fault("download", "slow", delay_s=20))
    process = start_script(box, "tts", TEXT, "--voice", "Cherry", "-o", "结果.wav", command="from audio import main")
    until(lambda: bool(box.faults.fired))
    process.kill()
    end(process)
    bailian("tasks", "wait", "--all")
    assert frames(Path("结果.wav")) > 20_000
    assert len(paid(box)) == 1


@pytest.mark.few(1)
@pytest.mark.parametrize("door", ["jsonl", "csv", "config"])
def test_pronunciations_come_in_at_every_door(audio: Run, bailian: Run, box: Sandbox, door: str) -> None:
    Path("读音.json").write_text('{"天气": "tian1 qi4"}', encoding="utf-8")
    row = {"prompt": TEXT, "voice": "longanyang", "pronounce": "读音.json"}
    if door == "config":
        Path("one.json").write_text(json.dumps(row), encoding="utf-8")
        audio("tts", "--config", "one.json")
    elif door == "jsonl":
        Path("rows.jsonl").write_text(json.dumps({"kind": "speech", **row}) + "\n", encoding="utf-8")
        bailian("batch", "run", "rows.jsonl", "-o", "out")
    else:
        lines = [",".join(["kind", *row]), ",".join(["speech", *row.values()])]
        Path("rows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        bailian("batch", "run", "rows.csv", "-o", "out")
    (asked,) = paid(box)
    assert asked.body["payload"]["parameters"]["hot_fix"] == {"pronunciation": [{"天气": "tian1 qi4"}]}


def test_a_text_that_looks_like_ssml_is_pointed_at(audio: Run, box: Sandbox) -> None:
    ran = audio("tts", "<speak>好</speak>", "--voice", "longanyang", "--dry-run")
    assert [notice["code"] for notice in ran.json["notices"]] == ["ssml_off"]
    audio("tts", "<speak>好<break time='500ms'/></speak>", "--voice", "longanyang", "--ssml")
    (asked,) = paid(box)
    assert asked.body["payload"]["parameters"]["enable_ssml"] is True


def test_a_price_that_is_not_known_before_does_not_fit_a_limit(audio: Run, box: Sandbox) -> None:
    audio("tts", TEXT, "--voice", "longanyang_v3.1", "--max-cost", "1", exits=3)
    assert paid(box) == []


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "usual, words, model",
    [
        ('model = "sambert-beth-v1"', ["--voice", "Cherry"], "qwen3-tts-flash"),
        ('voice = "Cherry"', ["--model", "sambert-beth-v1"], "sambert-beth-v1"),
        ('voice = "Cherry"', [], "qwen3-tts-flash"),
        ('model = "cosyvoice-v3-plus"\nvoice = "longanhuan"', [], "cosyvoice-v3-plus"),
    ],
)
def test_who_names_a_voice_takes_no_model_from_the_settings(
    audio: Run, box: Sandbox, usual: str, words: list[str], model: str
) -> None:
    Path("bailian").mkdir()
    Path("bailian/settings.toml").write_text(f"[tts]\n{usual}\n", encoding="utf-8")
    assert audio("tts", TEXT, *words, "--dry-run").json["request"]["body"]["model"] == model


@pytest.mark.slow
def test_rows_of_a_batch(bailian: Run, box: Sandbox) -> None:
    rows = [
        {"kind": "speech", "prompt": "一。", "model": "sambert-beth-v1"},
        {"kind": "speech", "prompt": "二。", "voice": "longanyang", "pronounce": {"二": "er4"}},
        {"kind": "speech", "prompt": "三。", "voice": "Cherry"},
        {"kind": "speech", "model": "cosyvoice-v3-plus", "input": {"text": "四。", "voice": "longanhuan"}},
    ]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    bailian("batch", "run", "rows.jsonl", "-o", "out")
    assert len([path for path in Path("out").iterdir() if path.suffix == ".wav"]) == 4
    assert len(paid(box)) == 4


@pytest.mark.slow
def test_pronunciations_from_a_file(audio: Run, box: Sandbox) -> None:
    Path("读音.json").write_text('{"天气": "tian1 qi4"}', encoding="utf-8")
    audio("tts", TEXT, "--voice", "longanyang", "--pronounce", "读音.json")
    (asked,) = paid(box)
    assert asked.body["payload"]["parameters"]["hot_fix"] == {"pronunciation": [{"天气": "tian1 qi4"}]}


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("form", ["mp3", "wav"])
def test_a_player_hears_the_first_sentence_before_the_last_is_spoken(box: Sandbox, form: str) -> None:
    """A WAV waits for its end: its head says how long it is."""
    words = ["tts", TEXT, "--voice", "longanyang", "--format", form, "-o", "-", "-q"]
    process = start_script(box, *words, command="from audio import main")
    assert process.stdout is not None
    whole = process.stdout.buffer.read()
    assert end(process).code == 0
    if form == "wav":
        assert int.from_bytes(whole[4:8], "little") == len(whole) - 8
    assert list(Path("bailian/under-way").iterdir()) == []
    if form == "mp3":  # where the last sentence never comes, the first one is heard all the same
        box.faults.add(Fault("speech", "silence", sentences=1))
        unended = start_script(box, *words, command="from audio import main")
        assert unended.stdout is not None
        assert os.read(unended.stdout.fileno(), 1)
        assert len(paid(box)) == 1, "the second speech is over"
        unended.kill()
