"""From the body of a recognition in one call to what shall be heard (QASR, FUNF).

Two bodies on one path: an `audio` part with `asr_options`, or an `input_audio` part with `format`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.http.refusals import field_required, invalid, off_specification
from bailian.sandbox.tasks.requests import parts_of, read_switch
from bailian.sandbox.transcription.hot_words import HotWords
from bailian.sandbox.transcription.models import Recognizer
from bailian.sandbox.transcription.requests import hot_words_of

CONTEXT_CHARS = 400
"""FUNF: of all turns before the recording."""
TURNS_MAX = 5
FORMATS = ("pcm", "wav", "mp3", "opus", "speex", "aac", "amr", "m4a", "flac", "ogg", "mp4", "webm")


@dataclass(frozen=True)
class InstantRequest:
    """What one call asks for."""

    source: str
    """The recording's address, or the recording itself."""
    language: str
    hot: Sequence[str]
    grows: bool = False
    """Whether each frame of a stream has all the text so far."""


def source_of(body: Mapping[str, Any]) -> str:
    """Return the recording's address without judging the body (for faults and logs)."""
    inputs = body.get("input")
    messages = inputs.get("messages") if isinstance(inputs, dict) else None
    parts = [part for message in messages or [] for part in _parts(message)] if isinstance(messages, list) else []
    found = [source for part in parts if (source := _source(part))]
    return found[-1] if found else ""


def read_instant_request(name: str, model: Recognizer, body: Mapping[str, Any], hot_words: HotWords) -> InstantRequest:
    """Check a body.

    Raises:
        Refusal: with the documented code and message.
    """
    inputs, parameters = parts_of(body)
    messages = inputs.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(one, dict) for one in messages):
        raise field_required("input.messages")
    wanted = "audio" if model.family == "qwen3" else "input_audio"
    parts = _parts(messages[-1])
    recordings = [part for part in parts if isinstance(part, dict) and wanted in part]
    plain = len(recordings) == 1 and isinstance(recordings[0][wanted], str) == (wanted == "audio")
    source = _source(recordings[0]) if plain and messages[-1].get("role") == "user" else ""
    if not source:
        raise field_required(f"input.messages.content.{wanted}")
    if model.family == "qwen3":
        return _by_options(source, parameters)
    _check_context(messages[:-1])
    form, rate = parameters.get("format"), parameters.get("sample_rate", "")
    if form not in FORMATS:
        raise field_required("parameters.format") if form is None else off_specification("format is not supported")
    if not isinstance(rate, str) or not (rate == "" or rate.isdecimal()):
        raise off_specification("sample_rate must be a string")
    hints = parameters.get("language_hints") or []
    if not isinstance(hints, list) or len(hints) > model.language_hints:
        raise off_specification(f"language_hints must not have more than {model.language_hints} items")
    hot = hot_words_of(name, model, parameters, hot_words)
    return InstantRequest(source, str(hints[0]) if hints else "zh", hot, grows=True)


def _by_options(source: str, parameters: Mapping[str, Any]) -> InstantRequest:
    options = parameters.get("asr_options") or {}
    if not isinstance(options, dict) or not isinstance(options.get("language", ""), str):
        raise off_specification("asr_options.language must be one language")
    read_switch(options, "enable_itn", default=False)
    grows = not read_switch(parameters, "incremental_output", default=False)
    return InstantRequest(source, options.get("language") or "zh", (), grows)


def _check_context(turns: Sequence[Mapping[str, Any]]) -> None:
    """FUNF: words that may be said stand in turns before, five of each side and 400 characters."""
    for role in ("user", "assistant"):
        if sum(turn.get("role") == role for turn in turns) > TURNS_MAX:
            raise off_specification(f"messages must not have more than {TURNS_MAX} turns of {role} before the audio")
    texts = [str(part.get("text", "")) for turn in turns for part in _parts(turn) if isinstance(part, dict)]
    if sum(map(len, texts)) > CONTEXT_CHARS:
        raise invalid(f"Range of input length should be [0, {CONTEXT_CHARS}]")


def _parts(message: Any) -> list[Any]:
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, list) else []


def _source(part: Any) -> str:
    inner = part.get("audio", part.get("input_audio")) if isinstance(part, dict) else None
    source = inner.get("data") if isinstance(inner, dict) else inner
    return source if isinstance(source, str) else ""
