"""What goes wrong on the socket of the models that are told a voice, and the vendor's SDK on it."""

from __future__ import annotations

import contextlib
import json
import struct
import time
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from bailian.sandbox import Fault, Sandbox
from bailian.sandbox.speech.audio_watermark import find_chunked_watermarks
from tests.support.speech_socket import (
    FLASH,
    HAPPY,
    POEM,
    SAID,
    Frames,
    answers,
    continue_task,
    dial,
    error,
    finish_task,
    outputs,
    run_task,
    sound,
    speak,
    usage,
)

pytestmark = pytest.mark.slow


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
    ends = len(outputs(got, "sentence-end"))
    assert ends == 2 or (kind == "reset" and ends < 2), "a reset may also lose what was on its way"
    deadline = time.monotonic() + 10
    while not box.sync_calls:  # noted a moment after the client knows the end
        assert time.monotonic() < deadline
        time.sleep(0.005)
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
@pytest.mark.slow
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
