"""Jobs that wait for the results of other rows, and what became of these.

A job waits until its request has the files of its sources in it, and is complete. That is one commit: a process that dies
before it leaves a job that waits, and after it one that only waits for its turn. Both stand here: whoever goes through the
other jobs, page by page, must not meet one that became complete meanwhile, and was handed out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bailian.errors import from_journal
from bailian.store.backends.database import Database
from bailian.store.backends.dialects import packed
from bailian.store.job_rows import stored_text
from bailian.store.paths import restored
from bailian.store.schema import dumped
from bailian.store.states import FINAL_STATES, Status, move
from bailian.text.storage_path import ResultPath
from bailian.types import StoredRequest

COLUMNS = ("job_id", "word", "source_key", "item")
NOT_CHAINED = "NOT EXISTS (SELECT 1 FROM chains WHERE chains.job_id = jobs.id)"
# The newest try of the row that a job waits for.
_SOURCE = (
    "(SELECT MAX(one.rowid) FROM jobs AS one"
    " WHERE one.account = jobs.account AND one.run = jobs.run AND one.row_key = chains.source_key)"
)


class SourceFile(NamedTuple):
    """A result that a job waits for, and what is known of it."""

    word: str
    """As `types.result_of` writes it."""
    state: Status | None
    """Of the row that makes it; None: it is not in the batch any more."""
    job_id: str = ""
    task_id: str | None = None
    path: ResultPath | None = None
    """The file that was saved; None: there is none."""
    sha256: str = ""
    reason: str = ""
    """Why the row was not done."""
    reason_code: str = ""


def write_edges(database: Database, edges: Sequence[tuple[Any, ...]]) -> None:
    """Write down what jobs wait for, in the order of `COLUMNS`, in the transaction that writes the jobs."""
    if edges:
        with database.transaction() as db:
            db.executemany(
                "INSERT INTO chains (job_id, word, source_key, item) VALUES (?, ?, ?, ?) ON CONFLICT (job_id, word)"
                " DO UPDATE SET source_key = excluded.source_key, item = excluded.item, complete = 0",
                edges,
            )


class ChainStore:
    """What waits for other rows, in the journal of one account."""

    def __init__(self, database: Database, account: str) -> None:
        self._database = database
        self._account = account

    @property
    def _to_send(self) -> str:
        """Return SQL for the jobs that a process may hand out, see `BatchStore`."""
        return "jobs.owner IS NULL AND CAST(? AS TEXT) IS NOT NULL" if self._database.splits_rows else "jobs.owner = ?"

    def waiting(self, run: str, kind: str | None = None) -> dict[str, int]:
        """Return how many jobs of a batch wait for others, by kind."""
        found = self._database.read(
            "SELECT kind, COUNT(*) AS n FROM jobs WHERE account = ? AND run = ? AND kind = COALESCE(?, kind)"
            " AND state = 'waiting' AND id IN (SELECT job_id FROM chains WHERE complete = 0) GROUP BY kind",
            (self._account, run, kind),
        )
        return {row["kind"]: row["n"] for row in found}

    def of_run(self, run: str, owner: str) -> Iterator[tuple[str, str, list[Status | None]]]:
        """Yield id, wire model and the states of the sources of each of this process's jobs that have any.

        Those of a complete job are done: it has their files.
        """
        found = self._database.read(
            "SELECT jobs.id, jobs.wire_model,"  # noqa: S608
            " CASE WHEN chains.complete = 1 THEN 'done'"
            f" ELSE (SELECT state FROM jobs AS newest WHERE newest.rowid = {_SOURCE}) END AS source_state"
            " FROM chains JOIN jobs ON jobs.id = chains.job_id WHERE jobs.account = ? AND jobs.run = ?"
            f" AND {self._to_send} AND jobs.state = 'waiting' ORDER BY jobs.rowid",
            (self._account, run, owner),
        )
        states: list[Status | None] = []
        for number, row in enumerate(found):
            states.append(None if row["source_state"] is None else Status(row["source_state"]))
            if number + 1 == len(found) or found[number + 1]["id"] != row["id"]:
                yield row["id"], row["wire_model"], states
                states = []

    def followers(self, run: str, source_key: str, owner: str) -> list[tuple[str, str]]:
        """Return id and wire model of this process's jobs that wait for a row, in the order of the file."""
        found = self._database.read(
            "SELECT DISTINCT jobs.id, jobs.wire_model, jobs.rowid FROM chains JOIN jobs ON jobs.id = chains.job_id"  # noqa: S608
            f" WHERE chains.source_key = ? AND jobs.account = ? AND jobs.run = ? AND {self._to_send}"
            " AND jobs.state = 'waiting' AND chains.complete = 0 ORDER BY jobs.rowid",
            (source_key, self._account, run, owner),
        )
        return [(row["id"], row["wire_model"]) for row in found]

    def sources(self, job_id: str) -> list[SourceFile]:
        """Return what a job waits for, as it stands now."""
        found = self._database.read(
            "SELECT chains.word, source.state, source.id, source.task_id, source.error, files.path, files.sha256"  # noqa: S608
            " FROM chains JOIN jobs ON jobs.id = chains.job_id"
            f" LEFT JOIN jobs AS source ON source.rowid = {_SOURCE}"
            " LEFT JOIN files ON files.job_id = source.id AND files.item = chains.item AND files.placed = 1"
            " WHERE chains.job_id = ? ORDER BY chains.word",
            (job_id,),
        )
        return [_source_file(row) for row in found]

    def complete(
        self,
        job_id: str,
        owner: str,
        request: Mapping[str, Any],
        prepared: StoredRequest,
        estimate_cny: float | None,
    ) -> bool:
        """Put the files of its sources into a job's request: from now on it waits for its turn only.

        Returns:
            False if the job is not this process's to send any more; nothing is written then.
        """

        def write() -> bool:
            with self._database.transaction() as db:
                changed = db.execute(
                    "UPDATE jobs SET request = ?, prepared = ?, estimate_cny = ?"
                    " WHERE id = ? AND owner = ? AND state = 'waiting'",
                    (dumped(request), stored_text(prepared), estimate_cny, job_id, owner),
                ).rowcount
                if changed:
                    db.execute("UPDATE chains SET complete = 1 WHERE job_id = ?", (job_id,))
            return changed == 1

        return self._database.again(write)

    def skip(self, job_ids: Iterable[str], error: Mapping[str, Any], ended_at_s: float) -> None:
        """End jobs whose sources cannot come. They were never sent."""
        move(
            self._database,
            Status.UNSENT,
            f"id IN ({self._database.dialect.chosen})",
            (dumped(error), ended_at_s, packed(job_ids)),
            also="error = ?, owner = NULL, ended_at_s = COALESCE(ended_at_s, ?)",
            only_from=(Status.WAITING,),
        )


def _source_file(row: Any) -> SourceFile:
    state = None if row["state"] is None else Status(row["state"])
    error = json.loads(row["error"]) if row["error"] and state in FINAL_STATES and state != Status.DONE else None
    reason = from_journal(error) if isinstance(error, dict) and isinstance(error.get("error"), dict) else None
    return SourceFile(
        row["word"],
        state,
        row["id"] or "",
        row["task_id"],
        restored(row["path"]) if row["path"] else None,
        row["sha256"] or "",
        reason.message if reason else "",
        reason.code if reason else "",
    )
