"""What all processes of a home share beside the journal: the account's rates, and which tasks run.

A SQLite file of its own, one short transaction a request: losing it costs nothing but a moment of courtesy, so it is not
fsynced. A place that a killed process had taken is simply not used.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from bailian.store.backends.journal_place import JournalPlace, open_database
from bailian.store.backends.tables import Tables
from bailian.store.pace.rate_limits import RateLimiter
from bailian.store.pace.slots import ConcurrencyLimiter

VERSION = 3
_HOLDERS = """
CREATE TABLE holders (owner TEXT PRIMARY KEY, pid INTEGER NOT NULL, command TEXT NOT NULL, seen_s REAL NOT NULL);
"""
SCHEMA = f"""
CREATE TABLE queues (name TEXT PRIMARY KEY, next_at_s REAL NOT NULL);
CREATE TABLE slots (job_id TEXT PRIMARY KEY, queue TEXT NOT NULL, owner TEXT NOT NULL);
CREATE INDEX slots_by_queue ON slots (queue, owner);
CREATE TABLE tickets (
  number INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, owner TEXT NOT NULL, seen_s REAL NOT NULL,
  UNIQUE (queue, owner)
);
{_HOLDERS}"""
TABLES = Tables("pace", SCHEMA, VERSION, {3: _HOLDERS}, durable=False)


class SharedLimits:
    """The limits of an account: `rates` says when the next request may leave, `slots` how many tasks may run."""

    def __init__(
        self,
        place: JournalPlace | Path,
        *,
        clock: Callable[[], float] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.database = open_database(JournalPlace.of(place), TABLES)
        clock = clock or self.database.now_s
        self.rates = RateLimiter(self.database, clock)
        self.slots = ConcurrencyLimiter(self.database, clock, monotonic)

    def close(self) -> None:
        self.database.close()
