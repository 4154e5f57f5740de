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
# After so long without a step begun all of them wait for the network. With some begun one more is of use, but where
# they keep a processor busy: Python runs one at a time.
STUCK_S = 0.03
BUSY_SHARE = 0.6
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
        self._waits_since_s = self._begun_s = -math.inf
        """Since when steps wait, and when one was last begun (monotonic)."""
        self._looked_s, self._used_s = -math.inf, 0.0
        """When it was last looked whether steps wait, and how much CPU had been used then."""

    def put(self, job: Job, step: Step) -> None:
        """Let a step be done. Any thread."""
        if self._todo.empty():
            self._waits_since_s = self._clock.monotonic()
        self._todo.put((job, step))

    def start_few(self, under_way: int) -> None:
        """Have a thread or two for what is about to be put."""
        if self._threads < min(FEW_THREADS, under_way):
            self._add()

    def keep_up(self, calls: int) -> bool:
        """Start more threads if steps wait for them, beside as many `calls` at most; return whether any waits."""
        waiting, most = self._todo.qsize(), self._most + calls
        if not waiting or self._threads >= most:
            return False
        now_s = self._clock.monotonic()
        if now_s - self._waits_since_s >= STUCK_S:
            is_stuck, is_busy = now_s - self._begun_s >= STUCK_S, self._is_busy(now_s)
            wanted = min(waiting, most - self._threads) if is_stuck else int(not is_busy)
            while wanted and self._add():
                wanted -= 1
            self._waits_since_s = now_s
        return True

    def _is_busy(self, now_s: float) -> bool:
        """Return whether this process has kept a processor busy since this was asked before."""
        used_s = time.process_time()
        busy = used_s - self._used_s >= BUSY_SHARE * (now_s - self._looked_s)
        self._looked_s, self._used_s = now_s, used_s
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
        while (todo := self._todo.get()) is not None:
            self._begun_s = self._clock.monotonic()
            self._work(*todo)
