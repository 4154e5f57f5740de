"""Cues → txt, srt, vtt, tsv, json: the bytes of OpenAI whisper's own writers (20250625, `whisper/utils.py`), made safe.

Where whisper's file would be broken (a blank line in a text, `<` in vtt, an end before its start) ours is not; all
other files are the same, byte for byte. Pure: every function returns the file's text, LF, to be written as UTF-8.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

FORMATS = ("txt", "srt", "vtt", "tsv", "json")

_MS_A_SECOND = 1000
_MS_A_MINUTE = 60_000
_MS_AN_HOUR = 3_600_000
# Control characters do nothing good in a file that is shown on a screen; half a surrogate pair is no UTF-8.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# "-->" ends a vtt file's patience. whisper writes "->"; replaced once only, "--->" would leave another "-->".
_ARROW = re.compile("-{2,}>")


@dataclass(frozen=True)
class Word:
    """One word, with its punctuation and its own spaces."""

    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True)
class Cue:
    """One sentence and when it was said, in ms from the beginning; times may be nonsense, writers put them right."""

    start_ms: int
    end_ms: int
    text: str
    speaker: int | None = None
    channel: int | None = None
    words: tuple[Word, ...] = ()


def txt(cues: Iterable[Cue]) -> str:
    """Return one sentence a line."""
    return "".join(f"{line}\n" for _, _, line in _lines(cues))


def srt(cues: Iterable[Cue]) -> str:
    """Return SubRip: numbered from 1, `HH:MM:SS,mmm`."""
    return "".join(
        f"{number}\n{_clock(start_ms, ',', hours=True)} --> {_clock(end_ms, ',', hours=True)}\n{_arrowless(line)}\n\n"
        for number, (start_ms, end_ms, line) in enumerate(_lines(cues), 1)
    )


def vtt(cues: Iterable[Cue]) -> str:
    """Return WebVTT: `MM:SS.mmm`, with hours where there are any; `&` and `<` are escaped (W3C WebVTT 4.2.2)."""
    return "WEBVTT\n\n" + "".join(
        f"{_clock(start_ms, '.')} --> {_clock(end_ms, '.')}\n{_escaped(_arrowless(line))}\n\n"
        for start_ms, end_ms, line in _lines(cues)
    )


def tsv(cues: Iterable[Cue]) -> str:
    """Return a table of start and end in whole ms, and the text."""
    return "start\tend\ttext\n" + "".join(
        f"{start_ms}\t{end_ms}\t{line.replace(chr(9), ' ')}\n" for start_ms, end_ms, line in _lines(cues)
    )


def json_text(cues: Iterable[Cue], text: str, language: str | None, **more: Any) -> str:
    """Return whisper's JSON object on one line without a line end, ASCII only.

    Args:
        cues: become `segments`, times in seconds.
        text: everything that was said.
        language: code as "zh"; None where nobody knows.
        more: further fields of the object, plain JSON.
    """
    segments = [_segment(number, cue) for number, cue in enumerate(_in_order(cues))]
    return json.dumps({"text": text, "segments": segments, "language": language, **more})


WRITERS: Mapping[str, Callable[[Iterable[Cue]], str]] = {"txt": txt, "srt": srt, "vtt": vtt, "tsv": tsv}
"""The formats that are made of cues alone; "json" wants more: `json_text`."""


def _in_order(cues: Iterable[Cue]) -> list[Cue]:
    """A vtt file's cues must begin one after the other; the other files keep the same order."""
    return sorted(cues, key=lambda cue: max(cue.start_ms, 0))


def _lines(cues: Iterable[Cue]) -> list[tuple[int, int, str]]:
    """Return start, end (ms, at least 1 ms later) and the line of every cue that says something."""
    ordered = _in_order(cues)
    several = len({cue.channel for cue in ordered}) > 1
    lines = []
    for cue in ordered:
        said = _one_line(cue.text)
        if said:
            start_ms = max(cue.start_ms, 0)
            lines.append((start_ms, max(cue.end_ms, start_ms + 1), _label(cue, several) + said))
    return lines


def _label(cue: Cue, several_channels: bool) -> str:
    channel = f"[CHANNEL_{cue.channel}] " if several_channels and cue.channel is not None else ""
    return channel + (f"[SPEAKER_{cue.speaker}] " if cue.speaker is not None else "")


def _one_line(text: str) -> str:
    """Join the lines of a text by a space; spaces within a line are the speaker's own."""
    pieces = (_UNWRITABLE.sub("\ufffd", line_part).strip() for line_part in text.splitlines())
    return " ".join(line_part for line_part in pieces if line_part)


def _arrowless(line: str) -> str:
    return _ARROW.sub("->", line)


def _escaped(line: str) -> str:
    return line.replace("&", "&amp;").replace("<", "&lt;")


def _clock(time_ms: int, point: str, *, hours: bool = False) -> str:
    whole_hours, rest_ms = divmod(time_ms, _MS_AN_HOUR)
    minutes, rest_ms = divmod(rest_ms, _MS_A_MINUTE)
    seconds, rest_ms = divmod(rest_ms, _MS_A_SECOND)
    shown = f"{whole_hours:02d}:" if hours or whole_hours else ""
    return f"{shown}{minutes:02d}:{seconds:02d}{point}{rest_ms:03d}"


def _segment(number: int, cue: Cue) -> dict[str, Any]:
    segment: dict[str, Any] = {"id": number, **_span_s(cue), "text": cue.text}
    if cue.speaker is not None:
        segment["speaker"] = cue.speaker
    if cue.channel is not None:
        segment["channel"] = cue.channel
    if cue.words:
        segment["words"] = [{"word": word.text, **_span_s(word)} for word in cue.words]
    return segment


def _span_s(said: Cue | Word) -> dict[str, float]:
    start_ms = max(said.start_ms, 0)
    return {"start": start_ms / _MS_A_SECOND, "end": max(said.end_ms, start_ms) / _MS_A_SECOND}
