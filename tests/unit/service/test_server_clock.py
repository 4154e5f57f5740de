"""The service's time, without trust in this machine's clock."""

from __future__ import annotations

import pytest

from bailian.service.server_clock import SLACK_S, ServerClock

NOON_S = 1_800_000_000.0


class Machine:
    """A machine whose clocks a test turns."""

    def __init__(self) -> None:
        self.steady_s, self.wall_s = 1000.0, NOON_S - 7200

    def passes(self, seconds: float) -> None:
        self.steady_s += seconds
        self.wall_s += seconds


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def clock(machine: Machine) -> ServerClock:
    return ServerClock(steady=lambda: machine.steady_s, wall=lambda: machine.wall_s)


def test_nothing_is_known_before_the_first_answer(clock: ServerClock) -> None:
    assert clock.now_s() is None
    clock.heard(None)
    assert clock.now_s() is None


def test_the_last_date_is_carried_on(clock: ServerClock, machine: Machine) -> None:
    """This machine's own idea of the time, two hours off, does not matter."""
    clock.heard(NOON_S)
    machine.passes(90)
    assert clock.now_s() == NOON_S + 90


@pytest.mark.parametrize("step_s", [-3 * 3600, -3600, -20, 20, 3600, 3 * 3600])
def test_a_step_of_the_clock_makes_the_time_unknown_until_the_next_answer(
    clock: ServerClock, machine: Machine, step_s: float
) -> None:
    """It may be a clock put right, or a machine that slept: then the steady clock stood still."""
    clock.heard(NOON_S)
    machine.wall_s += step_s
    assert clock.now_s() is None
    clock.heard(NOON_S + 30)
    assert clock.now_s() == NOON_S + 30


def test_an_answer_that_contradicts_the_last_is_believed_when_the_next_agrees(
    clock: ServerClock, machine: Machine
) -> None:
    """A copy kept on the way has an old date."""
    clock.heard(NOON_S)
    machine.passes(10)
    clock.heard(NOON_S - 3600)
    assert clock.now_s() is None
    machine.passes(1)
    clock.heard(NOON_S + 11)
    assert clock.now_s() is None
    machine.passes(1)
    clock.heard(NOON_S + 12)
    assert clock.now_s() == NOON_S + 12


def test_whole_seconds_are_no_contradiction(clock: ServerClock, machine: Machine) -> None:
    for second in range(100):
        clock.heard(NOON_S + second + (SLACK_S - 1) * (second % 2))
        assert clock.now_s() is not None
        machine.passes(1)
