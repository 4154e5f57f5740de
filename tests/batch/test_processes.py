"""Batches as processes: killed again and again, beside each other on one account, interrupted, one at a time."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bailian.sandbox import Fault, Sandbox
from tests.support.batches import check, executed, jobs, mixed, pictures, records, states, texts, write
from tests.support.clocks import SOON_S, deadline_comes_when
from tests.support.commands import Run
from tests.support.processes import end, posix_only, said_until, start_bailian, start_script, until
from tests.support.setting import KEY, ROOT

pytestmark = [pytest.mark.process, posix_only]


# ── killed ──


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("kills", [2, pytest.param(8, marks=pytest.mark.slow)])
def test_killed_again_and_again_a_batch_comes_to_its_end(bailian: Run, box: Sandbox, kills: int) -> None:
    """kill -9 at random moments: nothing is carried out twice, no row is lost, no file is half."""
    rows = mixed()
    write(rows)
    chance = random.Random(1913)
    for _ in range(kills):
        process = start_bailian(box, "batch", "run", "all.json", "-q")
        enough = len(box.requests) + chance.randrange(45)
        until(lambda p=process, n=enough: len(box.requests) >= n or p.poll() is not None)  # type: ignore[misc]
        process.kill()
        end(process)
    assert jobs(), "it was never killed before its end"
    ran = end(start_bailian(box, "batch", "run", "all.json", "--max-duration", "200"))
    assert ran.code in (0, 7), ran.err
    check(box, len(rows))
    assert set(executed(box).values()) == {1}, "a request was carried out twice"
    told = states()
    assert told.keys() <= {"done", "held"}
    assert {row["kind"] for row in records() if row["state"] == "held"} <= {"image_edit", "speech", "wanx_edit"}
    assert told["done"] + told["held"] == len(rows)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_texts_whose_answers_died_with_their_process_are_asked_again(bailian: Run, box: Sandbox) -> None:
    """A text costs little, so it is sent again (design: "For text: resent"), and its row is done."""
    box.settings.change({"task_s": 30.0})
    process = start_bailian(box, "batch", "run", write(texts(60)))
    until(lambda: len(box.sync_calls) >= 30)
    process.kill()
    end(process)
    box.settings.change({"task_s": 0.05})
    bailian("batch", "run", "all.json")
    assert states() == {"done": 60}, "those that were sent, and those that still waited behind them"


@pytest.mark.usefixtures("quick")
@pytest.mark.slow
def test_killed_while_it_plans(bailian: Run, box: Sandbox) -> None:
    """What a dead process has written down of a batch is sent once, by the next run."""
    rows = pictures(30)
    write(rows)
    die = (
        "import itertools, os, bailian.store.batches as runs, bailian.store.jobs as journal; runs.CHUNK_ROWS = 10; "
        "insert, calls = journal.Journal.insert, itertools.count(); "
        "journal.Journal.insert = lambda self, rows: insert(self, rows) if next(calls) < 2 else os.kill(os.getpid(), 9); "
    )
    command = die + "from bailian.cli.main import bailian as main"
    assert end(start_script(box, "batch", "run", "all.json", command=command)).code == -signal.SIGKILL
    assert (len(jobs()), box.requests) == (20, [])
    bailian("batch", "run", "all.json")
    assert states() == {"done": 30}
    assert executed(box) == {row["prompt"]: 1 for row in rows}


# ── beside each other ──


@dataclass(frozen=True)
class TwoAtOnce:
    """The limits of the seed document's picture models, with no room to wait in.

    The rate is a little higher than what the client keeps to. A thread that is woken late is no 429.
    """

    submit_per_s: float = 3.0
    running_limit: int = 2
    queue_limit: int = 1


_AT_THE_DOOR = """
import os, pathlib, time, bailian.store.pace.slots
take = bailian.store.pace.slots.ConcurrencyLimiter.acquire
def gated(self, *words):
    pathlib.Path(f"ready-{os.getpid()}").touch()
    while not os.path.exists("go"):
        time.sleep(0.01)
    return take(self, *words)
bailian.store.pace.slots.ConcurrencyLimiter.acquire = gated
"""
AT_THE_DOOR = f"exec({_AT_THE_DOOR!r}, globals()); from bailian.cli.main import bailian as main"
"""Waits when it asks for its first slot: on a busy machine one process could be done before another has asked."""


def test_six_processes_keep_the_limits_together() -> None:
    """Two submits a second, two running tasks: no 429, never more than may run, and everybody has a turn."""
    Path("bailian").mkdir()
    Path("bailian/models.toml").write_text('[models."wan2.2-t2i-flash"]\ntypical_s = 1\n', encoding="utf-8")
    with Sandbox(task_s=0.4, models={"wan2.2-t2i-flash": TwoAtOnce()}) as box:
        started = []
        for number in range(6):
            rows = [{**row, "prompt": f"进程{number}，第{i}幅"} for i, row in enumerate(pictures(3))]
            words = ("batch", "run", write(rows, f"{number}.json"), "--no-gallery")
            started.append(start_script(box, *words, command=AT_THE_DOOR, factor=1.0))
        until(lambda: len(list(Path().glob("ready-*"))) == 6)
        Path("go").touch()
        ends = [end(process) for process in started]
        assert [ran.code for ran in ends] == [0] * 6, [ran.err for ran in ends]
        assert not [entry for entry in box.requests if entry.status == 429]
        tasks = box.tasks
    assert len(tasks) == 18
    for task in tasks:
        running = [other for other in tasks if other.created <= task.created < other.ended]
        assert len(running) <= 3, "two that run and one that waits"
    turns = [task.order.prompt[2] for task in tasks]
    third = next(i for i in range(18) if turns[: i + 1].count(turns[i]) == 3)
    assert set(turns[:third]) == set("012345"), f"somebody had three turns before everybody had one: {turns}"


MANY = """
import os, sys
import requests, pydantic
from bailian.cli import guard; from bailian.cli.batch import run_file; from bailian.cli.scripts import request
from bailian.engine import engine; from bailian.clock import Clock
from bailian.modalities.picture import image
from bailian.cli.main import bailian
from text2image import main
fast = Clock(pause_scale=0.02)
children = {}
for number in range(int(sys.argv[1])):
    pid = os.fork()
    if pid == 0:
        sys.stdout, sys.stderr = open(os.devnull, "w"), open(f"{number}.err", "w")
        if number % 2:
            sys.argv = ["bailian", "batch", "run", f"{number}.json", "--no-gallery"]
            guard.main(bailian, "bailian", clock=fast)
        sys.argv = ["text2image.py", f"单独的第{number}幅", "--size", "512*512"]
        guard.main(main, "text2image.py", clock=fast)
    children[pid] = number
for _ in range(int(sys.argv[1])):
    pid, status = os.wait()
    print(children[pid], os.waitstatus_to_exitcode(status))
"""


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("count, room", [(10, 4), pytest.param(50, 20, marks=pytest.mark.slow)])
def test_many_processes_share_the_budget_of_a_day(box: Sandbox, count: int, room: int) -> None:
    """As many pictures as there is money for are made, not one more; everybody else says why it sent nothing."""
    box.settings.change({"task_s": 0.02})
    for number in range(1, count, 2):
        write([{**row, "prompt": f"批次里的第{number}幅"} for row in pictures(1)], f"{number}.json")
    env = {**os.environ, "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": box.base_url, "PYTHONPATH": str(ROOT)}
    env["BAILIAN_DAY_BUDGET_CNY"] = f"{room * 0.14:g}"
    ran = subprocess.run([sys.executable, "-c", MANY, str(count)], env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    codes = dict(map(int, line.split()) for line in ran.stdout.splitlines())
    errors = {number: Path(f"{number}.err").read_text(encoding="utf-8") for number in codes}
    assert Counter(codes.values()) == {0: room, 3: count - room}, errors
    assert len(box.tasks) == room
    assert all(f"budget of the day is {room * 0.14:g}" in errors[number] for number, code in codes.items() if code == 3)
    assert sum(job["charged_cny"] or 0 for job in jobs()) == pytest.approx(room * 0.14)


# ── interrupted ──


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("sign", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.few(1)
def test_an_interrupted_batch_says_how_to_go_on(bailian: Run, box: Sandbox, sign: str) -> None:
    """Ctrl-C, a service manager, a terminal that is closed."""
    edits = [{"kind": "image_edit", "prompt": f"改第{i}处。", "image": "https://example.com/a.png"} for i in range(4)]
    rows = [*edits, *pictures(12), *texts(12)]
    box.settings.change({"task_s": 600.0})
    process = start_bailian(box, "batch", "run", write(rows))
    until(lambda: len(box.tasks) >= 6 and len(box.sync_calls) >= 6)
    process.send_signal(signal.Signals[sign])
    said_until(process, "Ctrl-C: do not wait")
    box.settings.change({"task_s": 0.05})  # for what has left and comes only now
    box.advance(600)
    ran = end(process)
    assert ran.code == 130
    assert "run the same command again" in ran.err
    assert "Traceback" not in ran.err
    bailian("batch", "run", "all.json")
    check(box, len(rows))
    assert states() == {"done": len(rows)}
    assert set(executed(box).values()) == {1}


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_ctrl_c_waits_for_the_answers_of_texts_that_are_paid(bailian: Run, box: Sandbox) -> None:
    """They are on their way: whoever presses once is told so, and none of them is asked for again."""
    box.settings.change({"task_s": 600.0})
    process = start_bailian(box, "batch", "run", write(texts(3)))
    until(lambda: len(box.sync_calls) == 3)
    process.send_signal(signal.SIGINT)
    said_until(process, "Ctrl-C: do not wait")
    box.advance(600)
    assert end(process).code == 130
    box.settings.change({"task_s": 0.05})
    assert [job["state"] for job in jobs()] == ["done"] * 3
    bailian("batch", "run", "all.json")
    assert len(box.sync_calls) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_ctrl_c_twice_waits_for_nothing(box: Sandbox) -> None:
    box.settings.change({"task_s": 30.0})
    process = start_bailian(box, "batch", "run", write(texts(3)))
    until(lambda: len(box.sync_calls) == 3)
    process.send_signal(signal.SIGINT)
    said_until(process, "Ctrl-C: do not wait")
    process.send_signal(signal.SIGINT)
    ran = end(process)
    assert ran.code == 130
    assert "Traceback" not in ran.err
    assert [job["state"] for job in jobs()] == ["waiting"] * 3


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_a_batch_that_leaves_at_its_time(bailian: Run, box: Sandbox) -> None:
    """--max-duration: what was paid is waited for or found again; nothing is called an error.

    Its time is over when all has been sent. The edits end a moment later, the pictures after it has left.
    """
    edits = [{"kind": "image_edit", "prompt": f"改第{i}处。", "image": "https://example.com/a.png"} for i in range(3)]
    rows = [*edits, *pictures(6)]
    box.faults.add(Fault("submit", "slow", times=None, delay_s=0, task_s=6000.0))
    box.settings.change({"task_s": 600.0})

    def all_sent() -> bool:
        if len(box.sync_calls) < 3 or len(box.tasks) < 6:
            return False
        threading.Timer(1.0, box.advance, (600,)).start()
        return True

    with deadline_comes_when(all_sent):
        ran = bailian("batch", "run", write(rows), "--max-duration", str(SOON_S), exits=6)
    assert "error" not in ran.err
    assert len(box.sync_calls) == 3
    assert [job["state"] for job in jobs() if job["kind"] == "image_edit"] == ["done"] * 3
    box.faults.clear()
    box.settings.change({"task_s": 0.05})
    box.advance(6000)
    bailian("batch", "run", "all.json")
    check(box, len(rows))
    assert states() == {"done": len(rows)}
    assert set(executed(box).values()) == {1}


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_one_process_a_batch(bailian: Run, box: Sandbox) -> None:
    """The second says that the first is at it; cron is content with that. Another file is another batch."""
    box.settings.change({"task_s": 600.0})
    first = start_bailian(box, "batch", "run", write(pictures(2)))
    until(lambda: len(box.tasks) == 2)
    box.settings.change({"task_s": 0.05})
    assert "another process" in bailian("batch", "run", "all.json", exits=6).err
    assert "another process" in bailian("batch", "run", "all.json", "--cron").err
    bailian("batch", "run", write(texts(1), "other.json"))
    assert first.poll() is None, "its pictures were still running"
    box.advance(600)
    assert end(first).code == 0
    assert len(box.tasks) == 2


@pytest.mark.usefixtures("quick")
@pytest.mark.slow
def test_the_same_rows_under_two_names_are_two_batches(box: Sandbox) -> None:
    """--run NAME: two processes on one file, each with rows of its own, and no file is overwritten."""
    name = write([{**row, "name": "同名"} for row in pictures(4)])
    both: list[Any] = [start_bailian(box, "batch", "run", name, "--run", run, "--no-gallery") for run in ("甲", "乙")]
    assert [end(process).code for process in both] == [0, 0]
    assert set(executed(box).values()) == {2}
    assert len(list(Path("outputs").glob("[甲乙]/同名*.png"))) == 8
