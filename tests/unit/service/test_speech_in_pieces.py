"""The speech socket of models that are told their text in pieces: exact frames, answers in any order, ends in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bailian.errors import MaybeSent, NotSent, ServiceError
from bailian.modalities.audio.speech_answers import SoundForm, running_times
from bailian.sandbox import Fault, Sandbox
from bailian.service.speech.session import SpeechSocket
from tests.support.speech_server import BINARY, Peer, Script, SpeechServer

HEADERS = {"Authorization": "Bearer sk-test-0123456789abcdef"}
SOUND = b"\x01\x02\x03\x04"

PIECES = ["床前明月光，", "疑是地上霜。举头望明月，低头思故乡。", "The end."]
TEXT = "".join(PIECES)


def payload(model: str = "cosyvoice-v3-flash", voice: str = "longanyang", **parameters: Any) -> dict[str, Any]:
    return {
        "model": model,
        "task_group": "audio",
        "task": "tts",
        "function": "SpeechSynthesizer",
        "input": {"text": TEXT},
        "parameters": {"text_type": "PlainText", "voice": voice, "format": "pcm", "sample_rate": 8000, **parameters},
    }


@pytest.fixture(scope="module")
def one_sandbox() -> Iterator[Sandbox]:
    with Sandbox(task_s=0, enforce_limits=False) as box:
        yield box


@pytest.fixture
def box(one_sandbox: Sandbox) -> Sandbox:
    one_sandbox.reset()
    return one_sandbox


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "speech.part"


def speak(url: str, part: Path, own: dict[str, Any] | None = None, **limits: float) -> dict[str, Any]:
    return SpeechSocket(url, HEADERS, **limits).speak(own or payload(), part, pieces=PIECES)


def frames_of(script: Script, part: Path) -> list[dict[str, Any]]:
    frames: list[dict[str, Any]] = []

    def converse(peer: Peer) -> None:
        frames.append(peer.question)
        peer.tell("task-started")
        while peer.question["header"]["action"] != "finish-task":
            peer.read()
            frames.append(peer.question)
        script(peer)

    with SpeechServer(converse) as server:
        speak(server.url, part)
    return frames


def sound_and_end(peer: Peer) -> None:
    peer.frame(BINARY, SOUND)
    peer.finish({"usage": {"characters": 77}})


def test_the_exact_frames(part: Path) -> None:
    first, *rest = frames_of(sound_and_end, part)
    task_id = first["header"]["task_id"]
    assert first == {
        "header": {"action": "run-task", "task_id": task_id, "streaming": "duplex"},
        "payload": {**payload(), "input": {}},
    }
    duplex = {"task_id": task_id, "streaming": "duplex"}
    assert rest == [
        *({"header": {"action": "continue-task", **duplex}, "payload": {"input": {"text": one}}} for one in PIECES),
        {"header": {"action": "finish-task", **duplex}, "payload": {"input": {}}},
    ]


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "kind",
    ["", "sound_first", "no_events", "unknown_events", "odd_frames", "null_usage", "bare_finish", "sentence_finish"],
)
def test_whatever_comes_between_the_sound_is_the_same(box: Sandbox, part: Path, kind: str) -> None:
    whole = speak(box.socket_url, part)
    sound = part.read_bytes()
    if kind:
        box.faults.add(Fault("speech", kind))
    answer = speak(box.socket_url, part)
    assert part.read_bytes() == sound
    assert answer["output"]["audio_bytes"] == len(sound) == whole["output"]["audio_bytes"]
    assert answer["usage"] == {"characters": 2 * 20 + 4 + 8} == whole["usage"]


def test_sound_is_heard_as_it_comes(box: Sandbox, part: Path) -> None:
    heard: list[bytes] = []
    SpeechSocket(box.socket_url, HEADERS).speak(payload(), part, pieces=PIECES, heard=heard.append)
    assert len(heard) > 2
    assert b"".join(heard) == part.read_bytes()


@pytest.mark.few(1)
@pytest.mark.parametrize("kind", ["reset", "closed", "silence", "failed"])
def test_an_end_in_the_third_sentence_tells_what_was_paid(box: Sandbox, part: Path, kind: str) -> None:
    box.faults.add(Fault("speech", kind, sentences=2, code="InternalError", message="x"))
    with pytest.raises((MaybeSent, ServiceError)) as broke:
        speak(box.socket_url, part, idle_s=0.3)
    if kind == "failed":
        assert isinstance(broke.value, ServiceError)
        assert broke.value.maybe_done
        return
    assert isinstance(broke.value, MaybeSent)
    assert broke.value.answer is not None
    assert broke.value.answer["usage"]["characters"] > 0
    assert broke.value.answer["output"]["audio_bytes"] == 0, "half a sound is no result"


@pytest.mark.parametrize("kind", ["reset", "closed"])
def test_before_any_text_nothing_can_have_been_spoken(part: Path, kind: str) -> None:
    def script(peer: Peer) -> None:
        peer.reset() if kind == "reset" else peer.close(1011)

    with SpeechServer(script) as server, pytest.raises(NotSent):
        speak(server.url, part)


def test_a_refused_voice_is_refused_before_any_text(box: Sandbox, part: Path) -> None:
    with pytest.raises(ServiceError, match="418") as refused:
        speak(box.socket_url, part, payload(voice="longxiaochun_v2"))
    assert not refused.value.maybe_done
    with pytest.raises(ServiceError, match="411"):
        speak(box.socket_url, part, payload("qwen-audio-3.0-tts-flash", "nobody"))


@pytest.mark.parametrize("kind", ["", "restarting_times"])
def test_times_run_on_whatever_the_service_counts_from(box: Sandbox, part: Path, kind: str) -> None:
    if kind:
        box.faults.add(Fault("speech", kind))
    answer = speak(box.socket_url, part, payload(word_timestamp_enabled=True))
    told = running_times(answer["output"]["sentences"], SoundForm("pcm", 8000))
    begins = [word["begin_time"] for sentence in told for word in sentence["words"]]
    assert begins == sorted(begins)
    assert begins[-1] * 16 < answer["output"]["audio_bytes"]
    firsts = [sentence["words"][0]["begin_time"] for sentence in told]
    heard = [sentence.get("begin_bytes", 0) / 16 for sentence in told]
    assert firsts == pytest.approx(heard, abs=30)


@pytest.mark.slow
def test_a_service_that_reads_nothing_until_it_is_heard_is_listened_to(part: Path) -> None:
    """The text and the sound are each more than the buffers between hold."""
    pieces = ["这" * 20_000] * 40

    def script(peer: Peer) -> None:
        peer.tell("task-started")
        for _ in range(200):
            peer.frame(BINARY, SOUND * 16_000)
        while peer.question["header"]["action"] != "finish-task":
            peer.read()
        peer.finish()

    with SpeechServer(script) as server:
        own = {**payload(), "input": {"text": "".join(pieces)}}
        answer = SpeechSocket(server.url, HEADERS).speak(own, part, pieces=pieces)
    assert answer["output"]["audio_bytes"] == 200 * len(SOUND) * 16_000
