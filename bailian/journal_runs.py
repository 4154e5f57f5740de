"""What the journal knows about a batch: its rows, newest try first, and who may go on with them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bailian.journal import Journal
from bailian.journal_rows import OPEN_STATES, Row, row_of

# So many rows are written, or read, by one transaction.
CHUNK_ROWS = 500
COLUMNS = (
    "id", "account", "kind", "model", "wire_model", "state", "owner", "request", "prepared", "saving",
    "created_at_s", "estimate_cny", "run", "row_key",
)  # fmt: skip


@dataclass(frozen=True)
class Tried:
    """The newest try of a row."""

    job_id: str
    state: str
    exit_code: int | None
    """Of its error, if it has one."""


@dataclass(frozen=True)
class Count:
    """How many newest tries of a batch share a kind, a state and a category of error; what they cost."""

    kind: str
    state: str
    error_code: str | None
    jobs: int
    charged_cny: float
    estimate_cny: float


_NEWEST = (
    "FROM jobs JOIN (SELECT MAX(rowid) AS newest FROM jobs WHERE account = ? AND run = ? GROUP BY row_key)"
    " ON jobs.rowid = newest"
)


class Runs:
    """The batches of one account in one journal."""

    def __init__(self, journal: Journal, account: str, *, clock: Callable[[], float] = time.time) -> None:
        self._database = journal.database
        self._account = account
        self._clock = clock

    def tried(self, run: str) -> dict[str, Tried]:
        """Return the newest try of every row, by the row's key."""
        found = self._database.read(
            f"SELECT row_key, id, state, json_extract(error, '$.exit_code') AS exit_code {_NEWEST}",
            (self._account, run),
        )
        return {row["row_key"]: Tried(row["id"], row["state"], row["exit_code"]) for row in found}

    def intend_all(self, rows: Iterable[tuple[Any, ...]]) -> int:
        """Write rows down, in the order of `COLUMNS`; return how many."""
        marks = ", ".join("?" * len(COLUMNS))
        sql = f"INSERT INTO jobs ({', '.join(COLUMNS)}) VALUES ({marks})"  # noqa: S608
        written = 0
        for chunk in _chunks(rows):
            with self._database.write() as db:
                db.executemany(sql, chunk)
            written += len(chunk)
        return written

    def owners(self, run: str) -> list[str]:
        """Return the owners of the batch's open jobs."""
        marks = ", ".join("?" * len(OPEN_STATES))
        rows = self._database.read(
            f"SELECT DISTINCT owner FROM jobs WHERE account = ? AND run = ? AND state IN ({marks})"  # noqa: S608
            " AND owner IS NOT NULL",
            (self._account, run, *OPEN_STATES),
        )
        return [row["owner"] for row in rows]

    def take(self, run: str, owner: str, gone: Iterable[str], repeatable: Iterable[str] = ()) -> None:
        """Take over the open jobs of nobody and of owners that are gone.

        Their lost answers are unsettled; those of `repeatable` kinds are simply asked for again.
        """
        left, cheap = list(gone), list(repeatable)
        theirs, kinds = ", ".join("?" * len(left)), ", ".join("?" * len(cheap))
        marks = ", ".join("?" * len(OPEN_STATES))
        with self._database.write() as db:
            db.execute(
                f"UPDATE jobs SET owner = ?, state = CASE WHEN state IN ('sending', 'unsettled') AND kind IN ({kinds})"  # noqa: S608
                " AND json_extract(prepared, '$.half_price') IS NULL THEN 'waiting'"
                " WHEN state = 'sending' THEN 'unsettled' ELSE state END"
                f" WHERE account = ? AND run = ? AND state IN ({marks}) AND (owner IS NULL OR owner IN ({theirs}))",
                (owner, *cheap, self._account, run, *OPEN_STATES, *left),
            )

    def give_up(self, job_ids: Iterable[str], error: Mapping[str, Any]) -> None:
        """End jobs that wait and are not wanted any more. They were never sent."""
        text = json.dumps(error, ensure_ascii=False)
        with self._database.write() as db:
            db.executemany(
                "UPDATE jobs SET state = 'unsent', error = ?, owner = NULL WHERE id = ? AND state = 'waiting'",
                [(text, job_id) for job_id in job_ids],
            )

    def move(self, keys: Iterable[str], run: str, other: str) -> None:
        """Make rows, with all their tries, part of another run."""
        with self._database.write() as db:
            db.executemany(
                "UPDATE jobs SET run = ? WHERE account = ? AND run = ? AND row_key = ?",
                [(other, self._account, run, key) for key in keys],
            )

    def let_go(self, run: str, owner: str) -> None:
        """Give all open jobs of a batch back: any process may go on with them."""
        with self._database.write() as db:
            db.execute(
                "UPDATE jobs SET owner = NULL WHERE account = ? AND run = ? AND owner = ?", (self._account, run, owner)
            )

    def queues(self, run: str, owner: str) -> list[tuple[str, str]]:
        """Return (wire model, model) of the jobs that this process is to send."""
        rows = self._database.read(
            "SELECT wire_model, MAX(model) AS model FROM jobs"
            " WHERE account = ? AND run = ? AND owner = ? AND state = 'waiting' GROUP BY wire_model ORDER BY MIN(rowid)",
            (self._account, run, owner),
        )
        return [(row["wire_model"], row["model"]) for row in rows]

    def waiting(self, run: str, owner: str, wire_model: str) -> Iterator[Row]:
        """Yield the jobs of one queue that this process is to send, in the order of the file, as they are needed."""
        last = 0
        while True:
            found = self._database.read(
                "SELECT rowid AS number, * FROM jobs WHERE account = ? AND run = ? AND owner = ? AND wire_model = ?"
                " AND state = 'waiting' AND rowid > ? ORDER BY rowid LIMIT ?",
                (self._account, run, owner, wire_model, last, CHUNK_ROWS),
            )
            if not found:
                return
            last = found[-1]["number"]
            yield from (row_of(row) for row in found)

    def under_way(self, run: str, owner: str) -> list[Row]:
        """Return the jobs of this process that were sent and are not over; those of half-price batches are fetched there."""
        found = self._database.read(
            "SELECT * FROM jobs WHERE account = ? AND run = ? AND owner = ?"
            " AND state IN ('sending', 'unsettled', 'submitted', 'ended')"
            " AND json_extract(prepared, '$.half_price') IS NULL ORDER BY rowid",
            (self._account, run, owner),
        )
        return [row_of(row) for row in found]

    def newest(self, run: str) -> Iterator[Row]:
        """Yield the newest try of every row, in the order of their first writing."""
        last = 0
        while True:
            found = self._database.read(
                "SELECT rowid AS number, * FROM jobs WHERE account = ? AND run = ? AND rowid > ? AND NOT EXISTS"
                " (SELECT 1 FROM jobs AS newer WHERE newer.account = jobs.account AND newer.run = jobs.run"
                " AND newer.row_key = jobs.row_key AND newer.rowid > jobs.rowid) ORDER BY rowid LIMIT ?",
                (self._account, run, last, CHUNK_ROWS),
            )
            if not found:
                return
            last = found[-1]["number"]
            yield from (row_of(row) for row in found)

    def files(self, job_ids: Iterable[str]) -> dict[str, list[str]]:
        """Return the finished files of jobs, in the order of their results."""
        ids = list(job_ids)
        marks = ", ".join("?" * len(ids))
        found = self._database.read(
            f"SELECT job_id, path FROM files WHERE placed = 1 AND job_id IN ({marks}) ORDER BY job_id, item",  # noqa: S608
            tuple(ids),
        )
        files: dict[str, list[str]] = {job_id: [] for job_id in ids}
        for row in found:
            files[row["job_id"]].append(row["path"])
        return files

    def counts(self, run: str) -> list[Count]:
        """Return how the batch stands."""
        found = self._database.read(
            "SELECT kind, state, json_extract(error, '$.error.code') AS error_code, COUNT(*) AS jobs,"
            f" TOTAL(charged_cny) AS charged_cny, TOTAL(estimate_cny) AS estimate_cny {_NEWEST}"
            " GROUP BY kind, state, error_code",
            (self._account, run),
        )
        return [Count(**{name: row[name] for name in Count.__dataclass_fields__}) for row in found]

    def finished(self, run: str) -> tuple[str, dict[str, Any]] | None:
        """Return (digest of the file, summary) if the batch was brought to its end."""
        found = self._database.read(
            "SELECT digest, summary FROM runs WHERE account = ? AND run = ?", (self._account, run)
        )
        return (found[0]["digest"], json.loads(found[0]["summary"])) if found else None

    def finish(self, run: str, digest: str, rows: int, summary: Mapping[str, Any]) -> None:
        """Remember that nothing is left to do for this file as it is."""
        with self._database.write() as db:
            db.execute(
                "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?)",
                (self._account, run, digest, rows, self._clock(), json.dumps(summary, ensure_ascii=False)),
            )

    def forget(self, run: str) -> None:
        """Begin a batch anew: its jobs stay in the journal, under no batch. Open ones are fetched by `tasks wait`."""
        with self._database.write() as db:
            db.execute("UPDATE jobs SET run = NULL, owner = NULL WHERE account = ? AND run = ?", (self._account, run))
            db.execute("DELETE FROM runs WHERE account = ? AND run = ?", (self._account, run))


def _chunks(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    chunk: list[tuple[Any, ...]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
