"""Which processes are alive: each holds a lock on a file of its own, which the system drops with the process.

Process numbers would not do: they are reused, and two containers that share a home have different ones.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout


class Owner:
    """This process, as the journal names it. Use as a context manager."""

    def __init__(self, home: Path) -> None:
        self.id = uuid4().hex[:12]
        self._folder = home / "running"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self._folder / f"{self.id}.lock", thread_local=False)

    def __enter__(self) -> Owner:
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        with contextlib.suppress(OSError):
            Path(self._lock.lock_file).unlink()

    def is_gone(self, other: str | None) -> bool:
        """Return whether that owner no longer runs. Nobody (None) is gone."""
        if other is None:
            return True
        if other == self.id:
            return False
        path = self._folder / f"{other}.lock"
        if not path.exists():
            return True
        lock = FileLock(path, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        lock.release()
        with contextlib.suppress(OSError):
            path.unlink()
        return True
