"""Signs that no text to be drawn, read or spoken has: which are nothing to see, which become line ends, which are refused."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from bailian.i18n import tr

_BOM = re.compile(r"\A\s*\ufeff[\s\ufeff]*")
# pdftotext ends pages with form feeds, Word's line breaks are vertical tabs, web pages hold U+2028: all are line ends.
_LINE_ENDS = re.compile("[\x0b\x0c\x85\u2028\u2029]")
# Cc but tab, newline and return; halves of surrogate pairs; what Unicode calls no character.
_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# Letters by their category, but with nothing to see: Braille's blank, the fillers of Hangul and Khmer, joiners, selectors.
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_NAMES = {
    0x00: ("NUL", "NUL"),
    0x07: ("bell", "响铃"),
    0x08: ("backspace", "退格"),
    0x0B: ("vertical tab", "垂直制表符"),
    0x0C: ("form feed", "换页符"),
    0x1B: ("escape, as in a terminal's colours", "ESC，如终端颜色代码"),
    0x7F: ("delete", "删除符"),
    0x85: ("next line", "下一行"),
    0x2028: ("line separator", "行分隔符"),
    0x2029: ("paragraph separator", "段落分隔符"),
}


_CAREFUL = re.compile(f"{_REFUSED.pattern}|{_LINE_ENDS.pattern}|\ufeff")
_SEEN = re.compile("[0-9A-Za-z\u4e00-\u9fff]")


def is_plain(text: str) -> bool:
    """Return whether a text surely has something to see, and nothing that is refused or sent otherwise. Fast."""
    return (text.isprintable() or not _CAREFUL.search(text)) and _SEEN.search(text) is not None


@dataclass(frozen=True)
class Cleaned:
    """A text as it is sent, and what is to be said about it; "" if nothing is."""

    text: str
    remark: str = ""


def is_blank(text: str) -> bool:
    """Return whether a text has nothing to see in it: white space, format signs, fillers."""
    return all(char.isspace() or unicodedata.category(char) in ("Cf", "Zs") or _BLANK.match(char) for char in text)


_SAID_MARKS = frozenset("#%&*/@\\§‰％＆＃＠＊／")
"""Marks that have a name in speech: "percent", "and"."""


def has_nothing_to_say(text: str) -> bool:
    """Return whether a text has no letter, figure or symbol: a voice would say nothing."""
    return all(char not in _SAID_MARKS and (is_blank(char) or unicodedata.category(char)[0] in "PM") for char in text)


def wide_count(text: str) -> int:
    """Return how many are of double width: Chinese characters, and the marks that are set with them."""
    return sum(unicodedata.east_asian_width(char) in ("W", "F") for char in text)


def cleaned(text: str) -> Cleaned:
    """Return the text without a BOM before it, its odd line ends as "\\n"."""
    text = _BOM.sub("", text, count=1)
    found = dict.fromkeys(_LINE_ENDS.findall(text))
    if not found:
        return Cleaned(text)
    named = ", ".join(f"{name_of(char)}" for char in found)
    remark = tr(f"sent as line breaks: {named}", f"按换行发送：{named}")
    return Cleaned(_LINE_ENDS.sub("\n", text), remark)


def refusal(text: str) -> str:
    """Return what is wrong with the first sign that cannot be sent: which it is, where, and what to do; "" if all can."""
    found = _REFUSED.search(text)
    if found is None:
        return ""
    char, before = found.group(), text[: found.start()]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    more = len(_REFUSED.findall(text)) - 1
    also = tr(f" and {more} more", f"，另有 {more} 处") if more else ""
    return tr(
        f"holds {name_of(char)} in line {line}, column {column}{also}: ",
        f"第 {line} 行第 {column} 列含有 {name_of(char)}{also}：",
    ) + _cure(char)


def name_of(char: str) -> str:
    """Return "U+001B (escape, …)"."""
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte of the command line that is no UTF-8
        return tr(f"the byte 0x{code - 0xDC00:02X}, no UTF-8", f"字节 0x{code - 0xDC00:02X}（不是 UTF-8）")
    if 0xD800 <= code <= 0xDFFF:
        return tr(f"U+{code:04X} (half of a character)", f"U+{code:04X}（半个字符）")
    english, chinese = _NAMES.get(
        code, ("control character", "控制字符") if code < 0xA0 else ("no character", "非字符")
    )
    return tr(f"U+{code:04X} ({english})", f"U+{code:04X}（{chinese}）")


def _cure(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return tr(
            "a terminal that is not UTF-8? PYTHONUTF8=1 helps; or put the text into a file",
            "终端不是 UTF-8？可设置 PYTHONUTF8=1，或把文本放入文件",
        )
    if code == 0x1B:
        return tr(
            r"take the colours out: --color=never, or `sed 's/\x1b\[[0-9;]*[A-Za-z]//g'`",
            r"请去掉颜色代码：--color=never，或 `sed 's/\x1b\[[0-9;]*[A-Za-z]//g'`",
        )
    if code == 0:
        return tr(
            r"is it a text? Save it as UTF-8, or take NULs out: `tr -d '\000'`",
            r"这是文本吗？请另存为 UTF-8，或去掉 NUL：`tr -d '\000'`",
        )
    if code < 0x80:
        return tr(f"take it out: `tr -d '\\{code:03o}'`", f"请去掉：`tr -d '\\{code:03o}'`")
    return tr("take it out, or write the whole character", "请去掉，或写完整字符")
