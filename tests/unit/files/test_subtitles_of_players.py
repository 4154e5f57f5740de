"""lrc and ass, and srt beside them, read back by a parser that is not ours (pysubs2); lrc by its own short grammar."""

from __future__ import annotations

import re

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.files import subtitles
from bailian.files.subtitles import Cue

SPOKEN = [
    Cue(0, 1227, "你好，世界。"),
    Cue(1227, 5533, "It is {red}, at C:\\new."),
    Cue(5600, 5900, "<b>bold</b> {\\an8}"),
    Cue(6_000_004, 6_000_005, "[12:30] 见"),
]
TIME = st.integers(-5000, 500_000_000)
NASTY = st.lists(
    st.sampled_from(["{\\b1}", "\\N", "[00:01.00]", "<00:01.00>", "\n", "\r\n", "\u2028", "\x00", ",", " ", "你好"])
    | st.text(st.characters(), max_size=4),
    max_size=6,
).map("".join)
CUES = st.lists(
    st.builds(Cue, TIME, TIME, NASTY, st.none() | st.integers(0, 3), st.none() | st.integers(0, 2)), max_size=5
)
LRC_LINE = re.compile(r"\[(\d{2,}):([0-5]\d)\.(\d\d)\](.*)")


def lrc_lines(content: str) -> list[tuple[int, str]]:
    found = []
    for line in content.split("\n")[:-1]:
        match = LRC_LINE.fullmatch(line)
        assert match, line
        minutes, seconds, hundredths, text = match.groups()
        found.append(((int(minutes) * 60 + int(seconds)) * 1000 + int(hundredths) * 10, text))
    return found


def test_lrc_has_times_in_minutes_and_no_second_time_in_a_line() -> None:
    assert lrc_lines(subtitles.lrc(SPOKEN)) == [
        (0, "你好，世界。"),
        (1220, "It is {red}, at C:\\new."),
        (5600, "<b>bold</b> {\\an8}"),
        (6_000_000, "(12:30) 见"),
    ]
    assert subtitles.lrc(SPOKEN[3:]).startswith("[100:00.00]")


@pytest.mark.parametrize("form", ["srt", "ass"])
def test_another_parser_reads_the_same_cues(form: str) -> None:
    found = pysubs2.SSAFile.from_string(subtitles.WRITERS[form](SPOKEN), format_=form)
    # What is a command to the player is not what was said: there is none.
    shown = [one.text.replace("\u2060", "").replace("｛", "{").replace("｝", "}") for one in found]
    assert shown == [cue.text for cue in SPOKEN]
    assert [one.start for one in found] == pytest.approx([cue.start_ms for cue in SPOKEN], abs=10)
    assert all(one.end > one.start for one in found)


@given(CUES)
def test_whatever_is_said_each_line_stays_one_line(cues: list[Cue]) -> None:
    lines = subtitles.txt(cues).split("\n")[:-1]
    assert len(lrc_lines(subtitles.lrc(cues))) == len(lines)
    events = subtitles.ass(cues).split("[Events]\n")[1].split("\n")[1:-1]
    assert len(events) == len(lines)
    for event in events:
        text = event.split(",", 9)[9]
        assert not re.search(r"[{}]|\\(?!\u2060)", text)


@given(st.integers(0, 500_000_000))
def test_the_time_of_a_line_is_at_most_a_hundredth_early(start_ms: int) -> None:
    ((found_ms, _),) = lrc_lines(subtitles.lrc([Cue(start_ms, start_ms, "a")]))
    assert 0 <= start_ms - found_ms < 10
