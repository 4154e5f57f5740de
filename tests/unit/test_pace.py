"""The account's rates: one queue per limit, shared by all who open the same folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bailian.store.rate_limits import FARTHEST_S, MARGIN, TICKET_LIFE_S, Pace
from tests.unit.clocks import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000_000.0)


@pytest.fixture
def pace(tmp_path: Path, clock: Clock) -> Iterator[Pace]:
    with closing(Pace(tmp_path, clock=clock)) as made:
        yield made


def test_places_are_spaced_a_little_wider_than_the_limit(pace: Pace) -> None:
    """Two a second: now, then every half second with a margin."""
    places = [pace.place_s("submit", 2.0) for _ in range(4)]
    assert places == pytest.approx([0, MARGIN / 2, MARGIN, 1.5 * MARGIN])


@pytest.mark.parametrize("per_s", [None, 0, 0.0])
def test_without_a_limit_nobody_waits(pace: Pace, per_s: float | None) -> None:
    """A limit that the catalog does not know is not kept."""
    assert [pace.place_s("submit", per_s) for _ in range(3)] == [0, 0, 0]


def test_each_name_is_a_queue_of_its_own(pace: Pace) -> None:
    """A submit does not wait for polls, nor for another model's submits."""
    pace.place_s("submit:a", 1.0)
    assert (pace.place_s("submit:b", 1.0), pace.place_s("query", 20.0)) == (0, 0)


def test_time_that_passed_is_not_waited_for_again(pace: Pace, clock: Clock) -> None:
    """An idle queue is free at once, and saves nothing up for a burst."""
    pace.place_s("submit", 1.0)
    clock.now_s += 100
    assert pace.place_s("submit", 1.0) == 0
    assert pace.place_s("submit", 1.0) == pytest.approx(MARGIN)


def test_all_processes_take_places_in_one_queue(tmp_path: Path, clock: Clock) -> None:
    """Whoever opens the same folder stands behind those who came first."""
    with closing(Pace(tmp_path, clock=clock)) as one, closing(Pace(tmp_path, clock=clock)) as other:
        places = [queue.place_s("submit", 2.0) for queue in (one, other, one, other)]
    assert places == pytest.approx([0, MARGIN / 2, MARGIN, 1.5 * MARGIN])


def test_a_queue_outlives_its_process(tmp_path: Path, clock: Clock) -> None:
    """Starting again does not start the limit again."""
    with closing(Pace(tmp_path, clock=clock)) as pace:
        pace.place_s("submit", 0.1)
    with closing(Pace(tmp_path, clock=clock)) as pace:
        assert pace.place_s("submit", 0.1) == pytest.approx(10 * MARGIN)


def test_slowing_down_holds_everybody_back(pace: Pace) -> None:
    """After the service said "too much" nobody takes a place before the pause is over."""
    pace.slow_down("submit", 30)
    assert pace.place_s("submit", 2.0) == pytest.approx(30)
    assert pace.place_s("submit", 2.0) == pytest.approx(30 + MARGIN / 2)


def test_slowing_down_never_shortens_a_queue(pace: Pace) -> None:
    """A short pause does not let anybody pass those who already wait longer."""
    pace.slow_down("submit", 30)
    pace.slow_down("submit", 1)
    assert pace.place_s("submit", 2.0) == pytest.approx(30)


def test_a_clock_that_jumped_back_is_no_queue(pace: Pace, clock: Clock) -> None:
    """A place further away than a day is a wrong clock's; nobody waits for it."""
    pace.place_s("submit", 1.0)
    clock.now_s -= FARTHEST_S + 10
    assert pace.place_s("submit", 1.0) == 0
    assert pace.place_s("submit", 1.0) == pytest.approx(MARGIN)


def test_slowing_down_works_after_a_clock_jumped_back(pace: Pace, clock: Clock) -> None:
    """The service's wish is kept even where a wrong clock has left its mark."""
    pace.place_s("submit", 1.0)
    clock.now_s -= FARTHEST_S + 10
    pace.slow_down("submit", 30)
    assert pace.place_s("submit", 1.0) == pytest.approx(30)


# ── slots ──


def alive(_owner: str | None) -> bool:
    return False


def dead(*names: str) -> Callable[[str | None], bool]:
    return lambda owner: owner in names


def test_as_many_slots_as_the_limit(pace: Pace) -> None:
    taken = [pace.take_slot("q", 2, f"job{i}", "me", alive) for i in range(3)]
    assert taken == [True, True, False]
    assert pace.take_slot("other queue", 2, "job9", "me", alive)
    pace.free_slot("job0")
    assert pace.take_slot("q", 2, "job2", "me", alive)


def test_a_job_has_one_slot_however_often_it_asks(pace: Pace) -> None:
    assert [pace.take_slot("q", 2, "job", "me", alive) for _ in range(3)] == [True] * 3
    assert pace.take_slot("q", 2, "other", "me", alive)


def test_who_came_first_is_served_first(pace: Pace) -> None:
    """A slot that comes free is the longest waiter's, whoever asks first after it."""
    pace.take_slot("q", 1, "running", "zero", alive)
    for owner in ("one", "two", "three"):
        assert not pace.take_slot("q", 1, f"of {owner}", owner, alive)
    pace.free_slot("running")
    assert not pace.take_slot("q", 1, "of three", "three", alive)
    assert not pace.take_slot("q", 1, "of two", "two", alive)
    assert pace.take_slot("q", 1, "of one", "one", alive)


def test_everybody_has_one_turn_before_anybody_has_two(pace: Pace) -> None:
    turns = []
    for tick in range(9):
        running = ""
        for owner in ("one", "two", "three"):
            if pace.take_slot("q", 1, f"{owner}-{tick}", owner, alive):
                turns.append(owner)
                running = f"{owner}-{tick}"
        pace.free_slot(running)
    assert turns == ["one", "two", "three"] * 3


def test_two_free_slots_serve_the_first_two(pace: Pace) -> None:
    for job in ("a", "b"):
        pace.take_slot("q", 2, job, "zero", alive)
    for owner in ("one", "two", "three"):
        pace.take_slot("q", 2, owner, owner, alive)
    pace.free_slot("a")
    pace.free_slot("b")
    assert [pace.take_slot("q", 2, owner, owner, alive) for owner in ("three", "two", "one")] == [False, True, True]


def test_slots_of_the_dead_are_free(pace: Pace) -> None:
    for job in ("a", "b"):
        pace.take_slot("q", 2, job, "gone", alive)
    assert not pace.take_slot("q", 2, "c", "me", alive)
    assert pace.take_slot("q", 2, "c", "me", dead("gone"))
    assert pace.take_slot("q", 2, "d", "me", alive), "both were freed"


def test_who_does_not_ask_any_more_holds_nobody_up(pace: Pace, clock: Clock) -> None:
    pace.take_slot("q", 1, "running", "zero", alive)
    pace.take_slot("q", 1, "of one", "one", alive)
    pace.take_slot("q", 1, "of two", "two", alive)
    pace.free_slot("running")
    assert not pace.take_slot("q", 1, "of two", "two", alive)
    clock.now_s += TICKET_LIFE_S + 1
    assert pace.take_slot("q", 1, "of two", "two", alive)


def test_a_dead_waiter_holds_nobody_up_after_the_clock_went_back(pace: Pace, clock: Clock) -> None:
    """Its ticket was last seen in what is now the future."""
    pace.take_slot("q", 1, "running", "zero", alive)
    pace.take_slot("q", 1, "of one", "one", alive)
    clock.now_s -= 3600
    pace.free_slot("running")
    pace.take_slot("q", 1, "of two", "two", alive)
    clock.now_s += TICKET_LIFE_S + 1
    assert pace.take_slot("q", 1, "of two", "two", alive)


def test_a_clock_that_went_back_an_hour_is_no_queue(pace: Pace, clock: Clock) -> None:
    pace.place_s("submit", 1.0)
    clock.now_s -= 3600
    assert pace.place_s("submit", 1.0) < 600


@pytest.mark.parametrize("back_s", [3600.0, 3 * 24 * 3600.0])
def test_places_taken_ahead_know_a_wrong_clock(pace: Pace, clock: Clock, back_s: float) -> None:
    """A fast queue's places are taken several at once."""
    pace.place_s("submit", 500.0)
    clock.now_s -= back_s
    assert pace.place_s("submit", 500.0) < 600


def test_places_taken_ahead_wait_for_a_pause(pace: Pace) -> None:
    """After a 429 nobody takes a place before the pause is over, whoever took it beforehand."""
    pace.place_s("submit", 500.0)
    pace.slow_down("submit", 30)
    assert pace.place_s("submit", 500.0) == pytest.approx(30, abs=0.1)


def test_places_taken_ahead_are_not_saved_up(pace: Pace, clock: Clock) -> None:
    """Places whose time has passed are gone; used later they would be a burst beside the others' requests."""
    pace.place_s("submit", 100.0)
    clock.now_s += 60
    places = [pace.place_s("submit", 100.0) for _ in range(4)]
    assert places == pytest.approx([i * MARGIN / 100 for i in range(4)])


def test_a_running_task_is_counted_whatever_the_limit(pace: Pace) -> None:
    for job in ("a", "b", "c"):
        pace.hold_slot("q", job, "me")
    assert not pace.take_slot("q", 2, "d", "me", alive)
    pace.free_slot("a")
    assert not pace.take_slot("q", 2, "d", "me", alive)
    pace.free_slot("b")
    assert pace.take_slot("q", 2, "d", "me", alive)


def test_a_held_slot_changes_hands(pace: Pace) -> None:
    """The heir of a dead process counts its task as its own: it is not freed with the dead."""
    pace.take_slot("q", 1, "task", "gone", alive)
    pace.hold_slot("q", "task", "heir")
    assert not pace.take_slot("q", 1, "other", "me", dead("gone"))


def test_who_leaves_gives_everything_back(pace: Pace) -> None:
    pace.take_slot("q", 1, "a", "one", alive)
    pace.take_slot("q", 1, "b", "two", alive)
    pace.leave("two")
    pace.leave("one")
    assert pace.take_slot("q", 1, "c", "three", alive)
