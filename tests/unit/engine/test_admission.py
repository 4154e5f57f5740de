"""A request leaves at its place: whoever wakes late takes another one, so that submits never bunch."""

from __future__ import annotations

import heapq
import random
import sqlite3
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bailian.catalog import Mode
from bailian.engine.context import Services
from bailian.engine.job import Job, Limits, OutputSpec
from bailian.engine.step import Next, Step
from bailian.engine.steps.admit import LEAD_S, LEASE_LOOK_S, admit, wait_of
from bailian.errors import Unreachable
from bailian.store.pace.limits import TABLES, SharedLimits
from bailian.types import StoredRequest
from tests.support.clocks import Clock
from tests.support.journals import place

TOLERANCE_S = 0.02
"""As the sandbox has it: requests that are so little too early are let through."""


class Journal:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.taken_back: list[str] = []

    def requeue(self, job_id: str) -> None:
        self.taken_back.append(job_id)


class Process:
    """What a turn needs of a process. All share one clock."""

    def __init__(self, home: Path, clock: Clock, name: str = "me") -> None:
        self.pace = SharedLimits(place(home), clock=clock)
        self.journal = Journal()
        self.queries = 0
        self.may_send = True
        lease = SimpleNamespace(id=name, is_dead=lambda other: False, term=0, may_send=lambda term: self.may_send)
        self.services = cast(
            "Services",
            SimpleNamespace(
                limits=self.pace, clock=SimpleNamespace(monotonic=clock), queue_of=lambda job: "submit", journal=self.journal,
                lease=lease, budgets_of=lambda job: (),
                run_state=SimpleNamespace(halted_by=None), progress=SimpleNamespace(update=lambda *_: None),
                service=SimpleNamespace(clock=SimpleNamespace(now_s=lambda: 0.0)),
            ),
        )  # fmt: skip

    def job(self, name: str, per_s: float | None, limit: int | None = None, row_key: str | None = None) -> Job:
        return Job(
            id=name, kind="image", model="m", wire_model="m", request={}, prepared=StoredRequest(mode=Mode.TASK),
            saving=OutputSpec(Path(), ""), created_at_s=0.0, estimate_cny=None, row_key=row_key,
            limits=Limits(submit_per_s=per_s, in_flight_limit=limit),
        )  # fmt: skip

    def turn(self, job: Job) -> Next:
        then = admit(job, self.services)
        assert isinstance(then, Next)
        return then

    def wait_of(self, job: Job) -> Any:
        return wait_of(job, self.services)


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000_000.0)


@pytest.mark.slow
@settings(max_examples=40)
@given(
    per_s=st.sampled_from([0.1, 0.5, 1.0, 2.0, 5.0, 20.0]),
    count=st.integers(1, 40),
    seed=st.integers(0, 10**6),
    lag_s=st.sampled_from([0.0, 0.05, 0.5, 5.0, 60.0]),
)
def test_however_late_they_wake(per_s: float, count: int, seed: int, lag_s: float) -> None:
    """Every request of every process passes a service that counts strictly."""
    chance, clock = random.Random(seed), Clock(1_000_000.0)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        processes = [Process(home, clock) for _ in range(3)]
        for process in processes:
            stack.callback(process.pace.close)
        # (when it goes on, number, process, job or nothing before its turn)
        todo: list[tuple[float, int, Process, Job]] = []
        begun: set[int] = set()
        for number in range(count):
            process = chance.choice(processes)
            begins_s = clock.now_s + chance.uniform(0, count / per_s / 2)
            todo.append((begins_s, number, process, process.job(str(number), per_s)))
        heapq.heapify(todo)
        sent_s = []
        while todo:
            clock.now_s, number, process, job = heapq.heappop(todo)
            then = process.wait_of(job) if number in begun else process.turn(job)
            if then is None:
                sent_s.append(clock.now_s)
                continue
            begun.add(number)
            late_s = chance.uniform(0, lag_s) if chance.random() < 0.5 else 0.0
            heapq.heappush(todo, (clock.now_s + then.delay_s + late_s, number, process, job))
    assert len(sent_s) == count
    period_s, most = (1.0, round(per_s)) if per_s >= 1 else (60.0, max(1, round(per_s * 60)))
    for first, last in zip(sent_s, sent_s[most:], strict=False):
        assert last - first > period_s - TOLERANCE_S


def test_it_is_written_down_before_its_place_and_leaves_at_it(tmp_path: Path, clock: Clock) -> None:
    """A slow disk must not make it late."""
    process = Process(tmp_path, clock)
    process.turn(process.job("first", 0.5))
    job = process.job("second", 0.5)
    then = process.turn(job)
    assert then == (Step.RECORD_INTENT, pytest.approx(2.3 - LEAD_S))
    clock.now_s += then.delay_s + 0.1
    then = process.wait_of(job)
    assert then == ("send", pytest.approx(LEAD_S - 0.1))
    assert process.wait_of(job) is None, "it waits once: a test may shorten the pause"
    clock.now_s += then.delay_s
    assert process.wait_of(job) is None


def test_late_with_nobody_behind_is_not_late(tmp_path: Path, clock: Clock) -> None:
    """One picture on a slow disk does not wait for a second place; whoever comes next keeps its distance from it."""
    process = Process(tmp_path, clock)
    job = process.job("a", 0.5)
    process.turn(job)
    clock.now_s += 1.9
    assert process.wait_of(job) is None
    assert process.turn(process.job("b", 0.5)).delay_s == pytest.approx(2.3 - LEAD_S)


def test_late_with_somebody_behind_goes_to_the_end(tmp_path: Path, clock: Clock) -> None:
    late, behind = Process(tmp_path, clock, "a"), Process(tmp_path, clock, "b")
    job = late.job("a", 2.0)
    late.turn(job)
    behind.turn(behind.job("b", 2.0))
    clock.now_s += 0.5
    assert late.wait_of(job) == ("send", pytest.approx(2 * 0.575 - 0.5))


def test_a_slot_that_was_freed_is_taken_anew(tmp_path: Path, clock: Clock) -> None:
    """A process that was stopped before it sent: others have its slot now."""
    stopped, other = Process(tmp_path, clock, "a"), Process(tmp_path, clock, "b")
    job = stopped.job("a", 2.0, limit=1)
    stopped.turn(job)
    stopped.pace.slots.release("a")
    assert other.turn(other.job("b", 2.0, limit=1)).step == Step.RECORD_INTENT
    clock.now_s += 5
    assert stopped.wait_of(job) == (Step.ADMIT, 0.0)
    assert stopped.journal.taken_back == ["a"]
    assert stopped.turn(job).step == Step.ADMIT
    assert job.admission.waits_for


def test_a_row_that_waited_does_not_leave_when_nothing_arrives(tmp_path: Path, clock: Clock) -> None:
    process = Process(tmp_path, clock)
    process.turn(process.job("first", 2.0))
    job = process.job("a", 2.0, row_key="1")
    process.turn(job)
    assert process.wait_of(job).step == "send"
    process.services.run_state.halted_by = Unreachable("a login page")
    assert process.wait_of(job).state == "waiting"
    assert process.journal.taken_back == ["a"]


@pytest.mark.sqlite
def test_an_old_file_of_places_is_brought_up_to_date(tmp_path: Path, clock: Clock) -> None:

    with closing(SharedLimits(place(tmp_path), clock=clock)) as pace:
        pace.rates.reserve("submit", 1.0)
    with closing(sqlite3.connect(tmp_path / TABLES.file_name)) as db:
        db.execute("DROP TABLE holders")
        db.execute("PRAGMA user_version=2")
    with closing(SharedLimits(place(tmp_path), clock=clock)) as pace:
        pace.slots.adopt("q", "job", "me")
        assert [holder.job_ids for holder in pace.slots.holders("q")] == [("job",)]
        assert pace.rates.reserve("submit", 1.0) > 0


def test_a_machine_that_may_not_send_takes_neither_slot_nor_permit(tmp_path: Path) -> None:
    """What it takes would be missing where machines may send. When its lease is renewed it goes on."""
    clock = Clock(0.0)
    cut_off, other = Process(tmp_path, clock, "a"), Process(tmp_path, clock, "b")
    with closing(cut_off.pace), closing(other.pace):
        cut_off.may_send = False
        job = cut_off.job("a", 0.5, limit=1)
        assert cut_off.turn(job) == Next(Step.ADMIT, LEASE_LOOK_S)
        assert other.turn(other.job("b", 0.5, limit=1)).step == Step.RECORD_INTENT
        other.pace.slots.release("b")
        cut_off.may_send = True
        assert cut_off.turn(job).step == Step.RECORD_INTENT
