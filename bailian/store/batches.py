"""What the journal knows about a batch: the newest try of each row, and who may go on with them."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

from bailian.store.backends.database import Duplicate, Row, Statements
from bailian.store.backends.dialects import packed
from bailian.store.chained_jobs import ChainStore, SourceFile, write_edges
from bailian.store.job_rows import job_row
from bailian.store.jobs import COLUMNS, Journal
from bailian.store.paths import restored
from bailian.store.runs.row_claims import CHUNK_ROWS, OF_RUN, RowClaims
from bailian.store.runs.summaries import RunSummaries
from bailian.store.schema import Count, JobRow, LastAttempt, dumped
from bailian.store.states import UNDER_WAY_STATES, Status, move

# All tries of a row are of one kind: its key says which.
NEWEST = (
    "FROM jobs JOIN (SELECT MAX(rowid) AS newest FROM jobs WHERE account = ? AND run = ? GROUP BY row_key)"
    " AS newest_tries ON jobs.rowid = newest WHERE kind = COALESCE(?, kind)"
)
_ROW_KEY = COLUMNS.index("row_key")
# Of two tries: what is paid is worth most, then what may be.
_REACHED = {Status.DONE: 4, **dict.fromkeys(UNDER_WAY_STATES, 3), Status.HELD: 2, Status.WAITING: 1}


class BatchStore(RowClaims):
    """The batches of one account in one journal; with a `kind`, their rows of that kind and no others."""

    def __init__(
        self, journal: Journal, account: str, kind: str | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._journal = journal
        self._database = journal.database
        self._account = account
        self._kind = kind
        self.summaries = RunSummaries(journal.database, account, kind, clock)

    def _json_text(self, column: str, *path: str) -> str:
        return self._database.dialect.json_text(column, *path)

    @property
    def _newest_of(self) -> str:
        """Return SQL for the newest tries of a list of rows of one run."""
        chosen = self._database.dialect.chosen
        return f"SELECT MAX(rowid) AS newest FROM jobs WHERE {OF_RUN} AND row_key IN ({chosen}) GROUP BY row_key"  # noqa: S608

    @property
    def is_shared(self) -> bool:
        """Return whether other machines may be at the same rows."""
        return self._database.is_shared

    def has_rows(self, run: str) -> bool:
        """Return whether any row of a run is known."""
        return bool(self._database.read(f"SELECT 1 FROM jobs WHERE {OF_RUN} LIMIT 1", self._of(run)))  # noqa: S608

    def keys(self, run: str) -> Iterator[list[str]]:
        """Yield the keys of a run's rows, a few hundred at a time."""
        last = ""
        while found := self._database.read(
            "SELECT row_key FROM jobs WHERE account = ? AND run = ? AND kind = COALESCE(?, kind) AND row_key > ?"
            " GROUP BY row_key ORDER BY row_key LIMIT ?",
            (*self._of(run), last, CHUNK_ROWS),
        ):
            last = found[-1]["row_key"]
            yield [row["row_key"] for row in found]

    def tried(self, *runs: str, keys: Collection[str]) -> dict[str, LastAttempt]:
        """Return the newest tries of rows, by their keys; of a row that two of the runs have, what is worth more."""
        tries: dict[str, LastAttempt] = {}
        for run in runs:
            found = self._database.read(
                f"SELECT row_key, id, state, {self._json_text('error', 'exit_code')} AS exit_code,"  # noqa: S608
                f" {self._json_text('error', 'error', 'code')} AS error_code, model, estimate_cny FROM jobs"
                f" WHERE rowid IN ({self._newest_of})",
                (*self._of(run), packed(keys)),
            )
            for row in found:
                one, other = _last_attempt(row), tries.get(row["row_key"])
                tries[row["row_key"]] = one if other is None or _reached(one) >= _reached(other) else other
        return tries

    def newest_number(self, run: str) -> int:
        """Return the number of the newest row. A row of `run` that is written down later has a greater one."""

        def newest() -> int:
            with self._database.transaction(_writing(run)) as db:
                return int(db.execute("SELECT COALESCE(MAX(rowid), 0) AS newest FROM jobs").fetchone()["newest"])

        return self._database.again(newest)

    def intend_all(self, rows: Iterable[tuple[Any, ...]], run: str | None = None, *, since: int = 0) -> int:
        """Write rows down, in the order of `jobs.COLUMNS`; return how many.

        Behind these a row may have a list of what it waits for, in the order of `chains.COLUMNS`. A row of `run` that
        somebody has written down after the row `since` is left out: whoever compares a file is alone as long as its
        connection holds, and may not have heard that it broke.
        """
        written, left = 0, iter(rows)
        while chunk := list(islice(left, CHUNK_ROWS)):
            self._database.again(partial(self._write, chunk, run, since))
            written += len(chunk)
        return written

    def _write(self, rows: Sequence[tuple[Any, ...]], run: str | None, since: int) -> None:
        in_doubt, columns = self._database.commit_in_doubt, len(COLUMNS)
        try:
            with self._database.transaction(_writing(run)):
                if run is not None and self.is_shared:
                    rows = self._not_written(rows, run, since)
                waits = [edge for row in rows if len(row) > columns for edge in row[columns]]
                self._journal.insert([row[:columns] for row in rows] if waits else rows)
                write_edges(self._database, waits)
        except Duplicate:
            if not in_doubt:  # else they were written, and the connection broke before this process heard of it
                raise

    def _not_written(self, rows: Sequence[tuple[Any, ...]], run: str, since: int) -> Sequence[tuple[Any, ...]]:
        dialect = self._database.dialect
        # Not by `rowid` itself: the planner might walk through all that came since, once for each chunk.
        found = self._database.read(
            f"SELECT row_key FROM jobs WHERE {OF_RUN} AND row_key IN ({dialect.chosen}) AND {dialect.claim_number} > ?",  # noqa: S608
            (*self._of(run), packed([row[_ROW_KEY] for row in rows]), since),
        )
        others = {row["row_key"] for row in found}
        return [row for row in rows if row[_ROW_KEY] not in others]

    def reopen_unknown(self, run: str, owner: str) -> None:
        """Ask again for tasks that were given up because the service did not know them: early looks prove nothing.

        Of each row only the newest try; none is sent again before its task was asked for anew.
        """
        move(
            self._database,
            Status.SUBMITTED,
            f"rowid IN (SELECT jobs.rowid {NEWEST} AND task_id IS NOT NULL"
            f" AND {self._json_text('error', 'error', 'wire_code')} = 'UNKNOWN')",
            (owner, *self._of(run)),
            also="error = NULL, owner = ?",
            only_from=(Status.FAILED,),
        )

    def give_up(self, job_ids: Iterable[str], error: Mapping[str, Any]) -> None:
        """End jobs that wait and are not wanted any more. They were never sent."""
        move(
            self._database,
            Status.UNSENT,
            f"id IN ({self._database.dialect.chosen})",
            (dumped(error), packed(job_ids)),
            also="error = ?, owner = NULL",
            only_from=(Status.WAITING,),
        )

    def move_rows(self, run: str, other: str, chosen: Callable[[list[str]], list[str]] = list) -> None:
        """Make rows, with all their tries, part of another run: those that `chosen` returns of some hundred keys.

        Of a row that both have, the tries that are worth less are of no run then, as after `forget`.
        """
        if self.has_rows(run):
            self._database.again(partial(self._move_rows, run, other, chosen))

    def _move_rows(self, run: str, other: str, chosen: Callable[[list[str]], list[str]]) -> None:
        with self._database.transaction() as db:
            for keys in self.keys(run):
                moved = chosen(keys)
                if moved:
                    self._move(db, run, other, moved)

    def _move(self, db: Statements, run: str, other: str, moved: list[str]) -> None:
        theirs, ours = self.tried(run, keys=moved), self.tried(other, keys=moved)
        lost = [key for key in ours if _reached(ours[key]) >= _reached(theirs[key])]
        won = [key for key in ours if _reached(ours[key]) < _reached(theirs[key])]
        of_row = f"WHERE {OF_RUN} AND row_key = ?"
        for name, forgotten in ((run, lost), (other, won)):
            db.executemany(
                f"UPDATE jobs SET run = NULL, owner = NULL {of_row}",  # noqa: S608
                [(*self._of(name), key) for key in forgotten],
            )
        db.executemany(
            f"UPDATE jobs SET run = ? {of_row}",  # noqa: S608
            [(other, *self._of(run), key) for key in moved],
        )
        for name in (run, other):
            self.summaries.forget(db, name)

    def missing_prices(self, run: str, owner: str) -> Iterator[dict[str, str]]:
        """Yield the models of the rows that this process is to send and whose cost is not known, by the row's key, some
        hundreds at a time."""
        last = 0
        while found := self._database.read(
            f"SELECT rowid AS number, row_key, model FROM jobs WHERE {OF_RUN} AND {self._to_send}"  # noqa: S608
            " AND state = 'waiting' AND estimate_cny IS NULL AND rowid > ? ORDER BY rowid LIMIT ?",
            (*self._of(run), owner, last, CHUNK_ROWS),
        ):
            last = found[-1]["number"]
            yield {row["row_key"]: row["model"] for row in found}

    def newest(self, run: str, chosen: Callable[[list[str]], list[str]] = list) -> Iterator[JobRow]:
        """Yield the newest tries of rows in their order, a few hundred in memory at a time: of those rows that `chosen`
        returns of some hundred keys."""
        numbers = array("q")
        for keys in self.keys(run):
            wanted = chosen(keys)
            found = self._database.read(self._newest_of, (*self._of(run), packed(wanted))) if wanted else []
            numbers.extend(row["newest"] for row in found)
        ordered = array("q", sorted(numbers))
        for begin in range(0, len(ordered), CHUNK_ROWS):
            some = ordered[begin : begin + CHUNK_ROWS]
            rows = self._database.read(
                f"SELECT * FROM jobs WHERE rowid IN ({self._database.dialect.chosen_numbers}) ORDER BY rowid",  # noqa: S608
                (packed(some),),
            )
            yield from (job_row(row) for row in rows)

    def newest_of(self, run: str, keys: Collection[str]) -> list[JobRow]:
        """Return the newest tries of a few hundred rows, in the order of their keys."""
        found = self._database.read(
            f"SELECT * FROM jobs WHERE rowid IN ({self._newest_of})",  # noqa: S608
            (*self._of(run), packed(keys)),
        )
        rows = {row["row_key"]: row for row in found}
        return [job_row(rows[key]) for key in keys if key in rows]

    def files(self, job_ids: Iterable[str]) -> dict[str, list[str]]:
        """Return the finished files of jobs, in the order of their results."""
        ids = list(job_ids)
        chosen = self._database.dialect.chosen
        found = self._database.read(
            f"SELECT job_id, path FROM files WHERE placed = 1 AND job_id IN ({chosen}) ORDER BY job_id, item",  # noqa: S608
            (packed(ids),),
        )
        files: dict[str, list[str]] = {job_id: [] for job_id in ids}
        for row in found:
            files[row["job_id"]].append(str(restored(row["path"])))
        return files

    def sources(self, job_id: str) -> list[SourceFile]:
        """Return the results of other rows that a job waits for, or was skipped for, as they stand now."""
        return ChainStore(self._database, self._account).sources(job_id)

    def waits_for_others(self, run: str) -> dict[str, int]:
        """Return how many rows of each kind wait for other rows' results."""
        return ChainStore(self._database, self._account).waiting(run, self._kind)

    def counts(self, run: str) -> list[Count]:
        """Return how the batch stands."""
        found = self._database.read(
            f"SELECT kind, state, {self._json_text('error', 'error', 'code')} AS error_code, COUNT(*) AS jobs,"
            f" TOTAL(charged_cny) AS charged_cny, TOTAL(estimate_cny) AS estimate_cny {NEWEST}"
            " GROUP BY kind, state, error_code",
            self._of(run),
        )
        return [Count(**{name: row[name] for name in Count.__dataclass_fields__}) for row in found]

    def forget(self, run: str, *, upto: int | None = None) -> None:
        """Begin a batch anew: its jobs, up to the number `upto`, stay in the journal, under no batch. Open ones are fetched
        by `tasks wait`."""

        def forget() -> None:
            with self._database.transaction(_writing(run)) as db:
                db.execute(
                    f"UPDATE jobs SET run = NULL, owner = NULL WHERE {OF_RUN} AND rowid <= COALESCE(?, rowid)",  # noqa: S608
                    (*self._of(run), upto),
                )
                self.summaries.forget(db, run)

        self._database.again(forget)


def _writing(run: str | None) -> str:
    """Return the lock of who writes rows of a run down: numbers grow in the order of such transactions."""
    return "" if run is None else f"rows:{run}"


def _last_attempt(row: Row) -> LastAttempt:
    exit_code = None if row["exit_code"] is None else int(row["exit_code"])
    return LastAttempt(row["id"], row["state"], exit_code, row["error_code"], row["model"], row["estimate_cny"])


def _reached(one: LastAttempt) -> int:
    return _REACHED.get(one.state, 0)
