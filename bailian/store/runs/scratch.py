"""A database of this process alone, for what a large batch needs while it is read and run: on the disk, not in memory."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from bailian.errors import JournalError
from bailian.i18n import tr

# Of the disk's pages so much stays in memory.
CACHE_KIB = 16_384


class Scratch:
    """A file without a name, made when it is first needed, gone with its connection however that ends."""

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            for setting in ("temp_store=FILE", "journal_mode=OFF", "synchronous=OFF", f"cache_size=-{CACHE_KIB}"):
                self._connection.execute(f"PRAGMA {setting}")
        return self._connection

    def make(self, *statements: str) -> None:
        """Make tables and what belongs to them.

        Raises:
            JournalError: there is no room on the disk for passing files.
        """
        for statement in statements:
            self.read(statement)

    def read(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query.

        Raises:
            JournalError: there is no room on the disk for passing files.
        """
        with self._lock:
            try:
                return self._opened().execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise _no_room(error) from None

    def write(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each of the rows.

        Raises:
            JournalError: there is no room on the disk for passing files.
        """
        with self._lock:
            try:
                db = self._opened()
                db.execute("BEGIN")
                db.executemany(sql, rows)
                db.execute("COMMIT")
            except sqlite3.Error as error:
                raise _no_room(error) from None

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    __del__ = close


def _no_room(error: sqlite3.Error) -> JournalError:
    return JournalError(
        tr(f"cannot keep the rows of the file aside: {error}", f"无法暂存文件中的各行：{error}"),
        advice=tr(
            "free some space where passing files go, or name another folder by SQLITE_TMPDIR and TMPDIR",
            "请清理临时文件所在的磁盘，或用 SQLITE_TMPDIR 和 TMPDIR 指定其他目录",
        ),
    )
