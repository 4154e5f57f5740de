"""Which processes are alive: each holds a lock on a file of its own, which the system drops with the process.

Process numbers would not do: they are reused, and two containers that share a home have different ones. The lock is
SQLite's exclusive one: it works on every system, and it is loaded already (filelock costs 50 ms at import).
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from bailian.database import unusable


class Owner:
    """This process, as the journal names it. Use as a context manager."""

    def __init__(self, home: Path) -> None:
        self.id = uuid4().hex[:12]
        self._folder = home / "running"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unusable(self._folder, error) from None
        self._held: sqlite3.Connection | None = None

    def __enter__(self) -> Owner:
        try:
            self._held = _lock(self._path(self.id))
        except sqlite3.OperationalError as error:
            raise unusable(self._path(self.id), error) from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._held is not None:
            self._held.close()
        with contextlib.suppress(OSError):
            self._path(self.id).unlink()

    def is_gone(self, other: str | None) -> bool:
        """Return whether that owner no longer runs. Nobody (None) is gone."""
        if other is None:
            return True
        path = self._path(other)
        if other == self.id:
            return False
        if not path.exists():
            return True
        try:
            _lock(path).close()
        except sqlite3.OperationalError:
            return False
        with contextlib.suppress(OSError):
            path.unlink()
        return True

    def _path(self, owner_id: str) -> Path:
        return self._folder / f"{owner_id}.lock"


@contextlib.contextmanager
def only_one(home: Path, name: str) -> Iterator[bool]:
    """Hold the lock of this name; yield False if another process has it. It goes with the process."""
    folder = home / "running"
    path = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.run"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = _lock(path)
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise unusable(path, error) from None
        yield False
        return
    except OSError as error:
        raise unusable(path, error) from None
    try:
        yield True
    finally:
        held.close()


def _lock(path: Path) -> sqlite3.Connection:
    """Lock the file until the connection is closed; sqlite3.OperationalError if another process holds it."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=OFF")  # nothing is ever written, so no second file
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        connection.close()
        raise
    return connection
