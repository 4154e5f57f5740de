"""What was intended, sent, answered and saved. The only memory: whatever dies, this file knows.

The states of a job are in `states`, the tables in `schema`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from bailian.catalog import Mode
from bailian.store import money
from bailian.store.budgets import Budget, check_budget, counted_cny
from bailian.store.database import Database
from bailian.store.money import Maybe
from bailian.store.paths import restored, stored
from bailian.store.schema import (
    DURATIONS_KEPT,
    FILE_NAME,
    MIGRATIONS,
    SCHEMA,
    VERSION,
    FileRecord,
    JobResult,
    JobRow,
    dumped,
    job_row,
)
from bailian.store.states import OPEN_STATES, Status, move


class NotOurs(Exception):
    """The job is not this process's to send (any more)."""


class TaskTaken(Exception):
    """Another job of the journal has this task id already."""


class Journal:
    """All processes with the same home share it."""

    def __init__(self, home: Path, *, clock: Any = time.time) -> None:
        self.folder = home
        self.database = Database(home / FILE_NAME, SCHEMA, VERSION, MIGRATIONS, durable=True)
        self.clock = clock

    def intend(
        self,
        *,
        account: str,
        kind: str,
        model: str,
        wire_model: str,
        request: Mapping[str, Any],
        prepared: Mapping[str, Any],
        saving: Mapping[str, Any],
        estimate_cny: float | None,
        owner: str,
        state: Status = Status.WAITING,
        task_id: str | None = None,
        run: str | None = None,
        row_key: str | None = None,
    ) -> str:
        """Write down what is going to be done; return the job's id.

        Raises:
            TaskTaken: `task_id` belongs to a job already.
        """
        job_id = f"{int(self.clock()):x}-{uuid4().hex[:10]}"
        row = {
            "id": job_id,
            "account": account,
            "kind": kind,
            "model": model,
            "wire_model": wire_model,
            "state": state,
            "owner": owner,
            "request": dumped(request),
            "prepared": dumped(prepared),
            "saving": dumped(saving),
            "created_at_s": self.clock(),
            "estimate_cny": estimate_cny,
            "task_id": task_id,
            "adopted": int(task_id is not None),
            "run": run,
            "row_key": row_key,
        }
        columns, marks = ", ".join(row), ", ".join("?" * len(row))
        try:
            with self.database.transaction() as db:
                db.execute(f"INSERT INTO jobs ({columns}) VALUES ({marks})", tuple(row.values()))  # noqa: S608
        except sqlite3.IntegrityError:
            raise TaskTaken(task_id) from None
        return job_id

    def record_intent(
        self, job_id: str, owner: str, budgets: Sequence[Budget] = (), *, server_s: float | None = None
    ) -> float:
        """Commit that the request leaves now; return that moment. The money is reserved by the same commit.

        `server_s`: that moment by the service's clock, if it is known. Budgets go by it then.

        Raises:
            NotOurs: the job was given up, or is another process's: nothing may be sent.
            BudgetExceeded: a budget has no room for what it may cost.
        """
        now_s = self.clock()
        with self.database.transaction():
            if budgets:
                with self.database.transaction() as db:
                    for budget in budgets:
                        check_budget(db, job_id, budget, now_s if server_s is None else server_s)
            changed = move(
                self.database,
                Status.SENDING,
                "id = ? AND owner = ?",
                (now_s, server_s, job_id, owner),
                also="sent_at_s = ?, sent_server_s = ?",
                only_from=(Status.WAITING,),
            )
        if changed != 1:
            raise NotOurs(job_id)
        return float(now_s)

    def requeue(self, job_id: str) -> None:
        """The request provably did not leave, or was refused unexecuted: the job waits again."""
        self._move(job_id, Status.WAITING)

    def requeue_maybe_billed(self, job_id: str) -> None:
        """The answer of a request that may be repeated is lost: the job waits again. It may have been billed."""
        move(
            self.database,
            Status.WAITING,
            "id = ?",
            (job_id,),
            also="lost_cny = lost_cny + COALESCE(estimate_cny, 0)",
        )

    def in_doubt(self, job_id: str) -> None:
        self._move(job_id, Status.UNSETTLED)

    def record_task(self, job_id: str, task_id: str, request_id: str | None) -> None:
        """Record the service's own answer. It outranks an adoption: a job that took this id on suspicion loses it.

        Raises:
            TaskTaken: the service has answered another job with this id (a proxy that repeats an answer does).
        """
        try:
            with self.database.transaction():
                move(
                    self.database,
                    Status.UNSETTLED,
                    "task_id = ? AND adopted = 1 AND id <> ? AND account = (SELECT account FROM jobs WHERE id = ?)",
                    (task_id, job_id, job_id),
                    also="task_id = NULL, adopted = 0",
                    only_from=tuple(Status),
                )
                self._move(
                    job_id,
                    Status.SUBMITTED,
                    task_id=task_id,
                    request_id=request_id,
                    submitted_at_s=self.clock(),
                    adopted=0,
                )
        except sqlite3.IntegrityError:
            raise TaskTaken(task_id) from None

    def adopt(self, job_id: str, task_id: str, request_id: str | None) -> None:
        """Take a task found in the account's list for a job whose answer was lost.

        Raises:
            TaskTaken: another job has it.
        """
        try:
            self._move(
                job_id,
                Status.SUBMITTED,
                task_id=task_id,
                request_id=request_id,
                adopted=1,
                submitted_at_s=self.clock(),
            )
        except sqlite3.IntegrityError:
            raise TaskTaken(task_id) from None

    def unadopt(self, job_id: str) -> None:
        """The adopted task turned out to be another's."""
        self._move(job_id, Status.UNSETTLED, task_id=None, adopted=0, answer=None)

    def store_answer(self, job: JobResult) -> None:
        """The service is done: keep its whole answer before anything is downloaded."""
        move(
            self.database,
            Status.ENDED,
            "id = ?",
            (dumped(job.answer), job.charged_cny, job.run_s, self.clock(), job.request_id, job.job_id),
            also="answer = ?, charged_cny = ?, run_s = ?, ended_at_s = ?, request_id = COALESCE(?, request_id)",
        )

    def record_request(self, job_id: str, request: Mapping[str, Any]) -> None:
        """Record what a task that was made elsewhere had been asked for."""
        self._set(job_id, request=dumped(request))

    def replace_answer(self, job_id: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer with fresh links."""
        self._set(job_id, answer=dumped(answer))

    def finish(
        self,
        job_id: str,
        state: Status,
        error: Mapping[str, Any] | None = None,
        *,
        placed: Mapping[int, tuple[Path, str]] | None = None,
    ) -> None:
        """End a job in one of the final states; `placed` are files (with SHA-256) that have got their names since."""
        with self.database.transaction():
            for item, (path, sha256) in (placed or {}).items():
                self.record_file(job_id, item, path, sha256=sha256, placed=True)
            move(
                self.database,
                state,
                "id = ?",
                (dumped(error) if error else None, self.clock(), job_id),
                also="error = ?, owner = NULL, ended_at_s = COALESCE(ended_at_s, ?)",
            )

    def note(self, job_id: str, error: Mapping[str, Any]) -> None:
        """Record why an open job is not further."""
        self._set(job_id, error=dumped(error))

    def record_cost(self, job_id: str, charged_cny: float) -> None:
        """Record what a job has cost so far."""
        self._set(job_id, charged_cny=charged_cny)

    def release(self, job_ids: Iterable[str], owner: str) -> None:
        """Let go of this owner's jobs that go on at the service: any process may take them over."""
        with self.database.transaction() as db:
            db.executemany(
                "UPDATE jobs SET owner = NULL WHERE id = ? AND owner = ?", [(job_id, owner) for job_id in job_ids]
            )

    def claim(self, job_id: str, owner: str, expected: str | None) -> bool:
        """Take a job over from an owner that is gone; False if someone else was faster.

        What the dead process was sending is unsettled now: nobody waits for that answer any more.
        """
        values = (owner, job_id, expected)
        with self.database.transaction() as db:
            if move(
                self.database,
                Status.UNSETTLED,
                "id = ? AND owner IS ?",
                values,
                also="owner = ?",
                only_from=(Status.SENDING,),
            ):
                return True
            return db.execute("UPDATE jobs SET owner = ? WHERE id = ? AND owner IS ?", values).rowcount == 1

    def reopen(self, job_id: str, state: Status, expected: Status) -> bool:
        """Give a job in a final state another look; False if another process was faster."""
        return move(self.database, state, "id = ?", (job_id,), also="error = NULL", only_from=(expected,)) == 1

    def relocate(self, job_id: str, saving: Mapping[str, Any]) -> None:
        """The files go elsewhere: forget names that no file has got yet."""
        with self.database.transaction() as db:
            db.execute("UPDATE jobs SET saving = ? WHERE id = ?", (dumped(saving), job_id))
            db.execute("DELETE FROM files WHERE job_id = ? AND placed = 0", (job_id,))

    def file_path(self, job_id: str, item: int) -> FileRecord | None:
        """Return one file of a job, if it was begun."""
        rows = self.database.read(
            "SELECT path, sha256, placed FROM files WHERE job_id = ? AND item = ?", (job_id, item)
        )
        return FileRecord(restored(rows[0]["path"]), rows[0]["sha256"], bool(rows[0]["placed"])) if rows else None

    def record_file(
        self, job_id: str, item: int, path: Path, *, sha256: str | None = None, placed: bool = False
    ) -> None:
        """Record where a file goes (before), what it will be (before its final name), that it is there (after)."""
        self.database.execute(
            "INSERT OR REPLACE INTO files (job_id, item, path, sha256, placed) VALUES (?, ?, ?, ?, ?)",
            (job_id, item, stored(path), sha256, int(placed)),
        )

    def claim_file(self, job_id: str, item: int, path: Path, sha256: str) -> bool:
        """Record that a finished file is this result's; False if it is another's."""
        with self.database.transaction() as db:
            others = db.execute(
                "SELECT 1 FROM files WHERE path = ? AND placed = 1 AND (job_id, item) != (?, ?) LIMIT 1",
                (stored(path), job_id, item),
            )
            if others.fetchone():
                return False
            self.record_file(job_id, item, path, sha256=sha256, placed=True)
            return True

    def files(self, job_id: str) -> dict[int, Path]:
        """Return the finished files of a job, by the index of the result."""
        rows = self.database.read(
            "SELECT item, path FROM files WHERE job_id = ? AND placed = 1 ORDER BY item", (job_id,)
        )
        return {row["item"]: restored(row["path"]) for row in rows}

    def job(self, job_id: str) -> JobRow | None:
        rows = self._rows("WHERE id = ?", (job_id,))
        return rows[0] if rows else None

    def find(self, account: str, word: str) -> JobRow | None:
        """Return the job with this task id, job id or request id."""
        for column in ("task_id", "id", "request_id"):
            rows = self._rows(f"WHERE {column} = ? AND account = ? LIMIT 1", (word, account))
            if rows:
                return rows[0]
        return None

    def jobs(self, account: str, states: Iterable[str] = (), limit: int = 1000) -> list[JobRow]:
        """Return jobs, newest first."""
        newest = "ORDER BY created_at_s DESC, rowid DESC LIMIT ?"
        wanted = tuple(dict.fromkeys(states))
        if len(wanted) < 2:
            chosen = " AND state = ?" if wanted else ""
            return self._rows(f"WHERE account = ?{chosen} {newest}", (account, *wanted, limit))
        # An index gives the newest of one state without sorting, not those of several.
        one = f"SELECT rowid FROM (SELECT rowid FROM jobs WHERE account = ? AND state = ? {newest})"  # noqa: S608
        values = [value for state in wanted for value in (account, state, limit)]
        return self._rows(f"WHERE rowid IN ({' UNION ALL '.join([one] * len(wanted))}) {newest}", (*values, limit))

    def last_of_run(self, account: str, run: str, state: Status) -> JobRow | None:
        """Return the newest job of a chat or batch that is in this state."""
        rows = self._rows(
            "WHERE account = ? AND run = ? AND state = ? ORDER BY created_at_s DESC, rowid DESC LIMIT 1",
            (account, run, state),
        )
        return rows[0] if rows else None

    def open_elsewhere(self, account: str) -> int:
        """Return how many open jobs belong to another key or host."""
        marks = ", ".join("?" * len(OPEN_STATES))
        rows = self.database.read(
            f"SELECT COUNT(*) AS n FROM jobs WHERE account <> ? AND state IN ({marks})",  # noqa: S608
            (account, *OPEN_STATES),
        )
        return int(rows[0]["n"])

    def claimants(self, account: str, wire_model: str, job_id: str) -> list[JobRow]:
        """Return other jobs that may own an unknown task of this model: sent, answer not (yet) read, or given up."""
        rows = self._rows(
            "WHERE account = ? AND wire_model = ? AND id <> ? AND task_id IS NULL"
            " AND state IN ('sending', 'unsettled', 'held')",
            (account, wire_model, job_id),
        )
        return [row for row in rows if row.prepared.get("mode") == Mode.TASK]

    def known_tasks(self, task_ids: Iterable[str]) -> set[str]:
        """Return which of these ids belong to jobs of this journal, under whichever key: two may be of one account."""
        known: set[str] = set()
        for task_id in task_ids:
            if self.database.read("SELECT 1 FROM jobs WHERE task_id = ? LIMIT 1", (task_id,)):
                known.add(task_id)
        return known

    def durations_s(self, model: str) -> list[float]:
        """Return how long the last tasks of a model ran at the service, newest first."""
        rows = self.database.read(
            "SELECT run_s FROM jobs WHERE model = ? AND run_s IS NOT NULL ORDER BY ended_at_s DESC LIMIT ?",
            (model, DURATIONS_KEPT),
        )
        return [row["run_s"] for row in rows]

    def spent_cny(self, account: str) -> list[tuple[str, str, str, float]]:
        """Return (day, model, batch or chat, CNY) of what was charged, newest day first."""
        return money.spent_cny(self.database, account)

    def used(self, account: str) -> dict[str, float]:
        """Return how many units (pictures, seconds, characters, tokens) were billed, by model."""
        return money.used(self.database, account)

    def lost_cny(self, account: str) -> float:
        """Return what answers that were lost may have cost at most, beside what was charged."""
        return money.lost_cny(self.database, account)

    def maybe_cny(self, account: str) -> Maybe:
        """Return what may have been billed beyond what is known; `lost_cny` is a part of it."""
        return money.maybe_cny(self.database, account)

    def reserved_cny(self, account: str, budget: Budget) -> float:
        """Return what counts against a budget now: what was charged, and what may be."""
        with self.database.transaction() as db:
            return counted_cny(db, account, budget, self.clock())

    def close(self) -> None:
        self.database.close()

    def _move(self, job_id: str, to: Status, **values: object) -> int:
        also = ", ".join(f"{name} = ?" for name in values)
        return move(self.database, to, "id = ?", (*values.values(), job_id), also=also)

    def _set(self, job_id: str, **values: object) -> None:
        assignments = ", ".join(f"{column} = ?" for column in values)
        self.database.execute(f"UPDATE jobs SET {assignments} WHERE id = ?", (*values.values(), job_id))  # noqa: S608

    def _rows(self, where: str, values: tuple[object, ...]) -> list[JobRow]:
        return [job_row(row) for row in self.database.read(f"SELECT * FROM jobs {where}", values)]  # noqa: S608
