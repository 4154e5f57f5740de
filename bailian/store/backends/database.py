"""What the store asks of a database, whichever it is. The statements are the same; `dialects` knows where they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from bailian.errors import JournalError
from bailian.store.backends.dialects import Dialect

T = TypeVar("T")


class Duplicate(Exception):
    """A row has this value already, and there may be one only."""


class JournalAway(JournalError):
    """The server cannot be reached now; nothing of the transaction was written, or nobody knows whether its commit was."""


class Row(Protocol):
    """One row of a query: by the names of its columns, or by their places."""

    def __getitem__(self, key: Any, /) -> Any: ...

    def keys(self) -> list[str]: ...

    def __iter__(self) -> Iterator[Any]: ...

    def __len__(self) -> int: ...


class Cursor(Protocol):
    """What a statement came to."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class Statements(Protocol):
    """The statements of one transaction."""

    @property
    def dialect(self) -> Dialect: ...

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Cursor: ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Cursor: ...


class Database(Protocol):
    """One connection of a process, for all its threads."""

    dialect: Dialect
    is_shared: bool
    """Several machines may use it. Their owners are alive by a lease, and time is what the server says."""
    splits_rows: bool
    """Several processes may be at one batch: a row that waits is nobody's until one of them claims it."""

    @property
    def title(self) -> str:
        """Return what people are told it is; never with a password."""
        ...

    @property
    def commit_in_doubt(self) -> bool:
        """Return whether this thread's last commit may have been done, though nobody said so."""
        ...

    def now_s(self) -> float:
        """Return the time that all who use it agree on, in seconds since the epoch."""
        ...

    def transaction(self, lock: str = "") -> AbstractContextManager[Statements]:
        """Run one transaction: committed at its end, or rolled back by what raises.

        Inside another one of the same thread it is a savepoint: what raises takes back only its own.

        Args:
            lock: nobody else is inside a transaction with this lock meanwhile. What reads first and then writes by
                what it has read names one. A SQLite file has room for one writer, whoever it is.

        Raises:
            JournalError: the database is full or not usable; nothing of it is written.
        """
        ...

    def execute(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run one statement in the transaction that is open, or in its own; return how many rows it changed.

        Raises:
            Duplicate: a row has such a value already.
        """
        ...

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Write many new rows in the transaction that is open, or in its own."""
        ...

    def read(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Return all rows of a query."""
        ...

    def again(self, work: Callable[[], T]) -> T:
        """Do what may be done twice, again if the database goes away in its middle. A file never does."""
        ...

    def close(self) -> None: ...
