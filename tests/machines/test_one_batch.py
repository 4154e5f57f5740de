"""Several machines, one account, one journal: rows are split, and whatever happens to a machine, none is paid twice."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bailian.batch.run import Gathered, PreparedBatch
from bailian.batch.sync import FileScan
from bailian.errors import JournalError
from bailian.sandbox import Fault, Sandbox
from bailian.store.jobs import Journal
from tests.support.batches import records, texts, write
from tests.support.commands import Run
from tests.support.machines import (
    RUN,
    Machine,
    Wire,
    at_work,
    busiest,
    end,
    paid_once,
    rows_file,
    states,
    tasks_run_on,
    wired,
)
from tests.support.postgresql import PostgresServer
from tests.support.processes import posix_only, until

pytestmark = [pytest.mark.slow, pytest.mark.process, posix_only]


@pytest.fixture
def url(journal_server: PostgresServer) -> str:
    return journal_server.new_database()


@pytest.fixture
def machines(tmp_path: Path, url: str, box: Sandbox) -> list[Machine]:
    box.settings.change({"enforce_limits": False, "task_s": 0.3})
    return [Machine(tmp_path / f"machine-{number}", url, box) for number in range(3)]


def test_they_split_the_rows(
    machines: list[Machine], box: Sandbox, tmp_path: Path, journal_server: PostgresServer, url: str
) -> None:
    file = rows_file(tmp_path, 60)
    running = [machine.start(*RUN, str(file)) for machine in machines]
    ended = [end(process) for process in running]
    assert [code for code, _, _ in ended] == [0, 0, 0], ended
    paid_once(box, 60)
    shares = [len(out.splitlines()) for _, out, _ in ended]
    assert sum(shares) == 60
    assert states(journal_server, url) == {"done": 60}
    # All see all of it, whoever has made it.
    code, out, err = machines[2].run("cost", "--json")
    assert (code, '"cny": 8.4' in out) == (0, True), (out, err)


def test_one_that_is_killed_is_replaced_by_the_others(
    machines: list[Machine], box: Sandbox, tmp_path: Path, journal_server: PostgresServer, url: str
) -> None:
    box.settings.change({"task_s": 6.0})
    file = rows_file(tmp_path, 60)
    running = [machine.start(*RUN, str(file)) for machine in machines]
    until(lambda: len(box.tasks) == 60)
    busy = busiest(journal_server, url)
    (killed,), others = (
        [one for one in running if one.process.pid == busy],
        [one for one in running if one.process.pid != busy],
    )
    os.killpg(killed.process.pid, signal.SIGKILL)
    killed.process.wait()
    assert states(journal_server, url).get("done", 0) < 60
    ended = [end(process) for process in others]
    assert [code for code, _, _ in ended] == [0, 0], ended
    paid_once(box, 60)
    assert states(journal_server, url) == {"done": 60}


def test_the_server_is_killed_and_starts_again(
    machines: list[Machine], box: Sandbox, tmp_path: Path, journal_server: PostgresServer, url: str
) -> None:
    file = rows_file(tmp_path, 60)
    with tasks_run_on(box):
        running = [machine.start(*RUN, str(file)) for machine in machines]
        until(lambda: len(box.tasks) > 20 and at_work(journal_server, url) == 3)
        journal_server.kill()
        journal_server.start()
    ended = [end(process) for process in running]
    assert [code for code, _, _ in ended] == [0, 0, 0], [err[-1500:] for _, _, err in ended]
    assert all("waiting for it" in err and "going on" in err for _, _, err in ended if "cannot use" in err)
    paid_once(box, 60)
    assert states(journal_server, url) == {"done": 60}


@pytest.fixture
def wires(url: str) -> Iterator[list[Wire]]:
    with wired(url) as one, wired(url) as two, wired(url) as three:
        yield [one, two, three]


@pytest.mark.long
def test_one_is_cut_off_and_comes_back(
    wires: list[Wire], box: Sandbox, tmp_path: Path, journal_server: PostgresServer, url: str
) -> None:
    """Its lease ends meanwhile: the others go on with its rows, and it sends none of them any more."""
    box.settings.change({"enforce_limits": False, "task_s": 3.0})
    file = rows_file(tmp_path, 60)
    far = [Machine(tmp_path / f"far-{number}", wire.url, box) for number, wire in enumerate(wires)]
    running = [machine.start(*RUN, str(file)) for machine in far]
    until(lambda: len(box.tasks) > 20)
    place = [one.process.pid for one in running].index(busiest(journal_server, url))
    wires[place].pull()
    others = [end(one) for one in running if one is not running[place]]
    wires[place].plug_in()
    ended = [end(running[place]), *others]
    assert {code for code, _, _ in ended} <= {0, 7}, [err[-1500:] for _, _, err in ended]
    paid_once(box, 60)
    # What it had sent when it was cut off may be paid, and cannot always be told apart: that is held, and said so.
    found = states(journal_server, url)
    assert found["done"] + found.get("held", 0) == 60


def test_clocks_ten_minutes_apart(
    machines: list[Machine], box: Sandbox, tmp_path: Path, journal_server: PostgresServer, url: str
) -> None:
    file = rows_file(tmp_path, 40)
    late = [Machine(tmp_path / f"clock{shift_s}", url, box, clock_s=shift_s) for shift_s in (-600.0, 600.0)]
    ended = [end(process) for process in [machine.start(*RUN, str(file)) for machine in (machines[0], *late)]]
    assert [code for code, _, _ in ended] == [0, 0, 0], ended
    paid_once(box, 40)
    spread = journal_server.execute(
        "SELECT MAX(created_at_s) - MIN(created_at_s) FROM bailian.jobs", url.rpartition("/")[2]
    )
    assert float(str(spread[0][0])) < 120


def test_who_joins_pays_for_nothing_that_the_others_have_paid(
    machines: list[Machine], box: Sandbox, tmp_path: Path, journal_server: PostgresServer, url: str
) -> None:
    """What has failed was tried in this run; to begin anew, or to try what may be paid, would pay what is on its way."""
    box.faults.add(Fault("submit", "status", status=400, code="DataInspectionFailed"))
    file = rows_file(tmp_path, 12)
    with tasks_run_on(box):
        first = machines[0].start(*RUN, str(file))
        until(lambda: len(box.tasks) == 11 and states(journal_server, url).get("failed") == 1)
        for flag in ("--fresh", "--retry-held"):
            code, out, _ = machines[1].run(*RUN, str(file), flag)
            assert (code, f"join it without {flag}" in out) == (2, True), out
        second = machines[2].start(*RUN, str(file))
        until(lambda: at_work(journal_server, url) == 2)
    ended = [end(one) for one in (first, second)]
    assert [code for code, _, _ in ended] == [7, 7], ended
    assert len(box.tasks) == 11
    assert states(journal_server, url) == {"done": 11, "failed": 1}
    # Run again when all is over, it is tried again.
    assert machines[1].run(*RUN, str(file))[0] == 0
    assert len(box.tasks) == 12


def test_answers_that_cannot_be_recorded_are_not_asked_for_again_in_that_run(
    box: Sandbox, url: str, bailian: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All else can be written down, so the batch is not over; the row is, until the next run."""
    box.settings.change({"enforce_limits": False, "task_s": 0.05})
    rows = texts(6)
    monkeypatch.setenv("BAILIAN_JOURNAL", url)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "store_answers", cannot_be_written)
        bailian(*RUN, write(rows), exits=6)
    asked = Counter(work.order.prompt for work in box.sync_calls)
    assert asked == {row["prompt"]: 1 for row in rows}
    bailian(*RUN, "all.json")
    assert {row["state"] for row in records("outputs/shop")} == {"done"}


def test_machines_that_have_to_leave_rows_do_not_wait_for_each_other(
    machines: list[Machine], box: Sandbox, tmp_path: Path, journal_server: PostgresServer, url: str
) -> None:
    """The host of the results is away: each keeps paid rows that only a later run can bring home."""
    box.faults.add(Fault("download", "reset_before", times=None))
    file = rows_file(tmp_path, 12)
    ended = [end(process) for process in [machine.start(*RUN, str(file)) for machine in machines[:2]]]
    assert [code for code, _, _ in ended] == [6, 6], ended
    assert states(journal_server, url) == {"ended": 12}
    box.faults.clear()
    code, _, err = machines[2].run(*RUN, str(file))
    assert code == 0, err
    paid_once(box, 12)


@pytest.mark.parametrize("words", [(), ("--fresh",)])
def test_who_loses_its_turn_before_it_writes_writes_no_row_twice(
    machines: list[Machine],
    box: Sandbox,
    tmp_path: Path,
    journal_server: PostgresServer,
    url: str,
    bailian: Run,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    """The server drops all connections when the rows are compared, and another machine has its turn meanwhile."""
    file = rows_file(tmp_path, 12)
    others: list[tuple[int, str, str]] = []
    ready = Gathered.ready

    def interrupted(self: Gathered, seen: FileScan) -> PreparedBatch:
        if not others:
            journal_server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bailian'"
            )
            others.append(machines[1].run(*RUN, str(file)))
        return ready(self, seen)

    monkeypatch.setattr(Gathered, "ready", interrupted)
    monkeypatch.setenv("BAILIAN_JOURNAL", url)
    bailian(*RUN, str(file), *words)
    assert others[0][0] == 0, others
    paid_once(box, 12)
    assert states(journal_server, url) == {"done": 12}


def cannot_be_written(*_: object) -> None:
    raise JournalError("cannot use the journal: value out of range", advice="")
