"""SQLite files shared by many processes: created once and whole, written in short exclusive transactions."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from bailian.clock import current_clock
from bailian.errors import JournalError, SetupError
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.store.backends.database import Duplicate, Row
from bailian.store.backends.dialects import SQLITE, Dialect
from bailian.store.backends.tables import Tables
from bailian.store.private import NO_HOME, no_home, private_file, private_folder

T = TypeVar("T")

BUSY_TIMEOUT_S = 120.0
# How a transaction begins, ends, and is taken back; and how one inside another.
_EXCLUSIVE = ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_SAVEPOINT = ("SAVEPOINT nested", "RELEASE nested", ("ROLLBACK TO nested", "RELEASE nested"))


class Connection(sqlite3.Connection):
    """What a transaction's statements go to."""

    dialect: Dialect = SQLITE


class SqliteDatabase:
    """One connection per process; its threads, and all processes, write one after the other."""

    dialect: Dialect = SQLITE
    is_shared: bool = False
    commit_in_doubt: bool = False

    def __init__(self, path: Path, tables: Tables, *, splits_rows: bool = False) -> None:
        """Open, or create, the file; bring one of an older version up to this one.

        Raises:
            JournalError: the folder cannot be written.
            SetupError: the file is not ours, or of a version that this one does not read.
        """
        self.path, self.splits_rows = path, splits_rows
        schema, version, migrations = tables.schema, tables.version, tables.migrations
        self._lock = threading.RLock()
        self._is_open = False
        """The thread that holds the lock is inside a transaction."""
        self._lost: BaseException | None = None
        """Why SQLite took back that transaction in its middle."""
        try:
            private_folder(path.parent)
            if not path.exists():
                _create(path, schema, version)
            self._connection = _connect(path)
            self._connection.execute(f"PRAGMA synchronous={'FULL' if tables.durable else 'OFF'}")
            (found,) = self._connection.execute("PRAGMA user_version").fetchone()
            names = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_master")}
        except (OSError, sqlite3.Error) as error:
            raise _foreign(path, error) from None
        if not names or (found <= version and _first_table(schema) not in names) or found < 1:
            self._connection.close()
            raise _foreign(path, None if names else sqlite3.DatabaseError(tr("it is empty", "文件为空")))
        oldest = min(migrations, default=version + 1) - 1
        if not oldest <= found <= version:
            self._connection.close()
            raise _other_version(path, found, oldest, version)
        if found < version:
            self._migrate(version, migrations)

    def _migrate(self, version: int, migrations: Mapping[int, str]) -> None:
        """Apply the missing steps in one transaction; another process may have been faster."""
        with self.transaction() as db:
            (found,) = db.execute("PRAGMA user_version").fetchone()
            for step in range(found + 1, version + 1):
                for statement in _statements(migrations[step]):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version={max(found, version)}")

    @property
    def title(self) -> str:
        return str(self.path)

    def now_s(self) -> float:
        return current_clock().wall()

    @contextmanager
    def transaction(self, lock: str = "") -> Iterator[Connection]:
        with self._lock:
            nested = self._is_open
            begin, commit, rollback = _SAVEPOINT if nested else _EXCLUSIVE
            try:
                self._refuse_if_lost() if nested else self._forget_leftover()
                self._connection.execute(begin)
                self._is_open = True
                yield self._connection
                self._refuse_if_lost()
                self._connection.execute(commit)
            except BaseException as error:
                self._note_loss(error)
                if self._connection.in_transaction:
                    for statement in rollback:
                        self._connection.execute(statement)
                if isinstance(error, sqlite3.IntegrityError):
                    raise Duplicate(str(error)) from None
                if isinstance(error, sqlite3.Error):
                    raise unusable(self.path, error) from None
                raise
            finally:
                self._is_open = nested

    def execute(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run one statement; it is done whole or not at all, so it needs no savepoint."""
        with self._lock:
            if not self._is_open:
                with self.transaction():
                    return self.execute(sql, values)
            self._refuse_if_lost()
            try:
                return self._connection.execute(sql, values).rowcount
            except sqlite3.IntegrityError as error:
                raise Duplicate(str(error)) from None
            except sqlite3.Error as error:
                self._note_loss(error)
                raise unusable(self.path, error) from None

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        marks = ", ".join("?" * len(columns))
        with self.transaction() as db:
            db.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608

    def again(self, work: Callable[[], T]) -> T:
        return work()

    def _forget_leftover(self) -> None:
        """A thread may have been interrupted just after its BEGIN."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._lost = None

    def _note_loss(self, error: BaseException) -> None:
        """A full disk may take back the whole transaction, not the statement alone: then nothing more of it counts."""
        if not self._connection.in_transaction:
            self._lost = self._lost or error

    def _refuse_if_lost(self) -> None:
        if self._lost is not None:
            raise unusable(self.path, self._lost)

    def read(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
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
        advice=tr("put the right file back, or ", "请恢复正确的文件，或") + _move_away(path),
    )


def _other_version(path: Path, found: int, oldest: int, version: int) -> SetupError:
    """Return the error for a file of another version of this toolkit, which nothing here reads."""
    if found > version:
        return SetupError(
            tr(
                f"{path} was written by a newer version of this toolkit (its version {found}, ours {version})",
                f"{path} 由更新版本的工具写入（文件版本 {found}，本工具版本 {version}）",
            ),
            advice=tr(
                "update the toolkit, or set BAILIAN_HOME to another folder",
                "请升级本工具，或把 BAILIAN_HOME 设为其他文件夹",
            ),
        )
    return SetupError(
        tr(
            f"{path} was written by an older version of this toolkit (its version {found}; this one reads {oldest} to {version})",
            f"{path} 由旧版本的工具写入（文件版本 {found}；本工具可读取 {oldest} 至 {version}）",
        ),
        advice=tr("set BAILIAN_HOME to another folder, or ", "请把 BAILIAN_HOME 设为其他文件夹，或") + _move_away(path),
    )


def _move_away(path: Path) -> str:
    return tr(
        f"move this one away (mv {path} {path}.old): a new one is made then, which knows "
        f"nothing of earlier tasks (`{how_to().list_remote()}` shows those of 24 hours)",
        f"将其移走（mv {path} {path}.old）：之后会新建一个，但不再知道以前的任务"
        f"（`{how_to().list_remote()}` 显示 24 小时内的任务）",
    )


def not_opened(path: Path, error: Exception) -> JournalError | SetupError:
    """Return why a home folder cannot be used at all."""
    return no_home() if NO_HOME in (path, *path.parents) else unusable(path, error)


def unusable(path: Path, error: BaseException) -> JournalError:
    return JournalError(
        tr(f"cannot use {path}: {error}", f"无法使用 {path}：{error}"),
        advice=tr(
            "the journal is what keeps paid results from being lost, so nothing is sent without it: free some disk "
            "space, or set BAILIAN_HOME to a folder that can be written",
            "日志用来保证已付费的结果不丢失，因此没有它就不会发送请求：请清理磁盘，或把 BAILIAN_HOME 设为可写的文件夹",
        ),
    )


def _connect(path: Path) -> Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, factory=Connection
    )
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
        # In one transaction, and on the disk once, when it is whole: each statement of its own would wait for the disk.
        connection.execute("PRAGMA synchronous=OFF")
        connection.executescript(f"BEGIN;\n{schema};\nPRAGMA user_version={version};\nCOMMIT;")
        # Closing does this too, but says nothing when the disk is full.
        (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        connection.close()
        if busy:
            raise sqlite3.OperationalError(tr("the new file is not whole", "新建的文件不完整"))
        with aside.open("r+b") as file:
            os.fsync(file.fileno())
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
