"""What was intended, sent, answered and saved. The only memory: whatever dies, this file knows.

Every statement is for many jobs, and one job is a list of one: what many have come to at once is one statement, where
one each would be ten thousand. Values travel as one JSON list; `UPDATE … FROM` needs SQLite 3.33 (2020-08).

The states of a job are in `states`, the tables in `schema`, the questions in `job_queries`, the ends in `job_ends`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from bailian.store.backends.database import Duplicate
from bailian.store.backends.dialects import packed
from bailian.store.backends.journal_place import JournalPlace, open_database
from bailian.store.budgets import Budget, check_budget
from bailian.store.job_ends import JobEnds
from bailian.store.job_queries import JobQueries
from bailian.store.job_rows import stored_text
from bailian.store.schema import TABLES, dumped
from bailian.store.states import Status, move
from bailian.types import StoredRequest

# What a new job is written down with.
COLUMNS = (
    "id", "account", "kind", "model", "wire_model", "state", "owner", "request", "prepared", "saving",
    "created_at_s", "estimate_cny", "run", "row_key",
)  # fmt: skip


class NotOurs(Exception):
    """The job is not this process's to send (any more)."""


class TaskTaken(Exception):
    """Another job of the journal has this task id already."""


class Journal(JobQueries, JobEnds):
    """All processes with the same home share it, or all machines that share a server."""

    def __init__(self, place: JournalPlace | Path, *, clock: Callable[[], float] | None = None) -> None:
        """Open it. `clock`: None: the one that all who share it agree on."""
        self.place = JournalPlace.of(place)
        self.folder = self.place.home
        self.database = open_database(self.place, TABLES)
        self.clock = clock or self.database.now_s
        self.owner: str | None = None
        """This process, where another one may take its jobs while it lives."""

    def intend(
        self,
        *,
        account: str,
        kind: str,
        model: str,
        wire_model: str,
        request: Mapping[str, Any],
        prepared: StoredRequest,
        saving: Mapping[str, Any],
        estimate_cny: float | None,
        owner: str,
        task_id: str | None = None,
        run: str | None = None,
        row_key: str | None = None,
    ) -> str:
        """Write down what is going to be done; return the job's id.

        Raises:
            TaskTaken: `task_id` belongs to a job already.
        """
        job_id = f"{int(self.clock()):x}-{uuid4().hex[:10]}"
        row = (
            job_id, account, kind, model, wire_model, Status.WAITING, owner, dumped(request), stored_text(prepared),
            dumped(saving), self.clock(), estimate_cny, run, row_key,
        )  # fmt: skip
        with self.database.transaction():
            self.insert([row])
            if task_id is not None:
                self.adopt(job_id, task_id, None)
        return job_id

    def insert(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write jobs down, in the order of `COLUMNS`."""
        self.database.insert("jobs", COLUMNS, rows)

    def record_intents(
        self, job_ids: Sequence[str], owner: str, budgets: Sequence[Budget] = (), *, server_s: float | None = None
    ) -> float:
        """Commit that these requests leave now; return that moment. Their money is reserved by the same commit.

        `server_s`: that moment by the service's clock, if it is known. Budgets go by it then.

        Raises:
            NotOurs: one of them was given up, or is another process's: nothing of them is written.
            BudgetExceeded: a budget has no room for what they may cost; nothing of them is written.
        """
        now_s = self.clock()
        with self.database.transaction() as db:
            changed = move(
                self.database,
                Status.SENDING,
                f"id IN ({self.database.dialect.chosen}) AND owner = ?",
                (now_s, server_s, packed(job_ids), owner),
                also="sent_at_s = ?, sent_server_s = ?",
                only_from=(Status.WAITING,),
            )
            if changed != len(job_ids) and not self._were_recorded(job_ids, owner):
                raise NotOurs(*job_ids)
            for budget in budgets:  # each must fit beside all others, which are reserved already
                for job_id in job_ids:
                    check_budget(db, job_id, budget, now_s if server_s is None else server_s)
        return float(now_s)

    def _were_recorded(self, job_ids: Sequence[str], owner: str) -> bool:
        """Return whether these intents are in the journal: their commit was done, and the connection broke before this
        process heard of it."""
        if not self.database.commit_in_doubt:
            return False
        recorded = self.database.read(
            f"SELECT COUNT(*) AS n FROM jobs WHERE id IN ({self.database.dialect.chosen}) AND owner = ?"  # noqa: S608
            " AND state = 'sending'",
            (packed(job_ids), owner),
        )
        return bool(recorded[0]["n"] == len(job_ids))

    def requeue(self, job_id: str) -> bool:
        """The request provably did not leave, or was refused unexecuted: the job waits again.

        Returns:
            False if another machine, which took this one for dead, goes on with it.
        """
        if self.owner is None:
            self._move(job_id, Status.WAITING)
            return True
        return move(self.database, Status.WAITING, "id = ? AND owner = ?", (job_id, self.owner)) == 1

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
        except Duplicate:
            raise TaskTaken(task_id) from None

    def adopt(self, job_id: str, task_id: str, request_id: str | None) -> None:
        """Take a task found in the account's list for a job whose answer was lost.

        Raises:
            TaskTaken: another job has it.
        """
        try:
            with self.database.transaction():
                self._move(
                    job_id,
                    Status.SUBMITTED,
                    task_id=task_id,
                    request_id=request_id,
                    adopted=1,
                    submitted_at_s=self.clock(),
                )
        except Duplicate:
            raise TaskTaken(task_id) from None

    def unadopt(self, job_id: str) -> None:
        """The adopted task turned out to be another's."""
        self._move(job_id, Status.UNSETTLED, task_id=None, adopted=0, answer=None)

    def record_request(self, job_id: str, request: Mapping[str, Any]) -> None:
        """Record what a task that was made elsewhere had been asked for."""
        self._set(job_id, request=dumped(request))

    def replace_answer(self, job_id: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer with fresh links."""
        self._set(job_id, answer=dumped(answer))

    def note(self, job_id: str, error: Mapping[str, Any]) -> None:
        """Record why an open job is not further."""
        self._set(job_id, error=dumped(error))

    def record_cost(self, job_id: str, charged_cny: float) -> None:
        """Record what a job has cost so far."""
        self._set(job_id, charged_cny=charged_cny)

    def release(self, job_ids: Iterable[str], owner: str) -> None:
        """Let go of this owner's jobs that go on at the service: any process may take them over."""
        if ids := list(job_ids):
            self.database.execute(
                f"UPDATE jobs SET owner = NULL WHERE id IN ({self.database.dialect.chosen}) AND owner = ?",  # noqa: S608
                (packed(ids), owner),
            )

    def claim(self, job_id: str, owner: str, expected: str | None) -> bool:
        """Take a job over from an owner that is gone; False if someone else was faster.

        What the dead process was sending is unsettled now: nobody waits for that answer any more.
        """
        return self.database.again(lambda: self._claim(job_id, owner, expected))

    def _claim(self, job_id: str, owner: str, expected: str | None) -> bool:
        values = (owner, job_id, expected)
        is_expected = f"id = ? AND {self.database.dialect.same('owner', '?')}"
        with self.database.transaction() as db:
            if move(
                self.database,
                Status.UNSETTLED,
                is_expected,
                values,
                also="owner = ?",
                only_from=(Status.SENDING,),
            ):
                return True
            taken = db.execute(f"UPDATE jobs SET owner = ? WHERE {is_expected}", values)  # noqa: S608
            return taken.rowcount == 1

    def reopen(self, job_id: str, state: Status, expected: Status) -> bool:
        """Give a job in a final state another look; False if another process was faster."""
        return move(self.database, state, "id = ?", (job_id,), also="error = NULL", only_from=(expected,)) == 1

    def relocate(self, job_id: str, saving: Mapping[str, Any]) -> None:
        """The files go elsewhere: forget names that no file has got yet."""
        self.database.again(lambda: self._relocate(job_id, saving))

    def _relocate(self, job_id: str, saving: Mapping[str, Any]) -> None:
        with self.database.transaction() as db:
            db.execute("UPDATE jobs SET saving = ? WHERE id = ?", (dumped(saving), job_id))
            db.execute("DELETE FROM files WHERE job_id = ? AND placed = 0", (job_id,))

    def close(self) -> None:
        self.database.close()

    def _move(self, job_id: str, to: Status, **values: object) -> int:
        also = ", ".join(f"{name} = ?" for name in values)
        return move(self.database, to, "id = ?", (*values.values(), job_id), also=also)

    def _set(self, job_id: str, **values: object) -> None:
        assignments = ", ".join(f"{column} = ?" for column in values)
        self.database.execute(f"UPDATE jobs SET {assignments} WHERE id = ?", (*values.values(), job_id))  # noqa: S608
