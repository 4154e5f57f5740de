"""`--cluster tcp://…`: machines of a Dask cluster share a journal on a server, and each asks with the key it has."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from bailian.sandbox import Sandbox
from tests.support.dask import DaskScheduler, DaskWorker
from tests.support.machines import PATIENCE_S, Machine, Started, end, rows_file
from tests.support.postgresql import PostgresServer
from tests.support.processes import posix_only, until

pytestmark = [pytest.mark.slow, pytest.mark.process, posix_only]
SECRET = "sk-another-9876543210fedcba"


@pytest.fixture
def url(journal_server: PostgresServer) -> str:
    return journal_server.new_database()


@pytest.fixture
def scheduler(tmp_path: Path) -> DaskScheduler:
    return DaskScheduler(tmp_path)


@pytest.fixture
def machine(tmp_path: Path, url: str, box: Sandbox) -> Machine:
    box.settings.change({"enforce_limits": False, "task_s": 1.0})
    return Machine(tmp_path / "desk", url, box)


Worker = Callable[..., DaskWorker]


@pytest.fixture
def worker(tmp_path: Path, scheduler: DaskScheduler, url: str, box: Sandbox) -> Worker:
    """Return what starts one more worker."""
    return lambda name, **own: DaskWorker(tmp_path / name, own.pop("at", scheduler), own.pop("url", url), box, **own)


@pytest.fixture
def run(machine: Machine, scheduler: DaskScheduler, tmp_path: Path) -> Callable[..., Started]:
    file = rows_file(tmp_path, 60)
    words = (
        "batch",
        "run",
        str(file),
        "--run",
        "shop",
        "--yes",
        "--cluster",
        scheduler.url,
        "-o",
        str(tmp_path / "out"),
    )
    return lambda *more: machine.start(*words, *more)


def states(server: PostgresServer, url: str) -> dict[str, int]:
    found = server.execute("SELECT state, COUNT(*) FROM bailian.jobs GROUP BY state", url.rpartition("/")[2])
    return {str(state): int(str(count)) for state, count in found}


def paid_once(box: Sandbox, rows: int = 60) -> None:
    prompts = [task.body["input"]["prompt"] for task in box.tasks]
    assert len(prompts) == len(set(prompts)), "a row was paid twice"
    assert len(prompts) == rows


def test_sixty_rows_on_three_workers(
    worker: Worker, run: Callable[..., Started], box: Sandbox, tmp_path: Path, journal_server: PostgresServer, url: str
) -> None:
    """The scheduler has no toolkit, and the results are written by the command."""
    for number in range(3):
        worker(f"worker-{number}")
    code, out, err = end(run())
    assert code == 0, err
    paid_once(box)
    assert len(out.splitlines()) == 60
    assert states(journal_server, url) == {"done": 60}
    assert err.count("dashboard: http://127.0.0.1:") == 1
    assert len((tmp_path / "out" / "results.jsonl").read_text(encoding="utf-8").splitlines()) == 60


def test_one_dies_and_another_joins(
    worker: Worker, run: Callable[..., Started], box: Sandbox, journal_server: PostgresServer, url: str
) -> None:
    """The only worker is killed with all rows under way; who comes after it goes on with them."""
    box.settings.change({"task_s": 5.0})
    first = worker("worker-0")
    started = run()
    until(lambda: len(box.tasks) == 60)
    first.kill()
    worker("worker-1")
    code, _, err = end(started)
    assert code == 0, err
    assert "is gone" in err
    paid_once(box)
    assert states(journal_server, url) == {"done": 60}


def test_the_scheduler_is_killed_and_another_one_comes(
    worker: Worker, run: Callable[..., Started], box: Sandbox, scheduler: DaskScheduler, journal_server: PostgresServer,
    url: str,
) -> None:  # fmt: skip
    """Workers bring in what is under way; a new scheduler at the address and its workers go on."""
    box.settings.change({"task_s": 600})
    workers = [worker("worker-0"), worker("worker-1", nanny=True)]
    started = run()
    until(lambda: len(box.tasks) > 20)
    scheduler.kill()
    until(lambda: started.has_said("the scheduler does not answer"))
    box.settings.change({"task_s": 1.0})
    box.advance(600)
    scheduler.start()  # soon: the command waits a minute for it
    worker("worker-9")
    assert [one.process.wait(120) for one in workers] == [0, 0]
    code, _, err = end(started)
    assert code == 0, err
    paid_once(box)
    assert states(journal_server, url) == {"done": 60}


def test_those_that_may_not_take_part_are_named(
    worker: Worker, run: Callable[..., Started], box: Sandbox, journal_server: PostgresServer, url: str
) -> None:
    """Before they send anything. The other one goes on, and has all rows in hand whenever they come."""
    box.settings.change({"task_s": 600})
    worker("good")
    started = run()
    until(lambda: len(box.tasks) == 60)
    worker("keyless", key=None)
    worker("foreign", key=SECRET)
    worker("older", version="0.0.9")
    worker("bare", without=True)
    worker("elsewhere", url=journal_server.new_database())
    worker("alone", url="")
    until(lambda: started.err.read_text("utf-8").count("takes no part") == 6, PATIENCE_S)
    box.advance(600)
    code, _, err = end(started)
    assert code == 0, err
    paid_once(box)
    refused = [line for line in err.splitlines() if "takes no part" in line]
    assert all(line.startswith("worker tcp://127.0.0.1:") for line in refused)
    for why, count in {
        "no API key found": 1, "is another account's": 1, "its toolkit is version 0.0.9, this command's 0.1.0": 1,
        "the toolkit is not installed there": 1, "its journal is another one": 2,
    }.items():  # fmt: skip
        assert sum(why in line for line in refused) == count, (why, refused)
    assert SECRET not in err


def test_none_is_left(worker: Worker, run: Callable[..., Started], box: Sandbox) -> None:
    worker("keyless", key=None)
    code, _, err = end(run())
    assert code == 3, err
    assert "no worker may take part" in err
    assert box.tasks == []


def test_ctrl_c_stops_the_workers_and_the_same_command_goes_on(
    worker: Worker, run: Callable[..., Started], box: Sandbox, journal_server: PostgresServer, url: str
) -> None:
    box.settings.change({"task_s": 2.0})
    for number in range(2):
        worker(f"worker-{number}")
    started = run()
    until(lambda: len(box.tasks) > 10)
    os.killpg(started.process.pid, signal.SIGINT)
    code, _, err = end(started)
    assert code == 130, err
    code, _, err = end(run())
    assert code == 0, err
    paid_once(box)
    assert states(journal_server, url) == {"done": 60}


def test_the_command_is_killed_and_the_workers_finish(
    worker: Worker, run: Callable[..., Started], box: Sandbox, journal_server: PostgresServer, url: str
) -> None:
    """Who runs it again sees the same batch, over or not."""
    box.settings.change({"task_s": 2.0})
    for number in range(2):
        worker(f"worker-{number}")
    started = run()
    until(lambda: len(box.tasks) > 10)
    os.kill(started.process.pid, signal.SIGKILL)
    started.process.wait()
    until(lambda: states(journal_server, url).get("done") == 60)
    code, _, err = end(run())
    assert code == 0, err
    paid_once(box)


def test_workers_of_this_machine_on_a_journal_of_several(
    machine: Machine, box: Sandbox, tmp_path: Path, journal_server: PostgresServer, url: str
) -> None:
    words = ("batch", "run", str(rows_file(tmp_path, 60)), "--run", "shop", "--cluster", "local:2", "--yes")
    code, _, err = machine.run(*words, "-o", str(tmp_path / "out"))
    assert code == 0, err
    paid_once(box)
    assert states(journal_server, url) == {"done": 60}
