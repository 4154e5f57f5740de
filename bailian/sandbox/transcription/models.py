"""The recorded-file recognition models this service knows (ASR-MODEL, PF-PY)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TRANSCRIPTION = "/services/audio/asr/transcription"


@dataclass(frozen=True)
class Recognizer:
    """One model as the service sees it."""

    language_hints: bool = False
    """Whether it reads `language_hints`; the others ignore them."""


RECOGNIZERS: Mapping[str, Recognizer] = {
    "paraformer-v2": Recognizer(language_hints=True),
    "paraformer-8k-v2": Recognizer(),
    "paraformer-v1": Recognizer(),
    "paraformer-8k-v1": Recognizer(),
    "paraformer-mtl-v1": Recognizer(),
}
