"""Opens what the store lies in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bailian.errors import SetupError
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.store.backends.database import Database
from bailian.store.backends.server_patience import READING, Patience
from bailian.store.backends.sqlite import SqliteDatabase
from bailian.store.backends.tables import Tables


@dataclass(frozen=True)
class JournalPlace:
    """Where a process keeps what it must remember."""

    home: Path
    """Its own folder on this machine."""
    url: str = field(default="", repr=False)
    """`postgresql://…` of the server that several machines share; it may hold a password. Empty: files in `home`."""
    split: bool = False
    """Several processes of this home are at one batch."""
    patience: Patience = field(default=READING, repr=False, compare=False)
    """How whoever opens it waits for the server."""

    @property
    def is_shared(self) -> bool:
        """Return whether several machines may use it: its clock is the server's, and owners live by leases."""
        return bool(self.url)

    @property
    def splits_rows(self) -> bool:
        """Return whether several processes may be at one batch: each claims the rows that it sends."""
        return self.is_shared or self.split

    @property
    def title(self) -> str:
        """Return what people are told it is: a password is not shown."""
        if not self.url:
            return str(self.home)
        from bailian.store.backends.server_address import shown

        return shown(self.url)

    @staticmethod
    def of(place: JournalPlace | Path) -> JournalPlace:
        """Return the place; a folder stands for the files in it."""
        return JournalPlace(place) if isinstance(place, Path) else place

    def exists(self, tables: Tables) -> bool:
        """Return whether there may be something to read; looking makes no file."""
        return self.is_shared or (self.home / tables.file_name).is_file()


def require_extra() -> None:
    """See that what speaks to a server is installed.

    Raises:
        SetupError: it is not; the text says how to get it.
    """
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise SetupError(
            tr(f"a journal on a server needs psycopg ({error})", f"使用服务器上的日志需要 psycopg（{error}）"),
            advice=how_to().with_extra("cluster"),
        ) from None


def open_database(place: JournalPlace, tables: Tables) -> Database:
    """Open tables, or make them.

    Raises:
        JournalError: they cannot be reached or written.
        SetupError: they are not ours, or of a version that this one does not read.
    """
    if place.is_shared:
        require_extra()
        from bailian.store.backends.postgresql import PostgresDatabase

        return PostgresDatabase(place.url, tables, patience=place.patience)
    return SqliteDatabase(place.home / tables.file_name, tables, splits_rows=place.splits_rows)
