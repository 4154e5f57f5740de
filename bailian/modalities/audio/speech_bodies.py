"""What is sent to make a voice speak, by the way a model is called. Facts: docs/wire.md "Speech"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.catalog import Model
from bailian.modalities.audio.speech_request import SpeechRequest

LANGUAGE_TYPES = {
    "zh": "Chinese", "en": "English", "de": "German", "it": "Italian", "pt": "Portuguese", "es": "Spanish",
    "ja": "Japanese", "ko": "Korean", "fr": "French", "ru": "Russian",
}  # fmt: skip
"""Qwen-TTS names languages in words, "Auto" is its default."""


def body(request: SpeechRequest, model: Model, wire_model: str) -> dict[str, Any]:
    """Build the payload of the whole text. Pages disagree on the defaults, so all are sent."""
    if model.style == "text_voice":
        return {"model": wire_model, "input": _text_voice(request)}
    if model.style != "duplex":
        return _on_socket(request, wire_model, _sambert(request))
    options = _options(request)
    if request.http:
        return {"model": wire_model, "input": {"text": request.prompt, **options}}
    timed = {"word_timestamp_enabled": True} if request.subtitles else {}
    return _on_socket(request, wire_model, {"text_type": "PlainText", **options, **timed})


def _on_socket(request: SpeechRequest, wire_model: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model": wire_model,
        "task_group": "audio",
        "task": "tts",
        "function": "SpeechSynthesizer",
        "input": {"text": request.prompt},
        "parameters": dict(parameters),
    }


def _sound(request: SpeechRequest) -> dict[str, Any]:
    names = ("format", "sample_rate", "volume", "rate", "pitch")
    return {name: getattr(request, name) for name in names}


def _sambert(request: SpeechRequest) -> dict[str, Any]:
    return {
        "text_type": "PlainText",
        **_sound(request),
        "word_timestamp_enabled": bool(request.subtitles),
        "phoneme_timestamp_enabled": False,
    }


def _options(request: SpeechRequest) -> dict[str, Any]:
    """Return what CosyVoice and Qwen-Audio are told, by either way; what was not asked for is left to the service."""
    asked = {
        "bit_rate": request.bit_rate,
        "seed": request.seed,
        "language_hints": [request.language] if request.language else None,
        "instruction": request.instruct or None,
        "enable_ssml": True if request.ssml else None,
        "hot_fix": hot_fix(request.pronounce) if request.pronounce else None,
    }
    return {"voice": request.voice, **_sound(request), **{name: v for name, v in asked.items() if v is not None}}


def _text_voice(request: SpeechRequest) -> dict[str, Any]:
    return {
        "text": request.prompt,
        "voice": request.voice,
        "language_type": LANGUAGE_TYPES.get(request.language, "Auto"),
        **({"instructions": request.instruct} if request.instruct else {}),
    }


HOT_FIX_PARTS = ("pronunciation", "replace")


def hot_fix(pronounce: Mapping[str, Any]) -> dict[str, Any]:
    """Return the service's form: lists of pairs. A plain object says how words are pronounced."""
    parts = pronounce if set(pronounce) <= set(HOT_FIX_PARTS) else {"pronunciation": pronounce}
    return {
        name: [{word: said} for word, said in pairs.items()] if isinstance(pairs, Mapping) else list(pairs)
        for name, pairs in parts.items()
    }
