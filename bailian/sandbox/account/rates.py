"""Rates of the account: how many requests in how long (D-RATE: per account, all keys together)."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable

TOLERANCE_S = 0.02
"""A client that sends every 1/rate seconds is let through although its packets jitter (a guess)."""

GRANTS_PER_S = 100.0
"""D-OSS: upload grants a second, by account and model."""

SEARCHES_PER_S = 15.0
"""SEARCH: web searches a second, by account."""

CUSTOMIZATIONS_PER_S = 10.0
"""models.json: what is asked about own voices, or hot words, a second."""

QUERIES_PER_S = 20.0
"""D-T2I, D-QI, TASKS: queries a second; shared by query, list and cancel here (not documented which)."""


class Rates:
    """Sliding windows by name. A refused request does not count."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: defaultdict[str, deque[float]] = defaultdict(deque)

    def clear(self) -> None:
        """Forget what was counted."""
        with self._lock:
            self._seen.clear()

    def allows(self, name: str, per_s: float) -> bool:
        """Count one request under that name if the rate allows it.

        Rates below one a second are counted by the minute, as the gateway's header says for qwen-image-max:
        `count_limit: 2, count_limit_period: 60` (CAP multimodal-generation-image header).
        """
        period_s, count = (1.0, round(per_s)) if per_s >= 1 else (60.0, max(1, round(per_s * 60)))
        now = self._clock()
        with self._lock:
            seen = self._seen[name]
            while seen and seen[0] <= now - period_s + TOLERANCE_S:
                seen.popleft()
            if len(seen) >= count:
                return False
            seen.append(now)
            return True
