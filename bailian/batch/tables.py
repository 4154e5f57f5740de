"""CSV and TSV → requests whose values are texts: as Excel, WPS and Numbers write them."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from typing import TextIO

from bailian.batch.documents import Given
from bailian.batch.forms import ROW_OPTIONS, form_of
from bailian.batch.problems import Problems
from bailian.catalog import KINDS, did_you_mean
from bailian.language import say

DELIMITERS = ",;\t"
# Excel's own first line, which says how the file is written.
DELIMITER_LINE = "sep="


def read(file: TextIO, kind: str | None, problems: Problems, *, delimiter: str | None = None) -> Iterator[Given]:
    """Yield the rows of a table with a header, as they are read; empty cells are absent, empty rows no rows.

    `file` is opened with `newline=""`. Without `delimiter`, it is the one that the header has most of.
    What is wrong with the table goes to `problems`.
    """
    before, first = _header_line(file)
    if first.lower().startswith(DELIMITER_LINE) and len(first.rstrip("\r\n")) == len(DELIMITER_LINE) + 1:
        delimiter = first[len(DELIMITER_LINE)]
        skipped, first = _header_line(file)
        before += 1 + skipped
    # Strict: a quote that is never closed would swallow the rest of the file as one cell.
    reader = csv.reader(itertools.chain([first], file), delimiter=delimiter or _delimiter(first), strict=True)
    line = before + 1
    try:
        header = [cell.strip() for cell in next(reader, [])]
        columns = _columns(header, kind, line, problems)
        line = before + reader.line_num + 1
        for cells in reader:
            given = _given(cells, columns, f"line {line}", problems)
            line = before + reader.line_num + 1
            if given is not None:
                yield given
    except csv.Error as error:
        problems.add(f"line {line}", "", say(f"is not a row of a table: {error}", f"不是合法的表格行：{error}"))


def _header_line(file: TextIO) -> tuple[int, str]:
    """Return how many blank lines stand before the first other one, and that one."""
    for before in itertools.count():
        line = file.readline()
        if line.strip() or not line:
            return before, line
    raise AssertionError


def _delimiter(header: str) -> str:
    """Return what divides the names: Excel takes the semicolon where the comma is the decimal sign."""
    return max(DELIMITERS, key=header.count)


def _columns(header: list[str], kind: str | None, line: int, problems: Problems) -> list[str | None]:
    """Return the name of each column: None where it has none, empty where the name is unknown."""
    where = f"line {line}"
    columns: list[str | None] = []
    for name in header:
        known = not name or _is_field(name, kind)
        if not known:
            problems.add(where, name, _unknown(name, kind))
        elif name and name in columns:
            problems.add(where, name, say("names two columns", "是两列的名称"))
        columns.append((name or None) if known else "")
    return columns


def _is_field(name: str, kind: str | None) -> bool:
    if name == "kind" or name in ROW_OPTIONS:
        return True
    # The kinds are asked one after the other: a table of pictures needs no other module.
    return any(form_of(one).knows(name, "") for one in ((kind,) if kind else KINDS))


def _unknown(name: str, kind: str | None) -> str:
    if kind:
        return form_of(kind).unknown_field(name)
    known = dict.fromkeys(field for one in KINDS for field in form_of(one).known)
    near = did_you_mean(name, ("kind", *known, *ROW_OPTIONS))
    return say("is not a field of any kind of request", "不是任何类型请求的字段") + near


def _given(cells: list[str], columns: list[str | None], where: str, problems: Problems) -> Given | None:
    if not any(cell.strip() for cell in cells):
        return None
    nameless = [cell for cell, name in itertools.zip_longest(cells, columns) if cell and cell.strip() and name is None]
    if nameless:
        problems.add(
            where,
            "",
            say(
                f"has a value without a column: {nameless[0][:40]!r} (a text with a delimiter in it stands in quotes)",
                f"有一个值没有对应的列：{nameless[0][:40]!r}（含分隔符的文字须加引号）",
            ),
        )
        return None
    return Given(
        where, {name: cell for name, cell in zip(columns, cells, strict=False) if name and cell.strip()}, cells=True
    )
