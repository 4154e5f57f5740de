"""What time it is at the service: its own last `Date`, carried on by this machine's steady clock.

A task's creation is stamped by the service, so the moment of sending must be, too: this machine's clock may be wrong,
and may be put right between the two. Nothing here asks what time this machine believes it is; its clock is only
watched for steps, which also show a machine that slept.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

# `Date` has whole seconds, and the answer was on its way for a while.
SLACK_S = 5.0


class _Reading(NamedTuple):
    server_s: float
    steady_s: float
    wall_s: float


class ServerClock:
    """Shared by all threads that talk to one host."""

    def __init__(self, *, steady: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        """`steady` never steps but may stop while the machine sleeps; `wall` may step."""
        self._steady, self._wall = steady, wall
        self._lock = threading.Lock()
        self._last: _Reading | None = None
        self._sure = False
        self.contradictions = 0
        """How often an answer's date did not fit the last one: what was noted before may be wrong."""

    def heard(self, server_s: float | None) -> None:
        """Take the `Date` of an answer of the service (seconds since the epoch); None: it had none.

        One that contradicts the last (a cached answer, a host whose clock is off) is believed when the next agrees.
        """
        if server_s is None:
            return
        reading = _Reading(server_s, self._steady(), self._wall())
        with self._lock:
            carried_s = self._carried_s(reading)
            self._sure = self._last is None or carried_s is None or abs(server_s - carried_s) <= SLACK_S
            self.contradictions += not self._sure
            self._last = reading

    def now_s(self) -> float | None:
        """Return the service's time in seconds since the epoch, at most `SLACK_S` off; None if it is not known."""
        with self._lock:
            return self._carried_s(_Reading(0.0, self._steady(), self._wall())) if self._sure else None

    def _carried_s(self, now: _Reading) -> float | None:
        """Return the last reading's time, carried on; None if a clock of this machine was set or stood still since."""
        if self._last is None:
            return None
        passed_s = now.steady_s - self._last.steady_s
        stepped = abs(now.wall_s - self._last.wall_s - passed_s) > SLACK_S
        return None if stepped or passed_s < 0 else self._last.server_s + passed_s
