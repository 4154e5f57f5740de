"""Chains whose process dies, is interrupted, or has another one beside it: each row is paid once, with the same body."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bailian.sandbox import Sandbox
from tests.support.batches import check, executed, jobs, states, write
from tests.support.commands import Run
from tests.support.journals import bury, is_made
from tests.support.processes import end, environment, posix_only, said_until, start_bailian, until

pytestmark = [pytest.mark.process, posix_only, pytest.mark.usefixtures("quick")]


def chain(number: int = 0) -> list[dict[str, Any]]:
    """Return a picture, a painting of it, and one of that, the last first; no prompt stands in another."""
    paint = {"kind": "wanx_edit", "function": "stylization_all"}
    return [
        {**paint, "prompt": f"第{number}幅水彩。", "image": {"result_of": "painting"}},
        {"kind": "image", "id": "hero", "prompt": f"第{number}只猫。", "size": "512*512"},
        {**paint, "id": "painting", "prompt": f"第{number}幅油画。", "image": {"result_of": "hero"}},
    ]


# A process for each step of a batch: it dies there like a power switch. The loop ends with the first run that has
# fewer steps than that. Commits, renames and requests are steps; `stride` leaves some of them out.
KILL_AT_EVERY_STEP = """
import os, signal, sys
from contextlib import contextmanager
import requests, pydantic
from tests.support.journals import database_class
from bailian.cli import guard; from bailian.clock import Clock
import bailian.cli.batch.run_file, bailian.engine.engine
import bailian.modalities.picture.image, bailian.modalities.picture.wanx_edit
from bailian.cli.main import bailian as main

stride = int(sys.argv[1])
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
for name in ("link", "unlink", "replace"):
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

def start(number):
    global left
    pid = os.fork()
    if pid:
        return pid
    left = 1 + number * stride
    sys.argv = ["bailian", "batch", "run", f"{number}.json", "-q", "--no-gallery"]
    sys.stdout = open(os.devnull, "w")
    guard.main(main, clock=Clock(pause_scale=0.02))

survivors = number = 0
while not survivors:
    batch = [start(number + one) for one in range(4)]
    number += 4
    survivors = sum(os.waitpid(pid, 0)[1] == 0 for pid in batch)
print(number)
"""


@pytest.mark.slow
@pytest.mark.parametrize("stride", [23, 5])
def test_killed_at_every_step_a_chain_is_paid_once(bailian: Run, box: Sandbox, stride: int) -> None:
    for number in range(2_000 // stride):
        write(chain(number), f"{number}.json")
    loop = subprocess.run(
        [sys.executable, "-c", KILL_AT_EVERY_STEP, str(stride)], env=environment(box), capture_output=True, text=True
    )
    assert loop.returncode == 0, loop.stderr
    runs = int(loop.stdout)
    assert runs * stride > 80, "too few steps were counted to prove anything"
    bury()
    told = []
    for number in range(runs):
        bailian("batch", "run", f"{number}.json", "-q", exits=None)
        check(box, 3, f"outputs/{number}")
        told.append(states(f"outputs/{number}"))
    assert set(executed(box).values()) == {1}, "a row was carried out twice"
    # An edit shows nothing of its request in the account's list: one whose answer died is held among as many strange ones.
    assert all(one.keys() <= {"done", "held", "unsent"} for one in told)
    assert all(one["held"] for one in told if one["unsent"]), "only what waits for a held row is skipped"
    assert sum(one["done"] == 3 for one in told) > runs // 2
    for job in jobs():
        works = [task for task in box.tasks if task.order.prompt == job["said"]]
        assert len(works) <= 1
        written = json.loads(job["prepared"])["body"]["parameters"]
        assert all(work.body["parameters"] == written for work in works), "another body than the one written down"


@pytest.mark.slow
def test_killed_between_the_rows_of_a_chain(bailian: Run, box: Sandbox) -> None:
    """A source that was done before the process died hands its file to the next one."""
    rows = chain()
    process = start_bailian(box, "batch", "run", write(rows), "-q")
    until(lambda: any(job["state"] == "done" for job in jobs_if_any()))
    process.kill()
    end(process)
    ran = bailian("batch", "run", "all.json")
    assert "done before" in ran.err
    assert states() == {"done": 3}
    assert set(executed(box).values()) == {1}


def jobs_if_any() -> list[Any]:
    return jobs() if is_made(Path("bailian")) and Path("outputs").is_dir() else []


@pytest.mark.slow
def test_two_processes_on_one_home_send_a_row_once(bailian: Run, box: Sandbox) -> None:
    """The second one of the same file leaves; two files with the same chains do not mix them up."""
    write(chain(1), "1.json")
    write(chain(2), "2.json")
    ran = [start_bailian(box, "batch", "run", f"{number}.json") for number in (1, 2, 1, 2)]
    codes = [end(process).code for process in ran]
    assert set(codes) <= {0, 6}
    assert codes.count(0) >= 2
    assert set(executed(box).values()) == {1}
    assert len(executed(box)) == 6
    for number in (1, 2):
        check(box, 3, f"outputs/{number}")


@pytest.mark.slow
def test_an_interrupted_chain_goes_on(bailian: Run, box: Sandbox) -> None:
    """Ctrl-C while a source runs: what waits for it waits for the next run."""
    box.settings.change({"task_s": 5.0})
    process = start_bailian(box, "batch", "run", write(chain()), "-v")
    said_until(process, "SUBMITTING")
    until(lambda: box.tasks)
    process.send_signal(signal.SIGINT)
    ran = end(process)
    assert ran.code == 130, ran.err
    assert [job["state"] for job in jobs()] == ["submitted", "waiting", "waiting"]
    box.settings.change({"task_s": 0.05})
    bailian("batch", "run", "all.json", "--max-duration", "60")
    assert set(executed(box).values()) == {1}
