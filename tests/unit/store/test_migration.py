"""A journal written by an older version is brought up to date once, by whoever comes first."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from bailian.errors import SetupError
from bailian.store.budgets import Budget
from bailian.store.jobs import Journal
from bailian.store.pace import limits
from bailian.store.pace.limits import SharedLimits
from bailian.store.schema import TABLES
from bailian.types import StoredRequest
from tests.support.old_journals import SCHEMAS, old_journal


@pytest.mark.parametrize("version", SCHEMAS)
def test_old_jobs_are_kept_and_new_ones_fit(tmp_path: Path, version: int) -> None:
    old_journal(tmp_path, version)
    with closing(Journal(tmp_path)) as journal:
        row = journal.find("me", "t-1")
        assert row is not None
        assert (row.state, row.run, row.lost_cny, row.sent_server_s) == ("submitted", None, 0.0, None)
        journal.intend(
            account="me", kind="text", model="m", wire_model="m", request={}, prepared=StoredRequest(), saving={},
            estimate_cny=None, owner="o", run="chat:旅行",
        )  # fmt: skip
        assert len(journal.jobs("me")) == 3


@pytest.mark.parametrize("version", SCHEMAS)
def test_old_costs_are_added_up(tmp_path: Path, version: int) -> None:
    """A new file and one that was brought up to date have the same tables, indexes and triggers."""
    old_journal(tmp_path, version)
    with closing(Journal(tmp_path)) as journal, closing(Journal(tmp_path / "new")) as new:
        assert [cny for *_, cny in journal.spent_cny("me")] == [0.28]
        assert journal.used("me") == {"m": 2}
        assert journal.reserved_cny("me", Budget(1.0, "run")) == 0.28
        made = "SELECT name, type FROM sqlite_master ORDER BY name"
        assert [tuple(row) for row in journal.database.read(made)] == [tuple(row) for row in new.database.read(made)]


def test_many_at_once(tmp_path: Path) -> None:
    old_journal(tmp_path)
    found = []

    def open_it() -> None:
        with closing(Journal(tmp_path)) as journal:
            found.append(journal.find("me", "t-1"))

    threads = [threading.Thread(target=open_it) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.task_id for row in found if row] == ["t-1"] * 12


def test_a_newer_journal_is_left_alone(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)):
        pass
    with closing(sqlite3.connect(tmp_path / TABLES.file_name)) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(SetupError, match="newer version"):
        Journal(tmp_path)


@pytest.mark.parametrize("version", [1, 2])
def test_a_journal_that_is_too_old_is_refused_with_words(tmp_path: Path, version: int) -> None:
    old_journal(tmp_path)
    with closing(sqlite3.connect(tmp_path / TABLES.file_name)) as connection:
        connection.execute(f"PRAGMA user_version={version}")
    before = (tmp_path / TABLES.file_name).read_bytes()
    with pytest.raises(SetupError, match=f"older version.*its version {version}; this one reads 3 to") as refused:
        Journal(tmp_path)
    assert f"mv {tmp_path / TABLES.file_name} " in refused.value.advice
    assert (tmp_path / TABLES.file_name).read_bytes() == before


def test_limits_that_are_too_old_are_refused_with_words(tmp_path: Path) -> None:
    with closing(SharedLimits(tmp_path)):
        pass
    with closing(sqlite3.connect(tmp_path / limits.TABLES.file_name)) as connection:
        connection.execute("PRAGMA user_version=1")
    with pytest.raises(SetupError, match="older version"):
        SharedLimits(tmp_path)
