"""`{"result_of": "hero", "index": 2}` in JSON and `@hero:2` in a table's cell → one word for another row's result."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bailian.catalog import did_you_mean
from bailian.errors import Problem
from bailian.i18n import tr
from bailian.types.result_of import ResultOf, is_result, result_of

NAME = "result_of"
_KEYS = (NAME, "index")
_CELL = re.compile(r"@(.+?)(?::([0-9]{1,7}))?", re.DOTALL)


class WrongReference(Exception):
    """An object that names a result and cannot be understood."""


def read_references(fields: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return a row's fields with every `{"result_of": …}` as a word, and what is wrong with them.

    Whatever the fields are called here: the kind's own names are found later. A wrong one stands as a dot.
    """
    read, problems = dict(fields), []
    for name, value in fields.items():
        if not isinstance(value, dict | list):
            continue
        try:
            read[name] = _words(value)
        except WrongReference as error:
            problems.append(Problem(name, str(error)))
            read[name] = "."
    return read, problems


def _words(value: Any) -> Any:
    if isinstance(value, list):
        return [_words(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if NAME in value and not isinstance(value[NAME], dict):  # a schema may have a property of that name
        return _word(value)
    return {name: _words(inner) for name, inner in value.items()}


def _word(value: Mapping[str, Any]) -> str:
    label, index = value[NAME], value.get("index", 1)
    if isinstance(label, bool) or not isinstance(label, str | int) or not str(label).rstrip():
        raise WrongReference(
            tr(
                f"{NAME} is the id of a row of this file, not {label!r}",
                f"{NAME} 应为本文件中某一行的 id，而不是 {label!r}",
            )
        )
    for name in value:
        if name not in _KEYS:
            text = tr(f"{name!r} does not stand beside {NAME}", f"{name!r} 不能与 {NAME} 并列")
            raise WrongReference(text + did_you_mean(name, _KEYS))
    if isinstance(index, bool) or not isinstance(index, int) or not 1 <= index <= 1_000_000:
        text = tr(f"index is a whole number from 1, not {index!r}", f"index 应为从 1 开始的整数，而不是 {index!r}")
        raise WrongReference(text)
    return ResultOf(str(label).rstrip(), index).word


def read_cells(fields: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the fields of a table's row with `@hero` in its inputs as a word; a file of that name is "./@hero"."""
    return {name: _from_cells(value) if name in names else value for name, value in fields.items()}


def _from_cells(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_cells(inner) for inner in value]
    found = _CELL.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return value
    return ResultOf(found[1].rstrip(), int(found[2] or 1)).word


def misplaced(fields: Mapping[str, Any], names: tuple[str, ...], *, any_field: bool) -> list[Problem]:
    """Return what is wrong with words for results: not understood, or (`any_field`) where no file goes in."""
    problems = []
    for name, word in words_of(fields, tuple(fields) if any_field else names):
        if name not in names:
            taken = ", ".join(names) or tr("none", "无")
            text = tr(
                f"takes no other row's result; fields that do: {taken}", f"不能引用其他行的结果；可引用的字段：{taken}"
            )
            problems.append(Problem(name, text))
        elif result_of(word) is None:
            text = tr(
                f'is no result of a row: {{"{NAME}": "ID", "index": N}}, in a table @ID:N, N from 1',
                f'不是某一行的结果：应写成 {{"{NAME}": "ID", "index": N}}，表格中写成 @ID:N，N 从 1 开始',
            )
            problems.append(Problem(name, text))
    return problems


def words_of(fields: Mapping[str, Any], names: Iterable[str]) -> list[tuple[str, str]]:
    """Return (field, word) of all results of other rows that these fields name."""
    return [(name, word) for name in names if (value := fields.get(name)) for word in _all_words(value)]


def _all_words(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if is_result(value) else []
    if isinstance(value, dict):
        value = list(value.values())
    return [word for inner in value for word in _all_words(inner)] if isinstance(value, list) else []
