"""YAML as a person writes it, with the line of everything.

Importing this needs pyyaml, of the extra `[sandbox]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from bailian.i18n import tr
from bailian.sandbox.scripted.fields import WrongEntry, WrongField

Item = TypeVar("Item")


class _Loader(yaml.SafeLoader):
    """YAML 1.2's words: `no` and `2026-11-28` are texts, only `true` and `false` are switches."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # as the base class has it
        first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] not in ("bool", "timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|false)$"), list("tf"))


@dataclass(frozen=True)
class Located:
    """A value, its line, and of a mapping the lines of its names."""

    value: Any
    line: int
    lines: dict[str, int] = field(default_factory=dict)
    items: list[Located] = field(default_factory=list)
    """Of a list, and by the names of a mapping in `inner`."""
    inner: dict[str, Located] = field(default_factory=dict)


def read_yaml(path: Path) -> Located:
    """Return what a file says.

    Raises:
        WrongEntry: it cannot be read, or is no YAML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            return Located(None, 1) if node is None else _located(loader, node)
        finally:
            loader.dispose()
    except OSError as error:
        raise WrongEntry(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WrongEntry(tr(f"{path}: is no UTF-8", f"{path}：不是 UTF-8")) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise WrongEntry(_at(path, line, str(error.problem))) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise WrongEntry(tr(f"{path}: is no YAML: {error}", f"{path}：不是 YAML：{error}")) from None


def _located(loader: _Loader, node: yaml.Node) -> Located:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        items = [_located(loader, one) for one in node.value]
        return Located([one.value for one in items], line, items=items)
    if not isinstance(node, yaml.MappingNode):
        return Located(loader.construct_object(node, deep=True), line)
    loader.flatten_mapping(node)
    lines: dict[str, int] = {}
    inner: dict[str, Located] = {}
    for key, value in node.value:
        name = str(loader.construct_object(key, deep=True))
        if name in inner:
            mark = key.start_mark
            told = f"{name} stands twice (first in line {lines[name]})"
            told = tr(told, f"{name} 出现了两次（第一次在第 {lines[name]} 行）")
            raise yaml.MarkedYAMLError(problem=told, problem_mark=mark)
        lines[name], inner[name] = key.start_mark.line + 1, _located(loader, value)
    return Located({name: one.value for name, one in inner.items()}, line, lines, inner=inner)


def _at(path: Path, line: int, problem: str) -> str:
    return tr(f"{path}, line {line}: {problem}", f"{path} 第 {line} 行：{problem}")


def list_of(path: Path, document: Located, name: str, others: tuple[str, ...] = ()) -> list[Located]:
    """Return the entries of the list that a document is, or has under a name.

    Raises:
        WrongEntry: there is none, or something else stands beside it.
    """
    if isinstance(document.value, list):
        return document.items
    unknown = [one for one in document.inner if one not in (name, *others)]
    if unknown:
        allowed = ", ".join((name, *others))
        told = tr(f"no field {unknown[0]!r}; allowed: {allowed}", f"没有字段 {unknown[0]!r}；可用：{allowed}")
        raise WrongEntry(_at(path, document.lines[unknown[0]], told))
    found = document.inner.get(name)
    if found is None or not isinstance(found.value, list):
        told = tr(f"{name} is a list of objects", f"{name} 应为对象的列表")
        raise WrongEntry(_at(path, found.line if found else document.line, told))
    return found.items


def read_each(path: Path, entries: list[Located], read: Callable[[Any], Item]) -> list[Item]:
    """Return the entries as read.

    Raises:
        WrongEntry: one is wrong, with its line.
    """
    items = []
    for entry in entries:
        try:
            items.append(read(entry.value))
        except WrongField as error:  # noqa: PERF203  # each has its line
            line = entry.lines.get(error.field) or _deeper(entry, error.field) or entry.line
            raise WrongEntry(_at(path, line, error.problem)) from None
    return items


def _deeper(entry: Located, name: str) -> int | None:
    """Return the line of a name inside an entry, where a field of a field is wrong."""
    for one in (*entry.inner.values(), *entry.items):
        line = one.lines.get(name) or _deeper(one, name)
        if line:
            return line
    return None
