"""SQLite files shared by many processes: created once and whole, written in short exclusive turns."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from bailian.errors import JournalError, SetupError
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.store.private import NO_HOME, no_home, private_file, private_folder

BUSY_TIMEOUT_S = 120.0


# A group is committed when nobody waits to join it, or when it has so many members.
GROUP_MAX = 100
LEADERLESS_S = 0.05


class _Group:
    """Transactions of several threads that are committed together."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.error: sqlite3.Error | None = None
        self.members = 0


class _Mine(threading.local):
    """What one thread is in the middle of."""

    inside = False
    whole = False
    """Its writes are taken back together."""
    group: _Group | None = None


class Database:
    """One connection per process, one writer at a time, all processes' writes in turn."""

    def __init__(
        self, path: Path, schema: str, version: int, migrations: Mapping[int, str] | None = None, *, durable: bool
    ) -> None:
        """Open, or create, the file; bring one of an older version up to this one.

        `durable`: every commit is on the disk before `write()` returns. Without it a power cut may lose
        the last commits, a killed process does not.

        Raises:
            JournalError: the folder cannot be written.
            SetupError: the file is of a newer version of this toolkit.
        """
        self.path = path
        self._lock = threading.RLock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._group: _Group | None = None
        self._mine = _Mine()
        try:
            private_folder(path.parent)
            if not path.exists():
                _create(path, schema, version)
            self._connection = _connect(path)
            self._connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
            (found,) = self._connection.execute("PRAGMA user_version").fetchone()
            tables = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_master")}
        except (OSError, sqlite3.Error) as error:
            raise _foreign(path, error) from None
        if not tables or (found <= version and _first_table(schema) not in tables) or found < 1:
            self._connection.close()
            raise _foreign(path, None if tables else sqlite3.DatabaseError(tr("it is empty", "文件为空")))
        if found < version:
            self._migrate(version, migrations or {})
        if found > version:
            self._connection.close()
            raise SetupError(
                tr(
                    f"{path} was written by a newer version of this toolkit (its version {found}, ours {version})",
                    f"{path} 由更新版本的工具写入（文件版本 {found}，本工具版本 {version}）",
                ),
                advice=tr(
                    "update the toolkit, or set BAILIAN_HOME to another folder",
                    "请升级本工具，或把 BAILIAN_HOME 设为其他文件夹",
                ),
            )

    def _migrate(self, version: int, migrations: Mapping[int, str]) -> None:
        """Apply the missing steps in one transaction; another process may have been faster."""
        with self.write() as db:
            (found,) = db.execute("PRAGMA user_version").fetchone()
            for step in range(found + 1, version + 1):
                for statement in _statements(migrations[step]):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version={max(found, version)}")

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make all of this thread's writes in here one commit, at its end; what raises takes all of them back.

        Raises:
            JournalError: the disk is full or the file is not usable; nothing of it is written.
        """
        if self._mine.inside:
            yield
            return
        with self._turn():
            self._mine.whole = True
            try:
                yield
            except BaseException:
                if self._mine.group is not None and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK TO whole")
                raise
            finally:
                self._mine.whole = False

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let this thread's writes in here join one group, and wait for its commit at the end."""
        if self._mine.inside:
            yield
            return
        self._mine.inside = True
        try:
            yield
        finally:
            group, self._mine.group, self._mine.inside = self._mine.group, None, False
            if group is not None:
                self._leave(group)
        if group is not None:
            self._wait(group)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Run one exclusive transaction; it is committed at the end, or not at all.

        Threads that write at the same time share one commit, and so one wait for the disk; each returns when that
        commit is done.

        Raises:
            JournalError: the disk is full or the file is not usable.
        """
        with self._turn():
            group = self._joined()
            try:
                self._connection.execute("SAVEPOINT one")
                try:
                    yield self._connection
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK TO one")
                        self._connection.execute("RELEASE one")
                    raise
                self._connection.execute("RELEASE one")
            except sqlite3.IntegrityError:
                raise
            except sqlite3.Error as error:
                raise self._failed(group, error) from None

    def change(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run one statement as a transaction of its own, like `write()`; return how many rows it changed.

        A statement is done whole or not at all, so it needs no savepoint: ten thousand rows need twenty thousand
        turns of the interpreter less.
        """
        with self._turn():
            group = self._joined()
            try:
                return self._connection.execute(sql, values).rowcount
            except sqlite3.IntegrityError:
                raise
            except sqlite3.Error as error:
                raise self._failed(group, error) from None

    def _failed(self, group: _Group, error: sqlite3.Error) -> JournalError:
        if not self._connection.in_transaction:  # a full disk takes back what the whole group has written
            self._end(group, error)
        return unusable(self.path, error)

    def _joined(self) -> _Group:
        """Return the group this thread writes in; enter it with the first write."""
        if self._mine.group is None:
            self._mine.group = self._join()
            if self._mine.whole:
                self._connection.execute("SAVEPOINT whole")
        elif self._mine.group.error is not None:
            raise unusable(self.path, self._mine.group.error)
        return self._mine.group

    def _join(self) -> _Group:
        """Enter the transaction that is open, or begin one; the lock is held afterwards."""
        with self._counting:
            self._waiting += 1
        try:
            self._lock.acquire()
        finally:
            with self._counting:
                self._waiting -= 1
        if self._group is None:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                self._lock.release()
                raise unusable(self.path, error) from None
            self._group = _Group()
        self._group.members += 1
        return self._group

    def _leave(self, group: _Group) -> None:
        """Let go of the lock; commit, unless the next writer stands there already and will."""
        try:
            if self._group is group and (self._waiting == 0 or group.members >= GROUP_MAX):
                self._commit(group)
        finally:
            self._lock.release()

    def _wait(self, group: _Group) -> None:
        while not group.done.wait(LEADERLESS_S):
            with self._lock:  # who was to commit was interrupted
                if self._group is group:
                    self._commit(group)
        if group.error is not None:
            raise unusable(self.path, group.error) from None

    def _commit(self, group: _Group) -> None:
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._end(group, error)
        else:
            self._end(group, None)

    def _end(self, group: _Group, error: sqlite3.Error | None) -> None:
        group.error = error
        self._group = None
        group.done.set()

    def read(self, sql: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with self._lock:
            try:
                return self._connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise unusable(self.path, error) from None

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def _first_table(schema: str) -> str:
    """Return a table that every version of the file has."""
    return schema.partition("CREATE TABLE ")[2].partition(" ")[0]


def _foreign(path: Path, error: Exception | None) -> JournalError | SetupError:
    """Return the error for a file that is none of ours: empty, no SQLite, or another program's."""
    no_sqlite = getattr(error, "sqlite_errorname", "") in ("SQLITE_NOTADB", "SQLITE_CORRUPT")
    if error is not None and type(error) is not sqlite3.DatabaseError and not no_sqlite:
        return not_opened(path, error)
    why = f" ({error})" if error is not None else ""
    return SetupError(
        tr(f"{path} is not a file of this toolkit{why}", f"{path} 不是本工具的文件{why}"),
        advice=tr(
            f"put the right file back, or move this one away (mv {path} {path}.old): a new one is made then, which knows "
            f"nothing of earlier tasks (`{how_to().list_remote()}` shows those of 24 hours)",
            f"请恢复正确的文件，或将其移走（mv {path} {path}.old）：之后会新建一个，但不再知道以前的任务"
            f"（`{how_to().list_remote()}` 显示 24 小时内的任务）",
        ),
    )


def not_opened(path: Path, error: Exception) -> JournalError | SetupError:
    """Return why a home folder cannot be used at all."""
    return no_home() if NO_HOME in (path, *path.parents) else unusable(path, error)


def unusable(path: Path, error: Exception) -> JournalError:
    return JournalError(
        tr(f"cannot use {path}: {error}", f"无法使用 {path}：{error}"),
        advice=tr(
            "the journal is what keeps paid results from being lost, so nothing is sent without it: free some disk "
            "space, or set BAILIAN_HOME to a folder that can be written",
            "日志用来保证已付费的结果不丢失，因此没有它就不会发送请求：请清理磁盘，或把 BAILIAN_HOME 设为可写的文件夹",
        ),
    )


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    return connection


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; those inside a trigger are a part of it."""
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _create(path: Path, schema: str, version: int) -> None:
    """Build the file aside and give it its name when whole.

    Two hundred processes may start at once on an empty folder: switching a shared file to WAL is the one
    step that SQLite refuses with "database is locked" in spite of any time-out, so it is done before the
    file is shared. Whoever is first wins, the others use his.
    """
    aside = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        connection = _connect(private_file(aside))
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(schema)
        connection.execute(f"PRAGMA user_version={version}")
        # Closing does this too, but says nothing when the disk is full.
        (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        connection.close()
        if busy:
            raise sqlite3.OperationalError(tr("the new file is not whole", "新建的文件不完整"))
        try:
            os.link(aside, path)
        except FileExistsError:
            return
        except OSError:  # no links here: rename, which on POSIX could replace another's file made just now
            if not path.exists():
                aside.rename(path)
    finally:
        for leftover in (aside, *(aside.with_name(aside.name + end) for end in ("-wal", "-shm"))):
            leftover.unlink(missing_ok=True)
