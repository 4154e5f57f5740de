"""A file of requests → its rows, whatever its form: JSON, JSON lines, a table, or one request."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from bailian.batch.input import documents
from bailian.batch.input.batch_row import NOTHING_SAID, BatchRow, RowReading
from bailian.batch.input.chains import Chains
from bailian.batch.input.problems import Problems
from bailian.batch.input.rows import RowBuilder
from bailian.batch.input.tables import prompt_lists, table
from bailian.catalog import Catalog
from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.store.runs.file_rows import FileRows
from bailian.text.decoding import NotText, copied, opened
from bailian.types import read_as

STDIN = Path("-")
LINES = (".jsonl", ".ndjson")
TABLES = {".csv": None, ".tsv": "\t"}
SPREADSHEETS = (".xlsx", ".xls", ".ods", ".et", ".numbers")


def read_rows(
    path: Path,
    kind: str | None = None,
    *,
    models: Catalog | None = None,
    over: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    chains: Chains | None = None,
    file_rows: FileRows | None = None,
    title: str = "",
    reading: RowReading = NOTHING_SAID,
) -> Iterator[BatchRow]:
    """Yield the rows of a file (`-`: JSON or JSON lines from stdin), in its order, as they are read.

    A row that takes another one's result comes behind it, wherever it stands; `chains` is told of both. `file_rows`
    counts those that are alike.

    `kind` is that of rows which name none; other kinds are then refused. With `models`, a row that names neither
    kind nor section is of its model's kind. `over` are fields that win over every row's own. `folder`: where relative
    paths begin, if that is not the file's own; `title`: what the file is called, if that is not its name. `reading`
    is what the command says of all rows.

    Nothing may be sent before the last row: only then is it known that all are good.

    Raises:
        InvalidRequest: the file cannot be read; or, after the last row, everything that is wrong in it.
    """
    source = title or (tr("stdin", "标准输入") if path == STDIN or folder else str(path))
    problems = Problems(source)
    begin = folder or (Path.cwd() if path == STDIN else path.absolute().parent)
    maker = RowBuilder(begin, kind, models, problems, over, file_rows, reading)
    try:
        chains = Chains() if chains is None else chains  # one that knows of nothing yet is false
        yield from chains.in_order(
            _rows(path, source, kind, reading.default_kind, maker, problems), maker, problems, kind
        )
    except OSError as error:
        raise InvalidRequest.unreadable("config", source, error) from None
    except NotText as error:
        raise InvalidRequest.one("config", str(error)) from None
    problems.raise_if_any()
    if not maker.count:
        raise _refusal(f"{source} holds no requests", f"{source} 中没有任何请求")


def _rows(
    path: Path, source: str, kind: str | None, default_kind: str | None, maker: RowBuilder, problems: Problems
) -> Iterator[BatchRow]:
    suffix = path.suffix.lower()
    if suffix in SPREADSHEETS:
        raise _refusal(
            f'{source} is a workbook: save the sheet as "CSV UTF-8"', f"{source} 是工作簿，请另存为“CSV UTF-8”"
        )
    if suffix in TABLES:
        with path.open("rb") as file, _text(file, source, maker) as lines:
            for given in table.read(lines, kind, problems, maker.tell, delimiter=TABLES[suffix]):
                yield from maker.rows(given)
        return
    with _opened(path) as raw, _text(raw, source, maker) as text:
        if suffix == prompt_lists.SUFFIX and prompt_lists.begins(text):
            for given in prompt_lists.read(text, kind or default_kind, maker.tell):
                yield from maker.rows(given)
            return
        yield from _of_document(documents.read(text, source, kind, problems, lines=suffix in LINES), maker)


def _opened(path: Path) -> AbstractContextManager[BinaryIO]:
    return copied(sys.stdin.buffer) if path == STDIN else path.open("rb")


def _text(file: BinaryIO, source: str, maker: RowBuilder) -> TextIO:
    """Return a file as text, lines with the ends they have; how it was read is told with its rows."""
    text, remark = opened(file, source, newline="")
    for notice in read_as(remark):
        maker.tell(notice)
    return text


def _of_document(document: documents.Document, maker: RowBuilder) -> Iterator[BatchRow]:
    maker.lay_under(document.defaults)
    for given in document.given:
        yield from maker.rows(given)


def _refusal(english: str, chinese: str) -> InvalidRequest:
    return InvalidRequest.one("config", tr(english, chinese))
