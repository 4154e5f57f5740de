"""The account's rates: one queue per limit, shared by all who open the same folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bailian.pace import FARTHEST_S, MARGIN, Pace


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


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
