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
from typing import Protocol
from uuid import uuid4

from bailian.store.backends.journal_place import JournalPlace, require_extra
from bailian.store.backends.sqlite import not_opened
from bailian.store.private import private_file, private_folder

# Two that begin at the same moment are in each other's way for an instant; one of them is to win.
TURN_S = 0.25


class Lease(Protocol):
    """This process, as the journal names it, while it is entered."""

    id: str

    @property
    def term(self) -> int:
        """Return how often this process was taken for dead, or may have been, and went on."""
        ...

    def may_send(self, term: int) -> bool:
        """Return whether something paid that was written down in this term may leave now.

        Others must not take this process for dead before it arrives, nor have done so since: they may have sent it.
        """
        ...

    def __enter__(self) -> Lease: ...

    def __exit__(self, *_: object) -> None: ...

    def is_dead(self, other: str | None) -> bool:
        """Return whether that owner no longer runs. Nobody (None) is gone."""
        ...

    def join(self, run: str, digest: str) -> tuple[list[str], list[str]]:
        """Take part in a batch of this name; return the machines that run the same file, and those that run another
        one, under it now."""
        ...


def lease_at(place: JournalPlace) -> Lease:
    """Return a lease in a journal: a lock for one machine, a row that is renewed among several."""
    if place.is_shared:
        require_extra()
        from bailian.store.backends.server_leases import ServerLease

        return ServerLease(place.url, patience=place.patience)
    return ProcessLease(place.home)


class ProcessLease:
    """A lock on a file. Use as a context manager."""

    def __init__(self, home: Path) -> None:
        self.id = uuid4().hex[:12]
        self._folder = home / "running"
        try:
            private_folder(self._folder)
        except OSError as error:
            raise not_opened(self._folder, error) from None
        self._held: sqlite3.Connection | None = None

    def __enter__(self) -> ProcessLease:
        try:
            self._held = _lock(private_file(self._path(self.id)))
        except (OSError, sqlite3.OperationalError) as error:
            raise not_opened(self._path(self.id), error) from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._held is not None:
            self._held.close()
        with contextlib.suppress(OSError):
            self._path(self.id).unlink()

    term = 0

    def may_send(self, term: int) -> bool:
        return True  # the lock is held as long as the process lives

    def is_dead(self, other: str | None) -> bool:
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

    def join(self, run: str, digest: str) -> tuple[list[str], list[str]]:
        return [], []

    def _path(self, owner_id: str) -> Path:
        return self._folder / f"{owner_id}.lock"


def exclusive(place: JournalPlace, name: str, part: str | None = None) -> contextlib.AbstractContextManager[bool]:
    """Hold the lock of this name, or of one part of it; its value is False if another process is in the way.

    Processes may hold a part each, side by side; who holds the whole is alone. The lock goes with the process.
    """
    if place.is_shared:
        require_extra()
        from bailian.store.backends.server_leases import exclusive_on_server

        return exclusive_on_server(place.url, name, part, place.patience)
    return _exclusive_here(place.home, name, part)


@contextlib.contextmanager
def _exclusive_here(home: Path, name: str, part: str | None) -> Iterator[bool]:
    whole = _run_path(home, name)
    with contextlib.ExitStack() as held:
        alone = True
        try:
            held.enter_context(contextlib.closing(_lock(private_file(whole), shared=part is not None, wait_s=TURN_S)))
            if part is not None:
                one = private_file(_run_path(home, f"{name}\n{part}"))
                held.enter_context(contextlib.closing(_lock(one, wait_s=TURN_S)))
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise not_opened(whole, error) from None
            held.close()
            alone = False
        except OSError as error:
            raise not_opened(whole, error) from None
        yield alone


def _run_path(home: Path, name: str) -> Path:
    return home / "running" / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.run"


def _lock(path: Path, *, shared: bool = False, wait_s: float = 0.0) -> sqlite3.Connection:
    """Lock the file until the connection is closed: for oneself, or with others who share it.

    Raises:
        sqlite3.OperationalError: another process holds it.
    """
    connection = sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=OFF")  # nothing is ever written, so no second file
        connection.execute("BEGIN" if shared else "BEGIN EXCLUSIVE")
        if shared:
            connection.execute("SELECT 1 FROM sqlite_master").fetchall()  # the lock comes with the first reading
    except sqlite3.OperationalError:
        connection.close()
        raise
    return connection
