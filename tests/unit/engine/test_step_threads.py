"""As many threads as steps have to wait for the network, and no more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import pytest

from bailian.clock import SYSTEM_CLOCK
from bailian.engine.job import Job
from bailian.engine.step import Step
from bailian.engine.threads.step_threads import FEW_THREADS, STUCK_S, WAITS_S, StepThreads

pytestmark = pytest.mark.unit
A_JOB = cast("Job", None)


class Threads:
    """Steps that wait until they are let go, on a clock that is moved by hand."""

    def __init__(self, most: int = 64) -> None:
        self.now_s = 0.0
        self.begun: set[int] = set()
        self.short: list[int] = []
        self.done = 0
        self._gate = threading.Event()
        self._changed = threading.Condition()
        clock = replace(SYSTEM_CLOCK, monotonic=lambda: self.now_s)
        self.pool = StepThreads(self._step, clock, self.short.append, threads=most)

    def _step(self, _job: Any, _step: Step) -> None:
        with self._changed:
            self.begun.add(threading.get_ident())
            self._changed.notify_all()
        self._gate.wait()
        with self._changed:
            self.done += 1
            self._changed.notify_all()

    def put(self, count: int) -> None:
        for number in range(count):
            self.pool.start_few(number + 1)
            self.pool.put(A_JOB, Step.SEND)

    def let_go(self) -> None:
        self._gate.set()

    def wait_for(self, *, begun: int = 0, done: int = 0) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.begun) >= begun and self.done >= done, timeout=30)


@contextmanager
def threads(most: int = 64) -> Iterator[Threads]:
    one = Threads(most)
    try:
        yield one
    finally:
        one.let_go()
        one.pool.close()


def test_one_step_has_one_thread_and_many_quick_ones_a_few() -> None:
    with threads() as one:
        one.let_go()
        one.put(1)
        one.wait_for(done=1)
        one.put(40)
        one.wait_for(done=41)
        assert len(one.begun) <= FEW_THREADS
        assert not one.pool.keep_up(0)


def test_steps_that_wait_behind_silent_calls_all_get_threads() -> None:
    with threads() as one:
        one.put(20)
        one.wait_for(begun=FEW_THREADS)
        assert one.pool.keep_up(0)  # too early: they may be quick
        assert len(one.begun) == FEW_THREADS
        one.now_s = STUCK_S
        assert one.pool.keep_up(0)
        one.wait_for(begun=20)
        assert not one.pool.keep_up(0)


def test_where_calls_take_long_each_step_gets_a_thread_at_once() -> None:
    with threads() as one:
        one.put(FEW_THREADS)
        one.wait_for(begun=FEW_THREADS)
        one.now_s = WAITS_S
        one.put(10)
        one.pool.keep_up(0)
        one.wait_for(begun=FEW_THREADS + 10)


def test_a_pool_has_no_more_threads_than_steps_and_calls_together() -> None:
    with threads(most=4) as one:
        one.put(20)
        one.wait_for(begun=FEW_THREADS)
        for tick in range(1, 9):
            one.now_s = tick * STUCK_S
            one.pool.keep_up(3)
        one.wait_for(begun=7)
        assert not one.pool.keep_up(3)  # the others wait for one of those
        assert len(one.begun) == 7
        one.let_go()
        one.wait_for(done=20)


def test_a_system_that_starts_no_more_threads_is_told_and_everything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    with threads() as one:
        one.put(20)
        one.wait_for(begun=FEW_THREADS)
        start = threading.Thread.start
        left = iter(range(3))

        def refused(thread: threading.Thread) -> None:
            if thread.name.startswith("bailian-") and next(left, None) is None:
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", refused)
        one.pool.keep_up(0)
        one.now_s = STUCK_S
        one.pool.keep_up(0)
        assert one.short == [FEW_THREADS + 3]
        one.let_go()
        one.wait_for(done=20)
