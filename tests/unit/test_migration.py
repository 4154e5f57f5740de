"""A journal written by an older version is brought up to date once, by whoever comes first."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from bailian.errors import SetupError
from bailian.journal import Journal
from bailian.journal_rows import FILE_NAME, SCHEMA

# The third version knew nothing of the service's clock, the second nothing of lost answers; the first had neither the
# columns nor the tables of batches.
THIRD_SCHEMA = SCHEMA.replace(",\n  sent_server_s REAL", "").replace("COALESCE(sent_server_s, sent_at_s)", "sent_at_s")
SECOND_SCHEMA = THIRD_SCHEMA.replace(", lost_cny REAL NOT NULL DEFAULT 0", "").replace(
    "estimate_cny, lost_cny)", "estimate_cny)"
)
FIRST_SCHEMA = ";".join(
    statement
    for statement in SECOND_SCHEMA.replace(", run TEXT, row_key TEXT", "").split(";")
    if not any(new in statement for new in ("jobs_by_run", "jobs_by_row", "jobs_by_time", "TABLE runs"))
)
SCHEMAS = {1: FIRST_SCHEMA, 2: SECOND_SCHEMA, 3: THIRD_SCHEMA}


def old_journal(home: Path, version: int = 1) -> None:
    with closing(sqlite3.connect(home / FILE_NAME)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(SCHEMAS[version])
        connection.execute(
            "INSERT INTO jobs (id, account, kind, model, wire_model, state, request, prepared, saving, created_at_s, task_id)"
            " VALUES ('a-1', 'me', 'image', 'm', 'm', 'submitted', '{}', '{}', '{}', 1.0, 't-1')"
        )
        connection.execute(f"PRAGMA user_version={version}")
        connection.commit()


@pytest.mark.parametrize("version", SCHEMAS)
def test_old_jobs_are_kept_and_new_ones_fit(tmp_path: Path, version: int) -> None:
    old_journal(tmp_path, version)
    with closing(Journal(tmp_path)) as journal:
        row = journal.find("me", "t-1")
        assert row is not None
        assert (row.state, row.run, row.lost_cny, row.sent_server_s) == ("submitted", None, 0.0, None)
        journal.intend(
            account="me", kind="text", model="m", wire_model="m", request={}, prepared={}, saving={},
            estimate_cny=None, owner="o", run="chat:旅行",
        )  # fmt: skip
        assert len(journal.jobs("me")) == 2


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
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(SetupError, match="newer version"):
        Journal(tmp_path)
