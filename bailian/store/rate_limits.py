"""The account's rates and running tasks, kept by all processes together: one queue per limit, one slot per task.

A table in a SQLite file of its own, one short transaction a request. pyrate-limiter's shared bucket was
measured against it (2026-11): it costs 0.12 s at import, starts a thread, and serves whoever asks next
instead of whoever asked first. A place that a killed process had taken is simply not used.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bailian.store.database import Database

FILE_NAME = "pace.sqlite3"
VERSION = 3
_SLOTS = """
CREATE TABLE slots (job_id TEXT PRIMARY KEY, queue TEXT NOT NULL, owner TEXT NOT NULL);
CREATE INDEX slots_by_queue ON slots (queue, owner);
CREATE TABLE tickets (
  number INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, owner TEXT NOT NULL, seen_s REAL NOT NULL,
  UNIQUE (queue, owner)
);
"""
_HOLDERS = """
CREATE TABLE holders (owner TEXT PRIMARY KEY, pid INTEGER NOT NULL, command TEXT NOT NULL, seen_s REAL NOT NULL);
"""
SCHEMA = "CREATE TABLE queues (name TEXT PRIMARY KEY, next_at_s REAL NOT NULL);" + _SLOTS + _HOLDERS
MIGRATIONS = {2: _SLOTS, 3: _HOLDERS}
# Requests are spaced wider than the limit: a busy machine or the network may bring them closer together again.
MARGIN = 1.15
# A place further away than this is a clock that jumped, not a queue: a process takes one at a time.
FARTHEST_S = 600.0
# Who waits for a slot asks several times a second; who has not asked for so long is dead or gone.
TICKET_LIFE_S = 10.0
# A process that holds slots shows so often that it goes on; one that has not for so long is stopped (Ctrl-Z, a debugger).
BEAT_S = 3.0
SILENT_S = 15.0
COMMAND_CHARS = 60


# Of a queue that goes faster than 1 / BLOCK_S a second, a process takes the places of so long at once.
BLOCK_S = 0.05


@dataclass
class _Block:
    """Places in a row that are this process's."""

    at_s: float
    end_s: float
    spacing_s: float

    def next_s(self, now_s: float) -> float | None:
        """Use one; return how many seconds to wait for it, or None if none is left.

        Places whose time has passed are not used: they would leave together.
        """
        at_s = max(self.at_s, now_s)
        if at_s >= self.end_s or at_s - now_s > FARTHEST_S:
            return None
        self.at_s = at_s + self.spacing_s
        return at_s - now_s


class Holder(NamedTuple):
    """A process that has slots of a queue."""

    pid: int
    command: str
    seen_s: float
    """When it last showed that it goes on."""
    is_silent: bool
    job_ids: tuple[str, ...]


class Pace:
    """Queues by name, such as "submit:wan2.2-t2i-flash" or "query"."""

    def __init__(self, home: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(home / FILE_NAME, SCHEMA, VERSION, MIGRATIONS, durable=False)
        self._clock = clock
        self._lock = threading.Lock()
        self._blocks: dict[str, _Block] = {}
        self._next_beat_s: dict[str, float] = {}

    def place_s(self, name: str, per_s: float | None) -> float:
        """Take the next place; return how many seconds to wait for it (0: now)."""
        if not per_s:
            return 0.0
        with self._lock:
            now_s = self._clock()
            wait_s = self._blocks[name].next_s(now_s) if name in self._blocks else None
            if wait_s is None:
                self._blocks[name], wait_s = self._new_block(name, per_s)
            return wait_s

    def another_place_s(self, name: str, per_s: float, late_s: float) -> float:
        """Exchange a place that passed `late_s` ago for another; return how many seconds to wait for that.

        Whoever comes late would leave together with those behind. If nobody is behind, the place is put off.
        """
        with self._lock, self._database.write() as db:
            now_s = self._clock()
            row = db.execute("SELECT next_at_s FROM queues WHERE name = ?", (name,)).fetchone()
            if row is None or row["next_at_s"] <= now_s - late_s + MARGIN / per_s + 0.001:
                self._blocks.pop(name, None)
                db.execute("INSERT OR REPLACE INTO queues VALUES (?, ?)", (name, now_s + MARGIN / per_s))
                return 0.0
        return self.place_s(name, per_s)

    def is_first(self, name: str, every_s: float) -> bool:
        """Return whether nobody has asked this for so long: of all processes one does what it asks for."""
        with self._database.write() as db:
            now_s = self._clock()
            if _next_at_s(db, name, now_s) > now_s:
                return False
            db.execute("INSERT OR REPLACE INTO queues VALUES (?, ?)", (name, now_s + every_s))
        return True

    def _new_block(self, name: str, per_s: float) -> tuple[_Block, float]:
        """Take the next place, or as many as a fast queue has in a moment; return those behind the first, and the
        seconds until it."""
        count = max(1, int(per_s * BLOCK_S))
        with self._database.write() as db:
            now_s = self._clock()
            at_s = _next_at_s(db, name, now_s)
            db.execute("INSERT OR REPLACE INTO queues VALUES (?, ?)", (name, at_s + count * MARGIN / per_s))
        spacing_s = MARGIN / per_s
        # Half a place before the next one's: sums of spacings are not exact.
        return _Block(at_s + spacing_s, at_s + (count - 0.5) * spacing_s, spacing_s), at_s - now_s

    def turn(self, account: str, per_s: float = 20.0) -> Callable[[], None]:
        """Return a function that waits for a place among an account's queries."""
        return lambda: time.sleep(self.place_s(f"query:{account}", per_s))

    def slow_down(self, name: str, pause_s: float) -> None:
        """Nobody takes a place before `pause_s` from now: the service said it is too much."""
        pause_s = min(pause_s, FARTHEST_S - 1)
        with self._lock:
            self._blocks.pop(name, None)
        with self._database.write() as db:
            now_s = self._clock()
            next_at_s = max(_next_at_s(db, name, now_s), now_s + pause_s)
            db.execute("INSERT OR REPLACE INTO queues VALUES (?, ?)", (name, next_at_s))

    def take_slot(self, queue: str, limit: int, job_id: str, owner: str, is_gone: Callable[[str | None], bool]) -> bool:
        """Take one of `limit` slots for a running task; False if none is free, or others have waited longer.

        Every process has one ticket a queue and keeps its place by asking again. A dead owner's slots are free.
        """
        with self._database.write() as db:
            now_s = self._clock()
            if db.execute("SELECT 1 FROM slots WHERE job_id = ?", (job_id,)).fetchone():
                return True
            taken = _slots(db, queue)
            if taken >= limit:
                for (other,) in db.execute("SELECT DISTINCT owner FROM slots WHERE queue = ?", (queue,)).fetchall():
                    if other != owner and is_gone(other):
                        db.execute("DELETE FROM slots WHERE owner = ?", (other,))
                        db.execute("DELETE FROM holders WHERE owner = ?", (other,))
                taken = _slots(db, queue)
            db.execute(
                "INSERT INTO tickets (queue, owner, seen_s) VALUES (?, ?, ?)"
                " ON CONFLICT (queue, owner) DO UPDATE SET seen_s = excluded.seen_s",
                (queue, owner, now_s),
            )
            db.execute(
                "DELETE FROM tickets WHERE queue = ? AND NOT seen_s BETWEEN ? AND ?",
                (queue, now_s - TICKET_LIFE_S, now_s + TICKET_LIFE_S),
            )
            (before,) = db.execute(
                "SELECT COUNT(*) FROM tickets WHERE queue = ? AND number <"
                " (SELECT number FROM tickets WHERE queue = ? AND owner = ?)",
                (queue, queue, owner),
            ).fetchone()
            if before >= limit - taken:
                return False
            db.execute("DELETE FROM tickets WHERE queue = ? AND owner = ?", (queue, owner))
            db.execute("INSERT INTO slots VALUES (?, ?, ?)", (job_id, queue, owner))
            self._show(db, owner, now_s)
        return True

    def hold_slot(self, queue: str, job_id: str, owner: str) -> None:
        """Count a task that runs already, whatever the limit."""
        with self._database.write() as db:
            db.execute("INSERT OR REPLACE INTO slots VALUES (?, ?, ?)", (job_id, queue, owner))
            self._show(db, owner, self._clock())

    def has_slot(self, job_id: str) -> bool:
        """Return whether a job's slot is still its own: those of a process that was stopped may be freed."""
        return bool(self._database.read("SELECT 1 FROM slots WHERE job_id = ?", (job_id,)))

    def free_slot(self, job_id: str) -> None:
        """Give a slot back."""
        with self._database.write() as db:
            db.execute("DELETE FROM slots WHERE job_id = ?", (job_id,))

    def beat(self, owner: str) -> None:
        """Show now and then that a process which has slots goes on."""
        due_s = self._next_beat_s.get(owner)
        if due_s is not None and time.monotonic() >= due_s:
            with self._database.write() as db:
                self._show(db, owner, self._clock())

    def _show(self, db: sqlite3.Connection, owner: str, now_s: float) -> None:
        self._next_beat_s[owner] = time.monotonic() + BEAT_S
        db.execute("INSERT OR REPLACE INTO holders VALUES (?, ?, ?, ?)", (owner, os.getpid(), _command(), now_s))

    def holders(self, queue: str) -> list[Holder]:
        """Return who has slots of a queue."""
        now_s = self._clock()
        rows = self._database.read(
            "SELECT pid, command, seen_s, job_id FROM slots JOIN holders USING (owner) WHERE queue = ?"
            " ORDER BY seen_s, owner, job_id",
            (queue,),
        )
        found: dict[tuple[int, str, float], list[str]] = {}
        for row in rows:
            found.setdefault((row["pid"], row["command"], row["seen_s"]), []).append(row["job_id"])
        return [
            Holder(pid, command, seen_s, not abs(now_s - seen_s) <= SILENT_S, tuple(job_ids))
            for (pid, command, seen_s), job_ids in found.items()
        ]

    def leave(self, owner: str) -> None:
        """Give everything back that a process holds or waits for."""
        with self._database.write() as db:
            db.execute("DELETE FROM slots WHERE owner = ?", (owner,))
            db.execute("DELETE FROM tickets WHERE owner = ?", (owner,))
            db.execute("DELETE FROM holders WHERE owner = ?", (owner,))
        self._next_beat_s.pop(owner, None)

    def close(self) -> None:
        self._database.close()


def _command() -> str:
    """Return how this process was called, short. No option takes a key."""
    words = [Path(sys.argv[0]).name, *sys.argv[1:]] if sys.argv else []
    return " ".join(words)[:COMMAND_CHARS].encode("utf-8", "replace").decode("utf-8")  # names of other encodings


def _slots(db: sqlite3.Connection, queue: str) -> int:
    (count,) = db.execute("SELECT COUNT(*) FROM slots WHERE queue = ?", (queue,)).fetchone()
    return int(count)


def _next_at_s(db: sqlite3.Connection, name: str, now_s: float) -> float:
    """Return when the queue's next place is: now, if none is taken or the clock has jumped."""
    row = db.execute("SELECT next_at_s FROM queues WHERE name = ?", (name,)).fetchone()
    next_at_s = float(row["next_at_s"]) if row else 0.0
    return next_at_s if now_s < next_at_s < now_s + FARTHEST_S else now_s
