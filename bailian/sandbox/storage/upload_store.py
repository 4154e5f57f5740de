"""What clients gave: uploaded files, and the input pictures of accepted work. Bytes in SQLite, beside the tasks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from bailian.sandbox.database import Database

UPLOAD_LIFE_S = 48 * 3600.0
"""D-OSS: an uploaded file lives 48 hours."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS inputs (digest TEXT PRIMARY KEY, data BLOB NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS grants (folder TEXT PRIMARY KEY, model TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS uploads (key TEXT PRIMARY KEY, model TEXT NOT NULL, data BLOB NOT NULL, at REAL NOT NULL);
"""


class UploadStore:
    """The files by their names."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._database = database
        database.create(_SCHEMA)
        for table in ("inputs", "grants", "uploads"):
            database.change(f"DELETE FROM {table} WHERE at < ?", (clock() - UPLOAD_LIFE_S,))  # noqa: S608

    def add_input(self, data: bytes) -> str:
        """Keep an input picture; return the name to read it by."""
        digest = hashlib.sha256(data).hexdigest()
        self._database.change("INSERT OR REPLACE INTO inputs VALUES (?, ?, ?)", (digest, data, self._clock()))
        return digest

    def input_bytes(self, digest: str) -> bytes:
        return bytes(self._database.rows("SELECT data FROM inputs WHERE digest = ?", (digest,))[0]["data"])

    def grant(self, folder: str, model: str) -> None:
        """Note for which model a folder was handed out."""
        self._database.change("INSERT INTO grants VALUES (?, ?, ?)", (folder, model, self._clock()))

    def model_of_grant(self, folder: str) -> str | None:
        row = self._database.row("SELECT model FROM grants WHERE folder = ?", (folder,))
        return str(row["model"]) if row else None

    def add_upload(self, key: str, model: str, data: bytes) -> bool:
        """Take a file; False: there is one of that name, and nothing is overwritten."""
        values = (key, model, data, self._clock())
        return self._database.change("INSERT OR IGNORE INTO uploads VALUES (?, ?, ?, ?)", values) == 1

    def find_upload(self, key: str) -> tuple[str, bytes] | None:
        """Return the model it was uploaded for, and the file."""
        row = self._database.row(
            "SELECT model, data FROM uploads WHERE key = ? AND at > ?", (key, self._clock() - UPLOAD_LIFE_S)
        )
        return (str(row["model"]), bytes(row["data"])) if row else None
