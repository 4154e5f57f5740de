"""When to ask again: arithmetic that never asks too early, too often, or never."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.engine import timing
from bailian.engine.timing import (
    DurationProfile,
    backoff_s,
    duration_profile,
    ends_between,
    list_is_cheaper,
    longest_look_pause_s,
    look_pause_s,
    next_poll_s,
    still_runs,
)

SECONDS = st.floats(0, 1e6)
LONGEST_BACKOFF_S = timing.BACKOFF_LONGEST_S * 1.25


@st.composite
def usuals(draw: st.DrawFn) -> DurationProfile:
    low_s, median_s, high_s = sorted(draw(SECONDS) for _ in range(3))
    return DurationProfile(low_s, median_s, high_s)


def test_no_history_knows_nothing() -> None:
    """Before the first task of a model nothing is usual."""
    assert duration_profile([]) is None


def test_one_task_is_a_history_that_is_little_sure() -> None:
    """After one task its duration is what is usual; how evenly they take so long, it does not show."""
    known = duration_profile([10.0])
    assert known is not None
    assert (known.low_s, known.median_s, known.high_s) == pytest.approx((5.5, 10.0, 14.5))


def test_ten_tasks_show_how_evenly_they_run() -> None:
    assert duration_profile([10.0] * 10) == DurationProfile(10.0, 10.0, 10.0)


def test_most_tasks_end_between_low_and_high() -> None:
    """The lowest and the highest tenth do not count."""
    assert duration_profile([float(i) for i in range(101)]) == DurationProfile(10, 50, 90)


@given(st.lists(SECONDS, min_size=1))
def test_low_median_high_are_in_order(durations_s: list[float]) -> None:
    """Whatever the journal holds, low ≤ median ≤ high, within what was seen or, of few, half as much around it."""
    known = duration_profile(durations_s)
    assert known is not None
    slack_s = 1e-6 * max(1.0, *durations_s)
    unsure = 0.0 if len(durations_s) >= timing.ENOUGH_DURATIONS else timing.FEW_UNSURE
    assert (1 - unsure) * min(durations_s) - slack_s <= known.low_s <= known.median_s + slack_s
    assert known.median_s - slack_s <= known.high_s <= (1 + unsure) * max(durations_s) + slack_s


@given(SECONDS, st.none() | st.floats(0, 3600))
def test_an_unknown_model_is_asked_within_bounds(elapsed_s: float, typical_s: float | None) -> None:
    """Without history the pause is never negative and grows to ten seconds, or a tenth of the typical time."""
    pause_s = next_poll_s(elapsed_s, None, typical_s=typical_s)
    assert 0.5 <= pause_s <= max(timing.LONGEST_POLL_S, 0.1 * (typical_s or 0))


@given(SECONDS, usuals(), st.none() | st.floats(0, 1))
def test_a_known_model_is_asked_within_bounds(elapsed_s: float, known: DurationProfile, started: float | None) -> None:
    """The pause is never negative, never a burst, and ends when most tasks have ended."""
    pause_s = next_poll_s(elapsed_s, known, running_since_s=None if started is None else started * elapsed_s)
    assert pause_s >= timing.SHORTEST_POLL_S / 2 - 1e-6
    assert pause_s <= max(timing.LONGEST_POLL_S, known.high_s + timing.AFTER_EXPECTED_S)


def test_the_first_question_comes_when_an_answer_is_likely() -> None:
    """Just after the time by which a tenth of the tasks have ended, counted from when it began to run."""
    known = DurationProfile(10, 12, 20)
    assert next_poll_s(0, known) == pytest.approx(10 + timing.AFTER_EXPECTED_S)
    assert next_poll_s(4, known) == pytest.approx(6 + timing.AFTER_EXPECTED_S)
    assert next_poll_s(34, known, running_since_s=30) == pytest.approx(6 + timing.AFTER_EXPECTED_S)


def test_in_the_likely_time_it_is_asked_often() -> None:
    """A few questions between low and high, but never a burst."""
    assert next_poll_s(12, DurationProfile(10, 12, 20)) == pytest.approx(2)
    assert next_poll_s(10.05, DurationProfile(10, 10.1, 10.2)) == timing.SHORTEST_POLL_S


def test_minutes_between_low_and_high_are_no_reason_to_come_late() -> None:
    assert next_poll_s(100, DurationProfile(60, 180, 300)) == timing.LONGEST_POLL_S


def test_an_overdue_task_is_asked_ever_more_seldom() -> None:
    """The pauses grow with the delay, up to ten seconds."""
    pauses = [next_poll_s(at_s, DurationProfile(10, 12, 20)) for at_s in (20, 25, 40, 100, 10_000)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == timing.LONGEST_POLL_S


def test_the_catalogs_figure_is_used_for_a_new_model() -> None:
    """A model that usually takes minutes is not asked after a second."""
    assert (next_poll_s(0, None), next_poll_s(0, None, typical_s=300)) == (timing.FIRST_POLL_S, 30)


def test_back_off_doubles_up_to_a_minute() -> None:
    """1, 2, 4 … 60 seconds in the middle of the jitter."""
    assert [backoff_s(i) for i in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_jitter_spreads_by_a_quarter() -> None:
    """A hundred clients that failed together do not come back together."""
    assert (backoff_s(2, jitter=0.0), backoff_s(2, jitter=1.0)) == (3, 5)


def test_the_servers_wish_wins_when_it_is_longer() -> None:
    """Retry-After is a lower bound, not a replacement."""
    assert (backoff_s(0, retry_after_s=30), backoff_s(6, retry_after_s=1)) == (30, 60)


@given(st.integers(0, 10**9), st.none() | st.floats(0, 3600), st.floats(0, 1))
def test_back_off_is_bounded(attempt: int, retry_after_s: float | None, jitter: float) -> None:
    """Never negative, never below the server's spec, never above both limits."""
    pause_s = backoff_s(attempt, retry_after_s=retry_after_s, jitter=jitter)
    assert 0.75 <= pause_s <= max(LONGEST_BACKOFF_S, retry_after_s or 0)
    assert pause_s >= (retry_after_s or 0)


@given(SECONDS, SECONDS, st.none() | usuals())
def test_a_task_ends_ever_more_likely(one_s: float, other_s: float, known: DurationProfile | None) -> None:
    """Its chance to run on only falls, never to nothing, and what is expected between two moments is a chance."""
    earlier_s, later_s = sorted((one_s, other_s))
    assert 0.0 < still_runs(later_s, known) <= still_runs(earlier_s, known) <= 1.0
    assert 0.0 <= ends_between(earlier_s, later_s, known) <= 1.0


def test_most_tasks_are_over_between_low_and_high() -> None:
    """A tenth ends before, a tenth after; one that has not begun runs."""
    known = DurationProfile(10, 12, 20)
    assert [still_runs(at_s, known) for at_s in (-5, 0, 10, 15, 20)] == pytest.approx([1, 1, 0.9, 0.5, 0.1])
    assert ends_between(10, 15, known) == pytest.approx(4 / 9)


@pytest.mark.parametrize(
    ("chances", "pages", "cheaper"),
    [
        ([], 1, False),
        ([0.0], 1, False),  # a page or a query: one each
        ([0.2, 0.2], 1, True),
        ([0.9] * 9, 1, False),  # nearly all would be asked for anyway
        ([0.2] * 4, 4, False),
        ([0.2] * 6, 4, True),
    ],
)
def test_the_list_is_read_where_it_costs_less(chances: list[float], pages: int, cheaper: bool) -> None:
    """Against it stand the queries that would find a task still at work."""
    assert list_is_cheaper(chances, pages) is cheaper


def test_looks_come_more_often_the_more_tasks_end() -> None:
    """And more seldom the more pages they take; within bounds."""
    assert look_pause_s(20, 1) < look_pause_s(5, 1) < look_pause_s(5, 4) < look_pause_s(0.2, 4)
    assert look_pause_s(0, 1) == look_pause_s(1e-9, 1) == timing.LONGEST_POLL_S
    assert look_pause_s(1e9, 1) == timing.SHORTEST_LOOK_S
    assert look_pause_s(0.01, 1, longest_s=0.9) == 0.9


def test_a_short_task_is_not_looked_for_seldom() -> None:
    """The longest pause is a share of what the task takes."""
    assert longest_look_pause_s(1, DurationProfile(2, 4, 5)) == 1.0
    assert [longest_look_pause_s(ran_s, None) for ran_s in (0, 20, 1000)] == [0.5, 3.0, timing.LONGEST_POLL_S]
