"""Batches that were brought to their end: what their files were then, and how they ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from bailian.store.backends.database import Database, Statements


class RunSummaries:
    """The ends of one account's batches. Each kind that was run alone has an end of its own."""

    def __init__(self, database: Database, account: str, kind: str | None, clock: Callable[[], float]) -> None:
        self._database = database
        self._account = account
        self._kind = kind
        self._clock = clock

    def finished(self, run: str) -> tuple[str, dict[str, Any]] | None:
        """Return (digest of the file, summary) if the batch was brought to its end."""
        found = self._database.read(
            "SELECT digest, summary FROM runs WHERE account = ? AND run = ?", (self._account, self._name(run))
        )
        return (found[0]["digest"], json.loads(found[0]["summary"])) if found else None

    def finish(self, run: str, digest: str, rows: int, summary: Mapping[str, Any]) -> None:
        """Remember that nothing is left to do for this file as it is."""
        values = self._account, self._name(run), digest, rows, self._clock()
        self._database.execute(
            "INSERT INTO runs (account, run, digest, rows, finished_at_s, summary) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (account, run) DO UPDATE SET digest = excluded.digest, rows = excluded.rows,"
            " finished_at_s = excluded.finished_at_s, summary = excluded.summary",
            (*values, json.dumps(summary, ensure_ascii=False)),
        )

    def forget(self, db: Statements, run: str) -> None:
        """Whatever was finished is to be looked at again: the whole, and each kind."""
        db.execute(
            "DELETE FROM runs WHERE account = ? AND (run = ? OR substr(run, 1, ?) = ?)",
            (self._account, run, len(run) + 1, f"{run}\n"),
        )

    def _name(self, run: str) -> str:
        return f"{run}\n{self._kind}" if self._kind else run
