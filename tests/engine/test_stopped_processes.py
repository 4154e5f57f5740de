"""Stopped processes (Ctrl-Z, a debugger) and many at once: the account's rates and running tasks are kept, nobody is held
up by them, and nothing is paid twice when they go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from bailian.sandbox import Sandbox
from tests.support.batches import GATE, pictures, write
from tests.support.journals import is_made, is_written_now, opened
from tests.support.processes import end, start_bailian, start_script, until
from tests.support.setting import KEY, ROOT

pytestmark = [pytest.mark.process, pytest.mark.skipif(os.name == "nt", reason="SIGSTOP and fork")]
SILENT_SOON = "import bailian.store.pace.slots as p; p.SILENT_S, p.BEAT_S = 2.0, 0.2; import bailian.engine.steps.admit as t; t.LOOK_EVERY_S = 0.5; "
SCRIPT = SILENT_SOON + "from text2image import main"


@dataclass(frozen=True)
class OneAtOnce:
    """An account that may run one task of a model, with no room to wait in."""

    submit_per_s: float = 20.0
    running_limit: int = 1
    queue_limit: int = 0


@pytest.fixture
def one() -> Iterator[Sandbox]:
    Path("bailian").mkdir()
    Path("bailian/models.toml").write_text(
        '[models."wan2.2-t2i-flash"]\nsubmit_per_s = 20\nrunning_limit = 1\nqueue_limit = 0\ntypical_s = 1\n',
        encoding="utf-8",
    )
    with Sandbox(task_s=0.5, models={"wan2.2-t2i-flash": OneAtOnce()}) as box:
        yield box


def is_recorded() -> bool:
    """Return whether a task is in the journal."""
    if not is_made(Path("bailian")):
        return False
    with closing(opened(Path("bailian"))) as db:
        return bool(db.execute("SELECT 1 FROM jobs WHERE state = 'submitted'").fetchall())


def stop(process: subprocess.Popen[str]) -> None:
    """Stop a process as Ctrl-Z does, and return when it stands: not where it holds up all who write."""
    while True:
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        if not is_written_now(Path("bailian")):
            return
        process.send_signal(signal.SIGCONT)
        time.sleep(0.01)


def overlapping(box: Sandbox) -> int:
    """Return how many tasks ran at once at most."""
    return max(sum(other.created <= task.created < (other.ended or 0) for other in box.tasks) for task in box.tasks)


def test_a_stopped_process_holds_nobody_up(one: Sandbox) -> None:
    """Its task is over at the service: another takes its slot. When it goes on it fetches its picture, and pays nothing."""
    one.settings.change({"task_s": 600.0})
    stopped = start_script(one, "猫", command=SCRIPT, factor=1.0)
    until(is_recorded)
    stop(stopped)
    one.settings.change({"task_s": 0.5})
    one.advance(600)
    ran = end(start_script(one, "狗", "--timeout", "60", command=SCRIPT, factor=1.0))
    assert ran.code == 0, ran.err
    assert f"process {stopped.pid} (" in ran.err
    assert f"kill -CONT {stopped.pid}" in ran.err
    stopped.send_signal(signal.SIGCONT)
    assert end(stopped).code == 0
    assert (len(one.tasks), overlapping(one)) == (2, 1)
    assert not [entry for entry in one.requests if entry.status == 429]


@pytest.mark.slow
def test_a_stopped_process_whose_task_runs_keeps_its_slot(one: Sandbox) -> None:
    """The limit is the service's: nobody is let in beside a running task, and who waits is told for whom."""
    one.settings.change({"task_s": 300.0})
    stopped = start_script(one, "猫", command=SCRIPT, factor=1.0)
    until(is_recorded)
    stop(stopped)
    ran = end(start_script(one, "狗", "--timeout", "8", command=SCRIPT, factor=1.0))
    assert ran.code == 5
    said = ran.err[ran.err.index("error:") :]
    assert "could not be sent within --timeout" in said
    assert f"process {stopped.pid} (" in said
    assert "stopped since" in said
    assert f"kill -CONT {stopped.pid}" in said
    assert len(one.tasks) == 1


@pytest.mark.slow
def test_stopped_before_it_sent_it_takes_a_slot_anew(one: Sandbox) -> None:
    """It had a slot and had not used it: another does meanwhile, and on going on it waits for its turn again."""
    hold = (
        "import bailian.engine.steps.send as s, pathlib, time; wait_of = s.wait_of; here = pathlib.Path('at-the-door')\n"
        "def held(job, ports):\n"
        "    first = not here.exists()\n"
        "    here.touch()\n"
        "    while first and not pathlib.Path('go').exists(): time.sleep(0.01)\n"
        "    return wait_of(job, ports)\n"
        "s.wait_of = held\n"
    )
    stopped = start_script(one, "猫", command=f"exec({hold + SCRIPT!r}, globals())", factor=1.0)
    until(lambda: Path("at-the-door").exists())
    stop(stopped)
    Path("go").touch()
    one.settings.change({"task_s": 3.0})
    journal_lag = "import bailian.engine.steps.free_slots as l; l.LIST_LAG_S = 0.0; "
    other = start_script(one, "狗", command=journal_lag + SCRIPT, factor=1.0)
    until(is_recorded)
    stopped.send_signal(signal.SIGCONT)
    assert (end(stopped).code, end(other).code) == (0, 0)
    assert [task.order.prompt for task in one.tasks] == ["狗", "猫"]
    assert overlapping(one) == 1
    assert not [entry for entry in one.requests if entry.status == 429]


@pytest.mark.slow
def test_a_batch_beside_a_stopped_process_says_whom_it_waits_for(one: Sandbox) -> None:
    one.settings.change({"task_s": 600.0})
    stopped = start_script(one, "猫", command=SCRIPT, factor=1.0)
    until(is_recorded)
    stop(stopped)
    one.settings.change({"task_s": 0.5})
    one.advance(600)
    command = SILENT_SOON + "from bailian.cli.main import bailian as main"
    ran = end(start_script(one, "batch", "run", write(pictures(2)), "--no-gallery", command=command, factor=1.0))
    assert ran.code == 0, ran.err
    assert ran.err.count(f"kill -CONT {stopped.pid}") == 1
    stopped.kill()
    stopped.communicate()
    assert end(start_bailian(one, "tasks", "wait", "--all")).code == 0
    assert len(one.tasks) == 3


CROWD = """
import os, sys, time
import requests, pydantic, bailian.service.download
from bailian.cli import guard; from bailian.cli.scripts import request
from bailian.engine import engine; from bailian.engine import scheduler
from bailian.modalities.picture import image
from text2image import main
import bailian.engine.steps.send as send
wait_of, woken = send.wait_of, []
def late(job, services):
    if not woken:
        woken.append(time.sleep(2 - time.time() % 2))
    return wait_of(job, services)
send.wait_of = late
children = []
for number in range(60):
    pid = os.fork()
    if pid == 0:
        sys.stdout, sys.stderr = open(os.devnull, "w"), open(f"{number}.err", "w")
        while not os.path.exists("go"):
            time.sleep(0.01)
        sys.argv = ["text2image.py", f"第{number}幅", "--size", "512*512", "--no-wait"]
        guard.main(main, "text2image.py")
    children.append(pid)
open("go", "w").close()
print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children])
"""


@dataclass(frozen=True)
class MoreThanTheRate:
    """An account that allows more than the ten a second that the client keeps to. A stalled thread is no 429."""

    submit_per_s: float = 14.0
    running_limit: int = 1000
    queue_limit: int = 0


@pytest.mark.slow
def test_a_crowd_that_begins_together_keeps_the_rate() -> None:
    """Sixty processes wake late, all those of two seconds at one moment: none is refused for the rate."""
    Path("bailian").mkdir()
    Path("bailian/models.toml").write_text(
        '[models."wan2.2-t2i-flash"]\nsubmit_per_s = 10\nrunning_limit = 1000\n', encoding="utf-8"
    )
    with Sandbox(task_s=0.05, models={"wan2.2-t2i-flash": MoreThanTheRate()}) as box:
        env = {**os.environ, "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": box.base_url, "PYTHONPATH": str(ROOT)}
        ran = subprocess.run([sys.executable, "-c", CROWD], env=env, capture_output=True, text=True, check=False)
        assert ran.stdout.strip() == str([0] * 60), [path.read_text(encoding="utf-8") for path in Path().glob("*.err")]
        assert [entry.status for entry in box.requests if entry.method == "POST"] == [200] * 60


@pytest.mark.slow
def test_a_process_that_is_stopped_and_goes_on_at_once_keeps_the_rate(one: Sandbox) -> None:
    """Rows wait for their places while everything stands still; afterwards they do not leave together.

    They keep to four a second where five are allowed. It stands still for so long that many more places pass.
    """
    Path("bailian/models.toml").write_text(
        '[models."wan2.2-t2i-flash"]\nsubmit_per_s = 4\nrunning_limit = 1000\n', encoding="utf-8"
    )
    with Sandbox(task_s=0.05, models={"wan2.2-t2i-flash": MoreThanTheRate(submit_per_s=5.0)}) as box:
        both = [
            start_script(box, "batch", "run", write(pictures(8), f"{i}.json"), "--no-gallery", command=GATE, factor=1.0)
            for i in range(2)
        ]
        until(lambda: len(list(Path().glob("ready-*"))) == 2)
        Path("go").touch()
        for count in (3, 6):
            until(lambda count=count: len(box.tasks) >= count)
            for process in both:
                process.send_signal(signal.SIGSTOP)
            signal.sigtimedwait([], 2.5)
            for process in both:
                process.send_signal(signal.SIGCONT)
        assert [end(process).code for process in both] == [0, 0]
        assert not [entry for entry in box.requests if entry.status == 429]
        assert len(box.tasks) == 16
