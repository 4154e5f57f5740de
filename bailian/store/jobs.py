"""What was intended, sent, answered and saved. The only memory: whatever dies, this file knows.

Every statement is for many jobs, and one job is a list of one: what many have come to at once is one statement, where
one each would be ten thousand. Values travel as one JSON list; `UPDATE … FROM` needs SQLite 3.33 (2020-08).

The states of a job are in `states`, the tables in `schema`, the questions in `job_queries`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from bailian.store.backends.database import Duplicate
from bailian.store.backends.dialects import INTEGER, REAL, TEXT, packed
from bailian.store.backends.journal_place import JournalPlace, open_database
from bailian.store.budgets import Budget, check_budget
from bailian.store.job_queries import JobQueries
from bailian.store.job_rows import stored_text
from bailian.store.paths import stored
from bailian.store.schema import TABLES, FileRow, JobEnd, JobResult, dumped
from bailian.store.states import Status, move
from bailian.text.storage_path import ResultPath
from bailian.types import StoredRequest

# What a new job is written down with.
COLUMNS = (
    "id", "account", "kind", "model", "wire_model", "state", "owner", "request", "prepared", "saving",
    "created_at_s", "estimate_cny", "run", "row_key",
)  # fmt: skip


# What an answer sets in a job, and the table its values come from.
_ANSWERED = (
    "answer = new.answer, charged_cny = new.charged_cny, run_s = new.run_s, ended_at_s = ?,"
    " request_id = COALESCE(new.request_id, jobs.request_id)"
)
_ANSWER_COLUMNS = {"id": TEXT, "answer": TEXT, "charged_cny": REAL, "run_s": REAL, "request_id": TEXT}


def _stored(result: JobResult) -> tuple[Any, ...]:
    """Return the values of an answer, in the order of `_ANSWER_COLUMNS`."""
    return result.job_id, dumped(result.answer), result.charged_cny, result.run_s, result.request_id


class NotOurs(Exception):
    """The job is not this process's to send (any more)."""


class TaskTaken(Exception):
    """Another job of the journal has this task id already."""


class Journal(JobQueries):
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

    def store_answers(self, results: Sequence[JobResult]) -> None:
        """The service is done with these jobs: keep its whole answers before anything is downloaded."""
        if not results:
            return
        values = [_stored(result) for result in results]
        move(
            self.database,
            Status.ENDED,
            "jobs.id = new.id",
            (self.clock(), packed(values)),
            also=_ANSWERED,
            table=self.database.dialect.listed(**_ANSWER_COLUMNS),
        )

    def end_with_answers(self, results: Sequence[JobResult], ends: Sequence[JobEnd]) -> None:
        """Keep answers that are all there is of their jobs, which are done: as `store_answers` and `finish`, in one step
        where nobody else has moved them meanwhile."""
        errors = {end.job_id: dumped(end.error) if end.error else None for end in ends}
        values = [(*_stored(result), errors[result.job_id]) for result in results]
        with self.database.transaction():
            ended = move(
                self.database,
                Status.DONE,
                "jobs.id = new.id",
                (self.clock(), packed(values)),
                also=f"{_ANSWERED}, error = new.error, owner = NULL",
                table=self.database.dialect.listed(**_ANSWER_COLUMNS, error=TEXT),
                only_from=(Status.SENDING,),
            )
            if ended != len(results):
                self.store_answers(results)
                self.finish(ends)

    def record_request(self, job_id: str, request: Mapping[str, Any]) -> None:
        """Record what a task that was made elsewhere had been asked for."""
        self._set(job_id, request=dumped(request))

    def replace_answer(self, job_id: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer with fresh links."""
        self._set(job_id, answer=dumped(answer))

    def finish(self, ends: Sequence[JobEnd], files: Sequence[FileRow] = ()) -> None:
        """End jobs in final states; `files` have got their names since they were last written down."""
        self.database.again(lambda: self._finish(ends, files))

    def _finish(self, ends: Sequence[JobEnd], files: Sequence[FileRow]) -> None:
        with self.database.transaction():
            self.record_files(files)
            for state in dict.fromkeys(end.state for end in ends):
                errors = [(end.job_id, dumped(end.error) if end.error else None) for end in ends if end.state == state]
                move(
                    self.database,
                    state,
                    "jobs.id = new.id",
                    (self.clock(), packed(errors)),
                    also="error = new.error, owner = NULL, ended_at_s = COALESCE(jobs.ended_at_s, ?)",
                    table=self.database.dialect.listed(id=TEXT, error=TEXT),
                )

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

    def record_files(self, files: Sequence[FileRow]) -> None:
        """Record what files will be (before they get their names), and that they have them (after)."""
        if not files:
            return
        # Of a file that is named twice the last word counts.
        named = {(file.job_id, file.item): (stored(file.path), file.sha256, int(file.placed)) for file in files}
        table = self.database.dialect.listed(job_id=TEXT, item=INTEGER, path=TEXT, sha256=TEXT, placed=INTEGER)
        self.database.execute(
            "INSERT INTO files (job_id, item, path, sha256, placed)"  # noqa: S608
            f" SELECT job_id, item, path, sha256, placed FROM {table} WHERE 1 = 1 ON CONFLICT (job_id, item)"
            " DO UPDATE SET path = excluded.path, sha256 = excluded.sha256, placed = excluded.placed",
            (packed((*key, *value) for key, value in named.items()),),
        )

    def claim_file(
        self, job_id: str, item: int, path: ResultPath, sha256: str, *, unless_under_way: bool = False
    ) -> bool:
        """Record that a finished file is this result's; False if it is another's.

        `unless_under_way`: it may also be that of a job with the same content, which has not written it down yet.
        """
        return self.database.again(lambda: self._claim_file(job_id, item, path, sha256, unless_under_way))

    def reserve_file(self, job_id: str, item: int, path: ResultPath, sha256: str) -> bool:
        """Record the name that a file is going to get; False if another result has it, or is going to."""
        return self.database.again(lambda: self._reserve_file(job_id, item, path, sha256))

    def _reserve_file(self, job_id: str, item: int, path: ResultPath, sha256: str) -> bool:
        with self.database.transaction(f"file:{stored(path)}") as db:
            others = db.execute(
                "SELECT 1 FROM files WHERE path = ? AND (job_id, item) != (?, ?) LIMIT 1", (stored(path), job_id, item)
            )
            if others.fetchone():
                return False
            self.record_files([FileRow(job_id, item, path, sha256)])
            return True

    def _claim_file(self, job_id: str, item: int, path: ResultPath, sha256: str, unless_under_way: bool) -> bool:
        with self.database.transaction(f"file:{stored(path)}") as db:
            others = db.execute(
                "SELECT 1 FROM files WHERE (path = ? AND placed = 1 OR placed = 0 AND sha256 = ?)"
                " AND (job_id, item) != (?, ?) LIMIT 1",
                (stored(path), sha256 if unless_under_way else "", job_id, item),
            )
            if others.fetchone():
                return False
            self.record_files([FileRow(job_id, item, path, sha256, placed=True)])
            return True

    def close(self) -> None:
        self.database.close()

    def _move(self, job_id: str, to: Status, **values: object) -> int:
        also = ", ".join(f"{name} = ?" for name in values)
        return move(self.database, to, "id = ?", (*values.values(), job_id), also=also)

    def _set(self, job_id: str, **values: object) -> None:
        assignments = ", ".join(f"{column} = ?" for column in values)
        self.database.execute(f"UPDATE jobs SET {assignments} WHERE id = ?", (*values.values(), job_id))  # noqa: S608
