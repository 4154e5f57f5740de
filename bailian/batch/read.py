"""A file of requests → its rows, whatever its form: JSON, JSON lines, a table, or one request."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bailian.batch import documents, tables
from bailian.batch.problems import Problems
from bailian.batch.rows import Maker, Row
from bailian.catalog import Catalog
from bailian.errors import InvalidRequest
from bailian.language import say

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
) -> Iterator[Row]:
    """Yield the rows of a file (`-`: JSON or JSON lines from stdin), in its order, as they are read.

    `kind` is that of rows which name none; other kinds are then refused. With `models`, a row that names neither
    kind nor section is of its model's kind. `over` are fields that win over every row's own. `folder`: where relative
    paths begin, if that is not the file's own. Nothing may be sent before the last row: only then is it known that all
    are good.

    Raises:
        InvalidRequest: the file cannot be read; or, after the last row, everything that is wrong in it.
    """
    source = say("stdin", "标准输入") if path == STDIN or folder else str(path)
    problems = Problems(source)
    begin = folder or (Path.cwd() if path == STDIN else path.absolute().parent)
    maker = Maker(begin, kind, models, problems, over or {})
    try:
        yield from _rows(path, source, kind, maker, problems)
    except OSError as error:
        raise _refusal(f"cannot read {source}: {error.strerror}", f"无法读取 {source}：{error.strerror}") from None
    except UnicodeDecodeError:
        raise _refusal(
            f'{source} is not UTF-8: save it as "CSV UTF-8"', f"{source} 不是 UTF-8 编码，请另存为“CSV UTF-8”"
        ) from None
    problems.raise_if_any()
    if not maker.count:
        raise _refusal(f"{source} holds no requests", f"{source} 中没有任何请求")


def _rows(path: Path, source: str, kind: str | None, maker: Maker, problems: Problems) -> Iterator[Row]:
    suffix = path.suffix.lower()
    if suffix in SPREADSHEETS:
        raise _refusal(
            f'{source} is a workbook: save the sheet as "CSV UTF-8"', f"{source} 是工作簿，请另存为“CSV UTF-8”"
        )
    if suffix in TABLES:
        with path.open(encoding="utf-8-sig", newline="") as table:
            for given in tables.read(table, kind, problems, delimiter=TABLES[suffix]):
                yield from maker.rows(given)
        return
    if path == STDIN:
        document = documents.read(sys.stdin.buffer, source, kind, problems, lines=False)
        yield from _of_document(document, maker)
        return
    with path.open("rb") as file:
        document = documents.read(file, source, kind, problems, lines=suffix in LINES)
        yield from _of_document(document, maker)


def _of_document(document: documents.Document, maker: Maker) -> Iterator[Row]:
    maker.lay_under(document.defaults)
    for given in document.given:
        yield from maker.rows(given)


def _refusal(english: str, chinese: str) -> InvalidRequest:
    return InvalidRequest.one("config", say(english, chinese))
