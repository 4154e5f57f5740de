"""The speech socket over real sockets: frames, sound, failures, faults, and the vendor's SDK."""

from __future__ import annotations

import io
import json
import struct
import time
import wave
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from bailian.sandbox import Fault, LoggedRequest, Sandbox
from bailian.sandbox.served_models import ServedModels
from bailian.sandbox.speech import connection, socket_task
from bailian.sandbox.speech.audio_watermark import find_id3_watermarks, find_watermarks

POEM = "床前明月光，疑是地上霜。举头望明月，低头思故乡。"


def dial(box: Sandbox, key: str | None = "sk-test", path: str = "/api-ws/v1/inference") -> ClientConnection:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return connect(f"ws://127.0.0.1:{box.port}{path}", additional_headers=headers, proxy=None, compression=None)


def order(text: str = POEM, model: str = "sambert-zhichu-v1", task_id: str = "a" * 32, **parameters: Any) -> str:
    payload = {
        "model": model,
        "task_group": "audio",
        "task": "tts",
        "function": "SpeechSynthesizer",
        "input": {"text": text},
        "parameters": parameters,
    }
    return json.dumps({"header": {"action": "run-task", "task_id": task_id, "streaming": "out"}, "payload": payload})


def answers(socket: ClientConnection) -> Iterator[dict[str, Any] | bytes]:
    """Frames until the task ends."""
    while True:
        frame = socket.recv(timeout=10)
        if isinstance(frame, bytes):
            yield frame
            continue
        content = json.loads(frame)
        yield content
        if content["header"]["event"] in ("task-finished", "task-failed"):
            return


def speak(
    box: Sandbox, text: str = POEM, model: str = "sambert-zhichu-v1", **parameters: Any
) -> tuple[list[dict[str, Any]], bytes]:
    with dial(box) as socket:
        socket.send(order(text, model, **parameters))
        got = list(answers(socket))
    return [frame for frame in got if isinstance(frame, dict)], b"".join(f for f in got if isinstance(f, bytes))


def logged(box: Sandbox) -> LoggedRequest:
    """Return the log's last entry: it is written a moment after the client knows the end."""
    deadline = time.monotonic() + 10
    while not box.requests:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return box.requests[-1]


def events(frames: list[dict[str, Any]]) -> list[str]:
    return [frame["header"]["event"] for frame in frames]


def error(frames: list[dict[str, Any]]) -> tuple[str, str]:
    assert frames[-1]["payload"] == {}
    return frames[-1]["header"]["error_code"], frames[-1]["header"]["error_message"]


@pytest.mark.parametrize("path", ["/api-ws/v1/inference", "/api-ws/v1/inference/"])
def test_the_course_of_a_task(box: Sandbox, path: str) -> None:
    with dial(box, path=path) as socket:
        assert socket.response is not None
        assert socket.response.headers["x-bailian-sandbox"] == "1"
        socket.send(order(format="wav", sample_rate=16000, word_timestamp_enabled=True))
        got = list(answers(socket))

    started = got[0]
    assert isinstance(started, dict)
    assert (started["header"]["event"], started["header"]["task_id"], started["payload"]) == (
        "task-started",
        "a" * 32,
        {},
    )
    finished = got[-1]
    assert isinstance(finished, dict)
    assert finished["payload"] == {"output": None, "usage": {"characters": len(POEM)}}
    kinds = ["sound" if isinstance(frame, bytes) else frame["header"]["event"] for frame in got]
    first, last = kinds.index("result-generated"), len(kinds) - 1 - kinds[::-1].index("result-generated")
    assert "sound" in kinds[:first]
    assert "sound" in kinds[first:last]
    (call,) = box.sync_calls
    assert (call.request.kind, call.request.prompt, call.model) == ("speech", POEM, "sambert-zhichu-v1")
    assert (logged(box).kind, logged(box).status) == ("speech", 200)
    assert logged(box).body["payload"]["input"] == {"text": POEM}


def test_word_times(box: Sandbox) -> None:
    frames, _ = speak(box, word_timestamp_enabled=True, phoneme_timestamp_enabled=True, format="pcm", sample_rate=8000)

    told = [
        frame["payload"]["output"]["sentence"] for frame in frames if frame["header"]["event"] == "result-generated"
    ]
    by_begin = {sentence["begin_time"]: sentence for sentence in told}  # the last of equal begin counts
    assert len(told) > len(by_begin) == 2
    first, second = by_begin.values()
    assert first["end_time"] <= second["begin_time"]
    assert "".join(word["text"] for word in first["words"]) == "床前明月光疑是地上霜"
    times = [time for word in first["words"] for time in (word["begin_time"], word["end_time"])]
    assert times == sorted(times)
    assert set(first["words"][0]["phonemes"][0]) == {"begin_time", "end_time", "text", "tone"}
    usages = [
        frame["payload"]["usage"]["characters"] for frame in frames if frame["header"]["event"] == "result-generated"
    ]
    assert usages == sorted(usages)
    assert usages[-1] == len(POEM)


def test_without_times_and_voices_without_times(box: Sandbox) -> None:
    frames, _ = speak(box)
    assert [frame["payload"]["output"] for frame in frames[1:-1]] == [{"sentence": {"words": []}}]
    frames, _ = speak(box, "Bonjour.", "sambert-clara-v1", word_timestamp_enabled=True)
    assert frames[1]["payload"]["output"] == {"sentence": {"words": []}}


def test_a_streamed_wav_has_placeholder_sizes(box: Sandbox) -> None:
    _, data = speak(box, format="wav", sample_rate=24000)

    assert data[:4] + data[8:16] == b"RIFFWAVEfmt "
    assert struct.unpack("<I", data[4:8]) == (0x7FFFFFBF,)
    assert data[36:40] == b"data"
    assert struct.unpack("<I", data[40:44]) == (0x7FFFFF9B,)
    assert struct.unpack("<I", data[24:28]) == (24000,)
    said = find_watermarks(data[44:], 24000)
    assert "".join(sentence.text for sentence in said) == POEM


def test_true_sizes_and_zeros_on_demand(box: Sandbox) -> None:
    box.faults.add(Fault("speech", "true_sizes"), Fault("speech", "zero_sizes"))
    _, data = speak(box, format="wav", sample_rate=8000)
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        assert file.getnframes() == (len(data) - 44) // 2
    _, data = speak(box, format="wav", sample_rate=8000)
    assert (data[4:8], data[40:44]) == (bytes(4), bytes(4))


def test_pcm_and_mp3(box: Sandbox) -> None:
    _, pcm = speak(box, format="pcm", sample_rate=8000)
    assert not pcm.startswith(b"RIFF")
    assert len(pcm) / 16000 == pytest.approx(6, abs=2.5)
    _, mp3 = speak(box, format="mp3", sample_rate=16000)
    assert mp3.startswith(b"ID3")
    assert mp3[10 + int.from_bytes(mp3[6:8], "big") * 16384 + (mp3[8] << 7) + mp3[9] :][:1] == b"\xff"
    assert "".join(sentence.text for sentence in find_id3_watermarks(mp3)) == POEM


def test_the_models_own_rate_and_wav_are_the_defaults(box: Sandbox) -> None:
    for model, rate in (("sambert-zhichu-v1", 48000), ("sambert-zhimao-v1", 16000)):
        _, data = speak(box, "你好。", model)
        assert struct.unpack("<I", data[24:28]) == (rate,)


def test_faster_is_shorter(box: Sandbox) -> None:
    normal, fast = (len(speak(box, format="pcm", sample_rate=8000, rate=rate)[1]) for rate in (1.0, 2.0))
    assert fast < 0.75 * normal


def test_the_43_voices() -> None:
    voices = ServedModels(None, None).voices
    assert len(voices) == 43
    assert sum(not voice.timestamps for voice in voices.values()) == 6
    assert sum(voice.sample_rate == 48000 for voice in voices.values()) == 9


@pytest.mark.parametrize("model", ["sambert-en-v1", "qwen3-tts-flash"])
def test_a_name_that_is_no_voice(box: Sandbox, model: str) -> None:
    frames, data = speak(box, model=model)
    assert events(frames) == ["task-failed"]
    assert data == b""
    assert error(frames) == ("ModelNotFound", f"Model not found ({model})!")
    assert box.sync_calls == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"rate": 0.4}, {"rate": 2.1}, {"pitch": 3}, {"volume": 101}, {"volume": "50"}, {"format": "ogg"},
        {"sample_rate": 12345}, {"word_timestamp_enabled": 1}, {"text_type": "html"},
    ],
)  # fmt: skip
def test_parameters_out_of_range(box: Sandbox, parameters: dict[str, Any]) -> None:
    frames, _ = speak(box, **parameters)
    assert error(frames) == ("InvalidParameter", "[tts:]Engine return error code: 418")


@pytest.mark.parametrize("text", ["", "   ", "一" * 10001])
def test_no_text_and_too_much(box: Sandbox, text: str) -> None:
    assert error(speak(box, text)[0])[0] == "InvalidParameter"


@pytest.mark.slow
def test_ten_thousand_characters_are_spoken(box: Sandbox) -> None:
    text = "一二三四五六七八九。" * 1000
    frames, data = speak(box, text, format="mp3", sample_rate=8000)
    assert frames[-1]["payload"]["usage"] == {"characters": 10000}
    assert len(find_id3_watermarks(data)) == 1000


def test_no_input(box: Sandbox) -> None:
    frame = json.loads(order())
    del frame["payload"]["input"]
    with dial(box) as socket:
        socket.send(json.dumps(frame))
        assert error([f for f in answers(socket) if isinstance(f, dict)]) == (
            "InvalidParameter",
            "task can not be null",
        )
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)


@pytest.mark.parametrize("key", [None, "sk-bad"])
def test_no_handshake_without_a_key(box: Sandbox, key: str | None) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        dial(box, key)
    assert refusal.value.response.status_code == 401
    assert (logged(box).kind, logged(box).status) == ("speech", 401)


def test_an_account_in_trouble(box: Sandbox) -> None:
    with dial(box, "sk-overdue") as socket:
        socket.send(order())
        assert error([f for f in answers(socket) if isinstance(f, dict)])[0] == "Arrearage"


def test_a_socket_serves_one_task_after_the_other(box: Sandbox) -> None:
    with dial(box) as socket:
        for task_id in ("1" * 32, "2" * 32):
            socket.send(order("你好。", task_id=task_id, sample_rate=8000))
            got = [frame for frame in answers(socket) if isinstance(frame, dict)]
            assert events(got)[-1] == "task-finished"
            assert {frame["header"]["task_id"] for frame in got} == {task_id}
        socket.send(order("你好。", task_id="2" * 32))
        assert events([f for f in answers(socket) if isinstance(f, dict)]) == ["task-failed"]


def test_a_client_that_says_nothing(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "IDLE_S", 0.05)
    with dial(box) as socket:
        frames = [f for f in answers(socket) if isinstance(f, dict)]
    assert error(frames)[0] == "CLIENT_ERROR"


def test_the_rate_is_that_of_all_voices() -> None:
    with Sandbox(task_s=0) as box:
        ends = []
        for number in range(22):
            model = ("sambert-zhichu-v1", "sambert-beth-v1")[number % 2]
            frames, _ = speak(box, "好", model, sample_rate=8000, format="pcm")
            ends.append(events(frames)[-1])
            if ends[-1] == "task-failed":
                assert error(frames) == (
                    "Throttling.RateQuota",
                    "Requests rate limit exceeded, please try again later.",
                )
    assert ends[:20] == ["task-finished"] * 20 or "task-failed" not in ends  # a slow machine is below the rate


def test_failed(box: Sandbox) -> None:
    box.faults.add(Fault("speech", "failed", count=0), Fault("speech", "failed", count=2, code="X", message="y"))
    assert events(speak(box)[0]) == ["task-failed"]
    frames, data = speak(box)
    assert frames[0]["header"]["event"] == "task-started"
    assert error(frames) == ("X", "y")
    assert len(data) == 2 * socket_task.FRAME_BYTES
    assert logged(box).status == 400


@pytest.mark.parametrize("kind", ["closed", "reset"])
def test_the_end_comes_early(box: Sandbox, kind: str) -> None:
    box.faults.add(Fault("speech", kind))
    with dial(box) as socket:
        socket.send(order())
        got: list[Any] = []
        with pytest.raises(ConnectionClosed):
            got.extend(answers(socket))
    assert logged(box).status == 0


def test_silence_and_slow(box: Sandbox) -> None:
    box.faults.add(Fault("speech", "silence"), Fault("speech", "slow", delay_s=0.2))
    with dial(box) as socket:
        socket.send(order())
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.1)
    begin = time.monotonic()
    speak(box)
    assert time.monotonic() - begin > 0.2


def test_no_audio(box: Sandbox) -> None:
    box.faults.add(Fault("speech", "no_audio"))
    frames, data = speak(box)
    assert events(frames)[-1] == "task-finished"
    assert data == b""


def test_the_other_documented_shapes(box: Sandbox) -> None:
    box.faults.add(*(Fault("speech", kind) for kind in ("null_usage", "bare_finish", "sentence_finish")))
    frames, _ = speak(box, "你好。")
    assert frames[1]["payload"]["usage"] is None
    usage = {"usage": {"characters": 3}}
    assert speak(box, "你好。")[0][-1]["payload"] == usage
    assert speak(box, "你好。")[0][-1]["payload"] == {"output": {"sentence": {"words": []}}, **usage}


def test_trigger_words(box: Sandbox) -> None:
    frames, data = speak(box, "[sandbox:refuse] 你好")
    assert error(frames)[0] == "DataInspectionFailed"
    assert data == b""
    frames, data = speak(box, "[sandbox:fail] 你好")
    assert error(frames)[0] == "DataInspectionFailed"
    assert data != b""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestTheOfficialSdk:
    """The vendor's own SDK, unchanged."""

    @pytest.mark.few(1)
    @pytest.mark.parametrize("form", ["wav", "mp3", "pcm"])
    def test_call(self, sdk: Any, form: str) -> None:
        from dashscope.audio.tts import SpeechSynthesizer

        answer = SpeechSynthesizer.call(
            model="sambert-zhichu-v1", text=POEM, format=form, sample_rate=16000, word_timestamp_enabled=True
        )
        assert answer.get_response().status_code == 200
        assert answer.get_response().usage == {"characters": len(POEM)}
        assert len(answer.get_audio_data()) > 5000
        assert len(answer.get_timestamps()) == 2

    def test_the_smallest_call(self, sdk: Any) -> None:
        from dashscope.audio.tts import SpeechSynthesizer

        answer = SpeechSynthesizer.call(model="sambert-zhichu-v1", text=POEM)
        assert answer.get_response().status_code == 200
        assert answer.get_audio_data().startswith(b"RIFF")

    def test_failures(self, sdk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        from dashscope.audio.tts import SpeechSynthesizer

        answer = SpeechSynthesizer.call(model="sambert-en-v1", text=POEM).get_response()
        assert (answer.status_code, answer.code) == (44, "ModelNotFound")
        monkeypatch.setattr(sdk, "api_key", "sk-bad")
        assert SpeechSynthesizer.call(model="sambert-zhichu-v1", text=POEM).get_response().status_code == 401
