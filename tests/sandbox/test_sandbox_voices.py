"""The speech socket for the models that are told a voice: text in pieces, events, faults, and the vendor's SDK."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from bailian.sandbox import Fault, Sandbox
from bailian.sandbox.speech import connection
from bailian.sandbox.speech.audio_watermark import find_chunked_watermarks, find_packed_watermarks, find_watermarks
from bailian.sandbox.voices.counting import counted
from bailian.sandbox.voices.ssml import NoSsml, spoken_text

FLASH = {"model": "cosyvoice-v3-flash", "voice": "longanyang"}
POEM = ["床前明月光，", "疑是地上霜。举头", "望明月，低头思故乡。", "The end."]
SAID = "".join(POEM)
BAD_418 = ("InvalidParameter", "[tts:]Engine return error code: 418")
BAD_428 = ("InvalidParameter", "[tts:]Engine return error code: 428")

Frames = list[dict[str, Any] | bytes]


def dial(box: Sandbox, key: str = "sk-test") -> ClientConnection:
    headers = {"Authorization": f"Bearer {key}"}
    return connect(box.socket_url, additional_headers=headers, proxy=None, compression=None)


def frame(action: str, task_id: str, payload: dict[str, Any]) -> str:
    return json.dumps({"header": {"action": action, "task_id": task_id, "streaming": "duplex"}, "payload": payload})


def run_task(model: str, voice: str | None, task_id: str = "a" * 32, **parameters: Any) -> str:
    told = {} if voice is None else {"voice": voice}
    payload = {
        "model": model,
        "task_group": "audio",
        "task": "tts",
        "function": "SpeechSynthesizer",
        "input": {},
        "parameters": {"text_type": "PlainText", **told, **parameters},
    }
    return frame("run-task", task_id, payload)


def continue_task(text: str, task_id: str = "a" * 32) -> str:
    return frame("continue-task", task_id, {"input": {"text": text}})


def finish_task(task_id: str = "a" * 32, **inputs: Any) -> str:
    return frame("finish-task", task_id, {"input": inputs})


def answers(socket: ClientConnection) -> Iterator[dict[str, Any] | bytes]:
    """Frames until the task ends."""
    while True:
        got = socket.recv(timeout=10)
        content = got if isinstance(got, bytes) else json.loads(got)
        yield content
        if isinstance(content, dict) and content["header"]["event"] in ("task-finished", "task-failed"):
            return


def speak(
    box: Sandbox, *texts: str, model: str = FLASH["model"], voice: str | None = FLASH["voice"], **parameters: Any
) -> Frames:
    with dial(box) as socket:
        with contextlib.suppress(ConnectionClosed):  # a task that fails at once is over before all is sent
            socket.send(run_task(model, voice, **parameters))
            for text in texts or POEM:
                socket.send(continue_task(text))
            socket.send(finish_task())
        return list(answers(socket))


def sound(frames: Frames) -> bytes:
    return b"".join(frame for frame in frames if isinstance(frame, bytes))


def outputs(frames: Frames, kind: str) -> list[dict[str, Any]]:
    """Return the payloads of one type of event."""
    found = [f["payload"] for f in frames if isinstance(f, dict) and f["header"]["event"] == "result-generated"]
    return [payload for payload in found if payload["output"]["type"] == kind]


def error(frames: Frames) -> tuple[str, str]:
    last = frames[-1]
    assert isinstance(last, dict)
    assert (last["header"]["event"], last["payload"]) == ("task-failed", {})
    return last["header"]["error_code"], last["header"]["error_message"]


def usage(frames: Frames) -> int:
    last = frames[-1]
    assert isinstance(last, dict)
    assert last["header"]["event"] == "task-finished", last
    characters: int = last["payload"]["usage"]["characters"]
    return characters


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


HAPPY = "你说话的情感是happy。"


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


# ── faults ──


def until_the_end(box: Sandbox) -> tuple[Frames, Exception]:
    """Return what came, and how it ended: two whole sentences, then silence or worse."""
    got: Frames = []
    with dial(box) as socket:
        socket.send(run_task(**FLASH, format="pcm"))
        socket.send(continue_task(SAID))
        with contextlib.suppress(ConnectionClosed):
            socket.send(finish_task())
        while True:
            try:
                content = socket.recv(timeout=0.5 if len(outputs(got, "sentence-end")) == 2 else 10)
            except (ConnectionClosed, TimeoutError) as end:
                return got, end
            got.append(content if isinstance(content, bytes) else json.loads(content))


@pytest.mark.parametrize("kind", ["closed", "reset"])
def test_the_socket_dies_in_the_third_sentence(box: Sandbox, kind: str) -> None:
    box.faults.add(Fault("speech", kind, sentences=2))
    got, end = until_the_end(box)
    assert isinstance(end, ConnectionClosed)
    assert len(outputs(got, "sentence-end")) == 2
    (call,) = box.sync_calls
    assert call.request.details["characters"] == 44, "what was spoken is paid"


def test_it_falls_silent_in_the_third_sentence(box: Sandbox) -> None:
    box.faults.add(Fault("speech", "silence", sentences=2))
    got, end = until_the_end(box)
    assert isinstance(end, TimeoutError)
    assert len(outputs(got, "sentence-end")) == 2


def test_it_fails_in_the_second_sentence_and_for_one_text(box: Sandbox) -> None:
    box.faults.add(Fault("speech", "failed", sentences=1, match_prompt="举头", code="X", message="y"))
    assert usage(speak(box, "别的。")) == 5
    frames = speak(box)
    assert error(frames) == ("X", "y")
    assert len(outputs(frames, "sentence-end")) == 1


def test_sentences_count_for_sambert_too(box: Sandbox) -> None:
    box.faults.add(Fault("speech", "failed", sentences=1, code="X", message="y"))
    payload = json.loads(run_task("sambert-zhichu-v1", None, word_timestamp_enabled=True, format="pcm"))
    payload["payload"]["input"] = {"text": SAID}
    with dial(box) as socket:
        socket.send(json.dumps(payload))
        frames = list(answers(socket))
    assert error(frames) == ("X", "y")
    told = [f["payload"]["output"]["sentence"] for f in frames if isinstance(f, dict) and "output" in f["payload"]]
    assert {sentence["begin_time"] for sentence in told} >= {0}


def test_frames_in_other_shapes_and_orders(box: Sandbox) -> None:
    kinds = ("sound_first", "no_events", "unknown_events", "odd_frames", "restarting_times", "no_words", "null_usage")
    box.faults.add(*(Fault("speech", kind) for kind in kinds))
    told = {kind: speak(box, format="pcm", sample_rate=8000, word_timestamp_enabled=True) for kind in kinds}
    normal = sound(speak(box, format="pcm", sample_rate=8000))

    assert {kind for kind, frames in told.items() if sound(frames) != normal} == set()
    assert {usage(frames) for frames in told.values()} == {52}
    assert isinstance(told["sound_first"][2], bytes)
    assert [f for f in told["no_events"][1:-1] if isinstance(f, dict)] == []
    unknown = [f["header"]["event"] for f in told["unknown_events"] if isinstance(f, dict)]
    assert "result-announced" in unknown
    assert any(isinstance(f, bytes) and len(f) % 2 for f in told["odd_frames"])
    begins = [
        p["output"]["sentence"]["words"][0]["begin_time"] for p in outputs(told["restarting_times"], "sentence-end")
    ]
    assert begins == [0, 0, 0]
    assert all(p["output"]["sentence"]["words"] == [] for p in outputs(told["no_words"], "sentence-end"))
    assert all(p["usage"] is None for p in outputs(told["null_usage"], "sentence-end"))


def test_no_sound_and_other_ends(box: Sandbox) -> None:
    box.faults.add(Fault("speech", "no_audio"), Fault("speech", "sentence_finish"), Fault("speech", "failed", count=0))
    assert sound(speak(box)) == b""
    last = speak(box, "好。")[-1]
    assert isinstance(last, dict)
    assert last["payload"] == {"output": {"sentence": {"words": []}}, "usage": {"characters": 3}}
    assert len(speak(box)) == 1


def test_trigger_words(box: Sandbox) -> None:
    assert error(speak(box, "[sandbox:refuse] 你好。"))[0] == "DataInspectionFailed"
    frames = speak(box, "[sandbox:fail] 你好。", format="pcm")
    assert error(frames)[0] == "DataInspectionFailed"
    assert sound(frames)


def test_a_zero_header(box: Sandbox) -> None:
    box.faults.add(Fault("speech", "zero_sizes"))
    data = sound(speak(box, "好。", format="wav", sample_rate=8000))
    assert (data[4:8], struct.unpack("<I", data[24:28])) == (bytes(4), (8000,))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
class TestTheOfficialSdk:
    """The vendor's own SDK, unchanged."""

    @pytest.fixture
    def tts(self, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        dashscope = pytest.importorskip("dashscope")
        monkeypatch.setattr(dashscope, "base_websocket_api_url", box.socket_url)
        monkeypatch.setattr(dashscope, "api_key", "sk-sdk")
        from dashscope.audio import tts_v2

        return tts_v2

    def test_call(self, tts: Any) -> None:
        synthesizer = tts.SpeechSynthesizer(**FLASH)
        data = synthesizer.call(SAID)
        assert "".join(sentence.text for sentence in find_chunked_watermarks(data)) == SAID
        assert synthesizer.get_response()["payload"]["usage"] == {"characters": 52}

    @pytest.mark.parametrize("form", ["WAV_16000HZ_MONO_16BIT", "PCM_24000HZ_MONO_16BIT", "OGG_OPUS_24KHZ_MONO_32KBPS"])
    def test_streaming(self, tts: Any, form: str) -> None:
        heard: list[bytes] = []
        told: list[dict[str, Any]] = []
        ends: list[str] = []

        class Callback(tts.ResultCallback):  # type: ignore[misc]
            def on_event(self, message: str) -> None:
                told.append(json.loads(message))

            def on_data(self, data: bytes) -> None:
                heard.append(data)

            def on_complete(self) -> None:
                ends.append("complete")

        synthesizer = tts.SpeechSynthesizer(
            **FLASH,
            format=tts.AudioFormat[form],
            callback=Callback(),
            instruction=HAPPY,
            language_hints=["zh"],
            hot_fix=tts.HotFix(replace=[{"故乡": "家"}]) if hasattr(tts, "HotFix") else None,
            additional_params={"word_timestamp_enabled": True},
        )
        for piece in POEM:
            synthesizer.streaming_call(piece)
        synthesizer.streaming_flush()
        synthesizer.streaming_complete()
        assert ends == ["complete"]
        assert b"".join(heard)
        words = [word for f in told for word in f["payload"]["output"]["sentence"]["words"]]
        assert words[0]["text"] == "床"

    def test_failures(self, tts: Any) -> None:
        with pytest.raises(Exception, match="418"):
            tts.SpeechSynthesizer(model="cosyvoice-v3-flash", voice="Cherry").call("好。")

    def test_cancel(self, tts: Any, box: Sandbox) -> None:
        box.settings.change({"task_s": 2})
        synthesizer = tts.SpeechSynthesizer(**FLASH, callback=tts.ResultCallback())
        synthesizer.streaming_call("一二三四五六七八九。" * 50)
        synthesizer.streaming_cancel()
