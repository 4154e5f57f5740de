"""Reads a mapping that a person has written: every field has its reader, and what is wrong is said with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from bailian.i18n import tr

Item = TypeVar("Item")
Read = Callable[[Any], Any]
"""Returns the value of a field, or raises ValueError with what it has to be."""


class WrongField(ValueError):
    """One field of one entry is wrong.

    Args:
        field: its name; empty: the whole entry is meant.
        problem: a sentence without the place.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field
        self.problem = problem


class WrongEntry(ValueError):
    """An entry of a list is wrong; the text says which, where it stands, and what would be right."""


def read_fields(entry: Any, readers: Mapping[str, Read], what: str) -> dict[str, Any]:
    """Return the fields of a mapping, each by its reader.

    Raises:
        WrongField: no mapping, an unknown name, or a value that its reader refuses.
    """
    if not isinstance(entry, Mapping):
        told = tr(f"{what} is an object with {_listed(readers)}", f"{what} 应为对象，字段有 {_listed(readers)}")
        raise WrongField("", told)
    values: dict[str, Any] = {}
    for name, value in entry.items():
        if name not in readers:
            near = get_close_matches(str(name), readers, 1)
            hint = tr(f" (meant: {near[0]}?)", f"（是否指 {near[0]}？）") if near else ""
            told = tr(
                f"{what} has no field {name!r}{hint}; allowed: {_listed(readers)}",
                f"{what} 没有字段 {name!r}{hint}；可用：{_listed(readers)}",
            )
            raise WrongField(str(name), told)
        try:
            values[name] = readers[name](value)
        except WrongField:
            raise
        except ValueError as error:
            raise WrongField(str(name), f"{name} {error}") from None
    return values


def read_numbered(entries: Iterable[Any], read: Callable[[Any], Item], what: str) -> list[Item]:
    """Return the entries of a list, each as read.

    Raises:
        WrongEntry: one is wrong, with its number.
    """
    items = []
    for number, entry in enumerate(entries, 1):
        try:
            items.append(read(entry))
        except WrongField as error:  # noqa: PERF203  # each has its number
            raise WrongEntry(f"{what} {number}: {error.problem}") from None
    return items


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(names)


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(tr(f"is a text, not {value!r}", f"应为文本，而不是 {value!r}"))
    return value


def word(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(tr(f"is a text that is not empty, not {value!r}", f"应为非空文本，而不是 {value!r}"))
    return value


def switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(tr(f"is true or false, not {value!r}", f"应为 true 或 false，而不是 {value!r}"))
    return value


def seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 10**9:
        raise ValueError(tr(f"is a number of seconds from 0, not {value!r}", f"应为不小于 0 的秒数，而不是 {value!r}"))
    return float(value)


def whole(least: int, most: int = 10**9) -> Read:
    """Return the reader of a whole number between two."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            upto, bis = (f" to {most}", f" 到 {most}") if most < 10**9 else ("", " 起")
            told = f"is a whole number from {least}{upto}, not {value!r}"
            raise ValueError(tr(told, f"应为 {least}{bis}的整数，而不是 {value!r}"))
        return value

    return read
