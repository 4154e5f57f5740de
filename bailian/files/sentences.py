"""Texts for speech: cut where one would breathe, and subtitle lines from the times of the words. Pure.

The service's words carry no punctuation, so a line's text is taken from what was asked for (docs/wire.md "Speech").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

from bailian.text.counting import longest

# Signs that end a sentence, with the quotation marks and brackets that close behind them.
_SENTENCE_END = re.compile(r"(?:[。！？!?…；;\n]|\.(?=[\s\u3400-\u9fff]))+[”’」』）)\]】》〉\"']*")
# A comma or colon between two digits belongs to a number or a time of day.
_BREATH = re.compile(r"[，、：\s]|[,:](?!\d)")
# What stands before a word and belongs to it: all after the last white space, or opening marks and units.
_LEAD = re.compile(r"(?:(?<=\s)\S+|[“‘「『（(\[【《〈〔{<$￥¥€£#@]+)\Z")
_ENDS_CLAUSE = re.compile(r"[，。、！？；：…,.!?;:”’」』）)】》]\Z")
_NO_BEGIN = "。！？!?…；;，,、：:.”’」』）)】》〉—"
_RUN_CHARS = 16
"""The longest run of signs that is kept together: behind the end of a sentence, before a word."""

# Twenty Han characters or forty-two Latin letters fill a line (subtitle practice; the Han figure is rounded up).
LINE_WIDTH = 420
WIDE, NARROW = 21, 10
CLAUSE_BONUS = LINE_WIDTH // 2
"""How much more uneven two lines may be (of their width) if they part at a comma."""

NEAR_LETTERS = 40
"""How far ahead the next sentence is looked for. After a sentence that was not found three of its lengths are added."""


@dataclass(frozen=True)
class Line:
    """One subtitle. Times in milliseconds from the begin of the sound."""

    start_ms: int
    end_ms: int
    text: str


def split_text(text: str, limit: int, han_counts: int = 1) -> list[str]:
    """Cut a text into pieces of at most `limit` characters (code points) that together are the text.

    A Han character may count for more than one.

    Cut at the end of a sentence, else at a comma or space, else anywhere but inside a composed character (unless
    that alone is too long). A piece is blank only where white space alone is too long, or is what is left at the end.
    """
    if limit < 1:
        raise ValueError("a piece has at least one character")
    pieces = []
    start = 0
    while (end := longest(text, start, limit, han_counts)) < len(text):
        cut = _cut(text, start, end)
        pieces.append(text[start:cut])
        start = cut
    return [*pieces, text[start:]] if start < len(text) else pieces


def end_of_sentences(text: str) -> int:
    """Return where the last sentence that is whole ends; 0 where none is."""
    return max((match.end() for match in _SENTENCE_END.finditer(text)), default=0)


def _cut(text: str, start: int, end: int) -> int:
    for pattern in (_SENTENCE_END, _BREATH):
        # What runs on behind the end (“……” cut in two) is no place to cut at.
        ends = [match.end() for match in pattern.finditer(text, start, end + _RUN_CHARS)]
        for cut in reversed([cut for cut in ends if cut <= end]):
            if not text[start:cut].strip():
                break  # blank so far, and even more so before
            after = end - len(text[cut:end].lstrip())
            if not _is_joined(text, after):
                return after
            if not _is_joined(text, cut):
                return cut
    safe = [cut for cut in range(end, max(start, end - 4 * _RUN_CHARS), -1) if not _is_joined(text, cut)]
    good = (cut for cut in safe if text[cut] not in _NO_BEGIN and text[start:cut].strip())
    return next(good, safe[0] if safe else end)


def _is_joined(text: str, at: int) -> bool:
    """Whether the character at `at` belongs to the one before it: accents, variants, joined emoji, CR LF."""
    if at >= len(text):
        return False
    char, before = text[at], text[at - 1]
    return (
        unicodedata.category(char).startswith("M")
        or "\u200d" in (char, before)
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\udc00" <= char <= "\udfff"
        or (before, char) == ("\r", "\n")
    )


def lines_of(text: str, sentences: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Return subtitle lines: in order, none beginning before the last one ends.

    Args:
        text: what was spoken, with its punctuation.
        sentences: the service's, each with `words` of `text`, `begin_time`, `end_time` (milliseconds). One without
            words is skipped; one whose words are not in the text (numbers may be spelled out) shows its words.
    """
    source = _Source(text)
    lines: list[Line] = []
    last_ms = 0
    for sentence in sentences:
        words = _words(sentence)
        texts = source.texts([word.text for word in words]) or _joinable([word.text for word in words])
        pieces = [replace(word, text=text) for word, text in zip(words, texts, strict=True)]
        for some in _broken(pieces) if pieces else []:
            start_ms = max(last_ms, some[0].start_ms)
            last_ms = max(start_ms, *(piece.end_ms for piece in some))
            shown = _tidy("".join(piece.text for piece in some))
            if shown:
                lines.append(Line(start_ms, last_ms, shown))
    return lines


def _words(sentence: Mapping[str, Any]) -> list[Line]:
    """Return the words with their times; a missing time is the nearest known one."""
    told = sentence.get("words")
    near_ms = _time_ms(sentence.get("begin_time"), 0)
    words = []
    for word in told if isinstance(told, list) else []:
        text = word.get("text") if isinstance(word, dict) else None
        if isinstance(text, str) and text.strip():
            start_ms = _time_ms(word.get("begin_time"), near_ms)
            near_ms = _time_ms(word.get("end_time"), start_ms)
            words.append(Line(start_ms, near_ms, text))
    return words


def _time_ms(value: Any, default_ms: int) -> int:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
    return int(value) if good else default_ms


class _Source:
    """The text that was asked for, and how far it has been spoken.

    Compared are letters and digits only, without accents, case and width: what two spellings of a word share.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        found = [(letter, at) for at, char in enumerate(text) for letter in _letters(char)]
        self._letters = "".join(letter for letter, _ in found)
        self._at = [at for _, at in found]
        self._cursor = 0
        self._shown = 0
        self._missed_letters = 0

    def texts(self, words: Sequence[str]) -> list[str] | None:
        """Return the words as they stand in the text, with what is between them; None if they do not stand there."""
        wanted = [_letters(word) for word in words]
        needle = "".join(wanted)
        last = self._cursor + len(needle) + NEAR_LETTERS + 3 * self._missed_letters
        begin = self._letters.find(needle, self._cursor, last) if needle else -1
        if begin < 0:
            self._missed_letters += len(needle)
            return None
        follows = begin == self._cursor  # only signs and spaces stand between: they are shown with this sentence
        self._cursor, self._missed_letters = begin + len(needle), 0
        starts = [self._start(first) for first in accumulate(map(len, wanted[:-1]), initial=begin)]
        starts[0] = self._line_begin(starts[0]) if follows else starts[0]
        ends = [*starts[1:], self._end(self._cursor - 1)]
        self._shown = ends[-1]
        # A word that is a sign only, or half of a character, has no text of its own.
        return [self._text[start:end] for start, end in zip(starts, ends, strict=True)]

    def _line_begin(self, start: int) -> int:
        """Return where the signs before a sentence begin that stand in its line, and in no line before."""
        newline = self._text.rfind("\n", self._shown, start)
        return self._shown if newline < 0 else newline + 1

    def _start(self, letter: int) -> int:
        """Return where the text of a word begins that begins with this letter: with its opening marks."""
        if letter >= len(self._at):
            return len(self._text)
        at = self._at[letter]
        after = self._at[letter - 1] + 1 if letter else 0
        lead = _LEAD.search(self._text[max(after, at - _RUN_CHARS) : at])
        return at - len(lead.group()) if lead else at

    def _end(self, letter: int) -> int:
        """Return where the text of a sentence ends that ends with this letter: before the next word or line."""
        begin, end = self._at[letter] + 1, self._start(letter + 1)
        newline = self._text.find("\n", begin, end)
        return end if newline < 0 else newline


def _letters(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", text).casefold() if char.isalnum())


def _joinable(words: Sequence[str]) -> list[str]:
    """Return the words with a space before each that needs one: Han characters stand close."""
    spaces = ["", *(" " if _apart(before, word) else "" for before, word in pairwise(words))]
    return [space + word for space, word in zip(spaces, words, strict=False)]


def _apart(before: str, after: str) -> bool:
    return not (_is_wide(before[-1]) or _is_wide(after[0]))


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def _tidy(text: str) -> str:
    """Return one line: white space is one space, and a line break between Han characters is nothing."""
    rows = [" ".join(row.split()) for row in text.splitlines()]
    return "".join(_joinable([row for row in rows if row]))


def _broken(pieces: list[Line]) -> Iterator[list[Line]]:
    """Halve until each part fits a line: at a comma if one is near the middle."""
    widths = list(accumulate((_width(piece.text) for piece in pieces), initial=0))
    if len(pieces) == 1 or widths[-1] <= LINE_WIDTH:
        yield pieces
        return

    def unevenness(cut: int) -> int:
        bonus = CLAUSE_BONUS if _ENDS_CLAUSE.search(pieces[cut - 1].text.rstrip()) else 0
        return abs(2 * widths[cut] - widths[-1]) - bonus

    best = min(range(1, len(pieces)), key=unevenness)
    yield from _broken(pieces[:best])
    yield from _broken(pieces[best:])


def _width(text: str) -> int:
    return sum(WIDE if _is_wide(char) else NARROW for char in text if unicodedata.category(char)[0] not in "MC")
