"""CSV and TSV → requests whose values are texts: as Excel, WPS and Numbers write them."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, TextIO

from bailian.batch.input.documents import RawRow
from bailian.batch.input.matrix import NAME as MATRIX
from bailian.batch.input.problems import Problems
from bailian.batch.input.row_schema import REASON, ROW_OPTIONS, form_of
from bailian.batch.input.tables import headings
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
# One wrong letter in four, as difflib counts: "sise" is a misspelt size, "price" a column of the user's own.
MISSPELT = 0.75


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
        _tell_of_others(columns, tell)
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


class Column(NamedTuple):
    """A column of the table. One without a heading takes no values."""

    heading: str
    field: str
    """What its cells are for the request; "" if they are the user's own."""
    is_misspelt: bool = False


def _columns(header: list[str], kind: str | None, line: int, problems: Problems) -> list[Column]:
    """Return what each column is: a field of the rows, or the user's own."""
    where = f"line {line}"
    columns: list[Column] = []
    for heading in header:
        field = next((name for name in (heading, headings.field_of(heading)) if name and _is_field(name, kind)), "")
        problem = "" if field or not heading else _misspelt(heading, kind)
        if problem:
            problems.add(where, heading, problem)
        column = Column(heading, field, bool(problem))
        if heading and any(heading == one.heading or (field and field == one.field) for one in columns):
            problems.add(where, heading, tr("names two columns", "是两列的名称"))
        columns.append(column)
    return columns


def _tell_of_others(columns: list[Column], tell: Callable[[Notice], None]) -> None:
    """Say which columns are no fields: one that was meant as a field is seen before it is paid for."""
    others = [column.heading for column in columns if column.heading and not (column.field or column.is_misspelt)]
    if others:
        listed, first = ", ".join(others), f"{{{others[0]}}}"
        text = tr(
            f"no field, and used only where a prompt or name says {first}: {listed}",
            f"以下列不是字段，仅在提示词或文件名中写 {first} 时使用：{listed}",
        )
        tell(Notice("other_columns", text))


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
    if name in ("kind", REASON, *ROW_OPTIONS):
        return True
    # The kinds are asked one after the other: a table of pictures needs no other module.
    return any(form_of(one).knows(name, "") for one in ((kind,) if kind else KINDS))


def _misspelt(name: str, kind: str | None) -> str:
    """Return what is wrong with a name that is nearly a field's; "" for one that the user has for himself."""
    known = dict.fromkeys(field for one in ((kind,) if kind else KINDS) for field in form_of(one).known)
    near = did_you_mean(name, ("kind", *known, *ROW_OPTIONS, MATRIX), nearness=MISSPELT)
    if not near:
        return ""
    if kind:
        return form_of(kind).unknown_field(name)
    return tr("is not a field of any kind of request", "不是任何类型请求的字段") + near


def _given(cells: list[str], columns: list[Column], where: str, problems: Problems) -> RawRow | None:
    if not any(cell.strip() for cell in cells):
        return None
    given = [
        (column, cell)
        for column, cell in itertools.zip_longest(columns, cells, fillvalue=None)
        if cell and cell.strip()
    ]
    nameless = [cell for column, cell in given if column is None or not column.heading]
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
    values = {column.field: cell for column, cell in given if column and column.field}
    own = {column.heading: "" for column in columns if column.heading and column.heading != column.field}
    own |= {column.heading: cell.strip() for column, cell in given if column and column.heading in own}
    return RawRow(where, values, cells=True, columns=own)
