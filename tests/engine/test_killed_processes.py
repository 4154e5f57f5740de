"""Processes that are killed, interrupted, or run beside each other. Real signals, real sockets, one journal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bailian.files import png
from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run
from tests.support.journals import ON_SERVER, bury, opened
from tests.support.processes import end, posix_only, start_bailian, start_script, until
from tests.support.setting import KEY, ROOT

pytestmark = pytest.mark.process


def rows(home: Path) -> list[tuple[str, str | None, str]]:
    with closing(opened(home)) as db:
        found = db.execute("SELECT state, task_id, request FROM jobs ORDER BY created_at_s").fetchall()
    return [(state, task_id, json.loads(request)["prompt"]) for state, task_id, request in found]


# Imports everything once, then forks a run for each step. A run counts what touches disk or network and dies at
# its own step like a power switch; the loop ends with the first run that has fewer steps than that.
KILL_AT_EVERY_STEP = """
import itertools, os, signal, sys
from contextlib import contextmanager
import requests, pydantic
from tests.support.journals import database_class
from bailian.cli import guard; from bailian.cli.scripts import request
from bailian.engine import engine; from bailian.clock import Clock
from bailian.modalities.picture import image
from text2image import main

left = 0
def tick():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
def around(real):
    def wrapped(*args, **kwargs):
        tick(); value = real(*args, **kwargs); tick()
        return value
    return wrapped
for name in ("link", "fsync", "unlink", "replace"):
    setattr(os, name, around(getattr(os, name)))
requests.adapters.HTTPAdapter.send = around(requests.adapters.HTTPAdapter.send)
Database = database_class()
real_transaction = Database.transaction
@contextmanager
def transaction(self, lock=""):
    tick()
    with real_transaction(self, lock) as db:
        yield db
        tick()
    tick()
Database.transaction = transaction

def start(step):
    global left
    pid = os.fork()
    if pid:
        return pid
    left = step
    sys.argv = ["text2image.py", "-q", f"第{step}只猫"]
    sys.stdout = open(os.devnull, "w")
    guard.main(main, clock=Clock(pause_scale=0.02))

steps = itertools.count(1)
survivors = 0
while not survivors:
    batch = [start(next(steps)) for _ in range(6)]
    survivors = sum(os.waitpid(pid, 0)[1] == 0 for pid in batch)
print(next(steps) - 1)
"""


@posix_only
def test_killed_at_every_step_nothing_is_paid_twice_and_nothing_paid_is_lost(
    box: Sandbox, bailian: Run, tmp_path: Path
) -> None:
    """kill -9 at every disk and network step in turn, then one `tasks wait --all`: every task the server knows
    is a whole file, exactly one each; the server never had more tasks than there were intents."""
    box.settings.enforce_limits, box.settings.task_s = False, 0.02
    # Nobody waits for a slot: how often one asks for it would be steps that differ from run to run.
    (tmp_path / "bailian").mkdir()
    overlay = '[models."wan2.2-t2i-flash"]\nrunning_limit = 1000\n'
    (tmp_path / "bailian" / "models.toml").write_text(overlay, encoding="utf-8")
    env = {**os.environ, "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": box.base_url, "PYTHONPATH": str(ROOT)}
    loop = subprocess.run([sys.executable, "-c", KILL_AT_EVERY_STEP], env=env, capture_output=True, text=True)
    assert loop.returncode == 0, loop.stderr
    assert int(loop.stdout) > 40, "too few steps were counted to prove anything"
    bury()
    bailian("tasks", "wait", "--all", exits=7)
    jobs = rows(tmp_path / "bailian")
    assert {state for state, _, _ in jobs} == {"done", "unsent"}
    prompts = [task.body["input"]["prompt"] for task in box.tasks]
    assert len(prompts) == len(set(prompts)), "a request was executed twice"
    assert sorted(prompts) == sorted(prompt for state, _, prompt in jobs if state == "done")
    pictures = list(Path("outputs").glob("*.png"))
    assert len(pictures) == len(box.tasks)
    assert all(png.is_complete(path.read_bytes()) for path in pictures)


TWO_HUNDRED = """
import os, sys, time
from pathlib import Path
from bailian.store.jobs import Journal
from bailian.store.pace.limits import SharedLimits
from bailian.store.schema import JobEnd, JobResult
from bailian.store.states import Status
from bailian.types import StoredRequest
from tests.support.journals import place

def work(home, number):
    journal, pace = Journal(place(home)), SharedLimits(place(home))
    pace.rates.reserve("submit", 1000.0)
    job = journal.intend(account="a", kind="image", model="m", wire_model="m", request={"prompt": number},
                         prepared=StoredRequest(), saving={}, estimate_cny=1.0, owner=number)
    journal.record_intents([job], number)
    journal.record_task(job, "task-" + number, "r")
    journal.store_answers([JobResult(job, {"output": {}}, 1.0, 1.0, "r")])
    journal.finish([JobEnd(job, Status.DONE)])
    journal.close()
    pace.close()

home = Path(sys.argv[1])
start_at = time.time() + 0.5
children = []
for number in range(200):
    pid = os.fork()
    if pid == 0:
        time.sleep(max(0, start_at - time.time()))
        work(home, str(number))
        os._exit(0)
    children.append(pid)
sys.exit(sum(os.waitpid(pid, 0)[1] != 0 for pid in children))
"""


@posix_only
@pytest.mark.slow
def test_two_hundred_processes_share_a_new_journal(tmp_path: Path) -> None:
    """All start on an empty home at the same moment: no "database is locked", no row lost, no corruption."""
    home = tmp_path / "shared"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", TWO_HUNDRED, str(home)], env=env, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert sorted(rows(home)) == sorted(("done", f"task-{i}", str(i)) for i in range(200))
    if not ON_SERVER:
        with closing(opened(home)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert not [path for path in home.iterdir() if path.name.startswith(".")]


@pytest.mark.slow
@posix_only
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.few(1)
def test_an_interrupt_while_waiting_names_the_task_and_the_command(
    box: Sandbox, bailian: Run, sign: signal.Signals
) -> None:
    """Ctrl-C or SIGTERM: exit 130, the id and the resume command on stderr, and the command works."""
    box.faults.add(Fault(on="submit", kind="slow", delay_s=0, task_s=3.0))
    process = start_script(box, "猫")
    until(lambda: any(box.tasks and box.tasks[0].task_id in entry.path for entry in box.requests))
    process.send_signal(sign)
    ran = end(process)
    task_id = box.tasks[0].task_id
    assert ran.code == 130
    assert f"bailian tasks wait {task_id}" in ran.err
    assert "Traceback" not in ran.err
    assert bailian("tasks", "wait", task_id).paths[0].exists()


@posix_only
def test_an_interrupt_while_submitting_waits_for_the_id(box: Sandbox) -> None:
    """The paid request is under way when Ctrl-C comes: its answer is read before the process leaves."""
    box.faults.add(Fault(on="submit", kind="slow", delay_s=1.0))
    process = start_script(box, "猫")
    until(lambda: box.faults.fired)
    process.send_signal(signal.SIGINT)
    ran = end(process)
    assert ran.code == 130
    assert f"bailian tasks wait {box.tasks[0].task_id}" in ran.err


def test_two_runs_of_one_line_make_two_files(box: Sandbox) -> None:
    """The same command twice at once, wanting the same name: two tasks, two files, nothing overwritten."""
    both = [start_script(box, "猫", "--name", "猫") for _ in range(2)]
    assert [end(process).code for process in both] == [0, 0]
    assert sorted(path.name for path in Path("outputs").iterdir()) == ["猫-2.png", "猫.png"]
    assert len(box.tasks) == 2


def test_answers_lost_at_the_same_time_are_not_mixed_up(box: Sandbox) -> None:
    """Two processes lose the answers to their submits together; each finds its own task again."""
    box.faults.add(Fault(on="submit", kind="reset_after", times=2))
    cat, dog = start_script(box, "一只猫", "--name", "猫"), start_script(box, "一只狗", "--name", "狗")
    assert [end(cat).code, end(dog).code] == [0, 0]
    assert len(box.tasks) == 2
    from bailian.files import recipe

    ids = {task.body["input"]["prompt"]: task.task_id for task in box.tasks}
    for prompt, name in (("一只猫", "猫"), ("一只狗", "狗")):
        made = recipe.read(Path(f"outputs/{name}.png"))
        assert made is not None
        assert made["task_id"] == ids[prompt]


@posix_only
def test_wait_leaves_a_living_process_alone_and_replaces_a_dead_one(box: Sandbox, bailian: Run) -> None:
    """`wait --all` does not fetch what another process waits for; `wait ID` takes over when that one is killed."""
    box.faults.add(Fault(on="submit", kind="slow", delay_s=0, task_s=4.0))
    first = start_script(box, "猫")
    until(lambda: any(box.tasks and box.tasks[0].task_id in entry.path for entry in box.requests))
    ran = bailian("tasks", "wait", "--all")
    assert ran.out == ""
    assert "another process" in ran.err
    second = start_bailian(box, "tasks", "wait", box.tasks[0].task_id)
    first.kill()
    first.communicate()
    ran = end(second)
    assert ran.code == 0
    assert len(ran.paths) == 1
    assert len(list(Path("outputs").glob("*.png"))) == 1
