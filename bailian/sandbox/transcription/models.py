"""The recognition models this service knows, with its own rules (ASR-MODEL, PF-PY, FUNH, FUNF, QASR)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bailian.sandbox.model_names import ModelName

TRANSCRIPTION = "/services/audio/asr/transcription"


@dataclass(frozen=True, kw_only=True)
class Recognizer:
    """One model as the service sees it."""

    family: str = "paraformer"
    """"paraformer", "fun-asr", "qwen-audio" or "qwen3": whose body and answer it has."""
    instant: bool = False
    """Whether the answer comes with the call; the others are tasks."""
    language_hints: int = 0
    """How many `language_hints` it reads; those without ignore them."""
    hot_words: bool = False
    inline_words: bool = False
    """Whether `vocabulary` may hold hot words themselves (Qwen-Audio)."""
    one_url: bool = False
    """FUNH: exactly one address a request."""


_FUN = Recognizer(family="fun-asr", language_hints=1, hot_words=True, one_url=True)
_AUDIO = Recognizer(family="qwen-audio", language_hints=4, hot_words=True, inline_words=True, one_url=True)

RULES: tuple[tuple[str, Recognizer], ...] = (
    (r"paraformer-v2", Recognizer(language_hints=100, hot_words=True)),
    (r"paraformer-8k-v2", Recognizer(hot_words=True)),
    (r"qwen-audio-[\d.]+-asr-flash-filetrans", _AUDIO),
    (r"qwen-audio-[\d.]+-asr-flash", replace(_AUDIO, instant=True)),
    (r"fun-asr-flash.*", replace(_FUN, instant=True)),
    (r"fun-asr.*", _FUN),
    (r"qwen3-asr-flash-filetrans.*", Recognizer(family="qwen3")),
    (r"qwen3-asr-flash.*", Recognizer(family="qwen3", instant=True)),
    (r".*", Recognizer()),
)


def recognizers(names: Iterable[ModelName]) -> dict[str, Recognizer]:
    """Return the recognition models of these names."""
    return {known.name: rules(known.name) for known in names if "transcription" in known.kinds}


def rules(name: str) -> Recognizer:
    return next(recognizer for pattern, recognizer in RULES if re.fullmatch(pattern, name))
