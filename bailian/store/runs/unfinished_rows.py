"""Which rows of a batch are not done, and why: the newest try of each, those with the same error together."""

from __future__ import annotations

from dataclasses import dataclass

from bailian.store.batches import NEWEST
from bailian.store.job_rows import job_row
from bailian.store.jobs import Journal
from bailian.store.schema import JobRow
from bailian.store.states import UNDER_WAY_STATES, Status

NOT_DONE_STATES = (Status.FAILED, Status.HELD, Status.UNSENT)
# A batch may have a million errors that are all different.
MOST_ERRORS = 50
_NOT_DONE = "state IN ('{}')".format("', '".join(NOT_DONE_STATES))
_UNDER_WAY = "state IN ('{}')".format("', '".join(UNDER_WAY_STATES))


@dataclass(frozen=True)
class SameError:
    """Rows that ended alike."""

    state: Status
    code: str
    message: str | None
    rows: int


class UnfinishedRows:
    """Of one batch, all kinds."""

    def __init__(self, journal: Journal, account: str, run: str) -> None:
        self._database = journal.database
        self._of = (account, run, None)
        dialect = self._database.dialect
        self._code = f"COALESCE({dialect.json_text('error', 'error', 'code')}, '')"
        self._message = dialect.json_text("error", "error", "message")
        self._is_same = f" AND state = ? AND {self._code} = ? AND {dialect.same(self._message, '?')}"

    def errors(self) -> list[SameError]:
        """Return what the rows ended with, the most frequent first."""
        found = self._database.read(
            f"SELECT state, {self._code} AS code, {self._message} AS message, COUNT(*) AS n {NEWEST} AND {_NOT_DONE}"
            " GROUP BY state, code, message ORDER BY n DESC, MIN(newest) LIMIT ?",
            (*self._of, MOST_ERRORS),
        )
        return [SameError(Status(row["state"]), row["code"], row["message"], row["n"]) for row in found]

    def first(self, most: int, same: SameError | None = None) -> list[JobRow]:
        """Return the first rows that are not done, all or those of one error."""
        one = self._is_same if same else ""
        found = self._database.read(
            f"SELECT jobs.* {NEWEST} AND {_NOT_DONE}{one} ORDER BY newest LIMIT ?",
            (*self._of, *((str(same.state), same.code, same.message) if same else ()), most),
        )
        return [job_row(row) for row in found]

    def under_way(self) -> tuple[int, float | None]:
        """Return how many rows were sent and are not over, and when the first of them was."""
        found = self._database.read(
            f"SELECT COUNT(*) AS n, MIN(sent_at_s) AS since_s {NEWEST} AND {_UNDER_WAY}",
            self._of,
        )
        return found[0]["n"], found[0]["since_s"]
