"""Speech as samples and times, and the sentences and words it is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SENTENCE = re.compile(r"[^。！？!?\n;；]*(?:\.(?=\d)[^。！？!?\n;；]*)*[。！？!?\n;；]*")
_WORD = re.compile(r"[A-Za-z\u00c0-\u024f\u0e00-\u0e7f]+(?:['’-][A-Za-z\u00c0-\u024f]+)*|\d+(?:\.\d+)?|[^\W_]")
_ENGLISH_END = re.compile(r"(?<=\.)(?=\s)")
SENTENCE_CHARS = 120
"""A longer sentence is spoken in parts."""


@dataclass(frozen=True)
class Word:
    """One word with its times in milliseconds from the sentence's begin, and the signs after it."""

    text: str
    begin: int
    end: int
    punctuation: str


@dataclass(frozen=True)
class SpokenSentence:
    """One sentence: mono samples, 16 bits, little endian."""

    text: str
    samples: bytes
    sample_rate: int
    words: tuple[Word, ...]
    known_ms: int | None = None
    """The duration of a sentence whose samples are not kept."""

    @property
    def duration_ms(self) -> int:
        if self.known_ms is not None:
            return self.known_ms
        return len(self.samples) // 2 * 1000 // self.sample_rate


def sentences_of(text: str) -> list[str]:
    """Cut a text at the ends of its sentences; joined they are the text without outer white space."""
    found = [part for piece in _SENTENCE.findall(text) for part in _ENGLISH_END.split(piece)]
    short = [
        sentence[start : start + SENTENCE_CHARS]
        for sentence in found
        for start in range(0, len(sentence), SENTENCE_CHARS)
    ]
    return [sentence for sentence in short if sentence.strip()]


def split_words(sentence: str) -> list[tuple[int, str, str]]:
    """Return start, text and the signs after it of each word: a Han character, a word, a number."""
    matches = list(_WORD.finditer(sentence))
    ends = [match.start() for match in matches[1:]] + [len(sentence)][: len(matches)]
    return [(m.start(), m.group(), sentence[m.end() : end]) for m, end in zip(matches, ends, strict=True)]
