"""The models that are told a voice, with the service's own rules (COSY-CE, CVL, QAV, QTV, ERR).

Names of models and voices, languages and genders come from the catalog, rules are the sandbox's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from bailian.catalog.stock_voices import stock_voices
from bailian.sandbox.model_names import ModelName

SYNTHESIZER = "/services/audio/tts/SpeechSynthesizer"


@dataclass(frozen=True)
class ToldVoice:
    """One voice as its model knows it."""

    language: str
    female: bool
    word_times: bool = False
    ssml: bool = False
    instructions: bool = False
    """Whether it takes the style that its model takes."""


@dataclass(frozen=True, kw_only=True)
class VoiceModel:
    """One model as the service sees it."""

    family: str
    """"cosyvoice", "qwen-audio" or "qwen-tts": models that share a rate, a door and the words of their errors."""
    instructions: str = ""
    """"free": any text about the style; "fixed": one of the vendor's sentences; empty: none."""
    hot_fix: bool = True
    clones: bool = True
    designs: bool = True
    base_voices: bool = False
    """Whether it has the 500 voices that are named MODEL-NAME (QAV)."""
    own_word_times: bool = True
    """Whether a voice of one's own has times (COSY-CE: not on Qwen-Audio)."""
    voices: Mapping[str, ToldVoice] = field(default_factory=dict)


_COSY = VoiceModel(family="cosyvoice")
_AUDIO = VoiceModel(family="qwen-audio", instructions="free", base_voices=True, own_word_times=False)

_QWEN = VoiceModel(family="qwen-tts", hot_fix=False, clones=False, designs=False)

RULES: tuple[tuple[str, VoiceModel], ...] = (
    (r"cosyvoice-v2", replace(_COSY, hot_fix=False, designs=False)),
    (r"cosyvoice-v3-\w+", replace(_COSY, instructions="fixed")),
    (r"cosyvoice-v3\.5-\w+", replace(_COSY, instructions="free")),
    (r"qwen-audio-3\.0-tts-\w+", _AUDIO),
    (r"qwen-audio-[\d.]+-tts-\w+", replace(_AUDIO, base_voices=False)),
    (r"qwen3-tts-\w+", _QWEN),
    (r"qwen3-tts-instruct-\w+", replace(_QWEN, instructions="free")),
)

# CVL: the foreign voices of v2 and v3 have neither times nor SSML nor a style; these two are Chinese.
_FOREIGN = re.compile(r"loong(?!bella|stella)\w+_v[23]")
_STYLED = frozenset({"longanyang", "longanhuan", "longanhuan_v3", "longhuhu_v3"})
"""CVL: on v3 only these take a style."""


def voice_models(names: Iterable[ModelName]) -> dict[str, VoiceModel]:
    """Return the models of these names that are told a voice, with their stock voices."""
    rules = {known.name: found for known in names if (found := _rules(known)) is not None}
    entries = {known.name: known.entry for known in names if known.name in rules}
    voices: dict[str, dict[str, ToldVoice]] = {name: {} for name in rules}
    for voice in stock_voices(entries):
        if voice.model in voices:
            told = _told(voice.name, rules[voice.model], voice.languages[0], female=voice.gender != "male")
            voices[voice.model][voice.name] = told
    return {name: replace(model, voices=voices[name]) for name, model in rules.items()}


def _rules(known: ModelName) -> VoiceModel | None:
    if "speech" not in known.kinds:
        return None
    return next((model for pattern, model in RULES if re.fullmatch(pattern, known.name)), None)


def _told(name: str, model: VoiceModel, language: str, *, female: bool) -> ToldVoice:
    able = model.family != "qwen-tts" and not _FOREIGN.fullmatch(name)
    styled = model.instructions == "free" or (model.instructions == "fixed" and name in _STYLED)
    return ToldVoice(language, female, able and model.family == "cosyvoice", able, styled)


def own_voice(model: VoiceModel, language: str, *, female: bool) -> ToldVoice:
    """Return what a cloned or designed voice can do on its model (SSML page, COSY-CE, TTSM)."""
    return ToldVoice(language, female, model.own_word_times, ssml=True, instructions=model.instructions == "free")


def base_voice(name: str, voice: str, model: VoiceModel) -> ToldVoice | None:
    """Return one of the voices that are named after their model, if the name is of that form."""
    match = re.fullmatch(re.escape(name) + r"-([a-z]+)", voice)
    if not model.base_voices or match is None:
        return None
    return ToldVoice("en" if match[1].startswith("loong") else "zh", female=True, ssml=True, instructions=True)
