"""The account's rates: one queue per limit, shared by all who open the same folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bailian.store.pace.limits import SharedLimits
from bailian.store.pace.rate_limits import FARTHEST_S, FAST_SPACING, FASTEST_SPACING, SPACING, WIDE_FOR_S
from bailian.store.pace.slots import TICKET_LIFE_S, ConcurrencyLimiter
from tests.support.clocks import Clock
from tests.support.journals import place


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000_000.0)


@pytest.fixture
def pace(tmp_path: Path, clock: Clock) -> Iterator[SharedLimits]:
    with closing(SharedLimits(place(tmp_path), clock=clock)) as made:
        yield made


def test_places_are_spaced_a_little_wider_than_the_limit(pace: SharedLimits) -> None:
    """Two a second: now, then every half second with a margin."""
    places = [pace.rates.reserve("submit", 2.0) for _ in range(4)]
    assert places == pytest.approx([0, SPACING / 2, SPACING, 1.5 * SPACING])


def test_a_fast_queue_keeps_less_apart_until_it_is_refused(pace: SharedLimits, clock: Clock) -> None:
    """Then as much as a slow one, in all processes, for ten minutes."""

    def spacing() -> float:
        clock.now_s += 5
        return 10 * (pace.rates.reserve("submit", 10.0), pace.rates.reserve("submit", 10.0))[1]

    assert spacing() == pytest.approx(FAST_SPACING)
    pace.rates.penalize("submit", 1)
    assert spacing() == pytest.approx(SPACING)
    clock.now_s += WIDE_FOR_S - 5
    assert spacing() == pytest.approx(FAST_SPACING)


@pytest.mark.parametrize("per_s", [None, 0, 0.0])
def test_without_a_limit_nobody_waits(pace: SharedLimits, per_s: float | None) -> None:
    """A limit that the catalog does not know is not kept."""
    assert [pace.rates.reserve("submit", per_s) for _ in range(3)] == [0, 0, 0]


def test_each_name_is_a_queue_of_its_own(pace: SharedLimits) -> None:
    """A submit does not wait for polls, nor for another model's submits."""
    pace.rates.reserve("submit:a", 1.0)
    assert (pace.rates.reserve("submit:b", 1.0), pace.rates.reserve("query", 20.0)) == (0, 0)


def test_time_that_passed_is_not_waited_for_again(pace: SharedLimits, clock: Clock) -> None:
    """An idle queue is free at once, and saves nothing up for a burst."""
    pace.rates.reserve("submit", 1.0)
    clock.now_s += 100
    assert pace.rates.reserve("submit", 1.0) == 0
    assert pace.rates.reserve("submit", 1.0) == pytest.approx(SPACING)


def test_all_processes_take_places_in_one_queue(tmp_path: Path, clock: Clock) -> None:
    """Whoever opens the same folder stands behind those who came first."""
    with (
        closing(SharedLimits(place(tmp_path), clock=clock)) as one,
        closing(SharedLimits(place(tmp_path), clock=clock)) as other,
    ):
        places = [queue.rates.reserve("submit", 2.0) for queue in (one, other, one, other)]
    assert places == pytest.approx([0, SPACING / 2, SPACING, 1.5 * SPACING])


def test_a_queue_outlives_its_process(tmp_path: Path, clock: Clock) -> None:
    """Starting again does not start the limit again."""
    with closing(SharedLimits(place(tmp_path), clock=clock)) as pace:
        pace.rates.reserve("submit", 0.1)
    with closing(SharedLimits(place(tmp_path), clock=clock)) as pace:
        assert pace.rates.reserve("submit", 0.1) == pytest.approx(10 * SPACING)


def test_slowing_down_holds_everybody_back(pace: SharedLimits) -> None:
    """After the service said "too much" nobody takes a place before the pause is over."""
    pace.rates.penalize("submit", 30)
    assert pace.rates.reserve("submit", 2.0) == pytest.approx(30)
    assert pace.rates.reserve("submit", 2.0) == pytest.approx(30 + SPACING / 2)


def test_slowing_down_never_shortens_a_queue(pace: SharedLimits) -> None:
    """A short pause does not let anybody pass those who already wait longer."""
    pace.rates.penalize("submit", 30)
    pace.rates.penalize("submit", 1)
    assert pace.rates.reserve("submit", 2.0) == pytest.approx(30)


def test_a_clock_that_jumped_back_is_no_queue(pace: SharedLimits, clock: Clock) -> None:
    """A place further away than a day is a wrong clock's; nobody waits for it."""
    pace.rates.reserve("submit", 1.0)
    clock.now_s -= FARTHEST_S + 10
    assert pace.rates.reserve("submit", 1.0) == 0
    assert pace.rates.reserve("submit", 1.0) == pytest.approx(SPACING)


def test_slowing_down_works_after_a_clock_jumped_back(pace: SharedLimits, clock: Clock) -> None:
    """The service's spec is kept even where a wrong clock has left its mark."""
    pace.rates.reserve("submit", 1.0)
    clock.now_s -= FARTHEST_S + 10
    pace.rates.penalize("submit", 30)
    assert pace.rates.reserve("submit", 1.0) == pytest.approx(30)


# ── slots ──


def alive(_owner: str | None) -> bool:
    return False


def dead(*names: str) -> Callable[[str | None], bool]:
    return lambda owner: owner in names


def test_as_many_slots_as_the_limit(pace: SharedLimits) -> None:
    taken = [pace.slots.acquire("q", 2, f"job{i}", "me", alive) for i in range(3)]
    assert taken == [True, True, False]
    assert pace.slots.acquire("other queue", 2, "job9", "me", alive)
    pace.slots.release("job0")
    assert pace.slots.acquire("q", 2, "job2", "me", alive)


def test_a_job_has_one_slot_however_often_it_asks(pace: SharedLimits) -> None:
    assert [pace.slots.acquire("q", 2, "job", "me", alive) for _ in range(3)] == [True] * 3
    assert pace.slots.acquire("q", 2, "other", "me", alive)


def test_who_came_first_is_served_first(pace: SharedLimits) -> None:
    """A slot that comes free is the longest waiter's, whoever asks first after it."""
    pace.slots.acquire("q", 1, "running", "zero", alive)
    for owner in ("one", "two", "three"):
        assert not pace.slots.acquire("q", 1, f"of {owner}", owner, alive)
    pace.slots.release("running")
    assert not pace.slots.acquire("q", 1, "of three", "three", alive)
    assert not pace.slots.acquire("q", 1, "of two", "two", alive)
    assert pace.slots.acquire("q", 1, "of one", "one", alive)


def test_everybody_has_one_turn_before_anybody_has_two(pace: SharedLimits) -> None:
    turns = []
    for tick in range(9):
        running = ""
        for owner in ("one", "two", "three"):
            if pace.slots.acquire("q", 1, f"{owner}-{tick}", owner, alive):
                turns.append(owner)
                running = f"{owner}-{tick}"
        pace.slots.release(running)
    assert turns == ["one", "two", "three"] * 3


def test_two_free_slots_serve_the_first_two(pace: SharedLimits) -> None:
    for job in ("a", "b"):
        pace.slots.acquire("q", 2, job, "zero", alive)
    for owner in ("one", "two", "three"):
        pace.slots.acquire("q", 2, owner, owner, alive)
    pace.slots.release("a")
    pace.slots.release("b")
    assert [pace.slots.acquire("q", 2, owner, owner, alive) for owner in ("three", "two", "one")] == [False, True, True]


@pytest.mark.sqlite
def test_slots_of_the_dead_are_free(pace: SharedLimits) -> None:
    for job in ("a", "b"):
        pace.slots.acquire("q", 2, job, "gone", alive)
    assert not pace.slots.acquire("q", 2, "c", "me", alive)
    assert pace.slots.acquire("q", 2, "c", "me", dead("gone"))
    assert pace.slots.acquire("q", 2, "d", "me", alive), "both were freed"


def test_who_does_not_ask_any_more_holds_nobody_up(pace: SharedLimits, clock: Clock) -> None:
    pace.slots.acquire("q", 1, "running", "zero", alive)
    pace.slots.acquire("q", 1, "of one", "one", alive)
    pace.slots.acquire("q", 1, "of two", "two", alive)
    pace.slots.release("running")
    assert not pace.slots.acquire("q", 1, "of two", "two", alive)
    clock.now_s += TICKET_LIFE_S + 1
    assert pace.slots.acquire("q", 1, "of two", "two", alive)


def test_a_dead_waiter_holds_nobody_up_after_the_clock_went_back(pace: SharedLimits, clock: Clock) -> None:
    """Its ticket was last seen in what is now the future."""
    pace.slots.acquire("q", 1, "running", "zero", alive)
    pace.slots.acquire("q", 1, "of one", "one", alive)
    clock.now_s -= 3600
    pace.slots.release("running")
    pace.slots.acquire("q", 1, "of two", "two", alive)
    clock.now_s += TICKET_LIFE_S + 1
    assert pace.slots.acquire("q", 1, "of two", "two", alive)


def test_a_clock_that_went_back_an_hour_is_no_queue(pace: SharedLimits, clock: Clock) -> None:
    pace.rates.reserve("submit", 1.0)
    clock.now_s -= 3600
    assert pace.rates.reserve("submit", 1.0) < 600


@pytest.mark.parametrize("back_s", [3600.0, 3 * 24 * 3600.0])
def test_places_taken_ahead_know_a_wrong_clock(pace: SharedLimits, clock: Clock, back_s: float) -> None:
    """A fast queue's places are taken several at once."""
    pace.rates.reserve("submit", 500.0)
    clock.now_s -= back_s
    assert pace.rates.reserve("submit", 500.0) < 600


def test_places_taken_ahead_wait_for_a_pause(pace: SharedLimits) -> None:
    """After a 429 nobody takes a place before the pause is over, whoever took it beforehand."""
    pace.rates.reserve("submit", 500.0)
    pace.rates.penalize("submit", 30)
    assert pace.rates.reserve("submit", 500.0) == pytest.approx(30, abs=0.1)


def test_places_taken_ahead_are_not_saved_up(pace: SharedLimits, clock: Clock) -> None:
    """Places whose time has passed are gone; used later they would be a burst beside the others' requests."""
    pace.rates.reserve("submit", 100.0)
    clock.now_s += 60
    places = [pace.rates.reserve("submit", 100.0) for _ in range(4)]
    assert places == pytest.approx([i * FASTEST_SPACING / 100 for i in range(4)])


def test_a_running_task_is_counted_whatever_the_limit(pace: SharedLimits) -> None:
    for job in ("a", "b", "c"):
        pace.slots.adopt("q", job, "me")
    assert not pace.slots.acquire("q", 2, "d", "me", alive)
    pace.slots.release("a")
    assert not pace.slots.acquire("q", 2, "d", "me", alive)
    pace.slots.release("b")
    assert pace.slots.acquire("q", 2, "d", "me", alive)


def test_a_held_slot_changes_hands(pace: SharedLimits) -> None:
    """The heir of a dead process counts its task as its own: it is not freed with the dead."""
    pace.slots.acquire("q", 1, "task", "gone", alive)
    pace.slots.adopt("q", "task", "heir")
    assert not pace.slots.acquire("q", 1, "other", "me", dead("gone"))


def test_who_leaves_gives_everything_back(pace: SharedLimits) -> None:
    pace.slots.acquire("q", 1, "a", "one", alive)
    pace.slots.acquire("q", 1, "b", "two", alive)
    pace.slots.leave("two")
    pace.slots.leave("one")
    assert pace.slots.acquire("q", 1, "c", "three", alive)


def test_after_a_pause_of_its_own_nobody_calls_others_silent(tmp_path: Path, clock: Clock) -> None:
    """The journal was away, or this process stood still: the others could not show themselves either, and do so now."""
    with closing(SharedLimits(place(tmp_path), clock=clock, monotonic=lambda: clock.now_s)) as pace:
        _pauses(pace.slots, clock)


def _pauses(slots: ConcurrencyLimiter, clock: Clock) -> None:
    assert slots.acquire("q", 1, "a", "other", lambda _owner: False)
    for _ in range(5):
        clock.now_s += 3.0
        assert not slots.acquire("q", 1, "b", "me", lambda _owner: False)
    clock.now_s += 1.0
    assert not slots.acquire("q", 1, "b", "me", lambda _owner: False)
    assert [one.is_silent for one in slots.holders("q")] == [True]
    clock.now_s += 25.0
    assert not slots.acquire("q", 1, "b", "me", lambda _owner: False)
    assert [one.is_silent for one in slots.holders("q")] == [False]
    for _ in range(6):
        clock.now_s += 2.9
        assert not slots.acquire("q", 1, "b", "me", lambda _owner: False)
    assert [one.is_silent for one in slots.holders("q")] == [True]
