"""The service batches of an account: how far each has got, and which jobs are in it.

A batch, the state `sending` of its jobs and their money are written by one commit. So a job is in one batch at most, and
whoever reads the journal sees that its answer comes from there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import NamedTuple

from bailian.errors import BudgetExceeded
from bailian.store.backends.database import Statements
from bailian.store.backends.dialects import packed
from bailian.store.budgets import Budget, cost_unknown, counted_cny, hold_money, no_room
from bailian.store.job_rows import job_row, stored_request, stored_text
from bailian.store.jobs import Journal, NotOurs
from bailian.store.runs.row_claims import CHUNK_ROWS
from bailian.store.schema import JobRow
from bailian.store.states import Status, move
from bailian.types import StoredRequest

EARLIER_FOLDER = "batches"
_OPEN = "state IN ('sending', 'unsettled', 'ended')"
_MEMBER = f"account = ? AND service_batch = ? AND {_OPEN}"


class Stage(str, Enum):
    """How far a batch has got. One that is over is forgotten."""

    BEGUN = "begun"
    """Its jobs are reserved; nothing was sent."""
    UPLOADED = "uploaded"
    """The service has the file."""
    CREATING = "creating"
    """The paid call leaves, or has left unanswered."""
    CREATED = "created"
    """The batch's id is known."""


@dataclass(frozen=True)
class ServiceBatch:
    """One batch, as the journal has it."""

    name: str
    """Sent along as `ds_name`, by which a lost batch is found again."""
    account: str
    run: str
    step: Stage = Stage.BEGUN
    file_id: str = ""
    batch_id: str = ""
    jobs: int = 0


class Offer(NamedTuple):
    """What the jobs of a batch cost."""

    share: float
    """Of what a job costs alone."""
    discounted: Callable[[StoredRequest], StoredRequest]
    """Returns a job's `prepared` at that price."""
    undone: Callable[[StoredRequest], StoredRequest]
    """Returns it at the whole price again."""


class ServiceBatchStore:
    """The batches of one account in one journal, for one process."""

    def __init__(self, journal: Journal, account: str, owner: str) -> None:
        self._database = journal.database
        self._home = journal.folder
        self._account = account
        self._owner = owner

    def put(self, batch: ServiceBatch) -> None:
        """Write down how far a batch has got: on the disk when this returns.

        Raises:
            NotOurs: another machine, which took this one for dead, goes on with it.
            JournalError: it cannot be written, so nothing may be sent.
        """
        self._database.again(lambda: self._put(batch))

    def _put(self, batch: ServiceBatch) -> None:
        values = {**asdict(batch), "step": batch.step.value}
        marks, own = ", ".join("?" * len(values)), (name for name in values if name != "name")
        with self._database.transaction(f"service_batch:{batch.name}") as db:
            if self._database.is_shared and not self._has(db, batch.name):
                raise NotOurs(batch.name)
            db.execute(
                f"INSERT INTO service_batches ({', '.join(values)}) VALUES ({marks}) ON CONFLICT (name)"  # noqa: S608
                f" DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in own)}",
                tuple(values.values()),
            )

    def _has(self, db: Statements, name: str) -> bool:
        """Return whether this process has open jobs of a batch: then it is the one that goes on with it."""
        mine = f"SELECT 1 FROM jobs WHERE {_MEMBER} AND owner = ? LIMIT 1"  # noqa: S608
        return db.execute(mine, (self._account, name, self._owner)).fetchone() is not None

    def of_run(self, run: str) -> list[ServiceBatch]:
        """Return the batches of a run that are not over, oldest first."""
        self._take_over_files()
        found = self._database.read(
            "SELECT * FROM service_batches WHERE account = ? AND run = ? ORDER BY name", (self._account, run)
        )
        return [ServiceBatch(**{**dict(row), "step": Stage(row["step"] or Stage.CREATING)}) for row in found]

    def forget(self, name: str) -> None:
        """Forget a batch that is over."""
        self._database.execute("DELETE FROM service_batches WHERE name = ?", (name,))

    def reserve(
        self, batch: ServiceBatch, job_ids: Iterable[str], offer: Offer, budgets: Iterable[Budget], now_s: float
    ) -> tuple[ServiceBatch, BudgetExceeded | None]:
        """Put waiting jobs of ours into a new batch, and their money aside, by one commit; without jobs there is none.

        Returns:
            The batch with its number of jobs, and the BudgetExceeded that left the others out, or None.
        """
        taken = 0
        refusal: BudgetExceeded | None = None
        with self._database.transaction() as db:
            hold_money(db, self._account)
            room = [(budget, budget.limit_cny - counted_cny(db, self._account, budget, now_s)) for budget in budgets]
            for job_id in job_ids:
                row = db.execute(
                    "SELECT model, prepared, estimate_cny FROM jobs WHERE id = ? AND owner = ? AND state = 'waiting'",
                    (job_id, self._owner),
                ).fetchone()
                if row is None:
                    continue
                cost_cny = None if row["estimate_cny"] is None else row["estimate_cny"] * offer.share
                refusal = next(filter(None, (_refusal(*one, cost_cny, row["model"]) for one in room)), None)
                if refusal is not None:
                    break
                room = [(budget, left - (cost_cny or 0.0)) for budget, left in room]
                prepared = stored_text(offer.discounted(stored_request(row["prepared"], "text")))
                move(
                    self._database,
                    Status.SENDING,
                    "id = ?",
                    (now_s, prepared, cost_cny, batch.name, job_id),
                    also="sent_at_s = ?, prepared = ?, estimate_cny = ?, service_batch = ?",
                )
                taken += 1
            batch = replace(batch, jobs=taken)
            if taken:
                self.put(batch)
        return batch, refusal

    def give_back(self, name: str, offer: Offer) -> None:
        """Let the jobs of a batch that certainly does not exist wait again, at the whole price."""
        with self._database.transaction() as db:
            for row in db.execute(
                f"SELECT id, prepared, estimate_cny FROM jobs WHERE {_MEMBER} AND state <> 'ended'",  # noqa: S608
                (self._account, name),
            ).fetchall():
                cost_cny = None if row["estimate_cny"] is None else row["estimate_cny"] / offer.share
                move(
                    self._database,
                    Status.WAITING,
                    "id = ?",
                    (stored_text(offer.undone(stored_request(row["prepared"], "text"))), cost_cny, row["id"]),
                    also="sent_at_s = NULL, prepared = ?, estimate_cny = ?, service_batch = NULL",
                )

    def jobs(self, name: str) -> Iterator[JobRow]:
        """Yield the open jobs of a batch in the order of the file, a few hundred in memory at a time."""
        last = 0
        while True:
            found = self._database.read(
                f"SELECT rowid AS number, * FROM jobs WHERE {_MEMBER} AND rowid > ? ORDER BY rowid LIMIT ?",  # noqa: S608
                (self._account, name, last, CHUNK_ROWS),
            )
            if not found:
                return
            last = found[-1]["number"]
            yield from (job_row(row) for row in found)

    def some(self, name: str, job_ids: Iterable[str]) -> dict[str, JobRow]:
        """Return those of the jobs that are open and in this batch, by id."""
        ids = list(job_ids)
        found = self._database.read(
            f"SELECT * FROM jobs WHERE id IN ({self._database.dialect.chosen}) AND {_MEMBER}",  # noqa: S608
            (packed(ids), self._account, name),
        )
        return {row["id"]: job_row(row) for row in found}

    def order(self, name: str) -> list[str]:
        """Return the ids of all jobs of a batch, over or not, by their line in its file."""
        found = self._database.read(
            "SELECT id FROM jobs WHERE account = ? AND service_batch = ? ORDER BY rowid", (self._account, name)
        )
        return [row["id"] for row in found]

    def take_over(self, name: str, is_dead: Callable[[str | None], bool]) -> bool:
        """Take a batch's jobs over; False if a living process has some."""
        with self._database.transaction(f"service_batch:{name}") as db:
            owners = db.execute(f"SELECT DISTINCT owner FROM jobs WHERE {_MEMBER}", (self._account, name)).fetchall()  # noqa: S608
            if any(row["owner"] != self._owner and not is_dead(row["owner"]) for row in owners):
                return False
            db.execute(f"UPDATE jobs SET owner = ? WHERE {_MEMBER}", (self._owner, self._account, name))  # noqa: S608
        return True

    def let_go(self) -> None:
        """Give our jobs in batches back: they go on at the service, and any process may fetch them."""
        self._database.execute(
            f"UPDATE jobs SET owner = NULL WHERE account = ? AND owner = ? AND service_batch IS NOT NULL AND {_OPEN}",  # noqa: S608
            (self._account, self._owner),
        )

    def _take_over_files(self) -> None:
        """Note what an earlier version kept in files of its own: how far each batch had got.

        Its journal knew which jobs are in which batch. What no file says is looked for at the service.
        """
        folder = self._home / EARLIER_FOLDER
        if not folder.is_dir():
            return
        for path in sorted(folder.glob("*.json")):
            with suppress(OSError, ValueError, KeyError, TypeError):
                kept = json.loads(path.read_text(encoding="utf-8"))
                self._database.execute(
                    "UPDATE service_batches SET run = ?, step = ?, file_id = ?, batch_id = ? WHERE name = ? AND step = ''",
                    (kept["run"], Stage(kept["step"]).value, kept["file_id"], kept["batch_id"], kept["name"]),
                )
        for path in folder.iterdir():  # lines are written, and results downloaded, once more
            with suppress(OSError):
                path.unlink()
        with suppress(OSError):
            folder.rmdir()


def _refusal(budget: Budget, left_cny: float, cost_cny: float | None, model: str) -> BudgetExceeded | None:
    if cost_cny is None:
        return cost_unknown(budget, model)
    return no_room(budget, budget.limit_cny - left_cny, cost_cny) if cost_cny > left_cny + 1e-9 else None
