"""The SQLite file that keeps what a sandbox was given, or a database in memory. The stores share one."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Values = Sequence[Any] | Mapping[str, Any]


class Database:
    """One connection; may be used from any thread, and by several processes on one file."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        # Autocommit: transactions are opened by hand, IMMEDIATE, so that two processes never deadlock.
        self._db = sqlite3.connect(path or ":memory:", timeout=10, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        _patiently(lambda: self._db.execute("PRAGMA journal_mode = WAL"))
        self._db.execute("PRAGMA synchronous = NORMAL")

    def create(self, schema: str) -> None:
        """Create the tables that are not there yet."""
        with self.transaction():
            for statement in schema.split(";"):
                self._db.execute(statement)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def clear(self) -> None:
        """Empty every table."""
        with self.transaction():
            for row in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'"):
                self._db.execute(f"DELETE FROM {row['name']}")  # noqa: S608

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:  # a request that is cut off, too
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def change(self, statement: str, values: Values = ()) -> int:
        """Return how many rows were changed."""
        with self._lock:
            return self._db.execute(statement, values).rowcount

    def rows(self, query: str, values: Values = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def row(self, query: str, values: Values = ()) -> sqlite3.Row | None:
        """Return the first row, if there is one."""
        return next(iter(self.rows(query, values)), None)


def _patiently(step: Callable[[], object]) -> None:
    """SQLite does not wait for the lock that a change of journal mode needs, so this does."""
    patience_s = 10.0
    while True:
        try:
            step()
        except sqlite3.OperationalError:  # noqa: PERF203  # a retry is a loop
            if patience_s <= 0:
                raise
            patience_s -= 0.05
            time.sleep(0.05)
        else:
            return
