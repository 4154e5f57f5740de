"""Clocks that go as a test says: only when it moves them, or all at once when something has happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from bailian.clock import current_clock, timed_by


class Clock:
    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


SOON_S = 15.0
"""A deadline that is over when `deadline_comes_when` says so: longer than a busy machine needs to get there."""
JUMP_S = 16.0
"""Less than what any request may take: one that is under way at the jump goes on."""


@contextmanager
def deadline_comes_when(happened: Callable[[], object]) -> Iterator[None]:
    """Let a deadline of `SOON_S` be over once something has happened, and not before: the clock jumps over it."""
    jump_s = 0.0

    def monotonic() -> float:
        nonlocal jump_s
        jump_s = jump_s or (JUMP_S if happened() else 0.0)
        return time.monotonic() + jump_s

    with timed_by(replace(current_clock(), monotonic=monotonic)):
        yield
