"""The threads that wait for the network: few where answers come at once, as many as there are calls where they do not.

A thread that runs beside others pays for each system call with a change of thread: sixty that share what two could do
take twice the CPU. So a new one is started only when steps have waited for a moment.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable

from bailian.clock import Clock
from bailian.engine.job import Job
from bailian.engine.step import Step

# Beside those that wait for the answers of calls.
THREADS = 64
FEW_THREADS = 2
# One that has been at its step for so long waits for the network, and so do the others: each step gets a thread at once.
WAITS_S = 0.05
# Before that: where no step was begun between two looks, the scheduler asleep meanwhile, none of them gets on. Much later
# the request would lose its place among the submits (`admit.MOST_LATE`).
STUCK_S = 0.02
# Where some were begun and others wait all the same for so long, one more is of use, but where they keep a processor
# busy: Python runs one at a time.
SLOW_S, BUSY_SHARE = 0.02, 0.6
# JSON of others is read to 64 levels; the system's own 8 MB would be 24 GB of addresses for 3,000 threads.
STACK_BYTES = 512 * 1024


class StepThreads:
    """Does steps, each in the first thread that is free. The scheduler's thread starts threads; any gives them steps."""

    def __init__(
        self,
        work: Callable[[Job, Step], None],
        clock: Clock,
        on_short: Callable[[int], None],
        *,
        threads: int = THREADS,
    ) -> None:
        """`on_short` hears how many threads there are when the system starts no more."""
        self._work = work
        self._clock = clock
        self._on_short = on_short
        self._most = threads
        self._threads = 0
        self._todo: queue.SimpleQueue[tuple[Job, Step] | None] = queue.SimpleQueue()
        self._at_work: dict[int, float] = {}
        """The threads that are at a step, the longest first, and since when (monotonic)."""
        self._waits_since_s = self._begun_s = -math.inf
        """Since when steps wait, and when one was last begun (monotonic)."""
        self._seen: tuple[float, float] | None = None
        """When it was looked for the first time since a step was begun, and when that was."""
        self._asked_s, self._used_s = -math.inf, 0.0
        """When it was last asked whether a processor is busy, and how much CPU had been used then."""

    def put(self, job: Job, step: Step) -> None:
        """Let a step be done. Any thread."""
        if self._todo.empty():
            self._waits_since_s = self._clock.monotonic()
        self._todo.put((job, step))

    def start_few(self, under_way: int) -> None:
        """Have a thread or two for what is about to be put."""
        if self._threads < min(FEW_THREADS, under_way, self._most or 1):
            self._add()

    def keep_up(self, calls: int) -> bool:
        """Start more threads if steps wait for them, beside as many `calls` at most; return whether any waits."""
        waiting, most = self._todo.qsize(), self._most + calls
        if not waiting or self._threads >= most:
            self._seen = None
            return False
        now_s = self._clock.monotonic()
        wanted = min(self._wanted(now_s, waiting), most - self._threads)
        while wanted and self._add():
            wanted -= 1
        return True

    def _wanted(self, now_s: float, waiting: int) -> int:
        """Return how many more threads are of use."""
        idle = self._threads - len(self._at_work)
        if now_s - self._oldest_s(now_s) >= WAITS_S:
            return max(0, waiting - idle)
        if self._seen is None or self._seen[1] != self._begun_s:
            self._seen = now_s, self._begun_s
        elif now_s - self._seen[0] >= STUCK_S:
            self._seen = None
            return waiting
        if now_s - self._waits_since_s < SLOW_S:
            return 0
        self._waits_since_s = now_s
        return int(not self._is_busy(now_s))

    def _oldest_s(self, now_s: float) -> float:
        """Return since when the thread that has been longest at its step is at it."""
        try:
            return next(iter(self._at_work.values()), now_s)
        except RuntimeError:  # one has begun or ended in this very moment
            return now_s

    def _is_busy(self, now_s: float) -> bool:
        """Return whether this process has kept a processor busy since this was asked before."""
        used_s = time.process_time()
        busy = used_s - self._used_s >= BUSY_SHARE * (now_s - self._asked_s)
        self._asked_s, self._used_s = now_s, used_s
        return busy

    @property
    def is_behind(self) -> bool:
        """Return whether a step waits for a thread."""
        return not self._todo.empty()

    def close(self) -> None:
        """End the threads after what they are at."""
        for _ in range(self._threads):
            self._todo.put(None)

    def _add(self) -> bool:
        """Start one more thread; return whether the system did. Thousands that wait need small stacks; what is read on them is shallow."""
        size_before = threading.stack_size(STACK_BYTES)
        try:
            # Daemons: a request that nobody waits for any more must not keep the process alive.
            threading.Thread(target=self._run, name=f"bailian-{self._threads + 1}", daemon=True).start()
        except RuntimeError:  # the system gives no more; a step waits for one of those that there are
            if not self._threads:
                raise
            self._most = 0  # from here on there are as many as the calls ask for: half of those that there are
            self._on_short(self._threads)
            return False
        finally:
            threading.stack_size(size_before)
        self._threads += 1
        return True

    def _run(self) -> None:
        own = threading.get_ident()
        while (todo := self._todo.get()) is not None:
            self._begun_s = self._at_work[own] = self._clock.monotonic()
            self._work(*todo)
            del self._at_work[own]
