"""The journal's server has a bad day: no connections, no disk, or it falls silent. Runs wait, say so, and go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bailian.sandbox import Sandbox
from tests.support.bad_servers import crowd, database_on, small_disk
from tests.support.machines import RUN, Machine, at_work, end, paid_once, rows_file, states, tasks_run_on, wired
from tests.support.postgresql import PostgresServer
from tests.support.processes import posix_only, until

pytestmark = [pytest.mark.slow, pytest.mark.process, posix_only]
WAITING, GOING_ON = "waiting for it (Ctrl-C: do not wait)", "the journal answers again, going on"


@pytest.fixture
def small_server() -> Iterator[PostgresServer]:
    """A server with few connections, which a test may take."""
    with closing(PostgresServer(max_connections="25")) as server:
        yield server


@pytest.fixture(autouse=True)
def slow_tasks(box: Sandbox) -> None:
    box.settings.change({"enforce_limits": False, "task_s": 1.0})


def test_who_begins_while_no_connection_is_left_waits_and_who_only_reads_does_not(
    small_server: PostgresServer, box: Sandbox, tmp_path: Path
) -> None:
    url = small_server.new_database()
    sends, reads = (Machine(tmp_path / name, url, box) for name in ("sends", "reads"))
    assert reads.run("tasks", "list")[0] == 0
    with crowd(small_server) as crowd_:
        crowd_.come()
        running = sends.start(*RUN, str(rows_file(tmp_path, 10)))
        until(lambda: running.has_said(WAITING))
        code, _, err = reads.run("tasks", "list")
        assert (code, WAITING in err) == (5, False), err
        assert "too many clients" in err
        assert "max_connections" in err
        assert running.process.poll() is None
    code, _, err = end(running)
    assert code == 0, err
    assert (err.count(WAITING), err.count(GOING_ON)) == (1, 1), err
    paid_once(box, 10)


def test_connections_are_used_up_in_the_middle(small_server: PostgresServer, box: Sandbox, tmp_path: Path) -> None:
    url = small_server.new_database()
    file = rows_file(tmp_path, 40)
    with tasks_run_on(box):
        running = [Machine(tmp_path / name, url, box).start(*RUN, str(file)) for name in "ab"]
        until(lambda: len(box.tasks) > 10 and at_work(small_server, url) == 2)
        with crowd(small_server) as crowd_:
            crowd_.come()
            until(lambda: all(one.has_said(WAITING) for one in running))
    ended = [end(one) for one in running]
    assert [code for code, _, _ in ended] == [0, 0], ended
    assert all(GOING_ON in err for _, _, err in ended)
    paid_once(box, 40)
    assert states(small_server, url) == {"done": 40}


def test_who_is_not_let_in_does_not_wait(journal_server: PostgresServer, box: Sandbox, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "a", journal_server.url("no_such_database"), box)
    code, out, err = machine.run(*RUN, str(rows_file(tmp_path, 1)))
    assert (code, WAITING in err) == (5, False), err
    assert "no_such_database" in out
    assert not box.requests


def test_the_disk_of_the_server_is_full(small_server: PostgresServer, box: Sandbox, tmp_path: Path) -> None:
    with small_disk(24) as disk:
        url = database_on(disk, small_server)
        file = rows_file(tmp_path, 200)
        with tasks_run_on(box):
            running = [Machine(tmp_path / name, url, box).start(*RUN, str(file)) for name in "ab"]
            until(lambda: len(box.tasks) > 10 and at_work(small_server, url) == 2)
            disk.fill()
            until(lambda: any(one.has_said("No space left") and one.has_said(WAITING) for one in running))
            disk.empty()
        ended = [end(one) for one in running]
        assert [code for code, _, _ in ended] == [0, 0], ended
        assert any(GOING_ON in err for _, _, err in ended)
        paid_once(box, 200)
        assert states(small_server, url) == {"done": 200}
        small_server.kill()


@pytest.mark.parametrize("answers", [False, True], ids=["nothing-passes", "answers-are-lost"])
def test_a_connection_that_hangs(
    journal_server: PostgresServer, box: Sandbox, tmp_path: Path, *, answers: bool
) -> None:
    """A proxy has forgotten its connections and tells neither side; new ones pass. What was committed may be unknown."""
    url = journal_server.new_database()
    file = rows_file(tmp_path, 60)
    with wired(url) as one, wired(url) as two:
        wires = (one, two)
        with tasks_run_on(box):
            running = [
                Machine(tmp_path / f"m{n}", wire.url, box).start(*RUN, str(file)) for n, wire in enumerate(wires)
            ]
            until(lambda: len(box.tasks) > 10 and at_work(journal_server, url) == 2)
            for wire in wires:
                wire.swallow(answers=answers)
            until(lambda: all(one.has_said("no answer for") for one in running))
        ended = [end(one) for one in running]
    assert [code for code, _, _ in ended] == [0, 0], ended
    assert all("no answer for" in err and GOING_ON in err for _, _, err in ended), ended
    paid_once(box, 60)
    assert states(journal_server, url) == {"done": 60}
