"""A voice without a package: one soft beep a syllable, as long as speech of that text would be."""

from __future__ import annotations

import math
import struct
from functools import lru_cache

from bailian.sandbox.speech.sentences import SpokenSentence, Word, split_words

CHARACTER_S = 0.25
"""SAM-PY: about four characters a second at rate 1.0."""

LETTERS_A_SYLLABLE = 3
PAUSE_S = 0.2
"""After a comma and at the end of a sentence."""

_NOTES = (0, 2, 4, 7, 9)
_SIGNS = frozenset("，。、！？；：,.!?;:\n")


def speak_beeps(
    sentence: str, *, sample_rate: int, rate: float, pitch: float, volume: int, female: bool
) -> SpokenSentence:
    """Return the sentence as beeps; each word's melody comes from its letters."""
    base_hz = (220.0 if female else 130.0) * pitch
    parts: list[bytes] = []
    words: list[Word] = []
    at = 0  # samples
    for _, text, signs in split_words(sentence):
        begin = at
        for syllable in range(max(1, math.ceil(len(text) / LETTERS_A_SYLLABLE))):
            note = _NOTES[(sum(text.encode()) + syllable) % len(_NOTES)]
            beep = _beep(base_hz * 2 ** (note / 12), round(CHARACTER_S / rate * sample_rate), sample_rate, volume)
            parts.append(beep)
            at += len(beep) // 2
        words.append(Word(text, begin * 1000 // sample_rate, at * 1000 // sample_rate, signs))
        if _SIGNS & set(signs):
            pause = round(PAUSE_S / rate * sample_rate)
            parts.append(bytes(2 * pause))
            at += pause
    if not parts:  # nothing but signs
        parts.append(bytes(2 * round(PAUSE_S * sample_rate)))
    return SpokenSentence(sentence, b"".join(parts), sample_rate, tuple(words))


@lru_cache(maxsize=64)
def _beep(hertz: float, count: int, sample_rate: int, volume: int) -> bytes:
    """One note with a soft begin and end and a second harmonic."""
    fade = max(1, count // 6)
    loud = 12000 * volume / 100
    step = 2 * math.pi * hertz / sample_rate
    values = (
        round(loud * min(1.0, i / fade, (count - i) / fade) * (0.8 * math.sin(step * i) + 0.2 * math.sin(2 * step * i)))
        for i in range(count)
    )
    return struct.pack(f"<{count}h", *values)
