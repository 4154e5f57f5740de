"""How many calls may be under way at once: what each queue asks for (Little's law), and what the machine gives.

A call that waits for its answer costs a thread, a connection and some memory in this process. Arithmetic, and what the
system says of itself; no clock.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bailian.i18n import tr
from bailian.instructions import how_to

MOST_CALLS = 4000
UNKNOWN_RATE_CALLS = 40
"""Of a queue whose rate nobody has told."""
MARGIN, MARGIN_S = 1.25, 0.5
"""So much later than the answers before it the next one may come, and holds nobody up."""
TIMES_LATER = 3.0
"""A service that has answered, and then takes so many times as long, is not asked for more at once."""
QUANTILE = 0.9
FILES_BESIDE = 160
"""Open files for everything else: the journal, results being written, the libraries' own."""
CALL_BYTES = 96 * 1024
"""What a waiting call may keep in memory: twice the 43 KB measured with its thread and connection (2026-11)."""
MEMORY_SHARE = 0.25
"""Of the memory that is free now."""


@dataclass(frozen=True)
class CallCapacity:
    """At most so many calls at once, and what says so."""

    calls: int
    reason: str

    @property
    def text(self) -> str:
        """Return a sentence for the moment when it binds."""
        return tr(
            f"at most {self.calls} answers are waited for at once: {self.reason}",
            f"同时等待的应答最多 {self.calls} 个：{self.reason}",
        )


def call_capacity(asked: int | None = None) -> CallCapacity:
    """Return how many calls this process may have under way; `asked` is the user's own limit.

    The limit of open files is raised as far as the system lets a process raise its own.
    """
    found = [CallCapacity(MOST_CALLS, tr("a process takes no more", "单个进程的上限"))]
    files = _open_files()
    if files is not None:
        calls = max(1, files - FILES_BESIDE)
        more = tr("`ulimit -n` raises it", "可用 `ulimit -n` 提高")
        found.append(
            CallCapacity(calls, tr(f"{files} open files are allowed ({more})", f"允许打开 {files} 个文件（{more}）"))
        )
    free_bytes = _free_memory_bytes()
    if free_bytes is not None:
        calls = max(UNKNOWN_RATE_CALLS, int(free_bytes * MEMORY_SHARE) // CALL_BYTES)
        free_mb = free_bytes // 2**20
        found.append(CallCapacity(calls, tr(f"{free_mb} MB of memory are free", f"可用内存 {free_mb} MB")))
    if asked is not None:
        limit = how_to().calls_limit()
        found.append(CallCapacity(asked, tr(f"you said so ({limit})", f"由 {limit} 指定")))
    return min(found, key=lambda one: one.calls)


def usual_s(answer_times_s: Sequence[float]) -> float | None:
    """Return within what time nearly all answers come; None if there was none."""
    ordered = sorted(answer_times_s)
    return ordered[round(QUANTILE * (len(ordered) - 1))] if ordered else None


def wanted_calls(per_s: float | None, answer_s: float | None, oldest_s: float) -> int:
    """Return how many calls of a queue are under way where only its rate limits it.

    Args:
        per_s: how many requests a second may leave; None: not known.
        answer_s: how long an answer takes; None: not known yet.
        oldest_s: how long the oldest call under way has been waiting: what nobody has answered yet takes longer.
    """
    if not per_s:
        return UNKNOWN_RATE_CALLS
    expected_s = oldest_s if answer_s is None else max(answer_s, min(oldest_s, TIMES_LATER * answer_s))
    return math.ceil(per_s * (MARGIN * expected_s + MARGIN_S))


def shares(wanted: Mapping[str, int], most: int) -> dict[str, int]:
    """Return how many calls each queue may have under way: what it wants, or its part of what there is."""
    total = sum(wanted.values())
    if total <= most:
        return dict(wanted)
    return {name: max(1, most * count // total) for name, count in wanted.items()}


def _open_files() -> int | None:
    try:
        import resource
    except ImportError:  # Windows has no such limit on sockets
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CALLS + FILES_BESIDE
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return None
    most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    with suppress(OSError, ValueError):  # macOS: the kernel's own limit may be lower
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft >= wanted else soft


def _free_memory_bytes() -> int | None:
    """Return what programs may still take: what the kernel reckons, else its free pages; None where neither is told."""
    with suppress(OSError, ValueError, IndexError), Path("/proc/meminfo").open(encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    with suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None
