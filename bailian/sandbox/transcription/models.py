"""The recorded-file recognition models this service knows (ASR-MODEL, PF-PY)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bailian.sandbox.model_names import ModelName

TRANSCRIPTION = "/services/audio/asr/transcription"


@dataclass(frozen=True)
class Recognizer:
    """One model as the service sees it."""

    language_hints: bool = False
    """Whether it reads `language_hints`; the others ignore them."""


def recognizers(names: Iterable[ModelName]) -> dict[str, Recognizer]:
    """Return the recognition models of these names."""
    return {
        known.name: Recognizer(language_hints=known.name == "paraformer-v2")
        for known in names
        if "transcription" in known.kinds and known.path == TRANSCRIPTION
    }
