"""A clock that goes only when a test moves it."""

from __future__ import annotations


class Clock:
    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s
