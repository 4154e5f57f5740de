"""The machine's clock and its sleep, as one argument. No other module asks the system for the time, or sleeps.

The command line and the Python API hand it to the engine, which hands it on. A test gives another one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

VENDOR_ZONE = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Clock:
    """What time it is, and how to wait."""

    wall: Callable[[], float] = time.time
    """Seconds since the epoch. It may step."""
    monotonic: Callable[[], float] = time.monotonic
    """Never steps, but may stand still while the machine sleeps."""
    sleep: Callable[[float], None] = time.sleep
    pause_scale: float = 1.0
    """Every pause before something is tried or asked again is multiplied by this. Only tests make it less than 1."""
    today: date | None = None
    """The day at the vendor's; None: that of `wall`."""

    def pause_s(self, pause_s: float) -> float:
        """Return how long to wait for a pause that is meant to have `pause_s` seconds."""
        return pause_s * self.pause_scale

    def day(self) -> date:
        """Return the date at the vendor's, whose models retire at midnight there (UTC+8)."""
        return self.today or datetime.fromtimestamp(self.wall(), VENDOR_ZONE).date()


SYSTEM_CLOCK = Clock()

_current = SYSTEM_CLOCK


def current_clock() -> Clock:
    """Return the clock of whoever runs the engine: the machine's, unless `timed_by` says otherwise."""
    return _current


@contextmanager
def timed_by(clock: Clock) -> Iterator[None]:
    """Let another clock tell the time meanwhile. For a whole process: the engine's threads ask it, too."""
    global _current
    before, _current = _current, clock
    try:
        yield
    finally:
        _current = before
