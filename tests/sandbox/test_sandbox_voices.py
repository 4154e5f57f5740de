"""The speech socket for the models that are told a voice: text in pieces, and the events that answer it."""

from __future__ import annotations

import io
import itertools
import json
from typing import Any

import pytest

from bailian.sandbox import Sandbox
from bailian.sandbox.speech import connection
from bailian.sandbox.speech.audio_watermark import find_chunked_watermarks, find_packed_watermarks, find_watermarks
from bailian.sandbox.voices.counting import counted
from bailian.sandbox.voices.ssml import NoSsml, spoken_text
from tests.support.speech_socket import (
    BAD_418,
    BAD_428,
    FLASH,
    HAPPY,
    SAID,
    Frames,
    answers,
    continue_task,
    dial,
    error,
    finish_task,
    frame,
    outputs,
    run_task,
    sound,
    speak,
    usage,
)

pytestmark = pytest.mark.slow


def test_the_course_of_a_task(box: Sandbox) -> None:
    frames = speak(box, word_timestamp_enabled=True, format="pcm", sample_rate=8000)

    shapes = [
        f if isinstance(f, bytes) else f["payload"].get("output", {}).get("type", f["header"]["event"]) for f in frames
    ]
    kinds = ["sound" if isinstance(shape, bytes) else shape for shape in shapes]
    assert kinds[:4] == ["task-started", "sentence-begin", "sentence-synthesis", "sound"]
    assert kinds[-2:] == ["sentence-end", "task-finished"]
    for before, after in itertools.pairwise(kinds):
        assert (after == "sound") == (before == "sentence-synthesis")
    assert [payload["output"]["original_text"] for payload in outputs(frames, "sentence-begin")] == [
        "床前明月光，疑是地上霜。", "举头望明月，低头思故乡。", "The end.",
    ]  # fmt: skip
    ends = outputs(frames, "sentence-end")
    assert [payload["output"]["sentence"]["index"] for payload in ends] == [0, 1, 2]
    assert [payload["usage"]["characters"] for payload in ends] == [22, 44, 52]
    assert all("usage" not in payload for payload in outputs(frames, "sentence-synthesis"))
    assert usage(frames) == counted(SAID) == 52
    assert frames[-1]["header"]["attributes"]["request_uuid"]  # type: ignore[call-overload]
    (call,) = box.sync_calls
    assert (call.request.kind, call.request.prompt, call.model) == ("speech", SAID, FLASH["model"])


def test_word_times_run_on_and_point_into_the_sentence(box: Sandbox) -> None:
    ends = outputs(speak(box, word_timestamp_enabled=True, format="pcm", sample_rate=8000), "sentence-end")
    sentences = ["床前明月光，疑是地上霜。", "举头望明月，低头思故乡。", "The end."]
    words = [payload["output"]["sentence"]["words"] for payload in ends]
    for text, own in zip(sentences, words, strict=True):
        assert [text[word["begin_index"] : word["end_index"]] for word in own] == [word["text"] for word in own]
    times = [time for own in words for word in own for time in (word["begin_time"], word["end_time"])]
    assert times == sorted(times)


def test_a_voice_without_times_has_none(box: Sandbox) -> None:
    for model, voice in (("cosyvoice-v3-flash", "loongabby_v3"), ("qwen-audio-3.0-tts-plus", "longanlingxin")):
        frames = speak(box, "Hello.", model=model, voice=voice, word_timestamp_enabled=True)
        assert outputs(frames, "sentence-end")[0]["output"]["sentence"]["words"] == []


@pytest.mark.parametrize("form", ["wav", "pcm", "mp3", "opus"])
def test_every_format_says_the_text(box: Sandbox, form: str) -> None:
    data = sound(speak(box, format=form, sample_rate=16000))
    if form in ("wav", "pcm"):
        assert data.startswith(b"RIFF") == (form == "wav")
        said = find_watermarks(data[44:] if form == "wav" else data, 16000)
    else:
        assert data.startswith(b"\xff" if form == "mp3" else b"OggS")
        said = (find_chunked_watermarks if form == "mp3" else find_packed_watermarks)(data)
    assert "".join(sentence.text for sentence in said) == SAID
    assert [sentence.begin for sentence in said] == sorted(sentence.begin for sentence in said)


@pytest.mark.parametrize(
    ("form", "rate"),
    [
        ("opus", 22050),
        ("opus", 48000),
        ("opus", 8000),
        ("mp3", 8000),
        ("mp3", 16000),
        ("mp3", 22050),
        ("mp3", 24000),
        ("mp3", 44100),
        ("mp3", 48000),
    ],
)
def test_compressed_sound_is_readable(box: Sandbox, form: str, rate: int) -> None:
    av = pytest.importorskip("av")
    data = sound(speak(box, format=form, sample_rate=rate, bit_rate=24))
    with av.open(io.BytesIO(data)) as file:
        seconds = sum(part.samples / part.sample_rate for part in file.decode(audio=0))
    assert seconds == pytest.approx(len(sound(speak(box, format="pcm", sample_rate=8000))) / 16000, abs=0.6)


def test_the_defaults_are_mp3_at_22050(box: Sandbox) -> None:
    data = sound(speak(box))
    assert data.startswith(b"\xff\xf3")
    assert data[2] & 0x0C == 0, "22050 Hz of MPEG 2"


def test_the_first_sentence_is_heard_before_the_text_is_complete(box: Sandbox) -> None:
    with dial(box) as socket:
        socket.send(run_task(**FLASH, format="pcm"))
        socket.send(continue_task("你好。还有"))
        got: Frames = []
        while not outputs(got, "sentence-end"):
            content = socket.recv(timeout=10)
            got.append(content if isinstance(content, bytes) else json.loads(content))
        socket.send(frame("continue-task", "a" * 32, {"input": {"flush": True}}))
        while len(outputs(got, "sentence-end")) < 2:
            content = socket.recv(timeout=10)
            got.append(content if isinstance(content, bytes) else json.loads(content))
        socket.send(finish_task())
        assert usage(list(answers(socket))) == 9


def test_cancel_ends_it_at_once(box: Sandbox) -> None:
    box.settings.change({"task_s": 2})
    with dial(box) as socket:
        socket.send(run_task(**FLASH, format="pcm"))
        socket.send(continue_task("一二三四五六七八九。" * 50))
        socket.send(finish_task(directive="cancel"))
        assert usage(list(answers(socket))) < 50 * 19


def test_one_socket_speaks_one_task_after_the_other(box: Sandbox) -> None:
    with dial(box) as socket:
        for task_id in ("1" * 32, "2" * 32):
            socket.send(run_task(**FLASH, task_id=task_id, format="pcm"))
            socket.send(continue_task("好。", task_id))
            socket.send(finish_task(task_id))
            assert usage(list(answers(socket))) == 3


@pytest.mark.parametrize(
    ("model", "voice", "message"),
    [
        ("cosyvoice-v3-flash", "longanyue", BAD_418[1]),
        ("cosyvoice-v3-flash", "Cherry", BAD_418[1]),
        ("cosyvoice-v3-plus", "longxiaochun_v3", BAD_418[1]),
        ("cosyvoice-v2", "longxiaochun_v3", BAD_418[1]),
        ("cosyvoice-v3.5-flash", "longanyang", BAD_418[1]),
        ("cosyvoice-v3-flash", "LONGANYANG", BAD_418[1]),
        ("cosyvoice-v3-flash", None, "Request voice is invalid!"),
        ("qwen-audio-3.1-tts-flash", "emily_v3.1", "[cosyvoice:]Engine error [411]: TTS speak operation failed"),
        ("qwen-audio-3.0-tts-flash", "longanhuan", "[cosyvoice:]Engine error [411]: TTS speak operation failed"),
    ],
)
def test_a_voice_belongs_to_its_model(box: Sandbox, model: str, voice: str | None, message: str) -> None:
    assert error(speak(box, "好。", model=model, voice=voice)) == ("InvalidParameter", message)
    assert box.sync_calls == []


@pytest.mark.parametrize(
    ("model", "voice"),
    [
        ("cosyvoice-v2", "longxiaochun_v2"), ("cosyvoice-v2", "longanyue"), ("cosyvoice-v3-flash", "loongriko_v3"),
        ("cosyvoice-v3-plus", "longanhuan"), ("qwen-audio-3.1-tts-flash", "Emily_v3.1"),
        ("qwen-audio-3.0-tts-flash", "longanhuan_v3.6"), ("qwen-audio-3.0-tts-plus", "qwen-audio-3.0-tts-plus-longlingzhixing"),
    ],
)  # fmt: skip
def test_the_voices_of_each_model(box: Sandbox, model: str, voice: str) -> None:
    assert usage(speak(box, "好。", model=model, voice=voice, format="pcm")) == 3


@pytest.mark.parametrize(
    "parameters",
    [
        {"rate": 0.4}, {"pitch": 2.1}, {"volume": 101}, {"format": "flac"}, {"sample_rate": 12345}, {"seed": 65536},
        {"seed": -1}, {"bit_rate": 5}, {"bit_rate": 511}, {"language_hints": "zh"}, {"language_hints": ["xx"]},
        {"word_timestamp_enabled": "yes"}, {"hot_fix": {"replace": [["a", "b"]]}}, {"text_type": "SSML"},
    ],
)  # fmt: skip
def test_parameters_out_of_range(box: Sandbox, parameters: dict[str, Any]) -> None:
    assert error(speak(box, "好。", **parameters)) == BAD_418


@pytest.mark.parametrize(
    ("model", "voice", "instruction", "passes"),
    [
        ("cosyvoice-v3-flash", "longanyang", HAPPY, True),
        ("cosyvoice-v3-flash", "longanyang", "你正在进行新闻播报，" + HAPPY, True),
        ("cosyvoice-v3-flash", "longanhuan_v3", "请用河南话表达。", True),
        ("cosyvoice-v3-flash", "longanyang", "Speak happily.", False),
        ("cosyvoice-v3-flash", "longxiaochun_v3", HAPPY, False),
        ("cosyvoice-v2", "longxiaochun_v2", HAPPY, False),
        ("qwen-audio-3.0-tts-flash", "loongmary", "Speak happily.", True),
        ("qwen-audio-3.0-tts-flash", "loongmary", "慢" * 51, False),
        ("qwen-audio-3.0-tts-flash", "loongmary", "x" * 100, True),
    ],
)
def test_instructions(box: Sandbox, model: str, voice: str, instruction: str, passes: bool) -> None:
    frames = speak(box, "好。", model=model, voice=voice, instruction=instruction)
    if passes:
        assert usage(frames) == 3
    else:
        assert error(frames) == BAD_428


def test_ssml_is_one_piece_and_its_tags_cost_nothing(box: Sandbox) -> None:
    text = '<speak rate="1.5">你好<break time="500ms"/>，<sub alias="世界">shijie</sub>。</speak>'
    frames = speak(box, text, enable_ssml=True, format="pcm", sample_rate=8000)
    assert usage(frames) == counted("你好，世界。")
    assert "".join(sentence.text for sentence in find_watermarks(sound(frames), 8000)) == "你好，世界。"
    assert error(speak(box, text, text, enable_ssml=True)) == (
        "InvalidParameter",
        "Text request limit violated, expected 1.",
    )
    assert error(speak(box, text, voice="loongabby_v3", enable_ssml=True))[1] == (
        "SSML text is not supported at the moment!"
    )
    assert usage(speak(box, "你好。", enable_ssml=True)) == 5, "the vendor's client switches it on for plain text, too"


@pytest.mark.parametrize(
    "text", ["<speak>a", "<speak><b>a</b></speak>", "<speak><speak/></speak>", "<speak/>a", "<!DOCTYPE a><speak/>"]
)
def test_what_is_no_ssml(text: str) -> None:
    with pytest.raises(NoSsml):
        spoken_text(text)


def test_words_are_replaced(box: Sandbox) -> None:
    fix = {"replace": [{"草地": "草弟"}], "pronunciation": [{"天气": "tian1 qi4"}]}
    data = sound(speak(box, "草地。", hot_fix=fix, format="pcm", sample_rate=8000))
    assert find_watermarks(data, 8000)[0].text == "草弟。"
    assert error(speak(box, "草地。", model="cosyvoice-v2", voice="longyuan_v2", hot_fix=fix)) == BAD_418


def test_nothing_but_signs_is_a_pause(box: Sandbox) -> None:
    assert sound(speak(box, "……！", format="pcm", word_timestamp_enabled=True))


@pytest.mark.parametrize("texts", [(" ",), ("", "\n")])
def test_no_text(box: Sandbox, texts: tuple[str, ...]) -> None:
    assert error(speak(box, *texts)) == ("InvalidParameter", "Please ensure input text is valid.")


def test_a_piece_has_at_most_20000_counted_characters(box: Sandbox) -> None:
    assert error(speak(box, "一" * 10_001)) == BAD_418


@pytest.mark.parametrize(
    "bad",
    [
        continue_task("好。", "b" * 32), frame("pause-task", "a" * 32, {"input": {}}), frame("continue-task", "a" * 32, {}),
        frame("continue-task", "a" * 32, {"input": {"text": 5}}), run_task(**FLASH), "no JSON",
    ],
)  # fmt: skip
def test_frames_out_of_turn(box: Sandbox, bad: str) -> None:
    with dial(box) as socket:
        socket.send(run_task(**FLASH))
        socket.send(bad)
        assert error(list(answers(socket)))[0] == "InvalidParameter"


def test_a_client_that_falls_silent(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with dial(box) as socket:
        socket.send(run_task(**FLASH))
        assert json.loads(socket.recv(timeout=10))["header"]["event"] == "task-started"
        monkeypatch.setattr(connection, "IDLE_S", 0.05)
        socket.send(continue_task("好。"))
        assert error(list(answers(socket))) == ("CLIENT_ERROR", "request timeout after 0.05 seconds.")


def test_without_the_duplex_word_it_fails(box: Sandbox) -> None:
    with dial(box) as socket:
        socket.send(run_task(**FLASH).replace('"duplex"', '"out"'))
        assert error(list(answers(socket)))[0] == "InvalidParameter"


def test_the_rate_of_a_family() -> None:
    with Sandbox(task_s=0) as box:
        ends = []
        for number in range(6):
            model, voice = (("cosyvoice-v3-flash", "longanyang"), ("cosyvoice-v2", "longyue_v2"))[number % 2]
            last = speak(box, "好。", model=model, voice=voice, format="pcm")[-1]
            assert isinstance(last, dict)
            ends.append(last["header"].get("error_code", ""))
    assert ends[:3] == [""] * 3
    assert set(ends[3:]) <= {"", "Throttling.RateQuota"}  # a slow machine is below the rate


def test_an_account_in_trouble(box: Sandbox) -> None:
    with dial(box, "sk-overdue") as socket:
        socket.send(run_task(**FLASH))
        assert error(list(answers(socket)))[0] == "Arrearage"
