"""Which tasks run, counted by all processes together: one slot a task, tickets in the order of asking."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bailian.store.backends.database import Database, Statements

# Who waits for a slot asks several times a second; who has not asked for so long is dead or gone.
TICKET_LIFE_S = 10.0
# A process that holds slots shows so often that it goes on; one that has not for so long is stopped (Ctrl-Z, a debugger).
BEAT_S = 3.0
SILENT_S = 15.0
COMMAND_CHARS = 60
# Tasks of a machine that died go on at the service. Who takes its jobs over counts them as his own by then.
KEPT_AFTER_DEATH_S = 300.0
FOR_EVER_S = 1e12
_PUT_SLOT = (
    "INSERT INTO slots (job_id, queue, owner) VALUES (?, ?, ?)"
    " ON CONFLICT (job_id) DO UPDATE SET queue = excluded.queue, owner = excluded.owner"
)
_PUT_HOLDER = (
    "INSERT INTO holders (owner, pid, command, seen_s) VALUES (?, ?, ?, ?) ON CONFLICT (owner)"
    " DO UPDATE SET pid = excluded.pid, command = excluded.command, seen_s = excluded.seen_s"
)


class Holder(NamedTuple):
    """A process that has slots of a queue."""

    pid: int
    command: str
    seen_s: float
    """When it last showed that it goes on."""
    is_silent: bool
    job_ids: tuple[str, ...]


class ConcurrencyLimiter:
    """Slots by queue, such as "submit:wan2.2-t2i-flash"."""

    def __init__(self, database: Database, clock: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._database = database
        self._clock, self._monotonic = clock, monotonic
        self._next_beat_s: dict[str, float] = {}
        self._asked_s, self._judges_from_s = monotonic(), 0.0
        """When this process last asked, and from when on it may call others silent (monotonic)."""

    def acquire(self, queue: str, limit: int, job_id: str, owner: str, is_dead: Callable[[str | None], bool]) -> bool:
        """Take one of `limit` slots for a running task; False if none is free, or others have waited longer.

        Every process has one ticket a queue and keeps its place by asking again. A dead owner's slots are free: at once
        on one machine, whose next process looks after the tasks; among several those who take its jobs over take them.
        """
        got_it = self._database.again(lambda: self._acquire(queue, limit, job_id, owner, is_dead))
        asked_before_s, self._asked_s = self._asked_s, self._monotonic()
        # It stood still, or the journal was away: others show themselves now.
        if self._asked_s - asked_before_s > SILENT_S / 2:
            self._judges_from_s = self._asked_s + SILENT_S
        return got_it

    def _acquire(self, queue: str, limit: int, job_id: str, owner: str, is_dead: Callable[[str | None], bool]) -> bool:
        with self._database.transaction(f"slots:{queue}") as db:
            now_s = self._clock()
            if db.execute("SELECT 1 FROM slots WHERE job_id = ?", (job_id,)).fetchone():
                return True
            taken = _slots(db, queue)
            if taken >= limit:
                for other in self._perhaps_dead(db, queue, now_s):
                    if other != owner and is_dead(other):
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
            db.execute(_PUT_SLOT, (job_id, queue, owner))
            self._show(db, owner, now_s)
        return True

    def _perhaps_dead(self, db: Statements, queue: str, now_s: float) -> list[str]:
        seen_before_s = now_s - KEPT_AFTER_DEATH_S if self._database.is_shared else FOR_EVER_S
        rows = db.execute(
            "SELECT DISTINCT slots.owner FROM slots LEFT JOIN holders ON holders.owner = slots.owner"
            " WHERE queue = ? AND COALESCE(seen_s, 0) < ? ORDER BY slots.owner",  # two of them do not wait for each other
            (queue, seen_before_s),
        )
        return [owner for (owner,) in rows.fetchall()]

    def adopt(self, queue: str, job_id: str, owner: str) -> None:
        """Count a task that runs already, whatever the limit."""
        self._database.again(lambda: self._adopt(queue, job_id, owner))

    def _adopt(self, queue: str, job_id: str, owner: str) -> None:
        with self._database.transaction() as db:
            db.execute(_PUT_SLOT, (job_id, queue, owner))
            self._show(db, owner, self._clock())

    def holds(self, job_id: str) -> bool:
        """Return whether a job's slot is still its own: those of a process that was stopped may be freed."""
        return bool(self._database.read("SELECT 1 FROM slots WHERE job_id = ?", (job_id,)))

    def release(self, job_id: str) -> None:
        """Give a slot back."""
        self._database.execute("DELETE FROM slots WHERE job_id = ?", (job_id,))

    def beat(self, owner: str) -> None:
        """Show now and then that a process which has slots goes on."""
        due_s = self._next_beat_s.get(owner)
        if due_s is not None and self._monotonic() >= due_s:
            self._database.again(lambda: self._beat(owner))

    def _beat(self, owner: str) -> None:
        with self._database.transaction() as db:
            self._show(db, owner, self._clock())

    def _show(self, db: Statements, owner: str, now_s: float) -> None:
        self._next_beat_s[owner] = self._monotonic() + BEAT_S
        db.execute(_PUT_HOLDER, (owner, os.getpid(), _command(), now_s))

    def holders(self, queue: str) -> list[Holder]:
        """Return who has slots of a queue."""
        now_s = self._clock()
        rows = self._database.read(
            "SELECT pid, command, seen_s, job_id FROM slots JOIN holders USING (owner) WHERE queue = ?"
            " ORDER BY seen_s, owner, job_id",
            (queue,),
        )
        judges = self._monotonic() >= self._judges_from_s
        found: dict[tuple[int, str, float], list[str]] = {}
        for row in rows:
            found.setdefault((row["pid"], row["command"], row["seen_s"]), []).append(row["job_id"])
        return [
            Holder(pid, command, seen_s, judges and not abs(now_s - seen_s) <= SILENT_S, tuple(job_ids))
            for (pid, command, seen_s), job_ids in found.items()
        ]

    def leave(self, owner: str) -> None:
        """Give everything back that a process holds or waits for."""
        self._database.again(lambda: self._leave(owner))
        self._next_beat_s.pop(owner, None)

    def _leave(self, owner: str) -> None:
        with self._database.transaction() as db:
            db.execute("DELETE FROM slots WHERE owner = ?", (owner,))
            db.execute("DELETE FROM tickets WHERE owner = ?", (owner,))
            db.execute("DELETE FROM holders WHERE owner = ?", (owner,))


def _command() -> str:
    """Return how this process was called, short. No option takes a key."""
    words = [Path(sys.argv[0]).name, *sys.argv[1:]] if sys.argv else []
    return " ".join(words)[:COMMAND_CHARS].encode("utf-8", "replace").decode("utf-8")  # names of other encodings


def _slots(db: Statements, queue: str) -> int:
    (count,) = db.execute("SELECT COUNT(*) FROM slots WHERE queue = ?", (queue,)).fetchone()
    return int(count)
