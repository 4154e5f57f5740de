"""CSV and TSV → requests whose values are texts: as Excel, WPS and Numbers write them."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Callable, Iterator
from typing import TextIO

from bailian.batch.input.documents import RawRow
from bailian.batch.input.problems import Problems
from bailian.batch.input.row_schema import ROW_OPTIONS, form_of
from bailian.catalog import KINDS, did_you_mean
from bailian.i18n import tr
from bailian.types import Notice

DELIMITERS = ",;\t"
# Excel's own first line, which says how the file is written.
DELIMITER_LINE = "sep="
# Python's own limit is 131,072: a chapter to be spoken is longer. Without one, a quote that is never closed would take
# the rest of the file for one cell.
CELL_MAX_CHARS = 1 << 24
_NO_NAME = re.compile(r"(Unnamed: [0-9]+(_level_[0-9]+)?(\.[0-9]+)?)?")
_ROW_NUMBER = re.compile(r"[0-9]{1,12}(\.0)?")


def read(
    file: TextIO, kind: str | None, problems: Problems, tell: Callable[[Notice], None], *, delimiter: str | None = None
) -> Iterator[RawRow]:
    """Yield the rows of a table with a header, as they are read; empty cells are absent, empty rows no rows.

    `file` is opened with `newline=""`. Without `delimiter`, it is the one that the header has most of.
    What is wrong with the table goes to `problems`, what is to be said about it to `tell`.
    """
    csv.field_size_limit(CELL_MAX_CHARS)
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
        index = _Index(header, problems, tell)
        columns = _columns(header[1:] if index.is_there else header, kind, line, problems)
        line = before + reader.line_num + 1
        for cells in reader:
            given = _given(index.without(cells, f"line {line}"), columns, f"line {line}", problems)
            line = before + reader.line_num + 1
            if given is not None:
                yield given
    except csv.Error as error:
        problems.add(f"line {line}", "", tr(f"is not a row of a table: {error}", f"不是合法的表格行：{error}"))


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
            problems.add(where, name, tr("names two columns", "是两列的名称"))
        columns.append((name or None) if known else "")
    return columns


class _Index:
    """pandas' row numbers: the first column, which has no name, or one that pandas made up when it read its own table."""

    def __init__(self, header: list[str], problems: Problems, tell: Callable[[Notice], None]) -> None:
        self.is_there = len(header) > 1 and _NO_NAME.fullmatch(header[0]) is not None
        self._name = header[0] if header else ""
        self._problems = problems
        self._tell: Callable[[Notice], None] | None = tell

    def without(self, cells: list[str], where: str) -> list[str]:
        """Return a row's cells without its number."""
        if not self.is_there or not cells:
            return cells
        number = cells[0].strip()
        if number and not _ROW_NUMBER.fullmatch(number):
            text = tr(
                f"stands in a column without a name: {number[:40]!r}; name the column, or leave it out",
                f"所在的列没有列名：{number[:40]!r}；请给该列命名，或删去该列",
            )
            self._problems.add(where, self._name, text)
        elif number and self._tell is not None:
            self._tell(self._notice())
            self._tell = None
        return cells[1:]

    def _notice(self) -> Notice:
        shown = f" ({self._name})" if self._name else ""
        text = tr(
            f"the first column{shown} only numbers the rows: it is left out (pandas: to_csv(index=False))",
            f"首列{shown}只是行号，已忽略（pandas：to_csv(index=False)）",
        )
        return Notice("index_column", text)


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
    return tr("is not a field of any kind of request", "不是任何类型请求的字段") + near


def _given(cells: list[str], columns: list[str | None], where: str, problems: Problems) -> RawRow | None:
    if not any(cell.strip() for cell in cells):
        return None
    nameless = [cell for cell, name in itertools.zip_longest(cells, columns) if cell and cell.strip() and name is None]
    if nameless:
        problems.add(
            where,
            "",
            tr(
                f"has a value without a column: {nameless[0][:40]!r} (a text with a delimiter in it stands in quotes)",
                f"有一个值没有对应的列：{nameless[0][:40]!r}（含分隔符的文字须加引号）",
            ),
        )
        return None
    return RawRow(
        where, {name: cell for name, cell in zip(columns, cells, strict=False) if name and cell.strip()}, cells=True
    )
