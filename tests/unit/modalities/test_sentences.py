"""Texts cut for speech, and subtitle lines from the times of the words."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.files.sentences import Line, lines_of, split_text

POEM = "床前明月光，疑是地上霜。举头望明月，低头思故乡。"
LETTERS = "甲乙丙丁 \n\t。！？!?…；;，,.:a1é\u0301\u200d\ufe0f👩👧🏽“”（）\u3000\r"


@pytest.mark.parametrize(
    "text, limit, pieces",
    [
        ("", 5, []),
        ("你好", 5, ["你好"]),
        ("你好世界。", 5, ["你好世界。"]),
        ("你好。世界很大。", 5, ["你好。", "世界很大。"]),
        ("你好！世界？很大；", 4, ["你好！", "世界？", "很大；"]),
        ("真的吗？！真的", 6, ["真的吗？！", "真的"]),
        ("真的吗……好吧", 4, ["真的", "吗……", "好吧"]),
        ("  甲。。。", 3, ["  甲", "。。。"]),
        ("甲乙丙。", 3, ["甲乙", "丙。"]),
        ("甲" + "。" * 8, 4, ["甲。。。", "。。。。", "。"]),
        ("他说：“好。”她说：“不。”", 8, ["他说：“好。”", "她说：“不。”"]),
        ("One two. Three four.", 12, ["One two. ", "Three four."]),
        ("3.14159 and 2.71828", 8, ["3.14159 ", "and ", "2.71828"]),
        ("第一行\n第二行\n第三行", 8, ["第一行\n第二行\n", "第三行"]),
        ("甲乙，丙丁戊己", 5, ["甲乙，", "丙丁戊己"]),
        ("10,000,000 apples", 11, ["10,000,000 ", "apples"]),
        ("at 10:45 or 11:30", 10, ["at 10:45 ", "or 11:30"]),
        ("甲乙丙丁戊己庚", 3, ["甲乙丙", "丁戊己", "庚"]),
        ("好。   \n 再见", 6, ["好。   \n", " 再见"]),
        ("\n\n\n好的好的", 4, ["\n\n\n好", "的好的"]),
        ("甲" + " " * 3 + "乙", 3, ["甲  ", " 乙"]),
    ],
)
def test_where_a_text_is_cut(text: str, limit: int, pieces: list[str]) -> None:
    assert split_text(text, limit) == pieces


@pytest.mark.parametrize(
    "text, limit, pieces",
    [
        ("abcde\u0301fg", 5, ["abcd", "e\u0301fg"]),
        ("ab👩\u200d👧cd", 4, ["ab", "👩\u200d👧c", "d"]),
        ("ab👩\u200d👧cd", 3, ["ab", "👩\u200d👧", "cd"]),
        ("abc✋🏽d", 4, ["abc", "✋🏽d"]),
        ("abc❤\ufe0fd", 4, ["abc", "❤\ufe0fd"]),
        ("ab\r\ncd", 3, ["ab", "\r\nc", "d"]),
        ("ab\ud83d\ude00cd", 3, ["ab", "\ud83d\ude00c", "d"]),
        ("a" + "\u0301" * 5, 2, ["a\u0301", "\u0301\u0301", "\u0301\u0301"]),  # no text, but no piece too long either
    ],
)
def test_a_composed_character_stays_whole(text: str, limit: int, pieces: list[str]) -> None:
    assert split_text(text, limit) == pieces


@pytest.mark.slow
@given(st.text(LETTERS, max_size=120) | st.text(max_size=60), st.integers(1, 20))
def test_the_pieces_are_the_text_and_obey_the_limit(text: str, limit: int) -> None:
    pieces = split_text(text, limit)
    assert "".join(pieces) == text
    assert all(0 < len(on_chunk) <= limit for on_chunk in pieces)
    for before, after in pairwise(pieces):
        assert len(before) + len(after) > limit or (before.strip() and after.strip())


@given(st.text(LETTERS, min_size=1, max_size=60), st.integers(12, 20))
def test_no_piece_begins_in_the_middle_of_a_character(text: str, limit: int) -> None:
    for on_chunk in split_text(text, limit)[1:]:
        joined = unicodedata.category(on_chunk[0]).startswith("M") or on_chunk[0] == "\u200d"
        assert not joined or re.search(r"[\u0301\u200d\ufe0f👩👧🏽]{11}", text)


def test_a_limit_below_one_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one character"):
        split_text("甲", 0)


def sentence(words: list[str] | str, start_ms: int = 0, word_ms: int = 100) -> dict[str, Any]:
    """A sentence of the service: words without punctuation, one after the other."""
    told = [
        {"text": word, "begin_time": start_ms + i * word_ms, "end_time": start_ms + (i + 1) * word_ms}
        for i, word in enumerate(words)
    ]
    return {"begin_time": start_ms, "end_time": start_ms + len(told) * word_ms, "words": told}


def shown(text: str, *sentences: dict[str, Any]) -> list[str]:
    return [line.text for line in lines_of(text, sentences)]


def test_lines_have_the_texts_punctuation_and_the_words_times() -> None:
    told = [sentence("床前明月光疑是地上霜"), sentence("举头望明月低头思故乡", 1200)]
    assert lines_of(POEM, told) == [
        Line(0, 1000, "床前明月光，疑是地上霜。"),
        Line(1200, 2200, "举头望明月，低头思故乡。"),
    ]


@pytest.mark.parametrize(
    "text, sentences, lines",
    [
        ("“好！”他说。", [["好"], ["他", "说"]], ["“好！”", "他说。"]),
        ("好。“你呢？”", [["好"], ["你", "呢"]], ["好。", "“你呢？”"]),
        ("Don't stop! (Really.)", [["Don't", "stop"], ["Really"]], ["Don't stop!", "(Really.)"]),
        ('He said "no." "Why?"', [["He", "said", "no"], ["Why"]], ['He said "no."', '"Why?"']),
        ("It costs $5, not $6.", [["It", "costs", "5"], ["not", "6"]], ["It costs $5,", "not $6."]),
        ("ＡＢＣ １２３", [["abc", "123"]], ["ＡＢＣ １２３"]),
        ("Cafe\u0301 HERE", [["café", "here"]], ["Cafe\u0301 HERE"]),
        ("你好，World！", [["你", "好", "world"]], ["你好，World！"]),
        ("第一行\n第二行", [["第", "一", "行", "第", "二", "行"]], ["第一行第二行"]),
        ("first line\nsecond", [["first", "line", "second"]], ["first line second"]),
        ("标题\n======\n正文", [["标", "题"], ["正", "文"]], ["标题", "正文"]),
        ("好👍。再见", [["好"], ["再", "见"]], ["好👍。", "再见"]),
        ("甲，乙", [["甲", "，", "乙"]], ["甲，乙"]),
        ("🎉 你好。", [["你", "好"]], ["🎉 你好。"]),
        ("Done! 🎉 Next one", [["Done"], ["Next", "one"]], ["Done! 🎉", "Next one"]),
        ("一\n🎉 二", [["一"], ["二"]], ["一", "🎉 二"]),
        ("— 甲。\n— 乙。", [["甲"], ["乙"]], ["— 甲。", "— 乙。"]),
    ],
)
def test_what_a_line_takes_from_the_text(text: str, sentences: list[list[str]], lines: list[str]) -> None:
    assert shown(text, *(sentence(words, i * 5000) for i, words in enumerate(sentences))) == lines


def test_a_sentence_that_is_not_in_the_text_shows_its_words_and_the_next_is_found() -> None:
    text = "共有 12345 人。大家好，欢迎光临！It is 5 pm. Good bye."
    told = [
        sentence("共有一万二千三百四十五人"),
        sentence("大家好欢迎光临", 2000),
        sentence(["it", "is", "five", "p", "m"], 4000),
        sentence(["Good", "bye"], 6000),
    ]
    assert shown(text, *told) == ["共有一万二千三百四十五人", "大家好，欢迎光临！", "it is five p m", "Good bye."]


def test_a_word_far_ahead_is_not_taken_for_the_next() -> None:
    """One spelled-out sentence must not carry the reading to the end of the text."""
    text = "5。" + "窗外下着雨，" * 20 + "他看了看五。"
    told = [sentence("五"), *(sentence("窗外下着雨", 1000 * (i + 1)) for i in range(3))]
    assert shown(text, *told) == ["五", "窗外下着雨，", "窗外下着雨，", "窗外下着雨，"]


@pytest.mark.parametrize(
    "told",
    [{}, {"words": []}, {"words": None}, {"words": "床"}, {"words": [None, 3, {}, {"text": None}, {"text": " "}]}],
)
def test_a_sentence_without_words_is_skipped(told: dict[str, Any]) -> None:
    assert shown("床前。", told, sentence("床前")) == ["床前。"]


def test_missing_times_are_the_nearest_known() -> None:
    words = [
        {"text": "床", "end_time": 300},
        {"text": "前", "begin_time": None},
        {"text": "明", "end_time": float("nan")},
    ]
    assert lines_of("床前明", [{"begin_time": 100, "words": words}]) == [Line(100, 300, "床前明")]


def test_times_never_go_back() -> None:
    told = [sentence("床前", 1000), sentence("明月", 500), sentence("光", 5000)]
    assert lines_of("床前明月光", told) == [Line(1000, 1200, "床前"), Line(1200, 1200, "明月"), Line(5000, 5100, "光")]


def test_a_long_sentence_breaks_at_a_comma() -> None:
    text = "春眠不觉晓，处处闻啼鸟，夜来风雨声，花落知多少。"
    told = sentence([char for char in text if char.isalnum()])
    assert lines_of(text, [told]) == [
        Line(0, 1000, "春眠不觉晓，处处闻啼鸟，"),
        Line(1000, 2000, "夜来风雨声，花落知多少。"),
    ]


def test_a_long_sentence_without_a_comma_breaks_evenly() -> None:
    assert [len(line) for line in shown("山" * 50, sentence("山" * 50))] == [12, 13, 12, 13]
    english = "The quick brown fox jumps over the lazy dog while nobody is looking"
    assert shown(english, sentence(english.split())) == [
        "The quick brown fox jumps over the",
        "lazy dog while nobody is looking",
    ]


def test_a_word_is_never_cut() -> None:
    long_word = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    assert shown(long_word, sentence([long_word])) == [long_word]


SENTENCE = st.text("床前明月光ab 1，。“”\n", max_size=50)


@given(st.lists(SENTENCE, max_size=4), st.integers(0, 400))
def test_all_words_are_shown_once_and_lines_are_ordered(texts: list[str], word_ms: int) -> None:
    told = []
    for text in texts:
        start_ms = told[-1]["end_time"] if told else 0
        told.append(sentence(re.findall(r"[ab1]+|[床前明月光]", text), start_ms, word_ms))
    lines = lines_of("".join(texts), told)

    assert "".join(re.findall(r"\w", "".join(line.text for line in lines))) == "".join(
        re.findall(r"\w", "".join(texts))
    )
    times = [time_ms for line in lines for time_ms in (line.start_ms, line.end_ms)]
    assert times == sorted(times)
    for line in lines:
        assert line.text == line.text.strip() != ""
        assert len(re.findall(r"\w", line.text)) <= 42
        assert len(re.findall(r"[床前明月光，。]", line.text)) <= 20 or not re.search(r"\w.*\w", line.text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
WORD = st.fixed_dictionaries(
    {}, optional={"text": st.text("床a 1", max_size=3) | JSON, "begin_time": JSON, "end_time": JSON}
)
ANY_SENTENCE = st.fixed_dictionaries(
    {}, optional={"words": st.lists(WORD | JSON, max_size=5) | JSON, "begin_time": JSON}
)


@pytest.mark.slow
@given(st.text("床前a1 。", max_size=20), st.lists(ANY_SENTENCE, max_size=4))
def test_nothing_the_service_may_send_is_a_crash(text: str, sentences: list[dict[str, Any]]) -> None:
    lines = lines_of(text, sentences)
    assert [line.start_ms for line in lines] == sorted(line.start_ms for line in lines)
    assert all(line.start_ms <= line.end_ms for line in lines)
