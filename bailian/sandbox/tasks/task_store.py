"""The tasks: one SQLite table. A task's status is a function of its stored times and of now.

So nothing runs in the background, and a process started later on the same file knows how every task stands.
"""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bailian.sandbox.database import Database, Values
from bailian.sandbox.tasks.outcomes import Outcome
from bailian.sandbox.tasks.requests import TaskRequest

LIFE_S = 24 * 3600.0
"""Tasks can be queried for 24 hours, then they are UNKNOWN (D-T2I, TASKS)."""

PENDING_SHARE = 0.1
"""Part of a task's duration it stays PENDING even when nothing is before it (a guess)."""

_STATUS = f"""CASE
  WHEN created <= :now - {LIFE_S} THEN 'UNKNOWN'
  WHEN canceled IS NOT NULL THEN 'CANCELED'
  WHEN :now < scheduled THEN 'PENDING'
  WHEN :now < ended THEN 'RUNNING'
  WHEN failed THEN 'FAILED'
  ELSE 'SUCCEEDED' END AS status"""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
  number INTEGER PRIMARY KEY, task_id TEXT NOT NULL UNIQUE, request_id TEXT NOT NULL, model TEXT NOT NULL,
  blocking INTEGER NOT NULL, created REAL NOT NULL, scheduled REAL NOT NULL, ended REAL NOT NULL,
  canceled REAL, failed INTEGER NOT NULL, work_order TEXT NOT NULL, fate TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS tasks_by_end ON tasks (model, ended);
CREATE INDEX IF NOT EXISTS tasks_by_creation ON tasks (created);
CREATE TABLE IF NOT EXISTS polls (task_id TEXT PRIMARY KEY, count INTEGER NOT NULL);
"""


@dataclass(frozen=True)
class Task:
    """A snapshot of one task, or of one synchronous call's work (`blocking`)."""

    task_id: str
    request_id: str
    model: str
    blocking: bool
    created: float
    """Epoch seconds, as all times here."""
    scheduled: float
    ended: float
    canceled: float | None
    status: str
    request: TaskRequest = field(repr=False)
    outcome: Outcome = field(repr=False)
    body: dict[str, Any] = field(repr=False)
    """The request body as received."""

    @property
    def order(self) -> TaskRequest:
        """The same as `request`, for programs that know it by this name."""
        return self.request

    @property
    def fate(self) -> Outcome:
        """The same as `outcome`, for programs that know it by this name."""
        return self.outcome

    @property
    def pictures(self) -> int:
        """How many pictures it delivers: what the service bills."""
        return 0 if self.outcome.failed else self.request.n - min(self.outcome.failed_pictures, self.request.n)


class TaskStore:
    """The table."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._database = database
        database.create(_SCHEMA)
        # Nobody can ask for them any more; without this a state file would grow for ever.
        database.change("DELETE FROM tasks WHERE created < ?", (clock() - 2 * LIFE_S,))

    def add(
        self,
        *,
        task_id: str,
        request_id: str,
        request: TaskRequest,
        outcome: Outcome,
        body: Mapping[str, Any],
        duration_s: float,
        running_limit: int | None,
        blocking: bool = False,
    ) -> None:
        """Accept work. Beyond `running_limit` tasks of the model it waits its turn, in order."""
        with self._database.transaction():
            now = self._clock()
            scheduled = now if blocking else now + PENDING_SHARE * duration_s
            if running_limit and not blocking:
                scheduled = max(scheduled, self._slot_free_at(request.model, running_limit, now))
            ended = scheduled + (duration_s if blocking else (1 - PENDING_SHARE) * duration_s)
            self._database.change(
                "INSERT INTO tasks (task_id, request_id, model, blocking, created, scheduled, ended, failed,"
                " work_order, fate, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (task_id, request_id, request.model, blocking, now, scheduled, ended, _all_failed(request, outcome),
                 _json(asdict(request)), _json(asdict(outcome)), _json(body)),
            )  # fmt: skip

    def _slot_free_at(self, model: str, running_limit: int, now: float) -> float:
        """Return when one of the model's slots is free: the n-th latest end of the tasks before."""
        row = self._database.row(
            "SELECT ended FROM tasks WHERE model = ? AND NOT blocking AND canceled IS NULL AND ended > ?"
            " ORDER BY ended DESC LIMIT 1 OFFSET ?",
            (model, now, running_limit - 1),
        )
        return float(row["ended"]) if row else now

    def get(self, task_id: str) -> Task | None:
        row = self._database.row(
            f"SELECT *, {_STATUS} FROM tasks WHERE task_id = :id",  # noqa: S608
            {"id": task_id, "now": self._clock()},
        )
        return _task(row) if row else None

    def all(self, *, blocking: bool = False) -> list[Task]:
        """Return every task (or every synchronous call's work), oldest first."""
        rows = self._database.rows(
            f"SELECT *, {_STATUS} FROM tasks WHERE blocking = :blocking ORDER BY number",  # noqa: S608
            {"blocking": blocking, "now": self._clock()},
        )
        return [_task(row) for row in rows]

    def page(
        self, *, begin: float, end: float, model: str | None, status: str | None, task_id: str | None,
        offset: int, count: int, order: str = "newest",
    ) -> tuple[int, list[Task]]:  # fmt: skip
        """Return how many tasks match, and one page of them; `order` as in the settings."""
        values = {
            "now": self._clock(), "begin": begin, "end": end, "model": model, "status": status, "id": task_id,
            "offset": offset, "count": count,
        }  # fmt: skip
        matching = (
            f"FROM (SELECT number, task_id, model, {_STATUS} FROM tasks"  # noqa: S608
            " WHERE NOT blocking AND created >= :begin AND created <= :end)"
            " WHERE (:model IS NULL OR model = :model) AND (:status IS NULL OR status = :status)"
            " AND (:id IS NULL OR task_id = :id) AND status != 'UNKNOWN'"
        )
        total = self._count(f"SELECT count(*) {matching}", values)
        by = {"newest": "number DESC", "oldest": "number", "mixed": "task_id"}[order]
        chosen = f"SELECT number {matching} ORDER BY {by} LIMIT :count OFFSET :offset"
        rows = self._database.rows(
            f"SELECT *, {_STATUS} FROM tasks WHERE number IN ({chosen}) ORDER BY {by}",  # noqa: S608
            values,
        )
        return total, [_task(row) for row in rows]

    def waiting(self, model: str) -> int:
        """Return how many tasks of the model are PENDING."""
        return self._count(
            "SELECT count(*) FROM tasks WHERE model = ? AND NOT blocking AND canceled IS NULL AND scheduled > ?",
            (model, self._clock()),
        )

    def _count(self, query: str, values: Values) -> int:
        return int(self._database.rows(query, values)[0][0])

    def cancel(self, task_id: str, running_limit: int | None, *, force: bool = False) -> bool:
        """Cancel a PENDING task (`force`: in any status); the tasks behind it move up."""
        with self._database.transaction():
            task = self.get(task_id)
            if task is None or not (force or task.status == "PENDING"):
                return False
            self._database.change("UPDATE tasks SET canceled = ? WHERE task_id = ?", (self._clock(), task_id))
            if running_limit:
                self._move_up(task.model, running_limit)
            return True

    def _move_up(self, model: str, running_limit: int) -> None:
        now = self._clock()
        slots: list[float] = []
        for row in self._database.rows(
            "SELECT number, created, scheduled, ended FROM tasks WHERE model = ? AND NOT blocking"
            " AND canceled IS NULL AND ended > ? ORDER BY number",
            (model, now),
        ):
            duration_s = (row["ended"] - row["scheduled"]) / (1 - PENDING_SHARE)
            scheduled, ended = row["scheduled"], row["ended"]
            if scheduled > now:
                free_at = slots[0] if len(slots) >= running_limit else now
                scheduled = max(row["created"] + PENDING_SHARE * duration_s, free_at)
                ended = scheduled + (1 - PENDING_SHARE) * duration_s
                change = (scheduled, ended, row["number"])
                self._database.change("UPDATE tasks SET scheduled = ?, ended = ? WHERE number = ?", change)
            heapq.heappush(slots, ended)
            if len(slots) > running_limit:
                heapq.heappop(slots)

    def count_poll(self, task_id: str, last: int) -> None:
        """Let a task run from its first query on, and end at its `last` one, if it has not already."""
        with self._database.transaction():
            self._database.change(
                "INSERT INTO polls VALUES (?, 1) ON CONFLICT (task_id) DO UPDATE SET count = count + 1", (task_id,)
            )
            self._database.change(
                "UPDATE tasks SET scheduled = min(scheduled, :now),"
                " ended = CASE WHEN (SELECT count FROM polls WHERE task_id = :id) >= :last THEN min(ended, :now)"
                " ELSE ended END WHERE task_id = :id",
                {"now": self._clock(), "last": last, "id": task_id},
            )

    def change_outcome(self, task_id: str, *, end_now: bool, **changes: Any) -> None:
        """Change a task's outcome, for a fault; `end_now` also ends it."""
        with self._database.transaction():
            task = self.get(task_id)
            if task is None:
                return
            outcome = replace(task.outcome, **changes)
            now = self._clock()
            scheduled, ended = (min(task.scheduled, now), min(task.ended, now)) if end_now else (
                task.scheduled, task.ended)  # fmt: skip
            self._database.change(
                "UPDATE tasks SET fate = ?, failed = ?, scheduled = ?, ended = ? WHERE task_id = ?",
                (_json(asdict(outcome)), _all_failed(task.request, outcome), scheduled, ended, task_id),
            )


def _all_failed(request: TaskRequest, outcome: Outcome) -> bool:
    """One good picture makes the whole task SUCCEEDED (D-IE, TASKS)."""
    return outcome.failed or outcome.failed_pictures >= request.n


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _task(row: sqlite3.Row) -> Task:
    outcome = json.loads(row["fate"])
    size = outcome.pop("drawn_size")
    return Task(
        task_id=row["task_id"],
        request_id=row["request_id"],
        model=row["model"],
        blocking=bool(row["blocking"]),
        created=row["created"],
        scheduled=row["scheduled"],
        ended=row["ended"],
        canceled=row["canceled"],
        status=row["status"],
        request=_request(json.loads(row["work_order"])),
        outcome=Outcome(**outcome, drawn_size=tuple(size) if size else None),
        body=json.loads(row["body"]),
    )


def _request(kept: dict[str, Any]) -> TaskRequest:
    """Return what a task is about; a film of an older version was made from its text alone, and had its own keys."""
    details = kept.get("details") or {}
    if kept.get("kind") == "video":
        film_s, sides = details.get("duration_s", 5), (kept.get("width") or 1280, kept.get("height") or 720)
        trouble = {"trouble": details["trouble"]} if "trouble" in details else {}
        kept = {
            **kept,
            "kind": "film",
            "details": {
                "inputs": [], "film_s": film_s, "billed": [0, film_s], "fps": details.get("fps", 24),
                "tier": min(sides), "ratio": "", "audio": False, "sound": ["none", ""], "mark": "", **trouble,
            },
        }  # fmt: skip
    return TaskRequest(**kept)
