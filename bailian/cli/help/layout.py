"""How wide a text is on a terminal, and where a line of it may end. Chinese has no spaces, and two columns a sign."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterator

_GLUE = "\xa0"
FALLBACK_COLUMNS = 80
NOT_FIRST = frozenset("，。、；：？！…）」』】》〉”’,.;:?!)]}%")
"""Signs that do not begin a line."""
NOT_LAST = frozenset("（「『【《〈“‘([{" + _GLUE)
"""Signs that do not end one."""
_BEHIND_CHINESE = re.compile(r"(?<=[。）]) +\[")
_DEFAULT = re.compile(r"\[(default|默认): ")


def terminal_columns() -> int:
    """Return how wide the terminal is: COLUMNS, if it is more than 0, else what the terminal itself says."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or FALLBACK_COLUMNS
    except (OSError, ValueError, AttributeError):
        return FALLBACK_COLUMNS


def columns_of(text: str) -> int:
    """Return how many columns a text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def wrapped(text: str, columns: int) -> list[str]:
    """Return the lines of a paragraph. No word is cut: one that is wider than the line stands alone on its own."""
    lines, line, used = [], "", 0
    text = _DEFAULT.sub(rf"[\1:{_GLUE}", _BEHIND_CHINESE.sub("[", text))
    for space, piece in _pieces(text):
        width = columns_of(piece)
        if line and used + len(space) + width > columns:
            lines.append(line)
            line, used = piece, width
        elif line:
            line, used = line + space + piece, used + len(space) + width
        else:
            line, used = piece, width
    return [one.replace(_GLUE, " ") for one in [*lines, line] if one]


def _columns(sign: str) -> int:
    if unicodedata.combining(sign) or unicodedata.category(sign) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Yield what a line break must not part, each with the space before it."""
    for word in text.split(" "):
        space, begun = " ", ""
        for sign in word:
            if begun and _may_part(begun[-1], sign):
                yield space, begun
                space, begun = "", ""
            begun += sign
        if begun:
            yield space, begun


def _may_part(before: str, after: str) -> bool:
    wide = _columns(before) == 2 or _columns(after) == 2
    return wide and before not in NOT_LAST and after not in NOT_FIRST and before + after != "默认"
