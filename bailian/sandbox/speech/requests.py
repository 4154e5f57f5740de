"""From a `run-task` frame to a speech request, or the documented failure (SAM-CE, SAM-WS, CAP)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.http.refusals import Failure
from bailian.sandbox.speech.models import Voice
from bailian.sandbox.tasks.requests import is_number

TEXT_CHARS = 10_000
"""SAM-PY: one Han character, letter, sign or inner space each counts 1."""

FORMATS = ("wav", "mp3", "pcm")
SAMPLE_RATES = (8000, 16000, 22050, 24000, 44100, 48000)
"""SAM-CE names the first, second, third and fourth; SAM-PY's own sample asks for 48000."""

_TAG = re.compile(r"<[^>]*>")
_ENGINE = "[tts:]Engine return error code: 418"


class SpeechFailure(Failure):
    """A task on the socket fails: what `task-failed` says (CAP, SAM-SE)."""


@dataclass(frozen=True)
class SpeechRequest:
    """What one accepted task asks for."""

    model: str
    voice: Voice
    text: str
    format: str
    sample_rate: int
    volume: int
    rate: float
    pitch: float
    word_times: bool = False
    phoneme_times: bool = False
    bit_rate_kbps: int = 32

    @property
    def characters(self) -> int:
        """What is billed."""
        return len(self.text)


def text_of(payload: Mapping[str, Any]) -> str:
    """Return the text without judging the frame (for faults and logs)."""
    inputs = payload.get("input")
    return str(inputs.get("text") or "") if isinstance(inputs, dict) else ""


def read_speech_request(payload: Mapping[str, Any], voices: Mapping[str, Voice]) -> SpeechRequest:
    """Check the payload of a `run-task`.

    Raises:
        SpeechFailure: with the documented code. Values out of range fail as a bad voice does ("418", CAP
            DEMO-QA). Whether the service clamps them instead is not known.
    """
    name = str(payload.get("model") or "")
    kind = (payload.get("task_group"), payload.get("task"), payload.get("function"))
    voice = voices.get(name)
    if voice is None or kind != ("audio", "tts", "SpeechSynthesizer"):
        raise SpeechFailure("ModelNotFound", f"Model not found ({name})!")  # ISS-2593
    inputs = payload.get("input")
    if not isinstance(inputs, dict):
        raise SpeechFailure("InvalidParameter", "task can not be null")  # ERR
    parameters = payload.get("parameters")
    parameters = {} if parameters is None else parameters
    if not isinstance(parameters, dict):
        raise refused()
    text = inputs.get("text")
    if not isinstance(text, str) or not text.strip():
        raise refused()
    if read_choice(parameters, "text_type", ("PlainText", "SSML"), "PlainText") == "SSML" or text.startswith("<speak"):
        text = _TAG.sub("", text)  # OLDPRICE: tags are not billed
    if len(text.strip()) > TEXT_CHARS:
        raise refused()
    word_times = read_switch(parameters, "word_timestamp_enabled")
    return SpeechRequest(
        model=name,
        voice=voice,
        text=text.strip(),
        format=read_choice(parameters, "format", FORMATS, "wav"),
        sample_rate=read_sample_rate(parameters, voice.sample_rate),
        volume=int(read_number(parameters, "volume", 50, 0, 100)),
        rate=read_number(parameters, "rate", 1.0, 0.5, 2.0),
        pitch=read_number(parameters, "pitch", 1.0, 0.5, 2.0),
        word_times=word_times and voice.timestamps,
        phoneme_times=word_times and voice.timestamps and read_switch(parameters, "phoneme_timestamp_enabled"),
    )


def refused() -> SpeechFailure:
    """What a voice that does not fit, or a parameter out of range, is answered with."""
    return SpeechFailure("InvalidParameter", _ENGINE)


def read_choice(parameters: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str) -> str:
    value = parameters.get(name, default)
    if value not in allowed:
        raise refused()
    return str(value)


def read_sample_rate(parameters: Mapping[str, Any], own: int) -> int:
    """SDK: the model's own rate when absent (SAM-CE says 16000)."""
    value = parameters.get("sample_rate", own)
    if isinstance(value, bool) or value not in SAMPLE_RATES:
        raise refused()
    return int(value)


def read_number(parameters: Mapping[str, Any], name: str, default: float, least: float, most: float) -> float:
    value = parameters.get(name, default)
    if not is_number(value, least, most):
        raise refused()
    return float(value)


def read_switch(parameters: Mapping[str, Any], name: str) -> bool:
    value = parameters.get(name, False)
    if not isinstance(value, bool):
        raise refused()
    return value
