"""Subtitle writers: whisper's bytes for ordinary cues, and valid files for whatever cues there are."""

from __future__ import annotations

import html
import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bailian.files import subtitles
from bailian.files.subtitles import Cue, Word

HELLO = [Cue(100, 3820, "Hello world")]
TWO = [Cue(0, 1500, "床前明月光，"), Cue(3_600_000, 3_661_001, "疑是地上霜。")]

NASTY = st.lists(
    st.sampled_from(
        [
            "-->",
            "--->",
            "<b>",
            "&lt;",
            "&",
            "\n",
            "\n\n",
            "\r\n",
            "\t",
            "\u2028",
            "\x85",
            "\x00",
            "\x1b[2J",
            "7",
            "你好",
            " ",
        ]
    )
    | st.text(st.characters(), max_size=4),
    max_size=6,
).map("".join)
TIME = st.integers(-5000, 500_000_000)
CUES = st.lists(
    st.builds(Cue, TIME, TIME, NASTY, st.none() | st.integers(0, 3), st.none() | st.integers(0, 2)), max_size=5
)
PLAIN = st.text(st.characters(categories=("L", "N", "Po")), min_size=1, max_size=20)


def srt_blocks(content: str) -> list[tuple[int, int, str]]:
    """Parse strictly: numbers without a gap, one line of text, an empty line after each cue."""
    lines = content.split("\n")
    assert lines.pop() == ""
    assert len(lines) % 4 == 0
    found = []
    for number in range(len(lines) // 4):
        index, times, text, empty = lines[4 * number : 4 * number + 4]
        assert (index, empty) == (str(number + 1), "")
        match = re.fullmatch(r"(\d{2,}):([0-5]\d):([0-5]\d),(\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d),(\d{3})", times)
        assert match, times
        numbers = [int(digits) for digits in match.groups()]
        found.append((ms(*numbers[:4]), ms(*numbers[4:]), text))
    return found


def vtt_blocks(content: str) -> list[tuple[int, int, str]]:
    """Parse strictly, after W3C WebVTT: cues one after the other, texts that are text only."""
    head, *blocks = content.split("\n\n")
    assert head == "WEBVTT"
    assert blocks.pop() == ""
    clock = r"(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
    found = []
    for block in blocks:
        times, text = block.split("\n")
        match = re.fullmatch(f"{clock} --> {clock}", times)
        assert match, times
        assert match.group(1) != "00", "hours only where there are any"
        assert match.group(5) != "00", "hours only where there are any"
        numbers = [int(digits or 0) for digits in match.groups()]
        assert "-->" not in text
        assert "<" not in text
        assert re.sub("&(amp|lt);", "", text).count("&") == 0
        found.append((ms(*numbers[:4]), ms(*numbers[4:]), html.unescape(text)))
    return found


def tsv_rows(content: str) -> list[tuple[int, int, str]]:
    head, *rows = content.split("\n")
    assert head == "start\tend\ttext"
    assert rows.pop() == ""
    cells = [row.split("\t") for row in rows]
    assert all(len(row) == 3 for row in cells)
    return [(int(start), int(end), text) for start, end, text in cells]


def ms(hours: int, minutes: int, seconds: int, rest: int) -> int:
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize(
    "name, content",
    [
        ("txt", "Hello world\n"),
        ("srt", "1\n00:00:00,100 --> 00:00:03,820\nHello world\n\n"),
        ("vtt", "WEBVTT\n\n00:00.100 --> 00:03.820\nHello world\n\n"),
        ("tsv", "start\tend\ttext\n100\t3820\tHello world\n"),
    ],
)
def test_one_cue_has_whispers_bytes(name: str, content: str) -> None:
    """The sample that whisper's own writers were run on."""
    assert subtitles.WRITERS[name](HELLO) == content


def test_two_cues_have_whispers_bytes() -> None:
    """Numbers count, hours are shown in vtt only where there are any."""
    assert subtitles.txt(TWO) == "床前明月光，\n疑是地上霜。\n"
    assert subtitles.srt(TWO) == (
        "1\n00:00:00,000 --> 00:00:01,500\n床前明月光，\n\n2\n01:00:00,000 --> 01:01:01,001\n疑是地上霜。\n\n"
    )
    assert subtitles.vtt(TWO) == (
        "WEBVTT\n\n00:00.000 --> 00:01.500\n床前明月光，\n\n01:00:00.000 --> 01:01:01.001\n疑是地上霜。\n\n"
    )
    assert subtitles.tsv(TWO) == "start\tend\ttext\n0\t1500\t床前明月光，\n3600000\t3661001\t疑是地上霜。\n"


def test_json_has_whispers_bytes() -> None:
    """One line, ASCII only, seconds as float, no line end."""
    assert subtitles.json_text([Cue(100, 3820, "你好")], "你好", "zh") == (
        '{"text": "\\u4f60\\u597d", "segments": [{"id": 0, "start": 0.1, "end": 3.82, "text": "\\u4f60\\u597d"}], '
        '"language": "zh"}'
    )


def test_json_tells_words_speakers_channels_and_more() -> None:
    """What is not known is left out, except the language."""
    words = (Word(100, 596, "Hello "), Word(596, 844, "world, "))
    made = json.loads(subtitles.json_text([Cue(100, 844, "Hello world,", 0, 1, words)], "all", None, duration=3.834))
    assert made == {
        "text": "all",
        "segments": [
            {
                "id": 0,
                "start": 0.1,
                "end": 0.844,
                "text": "Hello world,",
                "speaker": 0,
                "channel": 1,
                "words": [
                    {"word": "Hello ", "start": 0.1, "end": 0.596},
                    {"word": "world, ", "start": 0.596, "end": 0.844},
                ],
            }
        ],
        "language": None,
        "duration": 3.834,
    }


def test_without_cues_every_file_is_the_empty_one() -> None:
    """A recording without speech still gets valid files."""
    assert {name: write([]) for name, write in subtitles.WRITERS.items() if name != "ass"} == {
        "lrc": "",
        "txt": "",
        "srt": "",
        "vtt": "WEBVTT\n\n",
        "tsv": "start\tend\ttext\n",
    }
    assert subtitles.json_text([], "", "zh") == '{"text": "", "segments": [], "language": "zh"}'


def test_every_format_has_its_writer() -> None:
    """json is apart: it wants more than the cues."""
    assert {*subtitles.WRITERS, "json"} == {*subtitles.FORMATS, *subtitles.PLAYER_FORMATS}


@pytest.mark.parametrize("name", subtitles.WRITERS)
def test_speakers_are_shown_before_their_words(name: str) -> None:
    """The number as the service counts, from 0."""
    assert "[SPEAKER_0] 你好" in subtitles.WRITERS[name]([Cue(0, 1, "你好", speaker=0)])


@pytest.mark.parametrize("name", subtitles.WRITERS)
def test_channels_are_shown_only_where_there_are_several(name: str) -> None:
    """A mono recording's cues all say channel 0: no need to repeat it."""
    one, other = Cue(0, 1, "你好", channel=0), Cue(1, 2, "再见", speaker=3, channel=1)
    assert "CHANNEL" not in subtitles.WRITERS[name]([one, one])
    both = subtitles.WRITERS[name]([one, other])
    assert "[CHANNEL_0] 你好" in both
    assert "[CHANNEL_1] [SPEAKER_3] 再见" in both


@pytest.mark.parametrize(
    "text, srt_text, vtt_text",
    [
        ("a --> b", "a -> b", "a -> b"),
        ("a ---> b", "a -> b", "a -> b"),
        ("R&D <i>x</i> &lt;", "R&D <\u2060i>x<\u2060/i> &lt;", "R&amp;D &lt;i>x&lt;/i> &amp;lt;"),
        ("1 < 2 {\\an8}x {b} {c}", "1 < 2 ｛\\an8｝x ｛b｝ {c}", "1 &lt; 2 {\\an8}x {b} {c}"),
        ("one\n\ntwo\r\nthree", "one two three", "one two three"),
        ("  多余的空格　里面  的 ", "多余的空格　里面  的", "多余的空格　里面  的"),
        ("\x1b[2Jclear \x00", "\ufffd[2Jclear \ufffd", "\ufffd[2Jclear \ufffd"),
        ("half \ud83d", "half \ufffd", "half \ufffd"),
    ],
)
def test_texts_that_would_break_a_file_are_put_right(text: str, srt_text: str, vtt_text: str) -> None:
    """Spaces within a line are kept, line breaks are not."""
    assert [block[2] for block in srt_blocks(subtitles.srt([Cue(0, 9, text)]))] == [srt_text]
    assert subtitles.vtt([Cue(0, 9, text)]) == f"WEBVTT\n\n00:00.000 --> 00:00.009\n{vtt_text}\n\n"


def test_a_tab_is_a_space_in_tsv_only() -> None:
    """As whisper does it."""
    assert subtitles.tsv([Cue(0, 9, "a\tb")]) == "start\tend\ttext\n0\t9\ta b\n"
    assert subtitles.txt([Cue(0, 9, "a\tb")]) == "a\tb\n"


def test_broken_times_are_put_right() -> None:
    """Before the beginning is the beginning; an end before its start is just after it; later cues stand later."""
    cues = [Cue(5000, 4000, "b"), Cue(-200, -100, "a"), Cue(7000, 7000, "c")]
    times = [(0, 1, "a"), (5000, 5001, "b"), (7000, 7001, "c")]
    assert srt_blocks(subtitles.srt(cues)) == times
    assert vtt_blocks(subtitles.vtt(cues)) == times
    assert tsv_rows(subtitles.tsv(cues)) == times
    segments = json.loads(subtitles.json_text(cues, "", None))["segments"]
    assert [(one["start"], one["end"], one["text"]) for one in segments] == [(0, 0, "a"), (5, 5, "b"), (7, 7, "c")]


def test_cues_that_say_nothing_are_left_out_of_subtitles() -> None:
    """An empty line in srt would end the cue before its text."""
    cues = [Cue(0, 1, " \n"), Cue(1, 2, "你好")]
    assert srt_blocks(subtitles.srt(cues)) == [(1, 2, "你好")]
    assert subtitles.txt(cues) == "你好\n"


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 400_000_000), st.integers(1, 60_000), PLAIN), max_size=5))
def test_what_is_written_can_be_read_back(told: list[tuple[int, int, str]]) -> None:
    """Times and texts of ordinary cues survive every format."""
    said = sorted(((start, start + length, text) for start, length, text in told), key=lambda one: one[0])
    cues = [Cue(*one) for one in said]
    assert srt_blocks(subtitles.srt(cues)) == said
    assert vtt_blocks(subtitles.vtt(cues)) == said
    assert tsv_rows(subtitles.tsv(cues)) == said
    assert subtitles.txt(cues).split("\n")[:-1] == [text for _, _, text in said]
    segments = json.loads(subtitles.json_text(cues, "", None))["segments"]
    assert [(one["start"], one["end"], one["text"]) for one in segments] == [
        (s / 1000, e / 1000, t) for s, e, t in said
    ]


@given(CUES)
def test_whatever_the_cues_are_the_files_are_valid(cues: list[Cue]) -> None:
    """The strict parsers read them; ends lie after starts, and starts never go back."""
    for blocks in (
        srt_blocks(subtitles.srt(cues)),
        vtt_blocks(subtitles.vtt(cues)),
        tsv_rows(subtitles.tsv(cues)),
    ):
        assert all(0 <= start < end for start, end, _ in blocks)
        assert [start for start, _, _ in blocks] == sorted(start for start, _, _ in blocks)
        assert all(text.strip() and len(text.splitlines()) == 1 for _, _, text in blocks)


@given(CUES)
def test_every_file_can_be_saved_as_utf_8(cues: list[Cue]) -> None:
    """Half a surrogate pair in an answer must not lose the file that was paid."""
    for write in subtitles.WRITERS.values():
        write(cues).encode("utf-8")
    made = subtitles.json_text(cues, "", None)
    assert made.isascii()
    assert len(made.splitlines()) == 1
    assert len(json.loads(made)["segments"]) == len(cues)


@pytest.mark.slow
@example("{\\b")
@given(st.text(st.characters(exclude_categories=("C",), exclude_characters="-"), max_size=30))
def test_only_spaces_can_change(text: str) -> None:
    """Nothing that was said is lost."""
    said = "".join(one for _, _, one in srt_blocks(subtitles.srt([Cue(0, 9, text)])))
    unseen = str.maketrans({"\u2060": None, "｛": "{", "｝": "}"})  # what keeps a player from obeying
    assert squeezed(said.translate(unseen)) == squeezed(text.translate(unseen))
