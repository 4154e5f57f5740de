"""What stands in JSON, in a table's cell or on a command line → the value that a field holds: the same in all of them.

pandas writes 42.0 where a column has gaps, other tools write every value as a text. A value that can be read in one way
only is taken so; anything else is left as it is, for the type check to name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin

TRUE = ("true", "t", "yes", "y", "on", "1", "1.0", "是")
FALSE = ("false", "f", "no", "n", "off", "0", "0.0", "否")
LIST_SEPARATOR = "|"
_WHOLE = re.compile(r"\s*([+-]?[0-9]{1,30})(\.0*)?\s*")
_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]{1,30}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)\s*")
_LINK = ("http://", "https://")
# What a piece of a list of inputs looks like: a link, a path with a folder before it, or a name with a suffix.
_INPUT = re.compile(
    r"\s*([a-z]+://|data:|[/~\\@]|\.{1,2}[/\\]|[A-Za-z]:[/\\]|[^?=&]*\.[A-Za-z0-9]{2,5}(\?|\s*$))", re.DOTALL
)
_SEPARATORS = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Wanted:
    """What a field holds: one value of a type, or a list of them. `type` is None where no reading is possible."""

    type: type | None
    is_list: bool = False


def wanted(annotation: object) -> Wanted:
    """Return what a field's annotation (`int`, `bool | None`, `list[str]`) asks for."""
    if get_origin(annotation) in (Union, UnionType):
        inner = [one for one in get_args(annotation) if one is not type(None)]
        return wanted(inner[0]) if len(inner) == 1 else Wanted(None)
    if get_origin(annotation) in (list, tuple):
        inner = [one for one in get_args(annotation) if one is not Ellipsis]
        return Wanted(wanted(inner[0]).type if len(inner) == 1 else None, is_list=True)
    return Wanted(annotation if isinstance(annotation, type) and annotation in (bool, int, float, str) else None)


def all_read(values: Mapping[str, Any], fields: Mapping[str, Wanted]) -> dict[str, Any]:
    """Return the values of a JSON object, or of a command line, as the fields hold them."""
    return {name: read(value, fields[name]) if name in fields else value for name, value in values.items()}


def read(value: Any, field: Wanted) -> Any:
    """Return a value as the field holds it, or the value itself."""
    if isinstance(value, list) and field.is_list:
        return [_one(inner, field.type) for inner in value]
    return _one(value, field.type)


def cell(text: Any, field: Wanted) -> Any:
    """Return what a table's cell says; a list's values are divided by `|`, also where the cell is one of a list."""
    if not field.is_list:
        return _one(text, field.type)
    if not isinstance(text, list):
        return [_one(piece, field.type) for piece in _divided(text)]
    # An empty word in a list keeps a place open: the second reference has a voice, the first has none.
    return [_one(piece, field.type) for word in text for piece in (_divided(word) if word else [word])]


def _divided(word: Any) -> list[Any]:
    return pieces(word) if isinstance(word, str) else [word]


def pieces(text: str) -> list[str]:
    r"""Return the values of a list's cell. `\|` is no separator, and neither is the `|` inside a link: what follows must
    be a link, a path or a file's name itself."""
    found: list[str] = []
    for piece in _SEPARATORS.split(text):
        if found and found[-1].lstrip().startswith(_LINK) and not _INPUT.match(piece):
            found[-1] += LIST_SEPARATOR + piece
        else:
            found.append(piece)
    return [piece.strip().replace("\\|", "|") for piece in found if piece.strip()]


def _one(value: Any, kind: type | None) -> Any:
    if kind is bool:
        return _switch(value)
    if kind is int and not isinstance(value, bool):
        return _whole(value)
    if kind is float and isinstance(value, str) and (found := _NUMBER.fullmatch(value)):
        return float(found[1])
    return value


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    found = _WHOLE.fullmatch(value) if isinstance(value, str) else None
    return int(found[1]) if found else value


def _switch(value: Any) -> Any:
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in TRUE else False if word in FALSE else value
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else value
