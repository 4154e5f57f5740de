"""The files of an account: what batches read and write, what models shall read, what the native files hold. SQLite."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import astuple, dataclass

from bailian.sandbox.database import Database

BATCH, EXTRACT, RESULT, NATIVE = "batch", "file-extract", "batch_output", ""
"""Purposes. The third is no client's; the native path keeps none."""

_PREFIXES = {BATCH: "file-batch-", EXTRACT: "file-fe-"}
"""CAP upload-file-compatible, get-file-compatible: what an id begins with, before 24 digits."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS batch_files (
  file_id TEXT PRIMARY KEY, purpose TEXT NOT NULL, name TEXT NOT NULL, data BLOB NOT NULL, at REAL NOT NULL);
"""


@dataclass(frozen=True)
class StoredFile:
    """One stored file."""

    file_id: str
    purpose: str
    name: str
    data: bytes
    at: float


class FileStore:
    """The files by their ids."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._database = database
        database.create(_SCHEMA)

    def add(self, purpose: str, name: str, data: bytes, file_id: str = "") -> StoredFile:
        made = file_id or f"{_PREFIXES[purpose]}{uuid.uuid4().hex[:24]}"
        file = StoredFile(made, purpose, name, data, self._clock())
        self.put(file)
        return file

    def put(self, file: StoredFile) -> None:
        self._database.change("INSERT OR REPLACE INTO batch_files VALUES (?, ?, ?, ?, ?)", astuple(file))

    def get(self, file_id: str) -> StoredFile | None:
        row = self._database.row("SELECT * FROM batch_files WHERE file_id = ?", (file_id,))
        return _file(row) if row else None

    def delete(self, file_id: str) -> bool:
        return self._database.change("DELETE FROM batch_files WHERE file_id = ?", (file_id,)) == 1

    def all(self) -> list[StoredFile]:
        """Return every file, the newest first."""
        return [_file(row) for row in self._database.rows("SELECT * FROM batch_files ORDER BY at DESC, rowid DESC")]


def _file(row: sqlite3.Row) -> StoredFile:
    return StoredFile(**dict(row))
