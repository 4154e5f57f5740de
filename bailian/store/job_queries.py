"""What the journal tells of jobs, their files and their money. Nothing here writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from bailian.catalog import Mode
from bailian.store.backends.database import Database
from bailian.store.backends.dialects import packed
from bailian.store.budgets import Budget, counted_cny
from bailian.store.job_rows import job_row
from bailian.store.paths import restored
from bailian.store.schema import DURATIONS_KEPT, FileRecord, JobRow
from bailian.store.states import OPEN_STATES, Status
from bailian.store.sums import NANO, QUARTER_S
from bailian.text.storage_path import ResultPath


class Maybe(NamedTuple):
    """What may have been billed beyond what is known."""

    cny: float
    missing_prices: int
    """Requests among them whose price is not known either."""


class Spent(NamedTuple):
    """What was charged on a day for a model, in one batch or chat."""

    account: str
    day: str
    model: str
    run: str
    cny: float


class JobQueries:
    """The questions; `jobs.Journal` is what answers them."""

    database: Database
    clock: Callable[[], float]

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
        one = f"SELECT rowid FROM (SELECT rowid FROM jobs WHERE account = ? AND state = ? {newest}) AS of_state"  # noqa: S608
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
        return [row for row in rows if row.prepared.mode == Mode.TASK]

    def known_tasks(self, task_ids: Iterable[str]) -> set[str]:
        """Return which of these ids belong to jobs of this journal, under whichever key: two may be of one account."""
        rows = self.database.read(
            f"SELECT task_id FROM jobs WHERE task_id IN ({self.database.dialect.chosen})",  # noqa: S608
            (packed(task_ids),),
        )
        return {row["task_id"] for row in rows}

    def durations_s(self, model: str) -> list[float]:
        """Return how long the last tasks of a model ran at the service, newest first."""
        rows = self.database.read(
            "SELECT run_s FROM jobs WHERE model = ? AND run_s IS NOT NULL ORDER BY ended_at_s DESC LIMIT ?",
            (model, DURATIONS_KEPT),
        )
        return [row["run_s"] for row in rows]

    def file_path(self, job_id: str, item: int) -> FileRecord | None:
        """Return one file of a job, if it was begun."""
        rows = self.database.read(
            "SELECT path, sha256, placed FROM files WHERE job_id = ? AND item = ?", (job_id, item)
        )
        return FileRecord(restored(rows[0]["path"]), rows[0]["sha256"], bool(rows[0]["placed"])) if rows else None

    def files(self, job_id: str) -> dict[int, ResultPath]:
        """Return the finished files of a job, by the index of the result."""
        rows = self.database.read(
            "SELECT item, path FROM files WHERE job_id = ? AND placed = 1 ORDER BY item", (job_id,)
        )
        return {row["item"]: restored(row["path"]) for row in rows}

    # What jobs have cost: a charge is known, or it is NULL or absurd. An unknown one is never nothing: what was sent, or has
    # an answer, may be billed with its estimate. All of it is read from the sums, see `sums`.

    def spent_cny(self, account: str | None, since_s: float | None = None) -> list[Spent]:
        """Return what was charged, newest day first; None: under every key."""
        since = 0 if since_s is None else int(since_s // QUARTER_S)
        of_account, values = ("account = ? AND ", (account,)) if account is not None else ("", ())
        rows = self.database.read(
            "SELECT account, quarter, model, run, nano_cny FROM charged_sums"  # noqa: S608
            f" WHERE {of_account}nano_cny > 0 AND quarter >= ?",
            (*values, since),
        )
        nano_cny: Counter[tuple[str, str, str, str]] = Counter()
        for row in rows:  # days are those of this machine's clock
            day = datetime.fromtimestamp(row["quarter"] * QUARTER_S).date().isoformat()
            nano_cny[day, row["model"], row["run"], row["account"]] += row["nano_cny"]
        sums = [Spent(key[3], *key[:3], cny / NANO) for key, cny in nano_cny.items()]
        sums.sort(key=lambda one: (one.model, one.run, one.account))
        return sorted(sums, key=lambda one: one.day, reverse=True)

    def used(self, account: str) -> dict[str, float]:
        """Return how many units (pictures, seconds, characters, tokens) were billed, by model."""
        rows = self.database.read(
            "SELECT model, TOTAL(milli_units) / 1000 AS used FROM charged_sums WHERE account = ? AND nano_cny > 0"
            " GROUP BY model",
            (account,),
        )
        return {row["model"]: row["used"] for row in rows}

    def lost_cny(self, account: str) -> float:
        """Return what answers that were lost may have cost at most, beside what was charged."""
        rows = self.database.read("SELECT lost_nano_cny FROM maybe_sums WHERE account = ?", (account,))
        return float(rows[0]["lost_nano_cny"] / NANO) if rows else 0.0

    def maybe_cny(self, account: str) -> Maybe:
        """Return what requests may have cost at most whose bill is not known; `lost_cny` is a part of it."""
        rows = self.database.read("SELECT nano_cny, unpriced FROM maybe_sums WHERE account = ?", (account,))
        return Maybe(rows[0]["nano_cny"] / NANO, int(rows[0]["unpriced"])) if rows else Maybe(0.0, 0)

    def reserved_cny(self, account: str, budget: Budget) -> float:
        """Return what counts against a budget now: what was charged, and what may be."""
        with self.database.transaction() as db:
            return counted_cny(db, account, budget, self.clock())

    def _rows(self, where: str, values: tuple[object, ...]) -> list[JobRow]:
        return [job_row(row) for row in self.database.read(f"SELECT * FROM jobs {where}", values)]  # noqa: S608
