"""From the options of a call to what shall be spoken, or the documented failure (COSY-CE, COSY-HTTP, ERR)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bailian.sandbox.speech.models import Voice
from bailian.sandbox.speech.requests import (
    SAMPLE_RATES,
    SpeechFailure,
    SpeechRequest,
    read_choice,
    read_number,
    read_switch,
    refused,
)
from bailian.sandbox.tasks.requests import is_integer
from bailian.sandbox.voices.counting import counted
from bailian.sandbox.voices.models import ToldVoice, VoiceModel, base_voice, own_voice
from bailian.sandbox.voices.own_voices import OwnVoices
from bailian.sandbox.voices.ssml import NoSsml, is_ssml, spoken_text

PIECE_CHARS = 20_000
TEXT_CHARS = 200_000
"""COSY-CE: counted characters of one piece of text, and of a whole task."""
INSTRUCTION_CHARS = 100
FORMATS = ("mp3", "wav", "pcm", "opus")
LANGUAGES = ("zh", "en", "fr", "de", "ja", "ko", "ru", "pt", "th", "id", "vi", "es", "it", "ms", "fil", "ar")
# CVL, ERR: v3 takes these sentences and no other.
_FIXED = re.compile(
    r"(你正在进行.+，)?你说话的情感是(neutral|fearful|angry|sad|surprised|happy|disgusted)。|请用.+话表达。"
)


@dataclass(frozen=True)
class VoiceRequest:
    """How one task speaks; its text comes beside it, in pieces or whole."""

    model: str
    voice_name: str
    told: ToldVoice
    format: str
    sample_rate: int
    volume: int
    rate: float
    pitch: float
    bit_rate_kbps: int
    language: str
    word_times: bool
    ssml: bool
    replacements: Mapping[str, str] = field(default_factory=dict)

    def speech(self, text: str = "") -> SpeechRequest:
        voice = Voice(self.language, self.sample_rate, self.told.word_times, self.told.female)
        return SpeechRequest(
            self.model, voice, text, self.format, self.sample_rate, self.volume, self.rate, self.pitch,
            word_times=self.word_times, bit_rate_kbps=self.bit_rate_kbps,
        )  # fmt: skip

    def words_of(self, text: str) -> str:
        """Return what is said for a text.

        Raises:
            SpeechFailure: SSML that is none, or for a voice that has none.
        """
        if self.ssml and is_ssml(text):
            if not self.told.ssml:
                raise SpeechFailure("InvalidParameter", "SSML text is not supported at the moment!")  # ERR
            try:
                text = spoken_text(text)
            except NoSsml:
                raise refused() from None
        for word, instead in self.replacements.items():
            text = text.replace(word, instead)
        return text


def read_voice_request(
    name: str, model: VoiceModel, options: Mapping[str, Any], own_voices: OwnVoices, *, defaults: tuple[str, int]
) -> VoiceRequest:
    """Check the options of a call.

    Args:
        name: the model's.
        model: its rules.
        options: `parameters` on the socket, `input` over HTTP.
        own_voices: those that the account has made.
        defaults: format and sample rate.

    Raises:
        SpeechFailure: with the documented code. Values out of range fail as Sambert's do (a guess).
    """
    told = _voice(name, model, options.get("voice"), own_voices)
    _check_instruction(options, model, told)
    hints = options.get("language_hints")
    if hints is not None and not (isinstance(hints, list) and hints and hints[0] in LANGUAGES):
        raise refused()
    if "seed" in options and not is_integer(options["seed"], 0, 65535):
        raise refused()
    read_choice(options, "text_type", ("PlainText",), "PlainText")
    return VoiceRequest(
        model=name,
        voice_name=str(options["voice"]),
        told=told,
        format=_format(options, defaults[0]),
        sample_rate=_sample_rate(options, defaults[1]),
        volume=int(read_number(options, "volume", 50, 0, 100)),
        rate=read_number(options, "rate", 1.0, 0.5, 2.0),
        pitch=read_number(options, "pitch", 1.0, 0.5, 2.0),
        bit_rate_kbps=int(read_number(options, "bit_rate", 32, 6, 510)),
        language=hints[0] if hints else told.language,
        word_times=read_switch(options, "word_timestamp_enabled") and told.word_times,
        ssml=read_switch(options, "enable_ssml"),
        replacements=_replacements(options.get("hot_fix"), model),
    )


def _voice(name: str, model: VoiceModel, voice: Any, own_voices: OwnVoices) -> ToldVoice:
    if not isinstance(voice, str) or not voice:
        raise SpeechFailure("InvalidParameter", "Request voice is invalid!")  # ERR
    found = model.voices.get(voice) or base_voice(name, voice, model)
    own = own_voices.ready(voice, name)
    if found is None and own is not None:
        found = own_voice(model, own.language, female=own.female)
    if found is not None:
        return found
    if model.family == "qwen-audio":  # ERR; the words are those of a call that others wrote down in 2026-10
        raise SpeechFailure("InvalidParameter", "[cosyvoice:]Engine error [411]: TTS speak operation failed")
    raise refused()  # ERR: 418, voice and model do not match


def _check_instruction(options: Mapping[str, Any], model: VoiceModel, told: ToldVoice) -> None:
    instruction = options.get("instruction")
    if instruction is None or instruction == "":
        return
    fits = (
        isinstance(instruction, str)
        and told.instructions
        and counted(instruction) <= INSTRUCTION_CHARS
        and (model.instructions == "free" or _FIXED.fullmatch(instruction) is not None)
    )
    if not fits:  # ERR: too long, of another language or form
        raise SpeechFailure("InvalidParameter", "[tts:]Engine return error code: 428")


def _format(options: Mapping[str, Any], default: str) -> str:
    """SDK: its own default is sent as "Default", with a rate of 0."""
    return default if options.get("format") == "Default" else read_choice(options, "format", FORMATS, default)


def _sample_rate(options: Mapping[str, Any], default: int) -> int:
    value = options.get("sample_rate") or default
    if isinstance(value, bool) or value not in SAMPLE_RATES:
        raise refused()
    return int(value)


def _replacements(hot_fix: Any, model: VoiceModel) -> dict[str, str]:
    """`pronunciation` is checked, but nothing here can pronounce another way."""
    if hot_fix is None:
        return {}
    if not model.hot_fix or not isinstance(hot_fix, dict):
        raise refused()
    replace = hot_fix.get("replace", [])
    if not _are_pairs(replace) or not _are_pairs(hot_fix.get("pronunciation", [])):
        raise refused()
    return {word: instead for pair in replace for word, instead in pair.items()}


def _are_pairs(pairs: Any) -> bool:
    return isinstance(pairs, list) and all(
        isinstance(pair, dict) and all(isinstance(value, str) for value in pair.values()) for pair in pairs
    )


def no_text() -> SpeechFailure:
    return SpeechFailure("InvalidParameter", "Please ensure input text is valid.")  # ERR
