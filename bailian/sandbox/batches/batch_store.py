"""The batches and their files: SQLite beside the tasks. A batch's status is a function of its stored times and of now."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.batches.input_file import FileCheck
from bailian.sandbox.batches.results import Results
from bailian.sandbox.database import Database
from bailian.sandbox.storage.file_store import RESULT, FileStore, StoredFile

VALIDATING_SHARE = 0.1
FINALIZING_SHARE = 0.1
"""Parts of a batch's duration (guesses)."""

FINAL_STATUSES = ("completed", "failed", "expired", "cancelled")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS batches (
  number INTEGER PRIMARY KEY, batch_id TEXT NOT NULL UNIQUE, created REAL NOT NULL, duration_s REAL NOT NULL,
  input_file_id TEXT NOT NULL, endpoint TEXT NOT NULL, completion_window TEXT NOT NULL, window_s REAL NOT NULL,
  metadata TEXT NOT NULL, total INTEGER NOT NULL, model TEXT NOT NULL, question TEXT NOT NULL, errors TEXT NOT NULL,
  stopped TEXT, stopped_at REAL, completed INTEGER, failed INTEGER);
"""


@dataclass(frozen=True)
class Batch:
    """A snapshot of one batch; times are epoch seconds."""

    batch_id: str
    created: float
    duration_s: float
    input_file_id: str
    endpoint: str
    window: str
    window_s: float
    metadata: dict[str, Any]
    total: int
    model: str
    question: str
    errors: list[dict[str, Any]]
    stopped: str | None
    """"cancelled", "expired" or "failed", when something has ended it early."""
    stopped_at: float | None
    completed: int | None
    failed: int | None
    """None while the results are not made."""
    now: float

    @property
    def began(self) -> float:
        return self.created + VALIDATING_SHARE * self.duration_s

    @property
    def finalizing(self) -> float:
        return self.created + (1 - FINALIZING_SHARE) * self.duration_s

    @property
    def ends_at(self) -> float:
        """When it ends, or ended."""
        if self.errors:
            return self.began
        if self.stopped_at is not None:
            return self.stopped_at + (FINALIZING_SHARE * self.duration_s if self.stopped == "cancelled" else 0)
        return min(self.created + self.duration_s, self.created + self.window_s)

    @property
    def status(self) -> str:
        if self.now >= self.ends_at:
            if self.errors:
                return "failed"
            late = self.created + self.duration_s > self.created + self.window_s
            return self.stopped or ("expired" if late else "completed")
        if self.stopped == "cancelled" and not self.errors:
            return "cancelling"
        if self.now < self.began:
            return "validating"
        return "in_progress" if self.now < self.finalizing else "finalizing"

    @property
    def progress(self) -> float:
        """Which part of the lines has been reached."""
        until = min(self.now, self.ends_at if self.stopped_at is None else self.stopped_at)
        span = max(self.finalizing - self.began, 1e-9)
        return 1.0 if self.status == "completed" else min(1.0, max(0.0, (until - self.began) / span))

    def result_id(self, kind: str) -> str:
        """Return the id of one of its result files (CAP: `file-batch_output-` and 24 digits, of both kinds)."""
        return f"file-batch_output-{hashlib.sha256(f'{self.batch_id} {kind}'.encode()).hexdigest()[:24]}"


class BatchStore:
    """The batches by their ids; what they read and write are files of `files`."""

    def __init__(self, database: Database, files: FileStore, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._files = files
        self._database = database
        database.create(_SCHEMA)

    def add(
        self, checked: FileCheck, *, duration_s: float, input_file_id: str, endpoint: str, window: str, window_s: float,
        metadata: Mapping[str, Any],
    ) -> Batch:  # fmt: skip
        """Accept a batch; a query of it shows what is wrong in its file."""
        batch_id = f"batch_{uuid.uuid4()}"
        self._database.change(
            "INSERT INTO batches (batch_id, created, duration_s, input_file_id, endpoint, completion_window,"
            " window_s, metadata, total, model, question, errors) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (batch_id, self._clock(), duration_s, input_file_id, endpoint, window, window_s,
             json.dumps(dict(metadata), ensure_ascii=False), checked.total, checked.model, checked.question,
             json.dumps(checked.errors, ensure_ascii=False)),
        )  # fmt: skip
        batch = self.get(batch_id)
        assert batch is not None  # noqa: S101  # just added
        return batch

    def get(self, batch_id: str) -> Batch | None:
        row = self._database.row("SELECT * FROM batches WHERE batch_id = ?", (batch_id,))
        return _batch(row, self._clock()) if row else None

    def all(self) -> list[Batch]:
        """Return every batch, newest first."""
        rows = self._database.rows("SELECT * FROM batches ORDER BY number DESC")
        return [_batch(row, self._clock()) for row in rows]

    def stop(self, batch_id: str, how: str, errors: list[dict[str, Any]] | None = None) -> Batch | None:
        """End a batch early, unless it is over; return it as it stands then."""
        with self._database.transaction():
            batch = self.get(batch_id)
            if batch is None or batch.status in FINAL_STATUSES or batch.stopped:
                return None
            if errors:
                change = "UPDATE batches SET errors = ?, duration_s = 0 WHERE batch_id = ?"
                self._database.change(change, (json.dumps(errors), batch_id))
            else:
                change = "UPDATE batches SET stopped = ?, stopped_at = ? WHERE batch_id = ?"
                self._database.change(change, (how, self._clock(), batch_id))
            return self.get(batch_id)

    def add_results(self, batch: Batch, results: Results) -> None:
        """Write both files and the final counts; a second time changes nothing."""
        for kind, data in (("output", results.output), ("error", results.errors)):
            if data:
                name = f"{batch.batch_id}_{kind}.jsonl"
                self._files.put(StoredFile(batch.result_id(kind), RESULT, name, data, self._clock()))
        self._database.change(
            "UPDATE batches SET completed = ?, failed = ? WHERE batch_id = ?",
            (results.completed, results.failed, batch.batch_id),
        )


def _batch(row: sqlite3.Row, now: float) -> Batch:
    values = dict(row)
    del values["number"]
    values["window"] = values.pop("completion_window")
    values["metadata"], values["errors"] = json.loads(values["metadata"]), json.loads(values["errors"])
    return Batch(**values, now=now)
