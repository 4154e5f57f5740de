"""Where a test's journal is: in its home, or on a server where `BAILIAN_TESTS_ON` says so."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Protocol

import pytest

from bailian.errors import JournalError
from bailian.store.backends import sqlite
from bailian.store.backends.database import Statements
from bailian.store.backends.journal_place import JournalPlace
from bailian.store.backends.sqlite import SqliteDatabase
from bailian.store.schema import TABLES

ON_SERVER = os.environ.get("BAILIAN_TESTS_ON") == "postgresql"


def leave_out(items: Iterable[pytest.Item]) -> None:
    """Skip what looks into files where there are none."""
    for item in items:
        if ON_SERVER and item.get_closest_marker("sqlite"):
            item.add_marker(pytest.mark.skip(reason="this is of SQLite's files"))


def database_class() -> type[Any]:
    """Return what a journal is kept in, for tests that kill a process at each of its transactions.

    A process that they start is told where its journal is, and nothing of the tests.
    """
    if not place(Path()).is_shared:
        return SqliteDatabase
    from bailian.store.backends.postgresql import PostgresDatabase

    return PostgresDatabase


def place(home: Path) -> JournalPlace:
    return JournalPlace(home, os.environ.get("BAILIAN_JOURNAL", ""))


def be_elsewhere(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Let commands run as on another machine, which has a journal of its own."""
    patch.setenv("BAILIAN_HOME", str(home))
    patch.setenv("BAILIAN_JOURNAL", "sqlite")


def with_name(words: Sequence[Any]) -> Sequence[Any]:
    """Return the words of a command; a batch on a server has a name, which is its file's here."""
    if not ON_SERVER or tuple(words[:2]) != ("batch", "run") or "--run" in words or len(words) < 3:
        return words
    return (*words, "--run", Path(str(words[2])).stem)


# ── a look inside ──


class Found(Protocol):
    """What a statement came to: tuples."""

    @property
    def description(self) -> Any: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Opened(Protocol):
    """The tables of a journal, beside whoever uses it."""

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Found: ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Found: ...

    def commit(self) -> None: ...

    def close(self) -> None: ...


class _OpenedOnServer:
    def __init__(self, url: str) -> None:
        import psycopg

        self._connection = psycopg.connect(url)
        self.execute("SET search_path TO bailian")
        self.commit()

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Any:
        from bailian.store.backends.translation import marked, translated

        statement: Any = translated(sql)
        return self._connection.execute(statement, marked(statement, values))

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Any:
        from bailian.store.backends.translation import marked, translated

        statement: Any = translated(sql)
        cursor = self._connection.cursor()
        cursor.executemany(statement, [marked(statement, row) or () for row in rows])
        return cursor

    def commit(self) -> None:
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()


def opened(home: Path) -> Opened:
    """Open a journal that somebody has made, to look into it or to change what is there."""
    url = place(home).url
    return _OpenedOnServer(url) if url else sqlite3.connect(home / TABLES.file_name)


def named(found: Found) -> list[dict[str, Any]]:
    """Return rows by the names of their columns."""
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]


def is_made(home: Path) -> bool:
    """Return whether there is a journal to be opened."""
    if not place(home).is_shared:
        return (home / TABLES.file_name).is_file()
    with closing(opened(home)) as db:
        return db.execute("SELECT to_regclass('bailian.jobs')").fetchone() != (None,)


def is_written_now(home: Path) -> bool:
    """Return whether somebody is in the middle of a transaction: who is stopped there stops all others, too."""
    if place(home).is_shared:
        with closing(opened(home)) as db:
            others = "datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
            return bool(db.execute(f"SELECT 1 FROM pg_stat_activity WHERE {others}").fetchall())
    for path in home.glob("*.sqlite3"):
        with closing(sqlite3.connect(path, timeout=0)) as file:
            try:
                file.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
    return False


def before_commits(monkeypatch: pytest.MonkeyPatch, act: Callable[[Statements], None]) -> None:
    """Let `act` be done before every commit of a journal; what it raises is what the commit raises."""
    if ON_SERVER:
        _before_commits_on_server(monkeypatch, act)
        return

    class Watched(sqlite.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql == "COMMIT":
                act(self)
            return super().execute(sql, *values)

    def connect(path: Path) -> sqlite.Connection:
        factory = Watched if path.name == TABLES.file_name else sqlite.Connection
        connection = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False, factory=factory)
        connection.row_factory = sqlite3.Row
        return connection

    monkeypatch.setattr(sqlite, "_connect", connect)


def _before_commits_on_server(monkeypatch: pytest.MonkeyPatch, act: Callable[[Statements], None]) -> None:
    from bailian.store.backends.postgresql import PostgresDatabase, Statement

    commit = PostgresDatabase._commit

    def acted(self: PostgresDatabase) -> None:
        if self._tables is TABLES:
            act(Statement(self))
        commit(self)

    monkeypatch.setattr(PostgresDatabase, "_commit", acted)


def commit_failed() -> Exception:
    """Return what a commit raises that will not do better the next time."""
    if not ON_SERVER:
        return sqlite3.OperationalError("database or disk is full")
    return JournalError("the server took the transaction back", advice="")


def bury() -> None:
    """Let processes of this machine that have ended be dead at once; a server waits until their leases have passed."""
    url = os.environ.get("BAILIAN_JOURNAL", "")
    if not ON_SERVER or not url:
        return
    import psycopg

    with suppress(psycopg.Error), psycopg.connect(url, autocommit=True) as server:
        owners = server.execute("SELECT id, pid FROM bailian.owners WHERE host = %s", [socket.gethostname()]).fetchall()
        for owner, pid in owners:
            if not _runs(pid):
                server.execute("DELETE FROM bailian.owners WHERE id = %s", [owner])


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
