"""What is known of batches under way at the service: a small file each, and a mark in their jobs' journal rows.

The mark (`prepared.half_price`, the batch's name) is set by the same commit that makes a job `sending` and reserves
its money, so a job is in one batch at most, and whoever reads the journal sees that its answer comes from there. The
file says how far the batch itself has got. Lost files are made good: `find` asks the service by the batch's name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bailian.batch.service_batches.line_format import PRICE_SHARE, complete_answer, discounted
from bailian.files.naming import sync_folder
from bailian.store.batches import CHUNK_ROWS
from bailian.store.budgets import Budget, cost_unknown, counted_cny, no_room
from bailian.store.database import unusable
from bailian.store.jobs import Journal
from bailian.store.private import private_file
from bailian.store.schema import JobRow, dumped, job_row
from bailian.store.states import Status, move

_MARK = "json_extract(prepared, '$.half_price')"
_MEMBER = f"account = ? AND state IN ('sending', 'unsettled', 'ended') AND {_MARK} = ?"


@dataclass(frozen=True)
class ServiceBatch:
    """One batch as its file has it.

    Steps: "begun" (jobs reserved, nothing sent), "uploaded" (`file_id` known), "creating" (the paid call leaves, or
    has left unanswered), "created" (`batch_id` known). A batch that is over has no file any more.
    """

    name: str
    """Sent along as `ds_name`, by which a lost batch is found again."""
    account: str
    run: str
    step: str = "begun"
    file_id: str = ""
    batch_id: str = ""
    jobs: int = 0


class BatchFolder:
    """The files of batches: `batches/` in the home folder."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "batches"

    def put(self, kept: ServiceBatch) -> None:
        """Write a batch's file: whole and on disk when this returns.

        Raises:
            JournalError: it cannot be written, so nothing may be sent.
        """
        text = json.dumps(asdict(kept), ensure_ascii=False)
        self._write(self.path(kept.name, "json"), lambda file: file.write(text.encode()))

    def put_lines(self, name: str, lines: Iterable[bytes]) -> Path:
        """Write the file to upload; return its path."""
        path = self.path(name, "jsonl")
        self._write(path, lambda file: file.writelines(lines))
        return path

    def _write(self, path: Path, fill: Callable[[Any], object]) -> None:
        part = path.with_name(f".{path.name}.part")
        try:
            with private_file(part).open("wb") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            sync_folder(self.folder)
        except OSError as error:
            raise unusable(path, error) from None

    def path(self, name: str, suffix: str) -> Path:
        return self.folder / f"{name}.{suffix}"

    def batches(self, account: str, run: str) -> list[ServiceBatch]:
        """Return the batches of a run that are not over, oldest first. An unreadable file is as good as none."""
        found = []
        for path in sorted(self.folder.glob("*.json")):
            try:
                kept = ServiceBatch(**json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError):
                continue
            if (kept.account, kept.run) == (account, run):
                found.append(kept)
        return found

    def drop(self, name: str) -> None:
        """Forget a batch that is over; its own file goes last, so that a next process finds what is left."""
        for suffix in ("jsonl", "output.jsonl", "error.jsonl", "json"):
            self.path(name, suffix).unlink(missing_ok=True)


class Members:
    """The jobs of batches, in the journal."""

    def __init__(self, journal: Journal, account: str, owner: str) -> None:
        self._database = journal.database
        self._account = account
        self._owner = owner

    def reserve(self, name: str, job_ids: Iterable[str], budgets: Iterable[Budget], now_s: float) -> tuple[int, Any]:
        """Put waiting jobs of ours into a batch, and their money aside, by one commit.

        Returns:
            How many, and the BudgetExceeded that left the others out, or None.
        """
        taken = 0
        with self._database.transaction() as db:
            room = [(budget, budget.limit_cny - counted_cny(db, self._account, budget, now_s)) for budget in budgets]
            for job_id in job_ids:
                row = db.execute(
                    "SELECT model, prepared, estimate_cny FROM jobs WHERE id = ? AND owner = ? AND state = 'waiting'",
                    (job_id, self._owner),
                ).fetchone()
                if row is None:
                    continue
                cost_cny = None if row["estimate_cny"] is None else row["estimate_cny"] * PRICE_SHARE
                for budget, left in room:
                    if cost_cny is None:
                        return taken, cost_unknown(budget, row["model"])
                    if cost_cny > left + 1e-9:
                        return taken, no_room(budget, budget.limit_cny - left, cost_cny)
                room = [(budget, left - (cost_cny or 0.0)) for budget, left in room]
                move(
                    self._database,
                    Status.SENDING,
                    "id = ?",
                    (now_s, dumped(discounted(json.loads(row["prepared"]), name)), cost_cny, job_id),
                    also="sent_at_s = ?, prepared = ?, estimate_cny = ?",
                )
                taken += 1
        return taken, None

    def give_back(self, name: str) -> None:
        """Let the jobs of a batch that certainly does not exist wait again, at the whole price."""
        with self._database.transaction() as db:
            for row in db.execute(
                f"SELECT id, prepared, estimate_cny FROM jobs WHERE {_MEMBER} AND state <> 'ended'",  # noqa: S608
                (self._account, name),
            ).fetchall():
                cost_cny = None if row["estimate_cny"] is None else row["estimate_cny"] / PRICE_SHARE
                move(
                    self._database,
                    Status.WAITING,
                    "id = ?",
                    (dumped(complete_answer(json.loads(row["prepared"]))), cost_cny, row["id"]),
                    also="sent_at_s = NULL, prepared = ?, estimate_cny = ?",
                )

    def rows(self, name: str) -> Iterator[JobRow]:
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
        marks = ", ".join("?" * len(ids))
        found = self._database.read(
            f"SELECT * FROM jobs WHERE id IN ({marks}) AND {_MEMBER}",  # noqa: S608
            (*ids, self._account, name),
        )
        return {row["id"]: job_row(row) for row in found}

    def names(self, run: str) -> list[str]:
        """Return the batches that open jobs of a run are in."""
        found = self._database.read(
            f"SELECT DISTINCT {_MARK} AS name FROM jobs WHERE account = ? AND run = ?"  # noqa: S608
            f" AND state IN ('sending', 'unsettled', 'ended') AND {_MARK} IS NOT NULL ORDER BY name",
            (self._account, run),
        )
        return [row["name"] for row in found]

    def take(self, name: str, is_dead: Callable[[str | None], bool]) -> bool:
        """Take a batch's jobs over; False if a living process has some."""
        with self._database.transaction() as db:
            owners = db.execute(f"SELECT DISTINCT owner FROM jobs WHERE {_MEMBER}", (self._account, name)).fetchall()  # noqa: S608
            if any(row["owner"] != self._owner and not is_dead(row["owner"]) for row in owners):
                return False
            db.execute(f"UPDATE jobs SET owner = ? WHERE {_MEMBER}", (self._owner, self._account, name))  # noqa: S608
        return True

    def let_go(self) -> None:
        """Give our jobs in batches back: they go on at the service, and any process may fetch them."""
        with self._database.transaction() as db:
            db.execute(
                f"UPDATE jobs SET owner = NULL WHERE account = ? AND owner = ? AND {_MARK} IS NOT NULL"  # noqa: S608
                " AND state IN ('sending', 'unsettled', 'ended')",
                (self._account, self._owner),
            )
