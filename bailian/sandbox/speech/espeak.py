"""A real voice, offline: eSpeak NG from the package `espeakng-loader`, when it is installed.

The library is one for the whole process, so a lock guards it.
"""

from __future__ import annotations

import array
import ctypes
import importlib
import math
import sys
import threading
from functools import lru_cache
from typing import Any

from bailian.sandbox.speech.sentences import SpokenSentence, Word, split_words

_VOICES = {
    "zh": "cmn", "yue": "yue", "en": "en-us", "es": "es", "it": "it", "id": "id", "fr": "fr-fr", "de": "de", "th": "th",
    "ja": "ja", "ko": "ko", "ru": "ru", "pt": "pt", "vi": "vi", "ms": "ms", "ar": "ar",
}  # fmt: skip
_SYNCHRONOUS = 2
_UTF8 = 1
_RATE, _VOLUME, _PITCH = 1, 2, 3
_WORD_EVENT = 1
_WORDS_A_MINUTE = 165


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """The loaded library."""

    def __init__(self, library: Any, data_path: str) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._samples = bytearray()
        self._word_events: list[tuple[int, int]] = []
        self._own_rate = int(library.espeak_Initialize(_SYNCHRONOUS, 0, data_path.encode(), 1 << 15))
        if self._own_rate <= 0:
            raise OSError("eSpeak NG did not start")
        self._callback = _Callback(self._hear)  # kept: the library holds only its address
        library.espeak_SetSynthCallback(self._callback)

    def _hear(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._samples += ctypes.string_at(samples, count * 2)
        index = 0
        while events[index].type:
            if events[index].type == _WORD_EVENT:
                self._word_events.append((events[index].text_position - 1, events[index].audio_position))
            index += 1
        return 0

    def speak(
        self, sentence: str, language: str, *, sample_rate: int, rate: float, pitch: float, volume: int, female: bool
    ) -> SpokenSentence:
        """Return the sentence as speech."""
        own = _VOICES.get(language, "en-us")
        voice = own + ("+f2" if female else "+m3")
        with self._lock:
            self._samples.clear()
            self._word_events.clear()
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                self._library.espeak_SetVoiceByName(own.encode())
            self._library.espeak_SetParameter(_RATE, round(_WORDS_A_MINUTE * rate), 0)
            self._library.espeak_SetParameter(_PITCH, min(99, round(50 * pitch)), 0)
            self._library.espeak_SetParameter(_VOLUME, 2 * volume, 0)
            text = sentence.encode() + b"\0"
            self._library.espeak_Synth(text, len(text), 0, 1, 0, _UTF8, None, None)
            heard, word_events = bytes(self._samples), list(self._word_events)
        total_ms = len(heard) // 2 * 1000 // self._own_rate
        return SpokenSentence(
            sentence,
            _resampled(heard, self._own_rate, sample_rate),
            sample_rate,
            _words(sentence, word_events, total_ms),
        )


def _words(sentence: str, word_events: list[tuple[int, int]], total_ms: int) -> tuple[Word, ...]:
    """Give each word the time of the last event at or before it; between events the time is shared."""
    found = split_words(sentence)
    times = sorted({0: 0, **dict(word_events), len(sentence): total_ms}.items())
    moments = []
    for position, _, _ in [*found, (len(sentence), "", "")]:
        left = max((event for event in times if event[0] <= position), default=times[0])
        right = min((event for event in times if event[0] > position), default=times[-1])
        share = (position - left[0]) / (right[0] - left[0]) if right[0] > left[0] else 0.0
        moments.append(min(total_ms, round(left[1] + share * (right[1] - left[1]))))
    return tuple(
        Word(text, begin, max(begin, end), signs)
        for (_, text, signs), begin, end in zip(found, moments, moments[1:], strict=False)
    )


def _resampled(samples: bytes, from_rate: int, to_rate: int) -> bytes:
    """Linear interpolation: the rates' ratio is a fraction, so the weights repeat."""
    if from_rate == to_rate or not samples:
        return samples
    source = array.array("h", samples)
    if sys.byteorder == "big":
        source.byteswap()
    common = math.gcd(from_rate, to_rate)
    up, down = to_rate // common, from_rate // common
    made = array.array("h", bytes(2 * (len(source) * up // down)))
    source.extend([source[-1]] * (down + 1))
    for phase in range(min(up, len(made))):
        left, weight = divmod(phase * down, up)
        pairs = zip(source[left::down], source[left + 1 :: down], strict=False)
        values = array.array("h", [(one * (up - weight) + two * weight) // up for one, two in pairs])
        made[phase::up] = values[: len(range(phase, len(made), up))]
    if sys.byteorder == "big":
        made.byteswap()
    return made.tobytes()


@lru_cache(maxsize=1)
def load_espeak() -> Espeak | None:
    """Return the voice, or None when the package is missing or does not work here."""
    try:
        loader: Any = importlib.import_module("espeakng_loader")
        return Espeak(ctypes.CDLL(loader.get_library_path()), loader.get_data_path())
    except (ImportError, OSError, RuntimeError, AttributeError):
        return None
