"""Rows that differ in nothing but their text and their id: the first two are read and checked word for word, the others
as the same row with another text.

A text that needs any care (odd signs, nothing to see) is always read word for word.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, NamedTuple

from bailian.batch.input.matrix import NAME as MATRIX
from bailian.text.characters import is_plain

KEY_CHARS = 24
# So many patterns are remembered; a request of more than so many characters without its text is none.
PATTERNS_MAX = 256
REST_MAX_CHARS = 4_000
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_MARK = "\x00text\x00"


def digest(kind: str, fields: Mapping[str, Any], *options: str | None) -> str:
    """Return what a row's content is known by. Paths count as they are written, so that a moved folder is the same
    batch."""
    return _shortened(_digested(kind, fields, *options))


def _digested(kind: str, fields: Mapping[str, Any], *options: str | None) -> str:
    # 1.0 and 1 are the same number in JSON, and a table cannot tell them apart.
    plain = {
        name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in fields.items()
    }
    return _ENCODER.encode([kind, plain, *options])


def _shortened(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:KEY_CHARS]


class PlainRow(NamedTuple):
    """A row as it is written: its text, its id, and all else in one word, the same for rows that share all of it."""

    rest: str
    name: str
    """What its text is called."""
    text: str
    label: str | None


def plain_row(values: Mapping[str, Any], outer: object) -> PlainRow | None:
    """Return a row taken apart; `outer` is what its file says of it. None: it is to be read word for word."""
    rest = dict(values)
    name = "prompt" if "prompt" in rest else "text"
    text, label = rest.pop(name, None), rest.pop("id", None)
    if not isinstance(text, str) or MATRIX in rest or isinstance(label, bool) or not is_plain(text):
        return None
    if isinstance(label, int):
        label = str(label)
    elif not isinstance(label, str | None):
        return None
    told = f"{outer}{name}{rest!r}"
    return None if len(told) > REST_MAX_CHARS else PlainRow(told, name, text, label and label.rstrip())


class Pattern(NamedTuple):
    """What a row is known by, around its text and its id."""

    number: int
    """The same for all rows of one pattern; 0 is none."""
    head: str
    middle: str

    def key(self, text: str, label: str | None) -> str:
        """Return what `digest` returns for the row with another text and id."""
        return _shortened(f"{self.head}{quoted(text)}{self.middle}{'null' if label is None else quoted(label)}]")


def pattern_of(number: int, name: str, kind: str, fields: Mapping[str, Any], *options: str | None) -> Pattern:
    """Return the pattern of a row that was read; `options` is what `digest` takes, without the id."""
    text = _digested(kind, {**fields, name: _MARK}, *options, None)
    head, _, middle = text.removesuffix("null]").partition(quoted(_MARK))
    return Pattern(number, head, middle)
