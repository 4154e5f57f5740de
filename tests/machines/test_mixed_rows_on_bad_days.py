"""Rows of all kinds on three machines while the service fails at every step, and each machine has a day of its own: one
is stopped, one is cut off from the journal, one is killed. Every row is done or says why not, and none is paid twice."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from bailian.sandbox import Fault, Sandbox
from bailian.store.backends.dialects import POSTGRESQL
from bailian.store.sums import sums_of
from tests.support.batches import executed, is_whole, mixed, write
from tests.support.machines import RUN, Machine, Started, Wire, busiest, end, silent_s, states, wired
from tests.support.postgresql import PostgresServer
from tests.support.processes import posix_only, until
from tests.support.service import FAST_MODELS
from tests.support.setting import FAST
from tests.support.sums import differences

pytestmark = [pytest.mark.slow, pytest.mark.process, posix_only]
STEPS = ("submit", "sync", "text", "poll", "download")
FAULTS = (
    *(Fault(on, "throttle", after=after) for on in STEPS for after in (0, 9)),
    *(Fault(on, "status", after=4) for on in STEPS),
    *(Fault(on, "reset_before", after=6) for on in STEPS),
    *(Fault(on, "reset_after", after=8) for on in STEPS),
    *(Fault(on, "garbage", after=7) for on in ("text", "poll")),
    *(Fault(on, "cut", after=3) for on in ("submit", "text", "poll", "download")),
    Fault("submit", "failed", after=12), Fault("list", "reset_after"), Fault("list", "status", after=3),
    Fault("speech", "failed", after=2, count=0), Fault("speech", "reset", after=1, count=1),
)  # fmt: skip
# So many requests of a step lie between two rounds of its faults.
EVERY = {"sync": 20, "submit": 80, "text": 500, "poll": 80, "download": 80, "list": 0}
OVER = {"done", "failed", "held", "unsent"}
# A lease lasts half a minute: the others have gone on with its rows by then.
TAKEN_OVER_S = 33.0


@dataclass(frozen=True)
class Size:
    """How large a trial is, and how long its machines are away."""

    counts: Sequence[int]
    """Rows of each kind, see `mixed`."""
    rounds: int
    """How often each fault comes."""
    stopped_s: float
    cut_off_s: float
    models: str
    pause_scale: float
    within_s: float = 280.0


SHORT = Size((80, 40, 30, 10, 3, 20, 16), 1, TAKEN_OVER_S, TAKEN_OVER_S, FAST_MODELS, FAST)
# In earnest: the account's limits, and no pause shortened.
LONG = Size((8_100, 500, 300, 250, 50, 400, 400), 12, 60.0, 40.0, "", 1.0, 3_000.0)


class Trial:
    """Three machines at one file."""

    def __init__(self, size: Size, box: Sandbox, server: PostgresServer, folder: Path, wires: list[Wire]) -> None:
        self.size, self.box, self.server, self.wires = size, box, server, wires
        self.url = server.new_database()
        self.machines = [
            Machine(folder / f"machine-{number}", wire.url_of(self.url), box, models=size.models, pause_scale=size.pause_scale)
            for number, wire in enumerate(wires)
        ]  # fmt: skip
        rows = mixed(counts=size.counts)
        self.rows = len(rows)
        file = Path(write(rows)).absolute()
        box.faults.add(
            *(
                replace(one, after=one.after + turn * EVERY.get(one.on, 20))
                for turn in range(size.rounds)
                for one in FAULTS
            )
        )
        self.running = [machine.start(*RUN, str(file)) for machine in self.machines]

    def over(self) -> int:
        return sum(count for state, count in states(self.server, self.url).items() if state in OVER)

    def reach(self, share: float) -> None:
        """Wait until so many of the rows are over."""
        until(lambda: self.has_ended() or (self.box.tasks and self.over() >= share * self.rows), self.size.within_s)
        assert not self.has_ended(), [end(one) for one in self.running]

    def has_ended(self) -> bool:
        return any(one.process.poll() is not None for one in self.running)

    def be_away(self, one: Started, seconds: float) -> None:
        until(lambda: silent_s(self.server, self.url, one.process.pid) >= seconds, seconds + 60)

    def busiest(self) -> Started:
        pid = busiest(self.server, self.url)
        return next(one for one in self.running if one.process.pid == pid)


def bad_day(trial: Trial) -> list[tuple[int, str, str]]:
    """Stop one machine, cut one off, kill one; return what the two that live came to."""
    trial.reach(0.1)
    stopped = trial.busiest()
    cut = next(place for place, one in enumerate(trial.running) if one is not stopped)
    os.killpg(stopped.process.pid, signal.SIGSTOP)
    trial.wires[cut].pull()
    trial.be_away(trial.running[cut], trial.size.cut_off_s)
    trial.wires[cut].plug_in()
    trial.be_away(stopped, trial.size.stopped_s)
    os.killpg(stopped.process.pid, signal.SIGCONT)
    killed = next(one for one in trial.running if one not in (stopped, trial.running[cut]))
    os.killpg(killed.process.pid, signal.SIGKILL)
    killed.process.wait()
    return [end(one, trial.size.within_s) for one in trial.running if one is not killed]


def check(trial: Trial, ended: list[tuple[int, str, str]]) -> None:
    found = states(trial.server, trial.url)
    assert {code for code, _, _ in ended} <= {0, 7}, [err[-2000:] for _, _, err in ended]
    assert set(found) <= OVER, found
    # Sounds and edits whose answers went to a machine that is away are held by rights: of few rows that is a fifth.
    assert found["done"] > 0.7 * trial.rows, found
    # An edit that is held is not sent again: how many requests of that kind there are is not the same each time.
    assert all(one.on == "sync" for one in trial.box.faults.armed), "a fault that never hit proves nothing"
    failed = Counter(task.order.prompt for task in trial.box.tasks if task.fate.failed)  # not billed, and tried again
    twice = {prompt for prompt, count in (executed(trial.box) - failed).items() if count > 1}
    assert not twice, f"paid twice: {twice}"
    with psycopg.connect(trial.url) as db:
        db.execute("SET search_path TO bailian")
        assert differences(lambda sql: db.execute(sql.encode()), sums_of(POSTGRESQL)) == []
        # Who joins late tries again what has failed by then: that row has two jobs.
        known = db.execute("SELECT COUNT(DISTINCT row_key) FROM jobs").fetchone()
        assert known == (trial.rows,), "a row is missing"
        texts = db.execute("SELECT COUNT(*) FROM jobs WHERE kind = 'text' AND state <> 'done'").fetchone()
        assert texts == (0,), "a text is asked for again whenever its answer is lost"
        told = db.execute("SELECT COUNT(*) FROM jobs WHERE state <> 'done' AND error IS NULL").fetchone()
        assert told == (0,), "a row that is not done says why"
        paths = [Path(path) for (path,) in db.execute("SELECT path FROM files WHERE placed = 1")]
    assert len(paths) == len(set(paths)), "two rows have the same file"
    assert all(is_whole(path) for path in paths)


def refused(box: Sandbox) -> int:
    """Return how often the service said that the account asks too much."""
    throttles = sum(fault.kind == "throttle" for fault in box.faults.fired)
    return sum(entry.status == 429 for entry in box.requests) - throttles


@pytest.fixture
def wires(journal_server: PostgresServer) -> Iterator[list[Wire]]:
    with ExitStack() as stack:
        yield [stack.enter_context(wired(journal_server.url("postgres"))) for _ in range(3)]


def test_two_hundred_rows(wires: list[Wire], box: Sandbox, tmp_path: Path, journal_server: PostgresServer) -> None:
    box.settings.change({"enforce_limits": False, "task_s": 0.5})
    trial = Trial(SHORT, box, journal_server, tmp_path, wires)
    check(trial, bad_day(trial))


@pytest.mark.long
def test_ten_thousand_rows(wires: list[Wire], box: Sandbox, tmp_path: Path, journal_server: PostgresServer) -> None:
    """At the account's limits. On a machine that does much else a request may come a moment late."""
    box.settings.change({"task_s": 0.5})
    trial = Trial(LONG, box, journal_server, tmp_path, wires)
    check(trial, bad_day(trial))
    assert refused(box) <= 2
