"""The account's rates, kept by all processes together: everyone takes a place in one queue per limit.

A table in a SQLite file of its own, one short transaction a request. pyrate-limiter's shared bucket was
measured against it (2026-11): it costs 0.12 s at import, starts a thread, and serves whoever asks next
instead of whoever asked first. A place that a killed process had taken is simply not used.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from bailian.database import Database

FILE_NAME = "pace.sqlite3"
SCHEMA = "CREATE TABLE queues (name TEXT PRIMARY KEY, next_at_s REAL NOT NULL);"
# Requests are spaced a little wider than the limit: the network may bring them closer together again.
MARGIN = 1.05
# A place further away than this is a clock that jumped, not a queue.
FARTHEST_S = 24 * 3600


class Pace:
    """Queues by name, such as "submit:wan2.2-t2i-flash" or "query"."""

    def __init__(self, home: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(home / FILE_NAME, SCHEMA, 1, durable=False)
        self._clock = clock

    def place_s(self, name: str, per_s: float | None) -> float:
        """Take the next place; return how many seconds to wait for it (0: now)."""
        if not per_s:
            return 0.0
        with self._database.write() as db:
            now_s = self._clock()
            at_s = _next_at_s(db, name, now_s)
            db.execute("INSERT OR REPLACE INTO queues VALUES (?, ?)", (name, at_s + MARGIN / per_s))
        return float(at_s - now_s)

    def turn(self, account: str, per_s: float = 20.0) -> Callable[[], None]:
        """Return a function that waits for a place among an account's queries."""
        return lambda: time.sleep(self.place_s(f"query:{account}", per_s))

    def slow_down(self, name: str, pause_s: float) -> None:
        """Nobody takes a place before `pause_s` from now: the service said it is too much."""
        with self._database.write() as db:
            now_s = self._clock()
            next_at_s = max(_next_at_s(db, name, now_s), now_s + pause_s)
            db.execute("INSERT OR REPLACE INTO queues VALUES (?, ?)", (name, next_at_s))

    def close(self) -> None:
        self._database.close()


def _next_at_s(db: sqlite3.Connection, name: str, now_s: float) -> float:
    """Return when the queue's next place is: now, if none is taken or the clock has jumped."""
    row = db.execute("SELECT next_at_s FROM queues WHERE name = ?", (name,)).fetchone()
    next_at_s = float(row["next_at_s"]) if row else 0.0
    return next_at_s if now_s < next_at_s < now_s + FARTHEST_S else now_s
