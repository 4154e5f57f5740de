"""The journal on a PostgreSQL server: several machines share it.

A connection may break at any moment: the server is restarted, a cable is pulled, a machine is stopped in the middle of
a transaction. What was not committed is gone then, and what had asked for it asks again (`again`): a run pauses, and
goes on. Nothing here decides what may be repeated: the states of a job do.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg import errors

from bailian.clock import Clock, current_clock
from bailian.errors import JournalError
from bailian.i18n import tr
from bailian.store.backends.database import Duplicate, JournalAway, Row
from bailian.store.backends.dialects import POSTGRESQL, Dialect
from bailian.store.backends.server_address import shown
from bailian.store.backends.server_connection import WatchedConnection, journal_error, opened
from bailian.store.backends.server_patience import READING, Patience
from bailian.store.backends.server_rows import ServerRow
from bailian.store.backends.server_tables import made_or_checked
from bailian.store.backends.tables import Tables
from bailian.store.backends.translation import marked, storable, translated

T = TypeVar("T")

RETRY_S = 0.5
# Addresses that have let this process in: the password was right there. What they refuse later is taken to pass.
_KNOWN: set[str] = set()
_NOW = "SELECT EXTRACT(EPOCH FROM clock_timestamp())"


class PostgresDatabase:
    """One connection of this process, for all its threads: one transaction at a time."""

    dialect: Dialect = POSTGRESQL
    is_shared: bool = True
    splits_rows: bool = True

    def __init__(self, url: str, tables: Tables, clock: Clock | None = None, *, patience: Patience = READING) -> None:
        """Connect, as soon as the server lets us in; make the tables if there are none.

        Raises:
            JournalError: the server refuses, or cannot be reached within the patience.
            SetupError: the tables are not ours, or of a version that this one does not read.
        """
        self._url, self._tables = url, tables
        self._clock = clock or current_clock()
        self.patience = patience
        self._lock = threading.RLock()
        self._in_doubt: set[int] = set()
        """Threads whose last commit left, and was not answered."""
        self._depth, self._inside = 0, 0
        """How many transactions are open, one inside the other; and the thread whose they are."""
        self._lost: Exception | None = None
        self._offset_s: float | None = None
        self._connection: WatchedConnection | None = None
        self._closed = False
        self.again(self._connect)

    @property
    def title(self) -> str:
        return shown(self._url)

    def now_s(self) -> float:
        """Return the server's time. It was heard when a lock was last taken, and goes on by this machine's clock."""
        return self._clock.monotonic() + (self._offset_s or 0.0)

    # ── connections ──

    def _connect(self) -> WatchedConnection:
        try:
            connection = opened(self._url, self._clock)
        except psycopg.Error as error:
            raise journal_error(error, self.title, is_first=self._url not in _KNOWN) from None
        try:
            made_or_checked(connection, self._tables, self.title)
            # Answers that were paid are on the disk when a commit has ended; courtesies need not be.
            durable = "CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END"
            how = durable if self._tables.durable else "'off'"
            connection.execute(f"SELECT set_config('synchronous_commit', {how}, false)")
            asked_s = self._clock.monotonic()
            self._hear_time(connection.execute(_NOW).fetchone(), asked_s)
        except BaseException as error:
            connection.close()
            if isinstance(error, psycopg.Error):
                raise journal_error(error, self.title) from None
            raise
        self._connection = connection
        _KNOWN.add(self._url)
        return connection

    def _hear_time(self, row: Row | None, asked_s: float) -> None:
        """Set the clock by what the server said after `asked_s`. An answer that was long on its way tells little: what
        was known before stays as far as it agrees."""
        if row is not None:
            least_s, most_s = float(row[0]) - self._clock.monotonic(), float(row[0]) - asked_s
            self._offset_s = least_s if self._offset_s is None else min(max(self._offset_s, least_s), most_s)

    def _connected(self) -> WatchedConnection:
        if self._closed:
            raise JournalError(tr(f"{self.title} is closed", f"{self.title} 已关闭"), advice="")
        if self._connection is None or self._connection.closed:
            return self._connect()
        return self._connection

    def _drop(self) -> None:
        """Forget a connection on which a transaction cannot go on."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def again(self, work: Callable[[], T]) -> T:
        """Do what may be done twice; if the server goes away meanwhile, do it again when it is back.

        Raises:
            JournalError: it is not back in time, or refuses.
        """
        until_s: float | None = None
        while True:
            try:
                result = work()
            except JournalAway as away:  # noqa: PERF203 - a retry is a loop
                if self._inside == threading.get_ident():
                    raise  # the whole transaction is gone
                now_s = self._clock.monotonic()
                if until_s is None:
                    until_s = now_s + self.patience.for_s
                    self.patience.on_pause(away.message)
                if now_s >= until_s or self._closed or self.patience.is_leaving():
                    raise
                self._clock.sleep(RETRY_S)
            else:
                if until_s is not None:
                    self.patience.on_pause("")
                return result

    def close(self) -> None:
        self._closed = True
        self._drop()

    # ── statements ──

    @contextmanager
    def transaction(self, lock: str = "") -> Iterator[Statement]:
        with self._lock:
            if self._depth:
                with self._nested(lock) as statements:
                    yield statements
                return
            self.again(lambda: self._begin(lock))
            self._depth, self._inside, self._lost = 1, threading.get_ident(), None
            try:
                yield Statement(self)
                self._commit()
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._depth, self._inside = 0, 0

    @property
    def commit_in_doubt(self) -> bool:
        """Return whether this thread's last commit may have been done all the same."""
        return threading.get_ident() in self._in_doubt

    def _begin(self, lock: str) -> None:
        connection = self._connected()
        try:
            if not lock:
                connection.execute("BEGIN")
                return
            asked_s = self._clock.monotonic()
            cursor = connection.execute(f"BEGIN; SELECT pg_advisory_xact_lock({number_of(lock)}); {_NOW}")
            while cursor.nextset():
                pass
            self._hear_time(cursor.fetchone(), asked_s)
        except psycopg.Error as error:
            self._roll_back()
            raise self._away(error) from None

    def _commit(self) -> None:
        """Commit. If the connection breaks now nobody knows whether it was: who asks again must bear that."""
        connection, thread = self._live(), threading.get_ident()
        try:
            cursor = connection.execute("COMMIT")
        except psycopg.Error as error:
            self._in_doubt.add(thread)
            raise self._away(error) from None
        self._in_doubt.discard(thread)
        if cursor.statusmessage != "COMMIT":  # a statement has failed, and nobody has said so
            raise JournalError(tr(f"{self.title} took the transaction back", f"{self.title} 回滚了事务"), advice="")

    def _roll_back(self) -> None:
        connection = self._connection
        if connection is None or connection.closed:
            return
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            self._drop()

    @contextmanager
    def _nested(self, lock: str) -> Iterator[Statement]:
        self.run("SAVEPOINT nested")
        self._depth += 1
        try:
            if lock:
                self.run(f"SELECT pg_advisory_xact_lock({number_of(lock)})")
            yield Statement(self)
            self.run("RELEASE nested")
        except BaseException:
            if self._lost is None:
                with suppress(JournalError):
                    self.run("ROLLBACK TO nested")
                    self.run("RELEASE nested")
            raise
        finally:
            self._depth -= 1

    def _live(self) -> WatchedConnection:
        """Return the connection of the open transaction; another one would know nothing of it."""
        if self._lost is not None or self._connection is None or self._connection.closed:
            raise self._away(self._lost or psycopg.OperationalError("the connection is lost"))
        return self._connection

    def run(self, sql: str, values: Sequence[Any] = ()) -> psycopg.Cursor[ServerRow]:
        """Run one statement of the open transaction."""
        statement = translated(sql)
        with self.telling():
            return self._live().execute(statement, marked(statement, values))

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Say of the open transaction's statements what an error means, however they are sent.

        Raises:
            Duplicate: a row has such a value already.
            JournalError: the server is away, or refuses.
        """
        try:
            yield
        except psycopg.Error as error:
            said = self._away(error)
            # A savepoint keeps the rest of what a row refuses. What passes is no row's: whoever has caught it would go
            # on without its statement, where all of them do better together a moment later.
            if self._depth == 1 or isinstance(said, JournalAway):
                self._lost = self._lost or error
            if isinstance(error, errors.IntegrityError):
                raise Duplicate(str(error)) from None
            raise said from None

    def execute(self, sql: str, values: Sequence[object] = ()) -> int:
        with self._lock:
            if self._depth:
                return self.run(sql, values).rowcount
            return self.again(lambda: self._alone(sql, values))

    def _alone(self, sql: str, values: Sequence[object]) -> int:
        with self.transaction():
            return self.run(sql, values).rowcount

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        def write() -> None:
            sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
            with self.transaction(), self.telling(), self._live().cursor() as cursor, cursor.copy(sql) as copy:
                for row in rows:
                    copy.write_row([storable(value) for value in row])

        self.again(write)

    def read(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        with self._lock:
            if self._depth:
                return [*self.run(sql, values).fetchall()]
            return self.again(lambda: self._read(sql, values))

    def _read(self, sql: str, values: Sequence[object]) -> list[Row]:
        statement = translated(sql)
        try:
            return [*self._connected().execute(statement, marked(statement, values)).fetchall()]
        except psycopg.Error as error:
            raise self._away(error) from None

    def _away(self, error: Exception) -> JournalError:
        """Return what is said of an error of the server, and drop a connection that is of no use any more."""
        if self._connection is not None and (self._connection.closed or self._connection.broken):
            self._drop()
        return journal_error(error, self.title)


class Statement:
    """The statements of one transaction."""

    dialect: Dialect = POSTGRESQL

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def execute(self, sql: str, values: Sequence[Any] = ()) -> psycopg.Cursor[ServerRow]:
        return self._database.run(sql, values)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> psycopg.Cursor[ServerRow]:
        cursor = self._database.run("SELECT 1")
        statement = translated(sql)
        with self._database.telling():
            cursor.executemany(statement, [marked(statement, row) or () for row in rows])
        return cursor


def number_of(lock: str) -> int:
    """Return the number that the server knows a lock by."""
    return int.from_bytes(hashlib.sha256(lock.encode()).digest()[:8], "big", signed=True)
