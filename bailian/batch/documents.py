"""JSON and JSON lines → the requests that stand in them, each with its place in the file."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from bailian.batch.forms import PARTS, SECTIONS
from bailian.batch.problems import Problems
from bailian.catalog import did_you_mean
from bailian.errors import InvalidRequest
from bailian.language import say

DEFAULTS = "defaults"
COMMENTS = (b"#", b"//")
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Given:
    """One request as it stands in the file."""

    where: str
    values: object
    kind: str | None = None
    """The section's, if it stands in one."""
    cells: bool = False
    """All values are texts, as in a table."""


@dataclass(frozen=True)
class Document:
    """What a whole file holds."""

    given: Iterable[Given]
    defaults: object = None


class _Doubled(dict[str, Any]):
    """An object in which a field stands twice."""

    twice: str


def read(file: BinaryIO, source: str, kind: str | None, problems: Problems, *, lines: bool) -> Document:
    """Return the requests of a JSON file, or of JSON lines (`lines`, or several lines that are objects).

    Lines are read as they are asked for; a JSON file is read whole.

    Raises:
        InvalidRequest: not UTF-8, not JSON, no request in it. What is wrong with single lines goes to `problems`.
    """
    if lines:
        return Document(_lines(enumerate(file, 1), problems))
    read_so_far: list[tuple[int, bytes]] = []
    telling = (numbered for numbered in _kept(enumerate(file, 1), read_so_far) if _tells(numbered[1]))
    first, second = next(telling, None), next(telling, None)
    if first and second and _is_whole_object(first[1]):
        return Document(_lines(itertools.chain(read_so_far, enumerate(file, second[0] + 1)), problems))
    data = b"".join(line for _, line in read_so_far) + file.read()
    if first is None:
        return Document(())
    # With comments above and below, a single line of JSON lines is still one.
    return _document(data if second else first[1], source, kind, problems)


def _kept(numbered: Iterable[tuple[int, bytes]], kept: list[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    for one in numbered:
        kept.append(one)
        yield one


def _tells(line: bytes) -> bool:
    """Return whether a line is neither blank nor a comment."""
    bare = line.removeprefix(BOM).strip()
    return bool(bare) and not bare.startswith(COMMENTS)


def _is_whole_object(line: bytes) -> bool:
    bare = line.removeprefix(BOM).strip()
    if not (bare.startswith(b"{") and bare.endswith(b"}")):
        return False
    try:
        json.loads(bare)
    except (ValueError, RecursionError):
        return False
    return True


def _lines(numbered: Iterable[tuple[int, bytes]], problems: Problems) -> Iterator[Given]:
    for number, line in numbered:
        if not _tells(line):
            continue
        where = f"line {number}"
        try:
            value, doubled = _loaded(line.removeprefix(BOM).decode("utf-8").rstrip())
        except UnicodeDecodeError:
            problems.add(where, "", say("is not UTF-8: save the file as UTF-8", "不是 UTF-8 编码，请另存为 UTF-8"))
        except json.JSONDecodeError as error:
            problems.add(
                where,
                "",
                say(
                    f"is not JSON: column {error.colno}: {error.msg}",
                    f"不是合法的 JSON：第 {error.colno} 列：{error.msg}",
                ),
            )
        except ValueError as error:
            problems.add(where, "", str(error))
        else:
            for path in doubled:
                problems.add(where, path, _twice())
            yield Given(where, value)


def _document(data: bytes, source: str, kind: str | None, problems: Problems) -> Document:
    try:
        value, doubled = _loaded(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InvalidRequest.one(
            "config", say(f"{source} is not UTF-8: save it as UTF-8", f"{source} 不是 UTF-8 编码，请另存为 UTF-8")
        ) from None
    except json.JSONDecodeError as error:
        raise InvalidRequest.one(
            "config",
            say(
                f"{source} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}",
                f"{source} 不是合法的 JSON：第 {error.lineno} 行第 {error.colno} 列：{error.msg}",
            ),
        ) from None
    except ValueError as error:
        raise InvalidRequest.one("config", f"{source}: {error}") from None
    for path in doubled:
        problems.add("", path, _twice())
    if isinstance(value, list):
        return Document(Given(f"[{index}]", row) for index, row in enumerate(value))
    if not isinstance(value, dict):
        raise InvalidRequest.one(
            "config",
            say(
                f"{source} holds neither an object nor a list of them",
                f"{source} 的内容不是 JSON 对象，也不是对象的列表",
            ),
        )
    if _has_sections(value):
        return Document(_sections(value, kind, problems), value.get(DEFAULTS))
    return Document([Given("request", value)])


def _has_sections(value: Mapping[str, Any]) -> bool:
    """Return whether an object is the combined form, also where the name of a section is misspelled."""
    if any(name in SECTIONS or name == DEFAULTS for name in value):
        return True
    if any(name in value for name in ("kind", "model", "prompt", *PARTS)):
        return False
    return any(isinstance(rows, list) and rows and isinstance(rows[0], dict) for rows in value.values())


def _sections(value: Mapping[str, Any], kind: str | None, problems: Problems) -> Iterator[Given]:
    for name, rows in value.items():
        own = SECTIONS.get(name)
        if name == DEFAULTS:
            continue
        if own is None:
            problems.add(
                "",
                name,
                say("is not a section", "不是有效的分组")
                + did_you_mean(name, (*SECTIONS, DEFAULTS))
                + say(
                    f" (allowed: {', '.join((*SECTIONS, DEFAULTS))})", f"（可用：{'、'.join((*SECTIONS, DEFAULTS))}）"
                ),
            )
        elif not isinstance(rows, list):
            problems.add("", name, say("must be a list of requests", "应为请求的列表"))
        elif kind in (None, own):  # a script runs its own section
            yield from (Given(f"{name}[{index}]", row, own) for index, row in enumerate(rows))


def _loaded(text: str) -> tuple[Any, list[str]]:
    """Return the value, and where in it a field stands twice: JSON would silently keep the last one.

    Raises:
        ValueError: not JSON (a JSONDecodeError), too deep, a number with thousands of digits, NaN or Infinity.
    """
    twins = False

    def built(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twins
        value = dict(pairs)
        if len(value) == len(pairs):
            return value
        twins, doubled = True, _Doubled(value)
        names = [name for name, _ in pairs]
        doubled.twice = next(name for name in names if names.count(name) > 1)
        return doubled

    try:
        value = json.loads(text, object_pairs_hook=built, parse_constant=_refuse_constant)
        return value, list(_doubled_in(value, "")) if twins else []
    except RecursionError:
        raise ValueError(say("is nested too deeply", "嵌套过深")) from None


def _refuse_constant(word: str) -> None:
    raise ValueError(say(f"{word} is not a number in JSON", f"JSON 中没有 {word} 这样的数字"))


def _doubled_in(value: object, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _doubled_in(inner, f"{path}[{index}]")
    if isinstance(value, _Doubled):
        yield f"{path}.{value.twice}".removeprefix(".")
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _doubled_in(inner, f"{path}.{name}".removeprefix("."))


def _twice() -> str:
    return say("stands twice in the same object", "在同一对象中出现两次")
