"""How many calls are under way: rate × answer time, each queue its share, and no more than the machine holds."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.catalog import Mode
from bailian.engine.admission.call_capacity import MOST_CALLS, call_capacity, shares, usual_s, wanted_calls
from bailian.engine.admission.queues import LEAVING_MOST, ModelQueue, ModelQueues
from bailian.engine.job import SendState
from bailian.service.transport.send_tracking import Watch


@pytest.mark.parametrize(
    "per_s, answer_s, oldest_s, calls",
    [
        (None, None, 0.0, 40),
        (50.0, None, 0.0, 25),
        (50.0, None, 8.0, 525),
        (50.0, 8.0, 8.0, 525),
        (2.0, 30.0, 30.0, 76),
        (50.0, 1.0, 2.0, 150),
        (50.0, 1.0, 600.0, 213),  # it has answered within a second, and hangs now: no more than three times as many
    ],
)
def test_calls_under_way_follow_rate_and_answer_time(
    per_s: float | None, answer_s: float | None, oldest_s: float, calls: int
) -> None:
    assert wanted_calls(per_s, answer_s, oldest_s) == calls


def test_nearly_all_answers_come_within_the_usual_time() -> None:
    assert usual_s([]) is None
    assert usual_s([1.0] * 9 + [60.0]) == 1.0
    assert usual_s([60.0] * 5 + [1.0] * 5) == 60.0


@pytest.mark.slow
@given(st.dictionaries(st.text(max_size=2), st.integers(0, 9999), min_size=1, max_size=5), st.integers(1, 5000))
def test_what_there_is_is_shared_by_what_each_wants(wanted: dict[str, int], most: int) -> None:
    got = shares(wanted, most)
    assert sum(got.values()) <= max(most, sum(wanted.values()) if sum(wanted.values()) <= most else most + len(wanted))
    if sum(wanted.values()) <= most:
        assert got == wanted
    else:
        assert all(count >= 1 for count in got.values())


def test_the_users_own_limit_is_one() -> None:
    capacity = call_capacity(7)
    assert capacity.calls == 7
    assert "you said so (in_flight)" in capacity.text
    assert call_capacity().calls <= MOST_CALLS


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no limit of open files there")
def test_few_open_files_lower_it_with_a_word() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 300))\n"
        "from bailian.engine.admission.call_capacity import call_capacity\n"
        "found = call_capacity(); print(found.calls, found.reason)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.startswith("140 300 open files are allowed (`ulimit -n`")


# ── the queues ──


def call(queue: str, number: int) -> Any:
    return SimpleNamespace(id=f"{queue}{number}", wire_model=queue, mode=Mode.SYNC, sending=SendState())


class Service:
    """Answers each call after a time, and takes `per_s` a second."""

    def __init__(self, **queues: tuple[int, float, float]) -> None:
        self.now_s = 0.0
        self.rates = {name: (per_s, answer_s) for name, (_, per_s, answer_s) in queues.items()}
        self.queues = ModelQueues(
            [
                ModelQueue(name, iter([call(name, i) for i in range(count)]), per_s)
                for name, (count, per_s, _) in queues.items()
            ],
            monotonic=lambda: self.now_s,
            most_calls=1000,
        )
        self.next_place_s = dict.fromkeys(queues, 0.0)
        self.admitted: dict[str, list[Any]] = {name: [] for name in queues}
        self.under_way: list[tuple[float, Any]] = []
        self.last_end_s: dict[str, float] = {}
        self.most = 0

    def run(self) -> None:
        while self.queues.open or self.under_way or any(self.admitted.values()):
            self.step()
            self.now_s += 0.01

    def step(self) -> None:
        for job in self.queues.next_jobs():
            self.admitted[job.wire_model].append(job)
        for name, jobs in self.admitted.items():
            per_s, answer_s = self.rates[name]
            while jobs and self.next_place_s[name] <= self.now_s:
                self.next_place_s[name] += 1 / per_s
                job = jobs.pop(0)
                job.sending.watch = Watch()
                job.sending.watch.left = True
                self.queues.on_sending(job)
                self.under_way.append((self.now_s + answer_s, job))
        self.most = max(self.most, len(self.under_way))
        for end_s, job in [one for one in self.under_way if one[0] <= self.now_s]:
            self.under_way.remove((end_s, job))
            self.queues.on_done(job)
            self.last_end_s[job.wire_model] = self.now_s


@pytest.mark.parametrize(
    "count, per_s, answer_s", [(400, 50.0, 8.0), (60, 2.0, 30.0), (300, 500.0, 1.0), (50, 5.0, 0.1)]
)
def test_a_queue_is_as_fast_as_its_rate_whatever_an_answer_takes(count: int, per_s: float, answer_s: float) -> None:
    service = Service(m=(count, per_s, answer_s))
    service.run()
    assert service.now_s <= 1.06 * (count / per_s + answer_s) + 0.3
    assert service.most <= math.ceil(per_s * answer_s) + 2


def test_a_slow_kind_does_not_starve_a_fast_one() -> None:
    service = Service(picture=(60, 2.0, 30.0), text=(300, 10.0, 10.0))
    service.run()
    assert service.last_end_s["picture"] <= 1.05 * (30 + 30)
    assert service.last_end_s["text"] <= 1.05 * (30 + 10)


def test_a_full_process_shares_what_it_can_hold_and_says_so_once() -> None:
    told: list[str] = []
    now_s = 0.0
    sources: dict[str, Iterator[Any]] = {name: iter([call(name, i) for i in range(9000)]) for name in ("fast", "slow")}
    queues = ModelQueues(
        [ModelQueue("fast", sources["fast"], 400.0), ModelQueue("slow", sources["slow"], 100.0)],
        monotonic=lambda: now_s,
        most_calls=100,
        on_full=lambda capacity: told.append(capacity.text),
    )
    under_way: dict[str, int] = {"fast": 0, "slow": 0}
    for _ in range(200):
        for job in list(queues.next_jobs()):
            job.sending.watch = Watch()
            job.sending.watch.left = True
            queues.on_sending(job)
            under_way[job.wire_model] += 1
        now_s += 0.05
    assert sum(under_way.values()) == 100 == queues.calls
    assert under_way["fast"] == pytest.approx(80, abs=2)
    assert len(told) == 1


def test_where_this_machine_is_the_slow_one_few_are_on_their_way_out() -> None:
    moments = count(0.0, 0.1)
    jobs = iter([call("m", i) for i in range(9000)])
    queues = ModelQueues([ModelQueue("m", jobs, 10_000.0)], monotonic=lambda: next(moments))
    out = [*queues.next_jobs(), *queues.next_jobs()]
    assert len(out) == LEAVING_MOST
    for job in out[:50]:
        job.sending.watch = Watch()
        job.sending.watch.left = True
        queues.on_sending(job)
    assert len([*queues.next_jobs()]) == 50


def test_a_refused_call_counts_once_more_when_it_leaves_again() -> None:
    queues = ModelQueues([ModelQueue("m", iter([call("m", 0)]), 10.0)], monotonic=lambda: 0.0)
    (job,) = queues.next_jobs()
    queues.on_sending(job)
    queues.on_done(job, answered=False)
    assert queues.calls == 0
    queues.on_sending(job)
    assert queues.calls == 1
    queues.on_done(job)
    assert queues.calls == 0
