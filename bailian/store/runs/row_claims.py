"""Which process sends which rows of a batch: its own, those of the dead, those of nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from bailian.store.backends.database import Database
from bailian.store.backends.dialects import packed
from bailian.store.chained_jobs import NOT_CHAINED
from bailian.store.job_rows import job_row
from bailian.store.schema import JobRow
from bailian.store.states import OPEN_STATES, UNDER_WAY_STATES, Status, move

# So many rows are written, or read, by one transaction.
CHUNK_ROWS = 500
# So many rows a process takes at once of a batch that several are at: as many as it sends in about a second. If it dies
# they wait until its lease is over.
CLAIM_ROWS_MIN, CLAIM_ROWS_MAX, CLAIM_S = 4, 200, 1.0

# One batch's jobs; of one kind, or (NULL) of all.
OF_RUN = "account = ? AND run = ? AND kind = COALESCE(?, kind)"


class RowClaims:
    """What is asked and written then; `batches.BatchStore` is what does it."""

    _database: Database
    _account: str
    _kind: str | None

    def _of(self, run: str) -> tuple[str, str, str | None]:
        return self._account, run, self._kind

    @property
    def _to_send(self) -> str:
        """Return SQL for the rows that a process may send (one `?`: it): its own; where rows are split those of nobody."""
        return "owner IS NULL AND CAST(? AS TEXT) IS NOT NULL" if self._database.splits_rows else "owner = ?"

    def owners(self, run: str) -> list[str]:
        """Return the owners of the batch's open jobs."""
        marks = ", ".join("?" * len(OPEN_STATES))
        rows = self._database.read(
            f"SELECT DISTINCT owner FROM jobs WHERE {OF_RUN} AND state IN ({marks}) AND owner IS NOT NULL",  # noqa: S608
            (*self._of(run), *OPEN_STATES),
        )
        return [row["owner"] for row in rows]

    def take_over(
        self, run: str, owner: str, gone: Iterable[str], repeatable: Iterable[str] = (), *, left: bool = True
    ) -> None:
        """Take over the open jobs of nobody and of owners that are gone.

        Their lost answers are unsettled; those of `repeatable` kinds are simply asked for again (see `Journal.requeue_maybe_billed`).

        Args:
            left: also those that a process had to leave, and said why (`error`): it has tried in its run.
        """
        self._database.again(partial(self._take_over, run, owner, list(gone), list(repeatable), left=left))

    def _take_over(self, run: str, owner: str, gone: Sequence[str], repeatable: Sequence[str], *, left: bool) -> None:
        chosen = self._database.dialect.chosen
        # Rows that wait are claimed one after the other where several processes may be at them.
        split = self._database.splits_rows
        states = UNDER_WAY_STATES if split else OPEN_STATES
        marks = ", ".join("?" * len(states))
        nobodys = "owner IS NULL" if left else "owner IS NULL AND error IS NULL"
        ownerless = f"{OF_RUN} AND ({nobodys} OR owner IN ({chosen}))"
        of_these = (*self._of(run), packed(gone))
        with self._database.transaction() as db:
            move(
                self._database,
                Status.WAITING,
                f"{ownerless} AND kind IN ({chosen}) AND service_batch IS NULL",
                (None if split else owner, *of_these, packed(repeatable)),
                also="owner = ?, lost_cny = lost_cny + COALESCE(estimate_cny, 0)",
                only_from=(Status.SENDING, Status.UNSETTLED),
            )
            move(
                self._database,
                Status.UNSETTLED,
                ownerless,
                (owner, *of_these),
                also="owner = ?",
                only_from=(Status.SENDING,),
            )
            db.execute(
                f"UPDATE jobs SET owner = ? WHERE {ownerless} AND state IN ({marks})",  # noqa: S608
                (owner, *of_these, *states),
            )
            if split:
                db.execute(
                    f"UPDATE jobs SET owner = NULL WHERE {OF_RUN} AND owner IN ({chosen}) AND state = 'waiting'",  # noqa: S608
                    (*self._of(run), packed([*gone, owner])),
                )

    def let_go(self, run: str, owner: str) -> None:
        """Give all open jobs of a batch back: any process may go on with them."""
        self._database.execute(
            f"UPDATE jobs SET owner = NULL WHERE {OF_RUN} AND owner = ?",  # noqa: S608
            (*self._of(run), owner),
        )

    def queues(self, run: str, owner: str) -> list[tuple[str, str]]:
        """Return (wire model, model) of the jobs that this process is to send."""
        rows = self._database.read(
            f"SELECT wire_model, MAX(model) AS model FROM jobs WHERE {OF_RUN} AND {self._to_send}"  # noqa: S608
            " AND state = 'waiting' GROUP BY wire_model ORDER BY MIN(rowid)",
            (*self._of(run), owner),
        )
        return [(row["wire_model"], row["model"]) for row in rows]

    def waiting(self, run: str, owner: str, wire_model: str) -> Iterator[JobRow]:
        """Yield the jobs of one queue that this process is to send, in the order of the file, as they are needed.

        Those that wait for other rows' results are handed out by `chains`.
        """
        if self._database.splits_rows:
            yield from self._claimed(run, owner, wire_model)
            return
        last = 0
        while True:
            found = self._database.read(
                f"SELECT rowid AS number, * FROM jobs WHERE {OF_RUN} AND owner = ? AND wire_model = ?"  # noqa: S608
                f" AND state = 'waiting' AND rowid > ? AND {NOT_CHAINED} ORDER BY rowid LIMIT ?",
                (*self._of(run), owner, wire_model, last, CHUNK_ROWS),
            )
            if not found:
                return
            last = found[-1]["number"]
            yield from (job_row(row) for row in found)

    def _claimed(self, run: str, owner: str, wire_model: str) -> Iterator[JobRow]:
        """Claim rows that nobody has, some at a time, and yield them; each is offered once."""
        last, count, asked_s = 0, CLAIM_ROWS_MIN, self._database.now_s()
        number = self._database.dialect.claim_number
        while found := self._database.read(
            f"WITH picked AS MATERIALIZED (SELECT rowid FROM jobs WHERE {OF_RUN} AND owner IS NULL"  # noqa: S608
            f" AND wire_model = ? AND state = 'waiting' AND {number} > ? AND {NOT_CHAINED}"
            f" ORDER BY {number} LIMIT ? {self._database.dialect.skip_locked})"
            " UPDATE jobs SET owner = ? WHERE rowid IN (SELECT rowid FROM picked) RETURNING *, rowid AS number",
            (*self._of(run), wire_model, last, count, owner),
        ):
            rows = sorted(found, key=lambda row: int(row["number"]))
            last = rows[-1]["number"]
            yield from (job_row(row) for row in rows)
            took_s, asked_s = self._database.now_s() - asked_s, self._database.now_s()
            count = min(CLAIM_ROWS_MAX, count * 2) if took_s < CLAIM_S else max(CLAIM_ROWS_MIN, count // 2)

    def under_way(self, run: str, owner: str) -> list[JobRow]:
        """Return the jobs of this process that were sent and are not over; those of service batches are fetched there."""
        found = self._database.read(
            f"SELECT * FROM jobs WHERE {OF_RUN} AND owner = ?"  # noqa: S608
            " AND state IN ('sending', 'unsettled', 'submitted', 'ended')"
            " AND service_batch IS NULL ORDER BY rowid",
            (*self._of(run), owner),
        )
        return [job_row(row) for row in found]
