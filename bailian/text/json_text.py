"""A JSON text → its value; and what people write instead of JSON, with the place, the line and what to write.

Python's parser says "Expecting property name enclosed in double quotes" of a comma too many. `_SLIPS` has the usual ones.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from threading import local
from typing import Any

from bailian.i18n import tr

SHOWN_CHARS = 60
BEFORE_CHARS = 40
_WORD = re.compile(r"[^\W\d][\w.-]*")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b', re.DOTALL)
_CURLY, _FULL_WIDTH = "“”„‟«»「」『』＂‘’", "：，｛｝［］；"
_LITERALS = {"True": "true", "False": "false", "None": "null", "undefined": "null", "nil": "null"}


class NotJson(ValueError):
    """What is wrong with a text that should be JSON. `reason` is for a list, `shown` has the line and a caret below."""

    def __init__(self, reason: str, line: int, column: int, shown: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column
        self.shown = shown

    def placed(self) -> str:
        """Return "line 2, column 8: a comma …", and the line on lines of its own."""
        where = tr(f"line {self.line}, column {self.column}: ", f"第 {self.line} 行第 {self.column} 列：")
        return f"{where}{self.reason}\n{self.shown}"


class _Doubled(dict[str, Any]):
    """An object in which a field stands twice."""

    twice: str


def loaded(text: str) -> tuple[Any, list[str]]:
    """Return the value, and where in it a field stands twice: JSON would silently keep the last one.

    Raises:
        NotJson: it is none, or has NaN or Infinity in it.
        ValueError: nested too deeply, or a number with thousands of digits.
    """
    _THIS_THREAD.twins = False
    try:
        value = _DECODER.decode(text)
        return value, list(_doubled_in(value, "")) if _THIS_THREAD.twins else []
    except json.JSONDecodeError as error:
        raise _not_json(text, error.pos, error.msg) from None
    except _Constant as error:
        raise _not_number(text, str(error)) from None
    except RecursionError:
        raise ValueError(tr("is nested too deeply", "嵌套过深")) from None
    except ValueError:
        raise ValueError(tr("has a number with thousands of digits", "含有数千位的数字")) from None


class _Constant(ValueError):
    pass


def _constant(word: str) -> None:
    raise _Constant(word)


_THIS_THREAD = local()
"""Whether what is being read has a field twice."""


def _built(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    _THIS_THREAD.twins, doubled = True, _Doubled(value)
    names = [name for name, _ in pairs]
    doubled.twice = next(name for name in names if names.count(name) > 1)
    return doubled


# Built once: a batch has a million lines.
_DECODER = json.JSONDecoder(object_pairs_hook=_built, parse_constant=_constant)


def _doubled_in(value: object, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _doubled_in(inner, f"{path}[{index}]")
    if isinstance(value, _Doubled):
        yield f"{path}.{value.twice}".removeprefix(".")
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _doubled_in(inner, f"{path}.{name}".removeprefix("."))


def _not_number(text: str, word: str) -> NotJson:
    at = next((found.start() for found in _TOKEN.finditer(text) if found.group() == word), 0)
    return _at(text, at, tr(f"{word} is not a number in JSON: write null", f"JSON 中没有 {word} 这样的数字：请写 null"))


def _not_json(text: str, at: int, message: str) -> NotJson:
    # Python 3.13 points at the comma itself, earlier ones behind it.
    after = len(text) - len(text[at:].lstrip(" \t\r\n,")) if text[at : at + 1] == "," else at
    if text[after : after + 1] in ("}", "]") and text[:after].rstrip().endswith(","):
        at = len(text[:after].rstrip()) - 1
        return _at(text, at, tr("take the comma before the end out", "请去掉末尾多余的逗号"))
    for slip in _SLIPS:
        reason = slip(text, at, message)
        if reason:
            return _at(text, at, reason)
    return _at(text, at, message)


def _comment(text: str, at: int, _message: str) -> str:
    if text.startswith(("//", "/*", "#"), at):
        return tr("JSON has no comments: take it out", "JSON 没有注释：请删去")
    return ""


def _quotes(text: str, at: int, message: str) -> str:
    char = text[at : at + 1]
    if char and char in _CURLY:
        return tr(f'{char} is no quotation mark in JSON: write "', f'{char} 不是 JSON 的引号：请写 "')
    if char == "'":
        return tr("JSON has double quotes only: write \" for '", "JSON 只用双引号：请把 ' 写成 \"")
    if message.startswith("Unterminated string"):
        return tr('the text that begins here has no end: a " is missing', '从这里开始的文本没有结束：缺少 "')
    return ""


def _full_width(text: str, at: int, _message: str) -> str:
    char = text[at : at + 1]
    if not char or char not in _FULL_WIDTH:
        return ""
    plain = unicodedata.normalize("NFKC", char).replace(";", ",")
    return tr(f"{char} is full-width: write {plain}", f"{char} 是全角符号：请写 {plain}")


def _backslash(text: str, _at: int, message: str) -> str:
    if message.startswith("Invalid \\"):
        return tr(
            r"in a text \ is written \\ (a path may have / instead: C:/pictures/a.png)",
            r"文本中的 \ 须写成 \\（路径可改用 /：C:/pictures/a.png）",
        )
    if message.startswith("Invalid control character"):
        return tr(r"a text stands on one line: write \n for a line break", r"文本须写在一行内：换行请写 \n")
    return ""


def _word(text: str, at: int, message: str) -> str:
    found = _WORD.match(text, at)
    if found is None or "delimiter" in message:
        return ""
    word = found.group()
    if word in _LITERALS:
        return tr(f"{word} is not JSON: write {_LITERALS[word]}", f"{word} 不是 JSON：请写 {_LITERALS[word]}")
    return tr(f'{word} needs quotation marks: write "{word}"', f'{word} 须加引号：请写 "{word}"')


def _mark(text: str, at: int, message: str) -> str:
    if message.startswith("Extra data"):
        return tr(
            "a second value begins here: put the requests between [ and ], or one a line into a .jsonl file",
            "这里开始了第二个值：请用 [ ] 括起各请求，或每行一个存入 .jsonl 文件",
        )
    if not text[at:].strip():
        return tr("the text ends too early: a }, a ] or a value is missing", "文本提前结束：缺少 }、] 或值")
    if message.startswith("Expecting ',' delimiter"):
        return tr("a comma is missing before this", "此处之前缺少逗号")
    if message.startswith("Expecting ':' delimiter"):
        return tr("a colon is missing before this", "此处之前缺少冒号")
    if message.startswith("Expecting property name"):
        return tr('the name of a field is missing: it stands in "', '缺少字段名：字段名须加 "')
    if message.startswith("Expecting value"):
        return tr("a value is missing before this", "此处之前缺少值")
    return ""


_SLIPS: tuple[Callable[[str, int, str], str], ...] = (_comment, _backslash, _quotes, _full_width, _word, _mark)


def _at(text: str, at: int, reason: str) -> NotJson:
    start = text.rfind("\n", 0, at) + 1
    line = text[start:].partition("\n")[0].rstrip("\r")
    column = at - start + 1
    cut = max(0, column - 1 - BEFORE_CHARS)
    shown = line[cut : cut + SHOWN_CHARS].replace("\t", " ")
    before = line[cut : column - 1].replace("\t", " ")
    width = sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in before)
    return NotJson(reason, text.count("\n", 0, at) + 1, column, f"{shown}\n{' ' * width}^")
