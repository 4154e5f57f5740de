"""audio.py against the sandbox, as its users run it: sounds, subtitles, transcripts, bad days, refusals."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import wave
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bailian.files.formats import suffix_of
from bailian.sandbox import Fault, Sandbox
from bailian.store.jobs import Journal
from tests.support.commands import Run
from tests.support.journals import place
from tests.support.processes import end, start_script
from tests.support.setting import KEY, ROOT

AUDIO_SCRIPT = "from audio import main"
REFUSED = "[tts:]Engine return error code: 418"
TEXT = "你好，世界。今天天气很好，我们去公园散步吧！"


def kinds_of(box: Sandbox) -> list[str]:
    return [request.kind for request in box.requests]


def rows() -> list[Any]:
    with closing(Journal(place(Path("bailian")))) as journal:
        return journal._rows("ORDER BY rowid", ())


@pytest.fixture
def recording(audio: Run) -> Path:
    """A recording in Chinese, under a name that is hard to send."""
    (path,) = audio("tts", TEXT, "-o", "录音 一.wav").paths
    return path


# ── speech ──


def test_a_sound_that_plays(audio: Run, box: Sandbox) -> None:
    ran = audio("tts", TEXT)
    (path,) = ran.paths
    with wave.open(str(path)) as sound:
        assert sound.getframerate() == 48000
        assert sound.getnframes() > 48000
    assert "0.0022 CNY" in ran.err
    (order,) = [request.body["payload"] for request in box.requests if request.kind == "speech"]
    assert order["parameters"] == {
        "text_type": "PlainText",
        "format": "wav",
        "sample_rate": 48000,
        "volume": 50,
        "rate": 1.0,
        "pitch": 1.0,
        "word_timestamp_enabled": False,
        "phoneme_timestamp_enabled": False,
    }


def test_the_name_after_o_says_the_format(audio: Run) -> None:
    assert audio("tts", TEXT, "-o", "声音/问候.mp3").paths == [Path("声音/问候.mp3")]
    assert suffix_of(Path("声音/问候.mp3").read_bytes()[:16]) == "mp3"
    assert "does not go into" in audio("tts", TEXT, "-o", "x.mp3", "--format", "wav", exits=2).err


@pytest.mark.slow
def test_text_from_a_file_and_from_a_pipe(audio: Run, box: Sandbox) -> None:
    Path("稿.txt").write_text("\ufeff文件里的话。\n", encoding="utf-8")
    audio("tts", "--file", "稿.txt")
    audio("tts", stdin="管道里的话。\n")
    texts = [request.body["payload"]["input"]["text"] for request in box.requests]
    assert texts == ["文件里的话。", "管道里的话。"]


def test_subtitles_have_the_words_of_the_text(audio: Run) -> None:
    sound, subtitles = audio("tts", TEXT, "--subtitles", "srt").paths
    assert sound.with_suffix("") == subtitles.with_suffix("")
    text = subtitles.read_text(encoding="utf-8")
    assert text.startswith("1\n00:00:00,000 --> 00:00:0")
    assert [line for line in text.splitlines() if "，" in line or "。" in line] == [
        "你好，世界。",
        "今天天气很好，我们去公园散步吧！",
    ]


@pytest.mark.slow
def test_a_long_text_becomes_one_sound(audio: Run, box: Sandbox) -> None:
    long = "这是一个句子。" * 1500
    Path("长.txt").write_text(long, encoding="utf-8")
    ran = audio("tts", "--file", "长.txt", "-o", "长.pcm", "--sample-rate", "8000", "--json")
    texts = [request.body["payload"]["input"]["text"] for request in box.requests]
    assert "".join(texts) == long
    assert [len(text) <= 10_000 for text in texts] == [True, True]
    assert ran.json["usage"]["characters"] == len(long)
    assert ran.json["output"]["audio_bytes"] == Path("长.pcm").stat().st_size


@pytest.mark.slow
def test_parts_that_were_paid_are_not_paid_again(audio: Run, box: Sandbox) -> None:
    Path("长.txt").write_text("这是一个句子。" * 1500, encoding="utf-8")
    words = ("tts", "--file", "长.txt", "-o", "长.pcm", "--sample-rate", "8000")
    box.faults.add(Fault("speech", "reset", after=1, count=1))
    audio(*words, exits=5)
    assert not Path("长.pcm").exists()
    audio(*words)
    texts = [request.body["payload"]["input"]["text"] for request in box.requests]
    assert len(texts) == 3, "the first part once, the second twice"
    assert texts[1] == texts[2]
    assert list(Path("bailian/under-way").iterdir()) == []


def test_sound_on_stdout(audio: Run, box: Sandbox) -> None:
    env = {**os.environ, "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": box.base_url}
    words = [sys.executable, str(ROOT / "audio.py"), "tts", TEXT, "-o", "-", "-q"]
    ran = subprocess.run(words, env=env, capture_output=True, check=True)
    assert ran.stdout[:4] == b"RIFF"
    assert int.from_bytes(ran.stdout[4:8], "little") == len(ran.stdout) - 8
    assert not Path("outputs").exists()
    assert list(Path("bailian/under-way").iterdir()) == []


def test_dry_run_shows_the_frame(audio: Run, box: Sandbox) -> None:
    shown = audio("tts", "你好", "--dry-run").json
    assert shown["request"]["method"] == "WS"
    assert shown["request"]["url"].startswith("ws://127.0.0.1")
    assert shown["cost"]["estimate"] == pytest.approx(0.0002)
    assert box.requests == []


@pytest.mark.few(2)
@pytest.mark.parametrize("fault", ["null_usage", "bare_finish", "sentence_finish", "true_sizes", "zero_sizes"])
def test_every_documented_shape_of_an_answer(audio: Run, box: Sandbox, fault: str) -> None:
    box.faults.add(Fault("speech", fault))
    (path,) = audio("tts", TEXT).paths
    with wave.open(str(path)) as sound:
        assert sound.getnframes() * 2 + 44 == path.stat().st_size


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "fault, code, says",
    [
        (Fault("speech", "failed", count=0, code="InvalidParameter", message=REFUSED), 4, "418"),
        (Fault("speech", "failed", count=2, code="InvalidParameter", message=REFUSED), 5, "not sent again"),
        (Fault("speech", "failed", count=0, code="InternalError", message="x"), 5, "not sent again"),
        (Fault("speech", "closed", count=0), 5, "not sent again"),
        (Fault("speech", "closed", count=2), 5, "not sent again"),
        (Fault("speech", "reset", count=2), 5, "not sent again"),
        (Fault("speech", "no_audio"), 5, "without any sound"),
    ],
    ids=lambda value: f"{value.kind}-{value.count}" if isinstance(value, Fault) else None,
)
def test_a_sound_that_did_not_come_whole(audio: Run, box: Sandbox, fault: Fault, code: int, says: str) -> None:
    """No whole file, one request, a text that says what is known, and where what came is."""
    box.faults.add(fault)
    ran = audio("tts", TEXT, "-o", "结果", "--name", "一", exits=code)
    assert says in ran.err
    came = [path.name for path in Path("结果").iterdir()]
    assert came == (["一.broken-off.wav"] if fault.kind != "no_audio" and fault.count else [])
    assert all(name in ran.err for name in came)
    assert kinds_of(box) == ["speech"]


@pytest.mark.slow
def test_a_silent_socket_does_not_hang(audio: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from bailian.service.speech.session import SpeechSocket

    monkeypatch.setitem(SpeechSocket.__init__.__kwdefaults__, "idle_s", 0.2)
    box.faults.add(Fault("speech", "silence"))
    assert "MaybeSent" in audio("tts", TEXT, exits=5).err


def test_a_bad_key_at_the_handshake(audio: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-bad-0123456789abcdef")
    ran = audio("tts", TEXT, exits=3)
    assert "Unauthorized" in ran.err
    assert "sk-bad" not in ran.err


@pytest.mark.slow
def test_another_address_for_the_socket(audio: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_WEBSOCKET_BASE_URL", box.socket_url)
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", "http://127.0.0.1:9/api/v1")
    audio("tts", TEXT)
    monkeypatch.setenv("DASHSCOPE_WEBSOCKET_BASE_URL", "ws://example.com/api-ws/v1/inference")
    assert "DASHSCOPE_WEBSOCKET_BASE_URL" in audio("tts", TEXT, exits=3).err


@pytest.mark.slow
def test_ctrl_c_while_it_speaks(box: Sandbox) -> None:
    """The answer under way is waited for: it is paid."""
    import signal

    box.faults.add(Fault("speech", "slow", delay_s=0.5))
    process = start_script(box, "tts", TEXT, "-o", "结果", command=AUDIO_SCRIPT)
    while not any(request.kind == "speech" for request in box.requests) and process.poll() is None:
        if box.faults.fired:
            break
    process.send_signal(signal.SIGINT)
    ran = end(process)
    assert ran.code == 130
    assert [path.suffix for path in Path("结果").iterdir()] in ([".wav"], [])


# ── transcription ──


def test_a_local_recording_is_uploaded_and_written_down(audio: Run, box: Sandbox, recording: Path) -> None:
    ran = audio("asr", str(recording), "-o", "文稿")
    assert ran.paths == [Path("文稿/录音 一.txt")]
    said = ran.paths[0].read_text(encoding="utf-8")
    assert "你好" in said
    assert "公园" in said
    (submit,) = [request for request in box.requests if request.kind == "submit"]
    (url,) = submit.body["input"]["file_urls"]
    assert url.startswith("oss://")
    assert url.isascii()
    assert submit.body["parameters"]["channel_id"] == [0]


@pytest.mark.slow
def test_all_formats_beside_each_other(audio: Run, recording: Path) -> None:
    paths = audio("asr", str(recording), "-f", "all", "-o", "文稿").paths
    assert [path.name for path in paths] == [f"录音 一.{suffix}" for suffix in ("txt", "srt", "vtt", "tsv", "json")]
    assert json.loads(paths[-1].read_text())["segments"][0]["start"] >= 0
    assert paths[2].read_text(encoding="utf-8").startswith("WEBVTT\n\n00:0")


def test_one_task_for_each_recording(audio: Run, box: Sandbox, recording: Path) -> None:
    ran = audio("asr", str(recording), "https://example.com/%E4%BC%9A%E8%AE%AE.mp3", "-f", "srt")
    assert {path.name for path in ran.paths} == {"录音 一.srt", "会议.srt"}
    assert kinds_of(box).count("submit") == 2


@pytest.mark.slow
def test_a_transcript_on_stdout(audio: Run, box: Sandbox, recording: Path) -> None:
    process = start_script(box, "asr", str(recording), "-o", "-", "-q", command=AUDIO_SCRIPT)
    assert "你好" in end(process).out


def test_one_bad_recording_does_not_stop_the_others(audio: Run, box: Sandbox, recording: Path) -> None:
    box.settings.change({"fetch_foreign": "refuse"})
    ran = audio("asr", "https://example.com/weg.wav", str(recording), exits=7)
    assert [path.name for path in ran.paths] == ["录音 一.txt"]
    assert "weg.wav" in ran.err or "download" in ran.err.lower()


@pytest.mark.slow
def test_silence_is_an_empty_transcript_with_a_notice(audio: Run) -> None:
    with wave.open("静.wav", "wb") as sound:
        sound.setparams((1, 2, 16000, 0, "NONE", ""))
        sound.writeframes(bytes(32000))
    ran = audio("asr", "静.wav", "-f", "vtt", "-f", "txt", "--json").json
    assert [notice["code"] for notice in ran["notices"]] == ["no_speech"]
    assert Path("outputs/静.vtt").read_text() == "WEBVTT\n\n"
    assert Path("outputs/静.txt").read_text() == ""


@pytest.mark.slow
def test_the_cost_is_known_before_where_the_length_is(audio: Run, box: Sandbox, recording: Path) -> None:
    with wave.open(str(recording)) as sound:
        seconds = sound.getnframes() / sound.getframerate()
    shown = audio("asr", str(recording), "--dry-run").json
    assert shown["cost"]["estimate"] == pytest.approx(math.ceil(seconds) * 0.00008)
    assert shown["request"]["body"]["input"]["file_urls"][0].startswith("file://")
    audio("asr", str(recording), "--max-cost", "0.00001", exits=3)
    audio("asr", "https://example.com/a.wav", "--max-cost", "1", exits=3)
    assert "submit" not in kinds_of(box)


@pytest.mark.parametrize("on", ["grant", "upload", "submit", "poll", "download"])
@pytest.mark.parametrize("kind", ["throttle", "reset_before", "reset_after", "html"])
@pytest.mark.few(1)
def test_a_bad_day_at_every_step(audio: Run, box: Sandbox, recording: Path, on: str, kind: str) -> None:
    box.faults.add(Fault(on, kind))
    ran = audio("asr", str(recording))
    assert "你好" in ran.paths[0].read_text(encoding="utf-8")
    assert len(box.tasks) == 1, "one recording, one task"


@pytest.mark.slow
def test_no_wait_and_fetched_later(audio: Run, bailian: Run, recording: Path) -> None:
    task_id = audio("asr", str(recording), "--no-wait", "-f", "srt").out.strip()
    assert bailian("tasks", "wait", task_id).paths == [Path("outputs/录音 一.srt")]


def test_the_example_configs_run(audio: Run) -> None:
    assert [path.suffix for path in audio("tts", "--config", str(ROOT / "configs/speech.json")).paths] == [
        ".mp3",
        ".srt",
    ]
    paths = audio("asr", "--config", str(ROOT / "configs/transcription.json")).paths
    assert [path.name for path in paths] == ["interview.txt", "interview.srt"]


# ── names the vendor never had, voices, refusals ──


def test_the_seeds_english_names_are_sent_as_named(audio: Run, box: Sandbox) -> None:
    ran = audio("tts", "Hello", "--model", "sambert-en-v1", exits=4)
    assert "sambert-beth-v1" in ran.err
    ran = audio("asr", "https://example.com/a.wav", "--model", "paraformer-en-v1", exits=4)
    assert "paraformer-v2 with --language en" in ran.err
    assert [request.body.get("model", "") for request in box.requests if request.kind == "submit"] == [
        "paraformer-en-v1"
    ]


def test_json_and_a_file_do_not_share_stdout(audio: Run, box: Sandbox) -> None:
    assert "leave --json out" in audio("tts", "x", "-o", "-", "--json", exits=2).json["error"]["message"]
    assert box.requests == []


@pytest.mark.slow
def test_voices_need_no_key(audio: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    lines = audio("voices").out.splitlines()
    assert sum(line.startswith("sambert-") for line in lines) == 43
    assert len(audio("voices", "--model", "cosyvoice-v3-plus").out.splitlines()) == 2
    english = audio("voices", "--language", "en", "--json").json["voices"]
    assert "sambert-beth-v1" in [voice["voice"] for voice in english]
    assert "subtitles" in english[0]
    audio("voices", "--language", "xx", exits=2)


REFUSALS = {
    "empty text": (["tts", ""], "is empty"),
    "nothing piped": (["tts"], "is empty"),
    "text and file": (["tts", "x", "--file", "y"], "not both"),
    "a format": (["tts", "x", "--format", "ogg"], "wav"),
    "a sample rate": (["tts", "x", "--sample-rate", "1000"], "16000"),
    "too loud": (["tts", "x", "--volume", "101"], "0 to 100"),
    "too fast": (["tts", "x", "--rate", "2.1"], "0.5 to 2"),
    "a pitch that is no number": (["tts", "x", "--pitch", "nan"], "0.5 to 2"),
    "subtitles of a voice without times": (
        ["tts", "x", "--model", "sambert-waan-v1", "--subtitles", "srt"],
        "no word times",
    ),
    "unknown subtitles": (["tts", "x", "--subtitles", "sub"], "srt"),
    "a recogniser that shall speak": (["tts", "x", "--model", "paraformer-v1"], "bailian audio asr"),
    "an unknown voice": (["tts", "x", "--model", "sambert-zhichuu-v1"], "sambert-zhichu-v1"),
    "no task": (["tts", "x", "--no-wait"], "leave --no-wait out"),
    "no recording": (["asr"], "file: is required"),
    "a missing file": (["asr", "nirgends.wav"], "nirgends.wav"),
    "an empty file": (["asr", "leer.wav"], "empty"),
    "a page named wav": (["asr", "seite.wav"], "seite.wav"),
    "Base64": (["asr", "data:audio/wav;base64,UklGRg=="], "Base64"),
    "stdin": (["asr", "-"], "file"),
    "a transcript format": (["asr", "https://example.com/a.wav", "-f", "sbv"], "srt"),
    "language of v1": (["asr", "https://example.com/a.wav", "--language", "ja"], "paraformer-v2"),
    "speakers without diarization": (["asr", "https://example.com/a.wav", "--speaker-count", "2"], "diarization"),
    "one speaker": (["asr", "https://example.com/a.wav", "--diarization", "--speaker-count", "1"], "2 to 100"),
    "a channel twice": (["asr", "https://example.com/a.wav", "--channel", "0", "--channel", "0"], "channel"),
    "hot words of v1": (["asr", "https://example.com/a.wav", "--vocabulary-id", "vocab-1"], "paraformer-v2"),
    "two into one file": (["asr", "https://example.com/a.wav", "https://example.com/b.wav", "-o", "x.txt"], "folder"),
    "all on stdout": (["asr", "https://example.com/a.wav", "-f", "all", "-o", "-"], "folder"),
}


@pytest.mark.few(12)
@pytest.mark.parametrize("words, says", REFUSALS.values(), ids=REFUSALS)
def test_refused_before_a_byte_is_sent(audio: Run, box: Sandbox, words: list[str], says: str) -> None:
    Path("leer.wav").touch()
    Path("seite.wav").write_text("<html>not found</html>", encoding="utf-8")
    ran = audio(*words, exits=2)
    assert says in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""
    assert box.requests == []
