"""The Sambert voices (SAM-PY, TTS-GUIDE): each name is a voice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bailian.sandbox.model_names import ModelName


@dataclass(frozen=True)
class Voice:
    """One voice as the service knows it."""

    language: str
    sample_rate: int
    """The model's own rate, used when the task names none."""
    timestamps: bool = True
    female: bool = True


_VOICE = re.compile(r"sambert-(.+)-v1")
_48_KHZ = frozenset(["zhinan", "zhiqi", "zhichu", "zhide", "zhijia", "zhiru", "zhiqian", "zhixiang", "zhiwei"])
_MALE = frozenset(
    (
        "zhinan", "zhichu", "zhide", "zhixiang", "zhihao", "zhiming", "zhimo", "zhishu", "zhiye", "zhishuo", "zhilun",
        "zhifei", "zhida", "brian",
    )
)  # fmt: skip
_ENGLISH = frozenset(["beth", "betty", "cally", "cindy", "eva", "donna", "brian"])
_OTHER_LANGUAGES = {"camila": "es", "perla": "it", "indah": "id", "clara": "fr", "hanna": "de", "waan": "th"}


def voices(names: Iterable[ModelName]) -> dict[str, Voice]:
    """Return the voices of these names; most are Chinese, female, at 16 kHz."""
    found = ((known.name, _VOICE.fullmatch(known.name)) for known in names if "speech" in known.kinds)
    return {name: _voice(match[1]) for name, match in found if match is not None}


def _voice(voice: str) -> Voice:
    return Voice(
        language="en" if voice in _ENGLISH else _OTHER_LANGUAGES.get(voice, "zh"),
        sample_rate=48000 if voice in _48_KHZ else 16000,
        timestamps=voice not in _OTHER_LANGUAGES,
        female=voice not in _MALE,
    )
