"""audio.py voices own: made once, after its price was said; spoken with; listed and deleted."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run
from tests.support.recordings import humming
from tests.support.served_files import ServedFiles

PROMPT = "沉稳的中年男性播音员，音色低沉浑厚"
PREVIEW = "各位听众朋友，大家好，欢迎收听晚间新闻。"
NEW = ("--model", "cosyvoice-v3.5-flash", "--name", "anna")


@pytest.fixture
def recording() -> Iterator[str]:
    with ServedFiles() as files:
        yield files.put("me.wav", humming(6, 8000))


def test_the_life_of_a_clone(audio: Run, box: Sandbox, recording: str) -> None:
    box.settings.change({"task_s": 0})
    ran = audio("voices", "own", "clone", recording, *NEW, "--language", "en", "--yes")
    voice = ran.out.strip()
    assert voice.startswith("cosyvoice-v3.5-flash-anna-")
    assert "UNVERIFIED" in ran.err
    assert "0.8 CNY" in ran.err
    assert audio("voices", "own", "list").out.split("\t")[0] == voice
    (path,) = audio("tts", "Hello.", "--voice", voice, "--subtitles", "srt").paths[:1]
    assert path.suffix == ".wav"
    audio("voices", "own", "delete", voice, "--yes")
    assert audio("voices", "own", "list", "--json").json == {"voices": []}
    assert "418" in audio("tts", "Hello.", "--voice", voice, exits=4).err


@pytest.mark.slow
def test_a_designed_voice_can_be_heard(audio: Run, box: Sandbox) -> None:
    ran = audio("voices", "own", "design", PROMPT, *NEW, "--preview", PREVIEW, "-o", "试听/a.wav", "--yes")
    assert "-vd-anna-" in ran.out
    with wave.open("试听/a.wav") as sound:
        assert sound.getframerate() == 24000
    assert [path.name for path in Path("试听").iterdir()] == ["a.wav"]


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "words, says",
    [
        (("clone", "me.wav", *NEW, "--yes"), "no public URL"),
        (("clone", "https://example.com/a.wav", *NEW[:2], "--name", "too-long-name", "--yes"), "1 to 10 letters"),
        (("clone", "https://example.com/a.wav", "--model", "qwen3-tts-flash", "--name", "a", "--yes"), "has no clone"),
        (("clone", "https://example.com/a.wav", *NEW), "add --yes"),
        (("clone", "https://example.com/a.wav", *NEW, "--language", "xx", "--yes"), "not one of zh"),
        (("design", PROMPT, "--model", "cosyvoice-v2", "--name", "a", "--preview", PREVIEW, "--yes"), "has no design"),
        (("design", PROMPT, *NEW, "--preview", "short", "--yes"), "15 to 200"),
        (("design", PROMPT, *NEW, "--preview", PREVIEW, "-o", "a.mp3", "--yes"), "the preview is a WAV"),
        (("delete", "x"), "add --yes"),
    ],
)
def test_refused_before_a_byte_is_sent(audio: Run, box: Sandbox, words: tuple[str, ...], says: str) -> None:
    assert says in audio("voices", "own", *words, exits=2).err
    assert box.requests == []


def made(box: Sandbox) -> int:
    told = [request.body["input"]["action"] for request in box.requests if request.method == "POST"]
    return told.count("create_voice")


@pytest.mark.slow
def test_a_lost_answer_is_not_asked_for_again_and_its_voice_not_made_twice(
    audio: Run, box: Sandbox, recording: str
) -> None:
    box.faults.add(Fault("customization", "reset_after", after=1))  # the list comes first
    ran = audio("voices", "own", "clone", recording, *NEW, "--yes", exits=5)
    assert "own list" in ran.err
    assert made(box) == 1
    again = audio("voices", "own", "clone", recording, *NEW, "--yes", exits=2)
    assert "has this name already" in again.err
    assert made(box) == 1
    audio("voices", "own", "clone", recording, *NEW[:2], "--name", "ann", "--yes")
    assert made(box) == 2


@pytest.mark.slow
def test_a_voice_that_was_rejected_keeps_no_name(audio: Run, box: Sandbox, recording: str) -> None:
    box.faults.add(Fault("customization", "failed", after=1))
    ran = audio("voices", "own", "clone", recording, *NEW, "--yes", exits=4)
    assert "the service has rejected the voice" in ran.err
    assert ran.out == ""
    audio("voices", "own", "clone", recording, *NEW, "--yes")
    assert made(box) == 2
