"""The sandbox's clock: it goes as the computer's does, and can be put forward."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

MOST_S = 10 * 365 * 24 * 3600.0


class Clock:
    """Epoch seconds when called; may be used from any thread.

    Args:
        base: the clock that goes by itself.
    """

    def __init__(self, base: Callable[[], float]) -> None:
        self._base = base
        self._ahead_s = 0.0
        self._lock = threading.Lock()
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    def __call__(self) -> float:
        return self._base() + self._ahead_s

    @property
    def ahead_s(self) -> float:
        """How far it is before the computer's."""
        return self._ahead_s

    def advance(self, by_s: float) -> None:
        """Put it forward; whoever waits for a moment that has now come goes on.

        Raises:
            ValueError: it goes neither back nor further than ten years.
        """
        if not 0 <= by_s <= MOST_S:
            raise ValueError(f"advance_s is a number from 0 to {MOST_S:.0f}")
        with self._lock:
            self._ahead_s += by_s
            waiting = list(self._waiting.items())
        for event, loop in waiting:
            loop.call_soon_threadsafe(event.set)

    def reset(self) -> None:
        with self._lock:
            self._ahead_s = 0.0

    async def until(self, moment: float) -> None:
        """Sleep until it shows that moment."""
        while (left_s := moment - self()) > 0:
            moved = asyncio.Event()
            with self._lock:
                self._waiting[moved] = asyncio.get_running_loop()
            try:
                await asyncio.wait_for(moved.wait(), left_s)
            except asyncio.TimeoutError:
                continue
            finally:
                with self._lock:
                    del self._waiting[moved]
