"""`--cluster local:N`: processes of one home split the rows of a run in its SQLite journal."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bailian.sandbox import Sandbox
from bailian.sandbox.faults import Fault
from tests.support.machines import Machine, end, rows_file
from tests.support.processes import posix_only, until

pytestmark = [pytest.mark.slow, pytest.mark.process, pytest.mark.sqlite, posix_only]
RUN = ("batch", "run", "--yes", "--cluster", "local:3")


@pytest.fixture
def machine(tmp_path: Path, box: Sandbox) -> Machine:
    box.settings.change({"enforce_limits": False, "task_s": 1.0})
    # So slow that all of them have begun before the last row is claimed.
    models = '[models."wan2.2-t2i-flash"]\nsubmit_per_s = 10\nrunning_limit = 1000\n'
    return Machine(tmp_path / "machine", "", box, models=models)


def states(machine: Machine) -> dict[str, int]:
    with closing(sqlite3.connect(machine.home / "journal.sqlite3")) as journal:
        return dict(journal.execute("SELECT state, COUNT(*) FROM jobs GROUP BY state").fetchall())


def paid_once(box: Sandbox, rows: int) -> None:
    prompts = [task.body["input"]["prompt"] for task in box.tasks]
    assert len(prompts) == len(set(prompts)), "a row was paid twice"
    assert len(prompts) == rows


def workers_of(machine: Machine) -> list[int]:
    """Return the processes that work for a machine's command."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:
            continue
        if b"bailian.cluster.local_worker" in words and str(machine.home).encode() in environment:
            found.append(int(folder.name))
    return found


def busiest(machine: Machine) -> int:
    """Return the process that has most of the tasks now."""
    with closing(sqlite3.connect(machine.home / "pace.sqlite3")) as pace:
        found = pace.execute(
            "SELECT pid FROM slots JOIN holders USING (owner) GROUP BY pid ORDER BY COUNT(*) DESC LIMIT 1"
        )
        return int(found.fetchone()[0])


def test_they_split_the_rows_of_one_journal(machine: Machine, box: Sandbox, tmp_path: Path) -> None:
    """Each row is paid once, told once, and stands in the results; the command's stdout is what it always is."""
    file = rows_file(tmp_path, 60)
    code, out, err = machine.run(*RUN, "--json", str(file), "-o", str(tmp_path / "out"))
    assert code == 0, err
    paid_once(box, 60)
    told = [json.loads(line) for line in out.splitlines()]
    assert len({one["row"] for one in told}) == len(told) == 60
    assert {one["state"] for one in told} == {"done"}
    assert len((tmp_path / "out" / "results.jsonl").read_text(encoding="utf-8").splitlines()) == 60
    assert (tmp_path / "out" / "gallery.html").is_file()
    assert states(machine) == {"done": 60}
    # It is known as any other batch is: nothing is sent again, with workers or without.
    code, _, err = machine.run("batch", "run", "--yes", str(file), "-o", str(tmp_path / "out"))
    assert (code, "all 60 rows were done before" in err) == (0, True), err
    paid_once(box, 60)


def test_several_of_them_are_at_work(machine: Machine, box: Sandbox, tmp_path: Path) -> None:
    box.settings.change({"task_s": 4.0})
    started = machine.start(*RUN, str(rows_file(tmp_path, 60)), "-o", str(tmp_path / "out"))

    def owners() -> int:
        with closing(sqlite3.connect(machine.home / "journal.sqlite3")) as journal:
            return int(journal.execute("SELECT COUNT(DISTINCT owner) FROM jobs").fetchone()[0])

    until(lambda: len(box.tasks) == 60)
    assert owners() > 1
    code, _, err = end(started)
    assert code == 0, err
    paid_once(box, 60)


def test_one_that_is_killed_is_replaced_by_the_others(machine: Machine, box: Sandbox, tmp_path: Path) -> None:
    box.settings.change({"task_s": 5.0})
    started = machine.start(*RUN, str(rows_file(tmp_path, 60)), "-o", str(tmp_path / "out"))
    until(lambda: len(box.tasks) == 60)
    assert len(workers_of(machine)) == 3
    os.kill(busiest(machine), signal.SIGKILL)
    code, _, err = end(started)
    assert code == 0, err
    assert "is gone: the others go on with its rows" in err
    paid_once(box, 60)
    assert states(machine) == {"done": 60}


def test_ctrl_c_brings_in_what_is_under_way(machine: Machine, box: Sandbox, tmp_path: Path) -> None:
    """The same command goes on, without workers, too."""
    box.settings.change({"task_s": 2.0})
    file = rows_file(tmp_path, 60)
    started = machine.start(*RUN, str(file), "-o", str(tmp_path / "out"))
    until(lambda: len(box.tasks) > 20)
    os.killpg(started.process.pid, signal.SIGINT)  # as a terminal does: to all that are in the foreground
    code, _, err = end(started)
    assert code == 130, err
    assert "stopping the workers" in err
    assert "run the same command again" in err
    until(lambda: workers_of(machine) == [])
    code, _, err = machine.run("batch", "run", "--yes", str(file), "-o", str(tmp_path / "out"))
    assert code == 0, err
    paid_once(box, 60)


def test_a_second_ctrl_c_waits_for_nothing(machine: Machine, box: Sandbox, tmp_path: Path) -> None:
    """The workers bring in what is under way all the same: it is paid."""
    box.settings.change({"task_s": 600})
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(f'{{"kind": "text", "prompt": "问 {number}"}}\n' for number in range(3)), encoding="utf-8")
    started = machine.start(*RUN, str(file), "-o", str(tmp_path / "out"))
    until(lambda: len(box.sync_calls) == 3)
    os.kill(started.process.pid, signal.SIGINT)
    until(lambda: "stopping the workers" in started.err.read_text(encoding="utf-8"))
    os.kill(started.process.pid, signal.SIGINT)
    code, _, err = end(started)
    assert code == 130, err
    assert states(machine) == {"sending": 3}
    box.advance(600)
    until(lambda: workers_of(machine) == [])
    assert states(machine) == {"done": 3}


def test_the_command_is_killed_and_run_again(machine: Machine, box: Sandbox, tmp_path: Path) -> None:
    """Its workers bring in what is under way, and end; nothing is lost, nothing paid twice."""
    box.settings.change({"task_s": 2.0})
    file = rows_file(tmp_path, 60)
    started = machine.start(*RUN, str(file), "-o", str(tmp_path / "out"))
    until(lambda: len(box.tasks) > 20)
    os.kill(started.process.pid, signal.SIGKILL)
    started.process.wait()
    code, _, err = machine.run(*RUN, str(file), "-o", str(tmp_path / "out"))
    assert code == 0, err
    paid_once(box, 60)
    assert states(machine) == {"done": 60}
    until(lambda: workers_of(machine) == [])


def test_what_ends_the_whole_batch_is_said_once(machine: Machine, box: Sandbox, tmp_path: Path) -> None:
    """An account that is overdue stops all workers; the exit code is that of any other run."""
    box.faults.add(Fault(on="submit", kind="status", status=400, code="Arrearage", message="Overdue.", times=None))
    code, _, err = machine.run(*RUN, str(rows_file(tmp_path, 60)), "-o", str(tmp_path / "out"))
    assert code == 3, err
    assert err.count("stopped:") == 1
    assert box.tasks == []


def test_money_and_time_mean_what_they_mean_without_workers(machine: Machine, box: Sandbox, tmp_path: Path) -> None:
    """A limit is that of all workers together; what is left is left for the next run."""
    file = rows_file(tmp_path, 60)
    words = (*RUN, str(file), "-o", str(tmp_path / "out"))
    code, _, err = machine.run(*words, "--max-cost", "1.4")
    assert code == 3, err
    paid_once(box, 10)  # of 0.14 CNY each
    box.settings.change({"task_s": 600})
    code, _, err = machine.run(*words, "--no-wait")  # each row ends when its task exists
    assert code == 6, err
    paid_once(box, 60)
    code, _, err = machine.run(*words, "--max-duration", "3")
    assert (code, "running 50" in err) == (6, True), err
    paid_once(box, 60)


def test_rows_that_take_other_rows_results(machine: Machine, box: Sandbox, tmp_path: Path) -> None:
    """Whichever worker made the one, any may send the other."""
    file = tmp_path / "rows.jsonl"
    rows: list[dict[str, object]] = []
    for number in range(6):
        rows.append({"kind": "image", "id": f"p{number}", "prompt": f"猫 {number}", "model": "wan2.2-t2i-flash"})
        rows.append(
            {"kind": "wanx_edit", "prompt": f"改 {number}", "function": "description_edit",
             "image": {"result_of": f"p{number}"}}
        )  # fmt: skip
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    code, _, err = machine.run(*RUN, str(file), "-o", str(tmp_path / "out"))
    assert code == 0, err
    assert states(machine) == {"done": 12}
    paid_once(box, 12)
