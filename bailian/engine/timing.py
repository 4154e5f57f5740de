"""When to ask again. Arithmetic only: no clock, no sleep, no I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

FIRST_POLL_S = 1.0
SHORTEST_POLL_S = 0.25
LONGEST_POLL_S = 10.0
BACKOFF_LONGEST_S = 60.0
# Asked a moment after the expected end rather than before it: one question instead of two.
AFTER_EXPECTED_S = 0.08


# One task shows how long they take, not how evenly: half of the next ones are over before it. Of fewer than so many the
# low and the high are drawn apart, at most by this share; a task that is over early is seen soon, for a query or two.
ENOUGH_DURATIONS = 10
FEW_UNSURE = 0.5


# How soon a list shows what was made is not documented: what stays out of it over so many looks is absent (a minute in
# all; a guess).
LOOK_PAUSES_S = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)


@dataclass(frozen=True)
class DurationProfile:
    """How long tasks of a model run at the service, in seconds: most end between `low_s` and `high_s`."""

    low_s: float
    median_s: float
    high_s: float


def duration_profile(durations_s: Sequence[float]) -> DurationProfile | None:
    """Return what the last tasks show, or None if there were none."""
    if not durations_s:
        return None
    ordered, last = sorted(durations_s), len(durations_s) - 1
    low, median, high = (ordered[round(last * part)] for part in (0.1, 0.5, 0.9))
    unsure = FEW_UNSURE * max(0.0, 1 - len(ordered) / ENOUGH_DURATIONS)
    return DurationProfile((1 - unsure) * low, median, (1 + unsure) * high)


def next_poll_s(
    elapsed_s: float,
    known: DurationProfile | None,
    *,
    running_since_s: float | None = None,
    typical_s: float | None = None,
) -> float:
    """Return the pause before the next question.

    Args:
        elapsed_s: since the task was submitted.
        known: this model's usual duration, from the journal.
        running_since_s: when it left the queue, on the same scale; None while it is queued or unknown.
        typical_s: the catalog's figure, for a model that this journal has not seen yet.
    """
    if known is None:
        if elapsed_s <= 0:
            return max(FIRST_POLL_S, 0.1 * (typical_s or 0.0))
        return _within(0.15 * elapsed_s, 0.5, LONGEST_POLL_S)
    ran_s = elapsed_s - (running_since_s or 0.0)
    first_s = known.low_s + AFTER_EXPECTED_S
    if ran_s < first_s - SHORTEST_POLL_S / 2:
        return first_s - ran_s
    if ran_s < known.high_s:
        return _within((known.high_s - known.low_s) / 5, SHORTEST_POLL_S, LONGEST_POLL_S)
    # Later than nearly all: the longer it is overdue, the less one more second matters.
    return _within(SHORTEST_POLL_S + 0.2 * (ran_s - known.high_s), SHORTEST_POLL_S, LONGEST_POLL_S)


def backoff_s(attempt: int, *, retry_after_s: float | None = None, jitter: float = 0.5) -> float:
    """Return the pause before attempt number `attempt` + 1 (first is 0): 1, 2, 4 … 60 s, ±25 % by `jitter` in [0, 1].

    The server's own spec wins when it is longer.
    """
    pause_s = min(BACKOFF_LONGEST_S, 2.0 ** min(attempt, 10)) * (0.75 + 0.5 * jitter)
    return max(pause_s, retry_after_s or 0.0)


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


# A query is worth so many seconds by which one file comes earlier.
QUERY_WORTH_S = 1.6
SHORTEST_LOOK_S = 0.25


def still_runs(ran_s: float, known: DurationProfile | None) -> float:
    """Return how likely a task is not over after so many seconds."""
    if known is None:  # as likely in the next minute as it was long before
        return FIRST_POLL_S / (FIRST_POLL_S + max(0.0, ran_s))
    if ran_s <= 0:
        return 1.0
    if ran_s < known.low_s:
        return 1.0 - 0.1 * ran_s / known.low_s
    width_s = known.high_s - known.low_s
    if ran_s < known.high_s:
        return 0.9 - 0.8 * (ran_s - known.low_s) / width_s
    tail_s = max(width_s, 0.1 * known.high_s, SHORTEST_POLL_S)
    return 0.1 * tail_s / (tail_s + ran_s - known.high_s)


def ends_between(from_s: float, to_s: float, known: DurationProfile | None) -> float:
    """Return how likely a task that ran after `from_s` seconds is over after `to_s`."""
    return 1.0 - still_runs(max(from_s, to_s), known) / still_runs(from_s, known)


def list_is_cheaper(chances: Iterable[float], pages: int) -> bool:
    """Return whether `pages` of the task list cost less than asking for each task that may be over.

    A query of a task that is over is not lost: it brings the results, and the list does not.

    Args:
        chances: for each task that would be asked for, how likely it is over.
    """
    lost = 0.0
    for chance in chances:
        lost += 1.0 - chance
        if lost > pages:
            return True
    return False


def longest_look_pause_s(ran_s: float, known: DurationProfile | None) -> float:
    """Return the longest pause between looks while a task may be over: a share of what it takes."""
    return _within(0.15 * ran_s if known is None else 0.25 * known.median_s, 0.5, LONGEST_POLL_S)


def look_pause_s(ends_per_s: float, pages: int, longest_s: float = LONGEST_POLL_S) -> float:
    """Return how far apart two looks at the list cost least, in queries and in seconds that files come late.

    In a pause of t seconds n·t tasks end, and each waits t/2 for the next look: n·t²/2 seconds are lost.
    """
    if ends_per_s <= 0:
        return longest_s
    return _within(math.sqrt(2 * QUERY_WORTH_S * pages / ends_per_s), SHORTEST_LOOK_S, longest_s)
