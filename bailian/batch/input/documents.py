"""JSON and JSON lines → the requests that stand in them, each with its place in the file."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, TextIO

from bailian.batch.input.problems import Problems
from bailian.batch.input.row_schema import PARTS, SECTIONS
from bailian.catalog import did_you_mean
from bailian.errors import InvalidRequest, Problem
from bailian.i18n import tr
from bailian.text.json_text import NotJson, loaded

DEFAULTS = "defaults"
COMMENTS = ("#", "//")
BOM = "\ufeff"


class RawRow(NamedTuple):
    """One request as it stands in the file."""

    where: str
    values: object
    kind: str | None = None
    """The section's, if it stands in one."""
    cells: bool = False
    """All values are texts, as in a table."""
    columns: Mapping[str, str] = MappingProxyType({})
    """What stands in the columns that are no fields: the user's own."""


@dataclass(frozen=True)
class Document:
    """What a whole file holds."""

    given: Iterable[RawRow]
    defaults: object = None


def read(file: TextIO, source: str, kind: str | None, problems: Problems, *, lines: bool) -> Document:
    """Return the requests of a JSON file, or of JSON lines (`lines`, or several lines that are objects).

    Lines are read as they are asked for; a JSON file is read whole.

    Raises:
        InvalidRequest: not JSON, no request in it. What is wrong with single lines goes to `problems`.
    """
    if lines:
        return Document(_lines(enumerate(file, 1), problems))
    read_so_far: list[tuple[int, str]] = []
    telling = (numbered for numbered in _kept(enumerate(file, 1), read_so_far) if _tells(numbered[1]))
    first, second = next(telling, None), next(telling, None)
    if first and second and _is_whole_object(first[1]):
        return Document(_lines(itertools.chain(read_so_far, enumerate(file, second[0] + 1)), problems))
    data = "".join(line for _, line in read_so_far) + file.read()
    if first is None:
        return Document(())
    # With comments above and below, a single line of JSON lines is still one.
    return _document(data if second else first[1], source, kind, problems)


def _kept(numbered: Iterable[tuple[int, str]], kept: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    for one in numbered:
        kept.append(one)
        yield one


def _tells(line: str) -> bool:
    """Return whether a line is neither blank nor a comment."""
    if line.startswith("{"):
        return True
    bare = line.removeprefix(BOM).strip()
    return bool(bare) and not bare.startswith(COMMENTS)


def _is_whole_object(line: str) -> bool:
    bare = line.removeprefix(BOM).strip()
    if not (bare.startswith("{") and bare.endswith("}")):
        return False
    try:
        json.loads(bare)
    except (ValueError, RecursionError):
        return False
    return True


def _lines(numbered: Iterable[tuple[int, str]], problems: Problems) -> Iterator[RawRow]:
    shown = False
    for number, line in numbered:
        if not _tells(line):
            continue
        where = f"line {number}"
        try:
            value, doubled = loaded(line.rstrip())
        except NotJson as error:
            text = tr(
                f"is not JSON: column {error.column}: {error.reason}",
                f"不是合法的 JSON：第 {error.column} 列：{error.reason}",
            )
            # The line itself is shown once: in a million wrong ones the same words should be one problem.
            problems.add(where, "", text if shown else f"{text}\n{error.shown}")
            shown = True
        except ValueError as error:
            problems.add(where, "", str(error))
        else:
            for path in doubled:
                problems.add(where, path, _twice())
            yield RawRow(where, value)


def whole(text: str, source: str) -> tuple[Any, list[Problem]]:
    """Return the value of a JSON file, and what stands in it twice: JSON keeps the last, a paid request must not.

    Raises:
        InvalidRequest: it is not JSON; with line and column.
    """
    try:
        value, doubled = loaded(text)
    except NotJson as error:
        placed = error.placed()
        raise InvalidRequest.one(
            "config", tr(f"{source} is not JSON: {placed}", f"{source} 不是合法的 JSON：{placed}")
        ) from None
    except ValueError as error:
        raise InvalidRequest.one("config", f"{source}: {error}") from None
    return value, [Problem(path, _twice()) for path in doubled]


def _document(text: str, source: str, kind: str | None, problems: Problems) -> Document:
    value, doubled = whole(text, source)
    problems.add_all("", doubled)
    if isinstance(value, list):
        return Document(RawRow(f"[{index}]", row) for index, row in enumerate(value))
    if not isinstance(value, dict):
        raise InvalidRequest.one(
            "config",
            tr(
                f"{source} holds neither an object nor a list of them",
                f"{source} 的内容不是 JSON 对象，也不是对象的列表",
            ),
        )
    if _has_sections(value):
        return Document(_sections(value, kind, problems), value.get(DEFAULTS))
    return Document([RawRow("request", value)])


def _has_sections(value: Mapping[str, Any]) -> bool:
    """Return whether an object is the combined form, also where the name of a section is misspelled."""
    if any(name in SECTIONS or name == DEFAULTS for name in value):
        return True
    if any(name in value for name in ("kind", "model", "prompt", *PARTS)):
        return False
    return any(isinstance(rows, list) and rows and isinstance(rows[0], dict) for rows in value.values())


def _sections(value: Mapping[str, Any], kind: str | None, problems: Problems) -> Iterator[RawRow]:
    for name, rows in value.items():
        own = SECTIONS.get(name)
        if name == DEFAULTS:
            continue
        if own is None:
            problems.add(
                "",
                name,
                tr("is not a section", "不是有效的分组")
                + did_you_mean(name, (*SECTIONS, DEFAULTS))
                + tr(
                    f" (allowed: {', '.join((*SECTIONS, DEFAULTS))})", f"（可用：{'、'.join((*SECTIONS, DEFAULTS))}）"
                ),
            )
        elif not isinstance(rows, list):
            problems.add("", name, tr("must be a list of requests", "应为请求的列表"))
        elif kind in (None, own):  # a script runs its own section
            yield from (RawRow(f"{name}[{index}]", row, own) for index, row in enumerate(rows))


def _twice() -> str:
    return tr("stands twice in the same object", "在同一对象中出现两次")
