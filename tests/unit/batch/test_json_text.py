"""What people write instead of JSON is named, with its place, its line and what to write, in both languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.batch.input.reader import read_rows
from bailian.cli.args.config_file import read_request
from bailian.errors import InvalidRequest
from bailian.i18n import language
from bailian.text.json_text import NotJson, loaded

# The slip, its line and column, and the words for it.
SLIPS: dict[str, tuple[str, int, int, str, str]] = {
    "a trailing comma": ('{"prompt": "猫",}', 1, 15, "take the comma before the end out", "去掉末尾多余的逗号"),
    "one in a list": ('{"image": [\n"a.png",\n]}', 2, 8, "take the comma before the end out", "去掉末尾多余的逗号"),
    "a comment": ('{"n": 1, // two\n"seed": 5}', 1, 10, "JSON has no comments", "JSON 没有注释"),
    "another": ('{"n": 1 /* two */}', 1, 9, "JSON has no comments", "JSON 没有注释"),
    "curly quotes": ("{“prompt”: 1}", 1, 2, '“ is no quotation mark in JSON: write "', "“ 不是 JSON 的引号"),
    "curly quotes round a value": ('{"prompt": “猫”}', 1, 12, '“ is no quotation mark in JSON: write "', "“ 不是 JSON 的引号"),
    "single quotes": ("{'prompt': '猫'}", 1, 2, "double quotes only", "只用双引号"),
    "True of Python": ('{"watermark": True}', 1, 15, "True is not JSON: write true", "True 不是 JSON：请写 true"),
    "None": ('{"seed": None}', 1, 10, "None is not JSON: write null", "None 不是 JSON：请写 null"),
    "NaN": ('{"a": "NaN", "seed": NaN}', 1, 22, "NaN is not a number in JSON: write null", "JSON 中没有 NaN"),
    "-Infinity": ('{"seed": -Infinity}', 1, 10, "-Infinity is not a number", "没有 -Infinity"),
    "a name without quotes": ('{prompt: "猫"}', 1, 2, 'prompt needs quotation marks: write "prompt"', "prompt 须加引号"),
    "a value without quotes": ('{"model": wan2.2-t2i-flash}', 1, 11, 'write "wan2.2-t2i-flash"', "须加引号"),
    "a path of Windows": (r'{"image": "C:\pictures\a.png"}', 1, 14, r"\ is written \\", r"\ 须写成 \\"),
    "its users": (r'{"image": "C:\users\me.png"}', 1, 15, r"C:/pictures/a.png", r"C:/pictures/a.png"),
    "two values": ('{"prompt": "猫"}\n{"prompt": "狗"}', 2, 1, "a second value begins here", "第二个值"),
    "a missing comma": ('{"prompt": "猫"\n "n": 1}', 2, 2, "a comma is missing before this", "缺少逗号"),
    "a missing comma of rows": ('[{"n": 1}\n{"n": 2}]', 2, 1, "a comma is missing before this", "缺少逗号"),
    "a missing colon": ('{"prompt" "猫"}', 1, 11, "a colon is missing", "缺少冒号"),
    "a full-width comma": ('{"n": 1，"seed": 2}', 1, 8, "， is full-width: write ,", "， 是全角符号：请写 ,"),
    "a full-width colon": ('{"n"：1}', 1, 5, "： is full-width: write :", "： 是全角符号：请写 :"),
    "no end of a text": ('{"prompt": "猫}', 1, 12, 'has no end: a " is missing', '缺少 "'),
    "a line break in a text": ('{"prompt": "猫\n狗"}', 1, 14, r"write \n for a line break", r"换行请写 \n"),
    "no end": ('{"prompt": "猫"', 1, 15, "ends too early", "提前结束"),
    "no value": ('{"n": }', 1, 7, "a value is missing before this", "缺少值"),
}  # fmt: skip


@pytest.mark.parametrize("tongue", ["en", "zh"])
@pytest.mark.parametrize("text, line, column, english, chinese", SLIPS.values(), ids=SLIPS)
def test_a_slip_is_named(
    monkeypatch: pytest.MonkeyPatch, text: str, line: int, column: int, english: str, chinese: str, tongue: str
) -> None:
    monkeypatch.setenv("BAILIAN_LANG", tongue)
    language.cache_clear()
    with pytest.raises(NotJson) as refused:
        loaded(text)
    error = refused.value
    assert (error.line, error.column) == (line, column)
    assert (english if tongue == "en" else chinese) in error.reason
    assert error.shown.splitlines()[0] == text.splitlines()[line - 1]


def test_the_caret_stands_under_the_place() -> None:
    """Han characters are two columns wide; of a long line its part is shown."""
    with pytest.raises(NotJson) as refused:
        loaded('{"猫猫": "狗", "b": x}')
    assert refused.value.shown.splitlines()[1] == " " * 20 + "^"
    with pytest.raises(NotJson) as refused:
        loaded('{"a": "' + "x" * 1000 + '", b}')
    shown, caret = refused.value.shown.splitlines()
    assert shown[caret.index("^")] == "b"
    assert len(shown) <= 60


SOME = [one for one in SLIPS if one not in ("two values",)]  # those are lines


@pytest.mark.parametrize("name", ["--config", "batch.json", "rows.jsonl"])
@pytest.mark.parametrize("slip", [one for one in SOME if "\n" not in SLIPS[one][0]])
def test_at_every_door(tmp_path: Path, name: str, slip: str) -> None:
    """The line is shown once, with a caret below."""
    text, _, column, english, _ = SLIPS[slip]
    path = tmp_path / name.removeprefix("--")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidRequest) as refused:
        list(read_rows(path, "image")) if name != "--config" else read_request(path)
    said = str(refused.value)
    assert f"column {column}: " in said
    assert english in said
    assert f"\n{text}\n" in said
    assert said.endswith("^")


def test_a_million_bad_lines_are_one_problem(tmp_path: Path) -> None:
    """The line is shown for the first alone: the same words are said once."""
    path = tmp_path / "a.jsonl"
    path.write_text("{'prompt': '猫'}\n" * 1000, encoding="utf-8")
    with pytest.raises(InvalidRequest) as refused:
        list(read_rows(path, "image"))
    assert len(refused.value.problems) == 2
    assert "997 more rows" in str(refused.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    )
)
def test_json_is_read(value: Any) -> None:
    assert loaded(json.dumps(value)) == (value, [])
