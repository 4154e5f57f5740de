"""A journal goes to another place, row by row, as it is: from a home to a server, or back."""

from __future__ import annotations

from typing import NamedTuple

from bailian.store.backends.database import Database
from bailian.store.backends.dialects import packed
from bailian.store.jobs import Journal
from bailian.store.states import OPEN_STATES

CHUNK_ROWS = 1000
_NUMBERS = "rowid"


class Open(NamedTuple):
    """Jobs that are not over."""

    account: str
    state: str
    jobs: int


class Copied(NamedTuple):
    """What a copy came to."""

    jobs: int
    """Written now."""
    known: int
    """Were there already."""


def open_jobs(journal: Journal) -> list[Open]:
    """Return what is not over, and so cannot be copied: two places would go on with it."""
    states = ", ".join(f"'{state}'" for state in OPEN_STATES)
    found = journal.database.read(
        f"SELECT account, state, COUNT(*) AS n FROM jobs WHERE state IN ({states}) GROUP BY account, state"  # noqa: S608
        " ORDER BY account, state"
    )
    return [Open(row["account"], row["state"], row["n"]) for row in found]


def copy_journal(source: Journal, target: Journal) -> Copied:
    """Write all jobs of one journal into another, in their order; those that it has already stay as they are there.

    What was begun and broken off is gone on with: each thousand jobs are there whole, or not at all.

    Raises:
        JournalError: one of them cannot be used.
    """
    columns = [name for row in source.database.read("SELECT * FROM jobs LIMIT 1") for name in list(row.keys())]
    columns = [name for name in columns if name != _NUMBERS]
    written = known = last = 0
    while found := source.database.read(
        "SELECT rowid AS number, jobs.* FROM jobs WHERE rowid > ? ORDER BY rowid LIMIT ?", (last, CHUNK_ROWS)
    ):
        last = found[-1]["number"]
        ids = [row["id"] for row in found]
        there = _present(target.database, ids)
        new = [row for row in found if row["id"] not in there]
        with target.database.transaction():
            target.database.insert("jobs", columns, [[row[name] for name in columns] for row in new])
            _copy_beside(source.database, target.database, [row["id"] for row in new])
        written, known = written + len(new), known + len(there)
    for table in ("runs", "service_batches"):
        _copy_table(source.database, target.database, table)
    return Copied(written, known)


def _present(database: Database, ids: list[str]) -> set[str]:
    rows = database.read(f"SELECT id FROM jobs WHERE id IN ({database.dialect.chosen})", (packed(ids),))  # noqa: S608
    return {row["id"] for row in rows}


def _copy_beside(source: Database, target: Database, ids: list[str]) -> None:
    for table in ("files", "chains"):
        rows = source.read(
            f"SELECT * FROM {table} WHERE job_id IN ({source.dialect.chosen})",  # noqa: S608
            (packed(ids),),
        )
        if rows:
            names = list(rows[0].keys())
            target.insert(table, names, [[row[name] for name in names] for row in rows])


def _copy_table(source: Database, target: Database, table: str) -> None:
    for row in source.read(f"SELECT * FROM {table}"):  # noqa: S608
        names = list(row.keys())
        marks = ", ".join("?" * len(names))
        target.execute(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}) ON CONFLICT DO NOTHING",  # noqa: S608
            [row[name] for name in names],
        )
