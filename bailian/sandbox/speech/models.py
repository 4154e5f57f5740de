"""The 43 Sambert voices (SAM-PY, TTS-GUIDE): each name is a voice, and there is no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Voice:
    """One voice as the service knows it."""

    language: str
    sample_rate: int
    """The model's own rate, used when the task names none."""
    timestamps: bool = True
    female: bool = True


_ZH_48K = "zhinan zhiqi zhichu zhide zhijia zhiru zhiqian zhixiang zhiwei"
_ZH_16K = (
    "zhihao zhijing zhiming zhimo zhina zhishu zhistella zhiting zhixiao zhiya zhiye zhiying zhiyuan zhiyue "
    "zhigui zhishuo zhimiao-emo zhimao zhilun zhifei zhida"
)
_ENGLISH = "beth betty cally cindy eva donna brian"
_OTHERS = {"camila": "es", "perla": "it", "indah": "id", "clara": "fr", "hanna": "de", "waan": "th"}
_MALE = "zhinan zhichu zhide zhixiang zhihao zhiming zhimo zhishu zhiye zhishuo zhilun zhifei zhida brian"


def _all() -> dict[str, Voice]:
    male = _MALE.split()
    voices = {name: Voice("zh", 48000, female=name not in male) for name in _ZH_48K.split()}
    voices.update({name: Voice("zh", 16000, female=name not in male) for name in _ZH_16K.split()})
    voices.update({name: Voice("en", 16000, female=name not in male) for name in _ENGLISH.split()})
    voices.update({name: Voice(language, 16000, timestamps=False) for name, language in _OTHERS.items()})
    return {f"sambert-{name}-v1": voice for name, voice in voices.items()}


VOICES: Mapping[str, Voice] = _all()
