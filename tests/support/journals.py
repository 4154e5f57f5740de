"""Where a test's journal is: in its home, or on a server where `BAILIAN_TESTS_ON` says so."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from bailian.store.backends.journal_place import JournalPlace
from bailian.store.backends.sqlite import SqliteDatabase

ON_SERVER = os.environ.get("BAILIAN_TESTS_ON") == "postgresql"


def leave_out(items: Iterable[pytest.Item]) -> None:
    """Skip what looks into files where there are none."""
    for item in items:
        if ON_SERVER and item.get_closest_marker("sqlite"):
            item.add_marker(pytest.mark.skip(reason="this is of SQLite's files"))


def database_class() -> type[Any]:
    """Return what a journal is kept in, for tests that kill a process at each of its transactions."""
    if not ON_SERVER:
        return SqliteDatabase
    from bailian.store.backends.postgresql import PostgresDatabase

    return PostgresDatabase


def place(home: Path) -> JournalPlace:
    return JournalPlace(home, os.environ.get("BAILIAN_JOURNAL", ""))
