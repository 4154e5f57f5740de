"""Cues → txt, srt, vtt, tsv, json: the bytes of OpenAI whisper's own writers (20250625, `whisper/utils.py`), made safe.

Beside them lrc (the lyrics of players) and ass (Advanced SubStation Alpha, v4+), which whisper does not write.

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
"""Those of whisper."""
PLAYER_FORMATS = ("lrc", "ass")

_MS_A_SECOND = 1000
_MS_A_MINUTE = 60_000
_MS_AN_HOUR = 3_600_000
# Control characters do nothing good in a file that is shown on a screen; half a surrogate pair is no UTF-8.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# "-->" ends a vtt file's patience. whisper writes "->"; replaced once only, "--->" would leave another "-->".
_ARROW = re.compile("-{2,}>")
# At the begin of a lrc line a time is a time; elsewhere some players take one for the time of a word.
_LRC_TAG = re.compile(r"[\[<]([^\[\]<>]*:[^\[\]<>]*)[\]>]")
# Players of srt obey tags of HTML, and some the commands of ass: a word joiner ends that, and the text is shown.
_SRT_COMMAND = re.compile(r"<(?=\s*/?\s*[A-Za-z])|\\(?=[Nnh])")
# What stands in braces is a command where it begins like one: wide braces are none.
_SRT_BRACES = re.compile(r"\{(\s*(?:\\|[YyFfCcSsPpBbIiUu]:|/?[biusBIUS](?=\}))[^{}]*)(\}?)")
# In ass braces hold commands, and a backslash begins one: a word joiner behind it, as ffmpeg writes, ends that.
_ASS_LETTERS = str.maketrans({"{": "｛", "}": "｝", "\\": "\\\u2060"})
_ASS_HEAD = """\
[Script Info]
ScriptType: v4.00+
WrapStyle: 0
ScaledBorderAndShadow: yes
PlayResX: 384
PlayResY: 288

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


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
    language: str = ""
    emotion: str = ""


def txt(cues: Iterable[Cue]) -> str:
    """Return one sentence a line."""
    return "".join(f"{line}\n" for _, _, line in _lines(cues))


def srt(cues: Iterable[Cue]) -> str:
    """Return SubRip: numbered from 1, `HH:MM:SS,mmm`."""
    return "".join(
        f"{number}\n{_clock(start_ms, ',', hours=True)} --> {_clock(end_ms, ',', hours=True)}\n{_uncommanding(line)}\n\n"
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


def lrc(cues: Iterable[Cue]) -> str:
    """Return lyrics: `[MM:SS.cc]`, minutes beyond 59 where there are hours. A line lasts until the next."""
    lines = ((start_ms, _LRC_TAG.sub(r"(\1)", line)) for start_ms, _, line in _lines(cues))
    return "".join(f"[{_hundredths(start_ms, hours=False)}]{line}\n" for start_ms, line in lines)


def ass(cues: Iterable[Cue]) -> str:
    """Return SubStation Alpha v4+ with one style, hundredths of a second; a line lasts at least one of them."""
    lines = ((start_ms, max(end_ms, start_ms + 10), line) for start_ms, end_ms, line in _lines(cues))
    return _ASS_HEAD + "".join(
        f"Dialogue: 0,{_hundredths(start_ms)},{_hundredths(end_ms)},Default,,0,0,0,,{line.translate(_ASS_LETTERS)}\n"
        for start_ms, end_ms, line in lines
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


WRITERS: Mapping[str, Callable[[Iterable[Cue]], str]] = {
    "txt": txt,
    "srt": srt,
    "vtt": vtt,
    "tsv": tsv,
    "lrc": lrc,
    "ass": ass,
}
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


def _wide(braces: re.Match[str]) -> str:
    return f"｛{braces[1]}{'｝' if braces[2] else ''}"


def _uncommanding(line: str) -> str:
    return _SRT_COMMAND.sub("\\g<0>\u2060", _SRT_BRACES.sub(_wide, _arrowless(line)))


def _escaped(line: str) -> str:
    return line.replace("&", "&amp;").replace("<", "&lt;")


def _clock(time_ms: int, point: str, *, hours: bool = False) -> str:
    whole_hours, rest_ms = divmod(time_ms, _MS_AN_HOUR)
    minutes, rest_ms = divmod(rest_ms, _MS_A_MINUTE)
    seconds, rest_ms = divmod(rest_ms, _MS_A_SECOND)
    shown = f"{whole_hours:02d}:" if hours or whole_hours else ""
    return f"{shown}{minutes:02d}:{seconds:02d}{point}{rest_ms:03d}"


def _hundredths(time_ms: int, *, hours: bool = True) -> str:
    """Return `H:MM:SS.cc`, or `MM:SS.cc`; a part of a hundredth is left out, so that the order stays."""
    seconds, rest_ms = divmod(time_ms, _MS_A_SECOND)
    minutes, seconds = divmod(seconds, 60)
    shown = f"{minutes // 60}:{minutes % 60:02d}" if hours else f"{minutes:02d}"
    return f"{shown}:{seconds:02d}.{rest_ms // 10:02d}"


def _segment(number: int, cue: Cue) -> dict[str, Any]:
    segment: dict[str, Any] = {"id": number, **_span_s(cue), "text": cue.text}
    if cue.speaker is not None:
        segment["speaker"] = cue.speaker
    if cue.channel is not None:
        segment["channel"] = cue.channel
    told = {"language": cue.language, "emotion": cue.emotion}
    segment |= {name: value for name, value in told.items() if value}
    if cue.words:
        segment["words"] = [{"word": word.text, **_span_s(word)} for word in cue.words]
    return segment


def _span_s(said: Cue | Word) -> dict[str, float]:
    start_ms = max(said.start_ms, 0)
    return {"start": start_ms / _MS_A_SECOND, "end": max(said.end_ms, start_ms) / _MS_A_SECOND}
