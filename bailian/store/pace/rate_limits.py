"""When the next request may leave: one queue a limit, served in turn, over all processes.

pyrate-limiter's shared bucket was measured against it (2026-11): it costs 0.12 s at import, starts a thread, and serves
whoever asks next instead of whoever asked first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from bailian.store.backends.database import Database, Statements

# Requests are spaced wider than the limit: a busy machine or the network may bring them closer together again.
SPACING = 1.15
# Of many in a second one too many is told by a 429, which costs nothing but a moment: fast queues keep less apart, until
# the service has said so, and then as much as slow ones for a while.
FAST_SPACING, FAST_PER_S, WIDE_FOR_S = 1.06, 8.0, 600.0
# What is too much in a second is always a few hundredths of it; of a queue as fast as this they are several requests.
FASTEST_SPACING, FASTEST_PER_S = 1.04, 40.0
# A place further away than this is a clock that jumped, not a queue: a process takes one at a time.
FARTHEST_S = 600.0
# Of a queue that goes faster than 1 / BLOCK_S a second, a process takes the places of so long at once.
BLOCK_S = 0.05
_PUT = (
    "INSERT INTO queues (name, next_at_s) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET next_at_s = excluded.next_at_s"
)


@dataclass
class PermitBlock:
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


class RateLimiter:
    """Queues by name, such as "submit:wan2.2-t2i-flash" or "query"."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._blocks: dict[str, PermitBlock] = {}

    def reserve(self, name: str, per_s: float | None) -> float:
        """Take the next place; return how many seconds to wait for it (0: now)."""
        if not per_s:
            return 0.0
        with self._lock:
            wait_s = self._from_block(name)
            if wait_s is None:
                self._blocks[name], wait_s = self._new_block(name, per_s)
            return wait_s

    def reserve_later(self, name: str, per_s: float, late_s: float) -> float:
        """Exchange a place that passed `late_s` ago for another; return how many seconds to wait for that.

        Whoever comes late would leave together with those behind. If nobody is behind, the place is put off.
        """
        with self._lock:
            wait_s = self._from_block(name)
            if wait_s is not None:  # a place of this process's own is free: nobody else need be asked
                return wait_s
        with self._lock:
            if self._database.again(lambda: self._put_off(name, per_s, late_s)):
                self._blocks.pop(name, None)
                return 0.0
        return self.reserve(name, per_s)

    def _put_off(self, name: str, per_s: float, late_s: float) -> bool:
        """Put a place off until now if nobody is behind it; return whether it was."""
        with self._database.transaction(_lock(name)) as db:
            now_s = self._clock()
            row = db.execute("SELECT next_at_s FROM queues WHERE name = ?", (name,)).fetchone()
            spacing_s = _spacing_s(db, name, per_s, now_s)
            is_last = row is None or row["next_at_s"] <= now_s - late_s + spacing_s + 0.001
            if is_last:
                db.execute(_PUT, (name, now_s + spacing_s))
        return is_last

    def is_first(self, name: str, every_s: float) -> bool:
        """Return whether nobody has asked this for so long: of all processes one does what it asks for."""
        return self._database.again(lambda: self._is_first(name, every_s))

    def _is_first(self, name: str, every_s: float) -> bool:
        with self._database.transaction(_lock(name)) as db:
            now_s = self._clock()
            if _next_at_s(db, name, now_s) > now_s:
                return False
            db.execute(_PUT, (name, now_s + every_s))
        return True

    def _from_block(self, name: str) -> float | None:
        """Use a place of this process's own; return how many seconds to wait for it, or None if it has none."""
        block = self._blocks.get(name)
        return None if block is None else block.next_s(self._clock())

    def _new_block(self, name: str, per_s: float) -> tuple[PermitBlock, float]:
        """Take the next place, or as many as a fast queue has in a moment; return those behind the first, and the
        seconds until it."""
        return self._database.again(lambda: self._next_places(name, per_s))

    def _next_places(self, name: str, per_s: float) -> tuple[PermitBlock, float]:
        count = max(1, int(per_s * BLOCK_S))
        with self._database.transaction(_lock(name)) as db:
            now_s = self._clock()
            at_s, spacing_s = _next_at_s(db, name, now_s), _spacing_s(db, name, per_s, now_s)
            db.execute(_PUT, (name, at_s + count * spacing_s))
        # Half a place before the next one's: sums of spacings are not exact.
        return PermitBlock(at_s + spacing_s, at_s + (count - 0.5) * spacing_s, spacing_s), at_s - now_s

    def query_turn(self, account: str, sleep: Callable[[float], None], per_s: float = 20.0) -> Callable[[], None]:
        """Return a function that waits for a place among an account's queries."""
        return lambda: sleep(self.reserve(f"query:{account}", per_s))

    def penalize(self, name: str, pause_s: float) -> None:
        """Nobody takes a place before `pause_s` from now: the service said it is too much."""
        pause_s = min(pause_s, FARTHEST_S - 1)
        with self._lock:
            self._blocks.pop(name, None)
        self._database.again(lambda: self._penalize(name, pause_s))

    def _penalize(self, name: str, pause_s: float) -> None:
        with self._database.transaction(_lock(name)) as db:
            now_s = self._clock()
            next_at_s = max(_next_at_s(db, name, now_s), now_s + pause_s)
            rows = [(name, next_at_s), (_wide(name), now_s + WIDE_FOR_S)]
            db.executemany(_PUT, rows)


def spacing(per_s: float) -> float:
    """Return how much wider than the limit requests are spaced, where none was refused lately."""
    if per_s >= FASTEST_PER_S:
        return FASTEST_SPACING
    return FAST_SPACING if per_s >= FAST_PER_S else SPACING


def _spacing_s(db: Statements, name: str, per_s: float, now_s: float) -> float:
    """Return the seconds between two requests."""
    factor = spacing(per_s)
    if factor != SPACING:
        row = db.execute("SELECT next_at_s FROM queues WHERE name = ?", (_wide(name),)).fetchone()
        if row is not None and now_s < row["next_at_s"] <= now_s + WIDE_FOR_S:
            factor = SPACING
    return factor / per_s


def _lock(name: str) -> str:
    """Return what a queue is locked by: places of one are given one after the other."""
    return f"queue:{name}"


def _wide(name: str) -> str:
    return f"wide:{name}"


def _next_at_s(db: Statements, name: str, now_s: float) -> float:
    """Return when the queue's next place is: now, if none is taken or the clock has jumped."""
    row = db.execute("SELECT next_at_s FROM queues WHERE name = ?", (name,)).fetchone()
    next_at_s = float(row["next_at_s"]) if row else 0.0
    return next_at_s if now_s < next_at_s < now_s + FARTHEST_S else now_s
