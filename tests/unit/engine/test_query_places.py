"""A query leaves at its place among the account's: late ones do not bunch, and a refusal slows all a little, then more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bailian.catalog import Mode
from bailian.clock import Clock as Times
from bailian.engine.context import QUERY_LATE_S, RunState, Services, note_query, query_wait_s
from bailian.engine.job import Job, OutputSpec
from bailian.store.pace.limits import SharedLimits
from bailian.types import StoredRequest
from tests.support.clocks import Clock
from tests.support.journals import place

PER_S = 20.0


def a_job(name: str) -> Job:
    return Job(
        id=name, kind="image", model="m", wire_model="m", request={}, prepared=StoredRequest(mode=Mode.TASK),
        saving=OutputSpec(Path(), ""), created_at_s=0.0, estimate_cny=None,
    )  # fmt: skip


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000_000.0)


@pytest.fixture
def services(tmp_path: Path, clock: Clock) -> Iterator[Services]:
    times = Times(wall=clock, monotonic=clock)
    with closing(SharedLimits(place(tmp_path), clock=clock, monotonic=clock)) as limits:
        yield cast("Services", SimpleNamespace(account="a", limits=limits, clock=times, run_state=RunState()))


def test_who_is_in_time_leaves_at_its_place(services: Services, clock: Clock) -> None:
    jobs = [a_job(str(number)) for number in range(5)]
    waits_s = [query_wait_s(job, services) for job in jobs]
    assert waits_s == sorted(waits_s)
    for job, wait_s in zip(jobs[1:], waits_s[1:], strict=True):
        clock.now_s = 1_000_000.0 + wait_s + QUERY_LATE_S / 2
        assert query_wait_s(job, services) == 0.0


def test_who_is_late_does_not_leave_together_with_the_others(services: Services, clock: Clock) -> None:
    """The process stood still for a second: what should have left meanwhile is spread again, once."""
    jobs = [a_job(str(number)) for number in range(10)]
    for job in jobs:
        query_wait_s(job, services)
    clock.now_s += 1.5
    waits_s = [query_wait_s(job, services) for job in jobs[1:]]
    gaps_s = [later - earlier for earlier, later in pairwise(waits_s)]
    assert min(gaps_s) >= 0.9 / PER_S
    clock.now_s += 10.0  # and again
    assert {query_wait_s(job, services) for job in jobs[2:]} == {0.0}


def test_refusals_slow_all_queries_down_more_and_more(services: Services) -> None:
    """Up to a second each; the first answer forgets them."""
    waits_s = []
    for _ in range(4):
        note_query(services, refused=True)
        waits_s.append(round(services.limits.rates.reserve("query:a", PER_S), 2))
    assert waits_s == [0.25, 0.5, 1.0, pytest.approx(1.06, abs=0.1)]
    note_query(services, refused=False)
    assert services.run_state.queries_refused == 0
