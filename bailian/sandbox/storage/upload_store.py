"""What clients gave: uploaded files, and the input pictures of accepted work. Bytes in SQLite, beside the tasks."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

UPLOAD_LIFE_S = 48 * 3600.0
"""D-OSS: an uploaded file lives 48 hours."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS inputs (digest TEXT PRIMARY KEY, data BLOB NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS grants (folder TEXT PRIMARY KEY, model TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS uploads (key TEXT PRIMARY KEY, model TEXT NOT NULL, data BLOB NOT NULL, at REAL NOT NULL);
"""

_TABLES = ("inputs", "grants", "uploads")


class UploadStore:
    """May be used from any thread, and by several processes on one file."""

    def __init__(self, path: Path | None, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path or ":memory:", timeout=10, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA synchronous = NORMAL")
        for statement in _SCHEMA.split(";"):
            self._db.execute(statement)
        for table in _TABLES:
            self._db.execute(f"DELETE FROM {table} WHERE at < ?", (clock() - UPLOAD_LIFE_S,))  # noqa: S608

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def clear(self) -> None:
        with self._lock:
            for table in _TABLES:
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608

    def add_input(self, data: bytes) -> str:
        """Keep an input picture; return the name to read it by."""
        digest = hashlib.sha256(data).hexdigest()
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO inputs VALUES (?, ?, ?)", (digest, data, self._clock()))
        return digest

    def input_bytes(self, digest: str) -> bytes:
        with self._lock:
            row = self._db.execute("SELECT data FROM inputs WHERE digest = ?", (digest,)).fetchone()
        return bytes(row[0])

    def grant(self, folder: str, model: str) -> None:
        """Note for which model a folder was handed out."""
        with self._lock:
            self._db.execute("INSERT INTO grants VALUES (?, ?, ?)", (folder, model, self._clock()))

    def model_of_grant(self, folder: str) -> str | None:
        with self._lock:
            row = self._db.execute("SELECT model FROM grants WHERE folder = ?", (folder,)).fetchone()
        return str(row[0]) if row else None

    def add_upload(self, key: str, model: str, data: bytes) -> bool:
        """Take a file; False: there is one of that name, and nothing is overwritten."""
        with self._lock:
            done = self._db.execute(
                "INSERT OR IGNORE INTO uploads VALUES (?, ?, ?, ?)",
                (key, model, data, self._clock()),
            )
            return done.rowcount == 1

    def find_upload(self, key: str) -> tuple[str, bytes] | None:
        """Return the model it was uploaded for, and the file."""
        with self._lock:
            row = self._db.execute(
                "SELECT model, data FROM uploads WHERE key = ? AND at > ?",
                (key, self._clock() - UPLOAD_LIFE_S),
            ).fetchone()
        return (str(row[0]), bytes(row[1])) if row else None
