"""Whose a task is, and whether there is one: proven by what its answer shows and by the service's clock, or left open.

Two machines, clocks that are put right, answers that come late, processes that die. Real sockets and processes.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bailian.sandbox import Fault, Sandbox
from bailian.service.client import ListedTask, Listing, Service
from bailian.service.transport import http
from tests.support.batches import check, executed, is_whole, jobs, pictures, records, states, write
from tests.support.commands import Ran, Run
from tests.support.journals import be_elsewhere, opened
from tests.support.processes import end, posix_only, start_bailian, start_script, until
from tests.support.setting import FAST, KEY, ROOT

pytestmark = pytest.mark.usefixtures("quick")


def edits(*prompts: str) -> list[dict[str, str]]:
    Image.new("RGB", (512, 512), "red").save("原图.png")
    return [
        {"kind": "wanx_edit", "function": "description_edit", "image": "原图.png", "prompt": prompt}
        for prompt in prompts
    ]


def every_task_is_its_rows(box: Sandbox) -> None:
    """No row has the task of another, whatever its file is called."""
    asked = {task.task_id: task.order.prompt for task in box.tasks}
    wrong = [
        (job["said"], asked[job["task_id"]])
        for job in jobs()
        if job["task_id"] and job["said"] != asked[job["task_id"]]
    ]
    assert wrong == []


# ── two machines ──


@pytest.mark.slow
def test_another_machines_edit_does_not_become_ours(box: Sandbox, tmp_path: Path) -> None:
    """Our request never arrived, another machine of the account sent one: an edit shows nothing of whose it is."""
    Image.new("RGB", (512, 512), "red").save("原图.png")
    box.faults.add(Fault("submit", "reset_before", match_prompt="变红"))
    words = ("--function", "description_edit", "--image", "原图.png")
    command = "from wanx_edit import main"
    ours = start_script(box, "变红", *words, "-o", "ours", command=command, factor=0.1)
    until(lambda: box.faults.fired)
    with pytest.MonkeyPatch.context() as patch:
        be_elsewhere(patch, tmp_path / "another")
        assert end(start_script(box, "变蓝", *words, "-o", "theirs", command=command)).code == 0
    ran = end(ours)
    assert ran.code == 5, ran.err
    assert not list(Path("ours").glob("*.png"))
    assert f"bailian tasks adopt {box.tasks[0].task_id} --job " in ran.err
    assert [task.order.prompt for task in box.tasks] == ["变蓝"]


@pytest.mark.slow
def test_another_machines_picture_is_told_by_its_prompt(box: Sandbox, tmp_path: Path) -> None:
    """A picture shows its prompt: the other's is seen to be none of ours, and our own is made."""
    box.faults.add(Fault("submit", "reset_before", match_prompt="红猫"))
    ours = start_script(box, "红猫", "-o", "ours", factor=0.1)
    until(lambda: box.faults.fired)
    with pytest.MonkeyPatch.context() as patch:
        be_elsewhere(patch, tmp_path / "another")
        assert end(start_script(box, "蓝猫", "-o", "theirs")).code == 0
    assert end(ours).code == 0
    assert Counter(task.order.prompt for task in box.tasks) == {"红猫": 1, "蓝猫": 1}
    every_task_is_its_rows(box)


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize("first", ["reset_before", "reset_after"])
def test_two_rows_of_a_batch_never_swap_their_edits(bailian: Run, box: Sandbox, first: str) -> None:
    """One request arrived, one did not. Which is not to be seen, and a row that is held stays a claimant."""
    second = {"reset_before": "reset_after", "reset_after": "reset_before"}[first]
    box.faults.add(Fault("submit", first, match_prompt="第一"), Fault("submit", second, match_prompt="第二"))
    bailian("batch", "run", write(edits("第一张", "第二张")), exits=7)
    bailian("batch", "run", "all.json", exits=7)
    assert states() == {"held": 2}
    assert len(box.tasks) == 1
    every_task_is_its_rows(box)
    held = {record["prompt"] if "prompt" in record else record["where"]: record["error"] for record in records()}
    assert all(box.tasks[0].task_id in error["advice"] for error in held.values())


@pytest.mark.slow
def test_rows_that_differ_in_their_seed_alone_never_swap_their_pictures(bailian: Run, box: Sandbox) -> None:
    """The prompt proves that it is one of the two; which of them, nothing does."""
    box.faults.add(Fault("submit", "reset_after", times=1), Fault("submit", "reset_before", times=1))
    rows = [{"kind": "image", "prompt": "同一只猫", "size": "512*512", "seed": seed} for seed in (1, 2)]
    bailian("batch", "run", write(rows), exits=7)
    assert len(box.tasks) == 1
    assert states() == {"held": 2}


@pytest.mark.slow
def test_a_person_says_which_held_row_a_task_belongs_to(bailian: Run, box: Sandbox) -> None:
    box.faults.add(
        Fault("submit", "reset_after", match_prompt="第一"), Fault("submit", "reset_before", match_prompt="第二")
    )
    bailian("batch", "run", write(edits("第一张", "第二张")), exits=7)
    first, second = sorted(jobs(), key=lambda job: job["said"])
    refused = bailian("tasks", "adopt", box.tasks[0].task_id, "--job", "no-such-job", exits=2)
    assert "no job no-such-job" in refused.err
    assert len(bailian("tasks", "adopt", box.tasks[0].task_id, "--job", first["id"]).paths) == 1
    bailian("batch", "run", "all.json", "--retry-held")
    assert states() == {"done": 2}
    assert executed(box) == {first["said"]: 1, second["said"]: 1}
    every_task_is_its_rows(box)


@pytest.mark.slow
def test_a_task_that_may_be_a_held_rows_is_not_given_to_it_unasked(bailian: Run, box: Sandbox) -> None:
    """The only held row and the only task: still nothing shows that they belong together."""
    box.faults.add(Fault("submit", "reset_after"))
    bailian("batch", "run", write(edits("第一张")), exits=7)
    (job,) = jobs()
    refused = bailian("tasks", "adopt", box.tasks[0].task_id, exits=2)
    assert f"bailian tasks adopt {box.tasks[0].task_id} --job {job['id']}" in refused.err
    assert len(bailian("tasks", "adopt", box.tasks[0].task_id, "--job", "new").paths) == 1
    assert [(one["state"], one["task_id"]) for one in jobs()] == [("held", None), ("done", box.tasks[0].task_id)]


@pytest.mark.slow
@posix_only
def test_another_machines_picture_of_the_same_prompt_is_not_taken(bailian: Run, box: Sandbox, tmp_path: Path) -> None:
    """Killed before its answer came; meanwhile another machine asked for the same with another seed. Both show it."""
    box.faults.add(Fault("submit", "silence", work=True))
    ours = start_script(box, "猫", "--seed", "1", "-o", "ours")
    until(lambda: box.tasks)
    ours.kill()
    end(ours)
    with pytest.MonkeyPatch.context() as patch:
        be_elsewhere(patch, tmp_path / "another")
        assert end(start_script(box, "猫", "--seed", "2", "-o", "theirs")).code == 0
    ran = bailian("tasks", "wait", "--all", exits=5)
    assert not list(Path("ours").glob("*.png"))
    assert all(f"tasks adopt {task.task_id} --job" in ran.err for task in box.tasks)


@pytest.mark.slow
def test_a_task_that_this_journal_has_under_another_key_is_no_candidate(
    text2image: Run, bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two keys of one account see each other's tasks."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-test-another-key-of-it")
    text2image("猫", "--seed", "2", "-o", "theirs")
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    box.faults.add(Fault("submit", "reset_before"))
    text2image("猫", "--seed", "1", "-o", "ours")
    assert len(box.tasks) == 2
    assert len({job["task_id"] for job in jobs()}) == 2


# ── the service's own clocks ──


@pytest.mark.parametrize("off_s", [-365 * 86400.0, -3600.0, -30.0, 7.0, 30.0, 3600.0, 365 * 86400.0])
@pytest.mark.parametrize("kind", ["image", "wanx_edit"])
@pytest.mark.slow
def test_a_date_that_does_not_fit_the_list_pays_nothing_twice(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, kind: str, off_s: float
) -> None:
    """A gateway's clock is not that of the task list. What cannot be told is held."""
    if kind == "wanx_edit" and abs(off_s) > 300:
        pytest.skip("an edit shows nothing, and such a gap between two clocks of the service cannot be seen")
    real = http.date_s
    monkeypatch.setattr(http, "date_s", lambda text: None if real(text) is None else (real(text) or 0.0) + off_s)
    box.faults.add(Fault("submit", "reset_after"))
    rows = pictures(1) if kind == "image" else edits("第一张")
    bailian("batch", "run", write(rows), exits=None)
    assert len(box.tasks) == 1
    assert states().keys() <= {"done", "held"}


def test_a_list_that_is_cut_at_a_full_page_proves_nothing(
    text2image: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says "100 of 100", all of them younger than our request."""
    list_tasks = Service.list_tasks

    def cut(self: Service, **how: Any) -> Listing:
        listing = list_tasks(self, **how)
        young = [ListedTask(f"t-{i}", "other", "RUNNING", "", (listing.server_time_s or 0.0) + 60) for i in range(100)]
        return Listing(young, listing.server_time_s, full_page=True)

    monkeypatch.setattr(Service, "list_tasks", cut)
    box.faults.add(Fault("submit", "reset_after"))
    assert text2image("猫", "--json", exits=5).json["error"]["code"] == "MaybeSent"
    assert len(box.tasks) == 1


# ── clocks ──

# The clock of this process is as far off as a file says, from its first moment on.
STEPPED = (
    "import time, pathlib; real, file = time.time, pathlib.Path({file!r}); "
    "time.time = lambda: real() + float(file.read_text()); "
    "import sys; from bailian.clock import Clock; from bailian.cli import guard; from {module} import {name}; "
    "guard.main({name}, clock=Clock(pause_scale={factor}))"
)
STEPS_S = [-3 * 3600.0, -3600.0, -20.0, 20.0, 3600.0, 3 * 3600.0]


class WrongClock:
    """A machine whose clock is off, and can be put right while it works."""

    def __init__(self, box: Sandbox, file: Path, off_s: float) -> None:
        self._box, self._file = box, file
        self.set(off_s)

    def set(self, off_s: float) -> None:
        aside = self._file.with_suffix(".new")
        aside.write_text(str(off_s), encoding="utf-8")
        aside.replace(self._file)

    def start(self, module: str, name: str, *words: str, factor: float = FAST) -> subprocess.Popen[str]:
        env = {**os.environ, "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": self._box.base_url}
        code = STEPPED.format(file=str(self._file), factor=factor, module=module, name=name)
        return subprocess.Popen(
            [sys.executable, "-c", code, *words],
            env={**env, "PYTHONPATH": str(ROOT)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def batch(self) -> subprocess.Popen[str]:
        return self.start("bailian.cli.main", "bailian", "batch", "run", "all.json", "--no-gallery")


@pytest.mark.parametrize("off_s", STEPS_S)
@pytest.mark.parametrize("arrived", [True, False], ids=["arrived", "never arrived"])
@pytest.mark.slow
def test_a_clock_that_is_put_right_while_an_answer_is_lost(
    box: Sandbox, tmp_path: Path, off_s: float, arrived: bool
) -> None:
    """WSL after a resume, a Raspberry Pi before NTP: one picture is made and paid, whichever way the clock went."""
    clock = WrongClock(box, tmp_path / "clock", off_s)
    box.faults.add(Fault("submit", "reset_after" if arrived else "reset_before"))
    ours = clock.start("text2image", "main", "猫", factor=0.05)
    until(lambda: box.faults.fired)
    clock.set(0.0)
    ran = end(ours)
    assert ran.code == 0, ran.err
    assert [task.order.prompt for task in box.tasks] == ["猫"]
    assert len(ran.paths) == 1


@posix_only
@pytest.mark.parametrize("off_s", STEPS_S)
@pytest.mark.slow
def test_a_clock_that_is_put_right_between_two_runs(bailian: Run, box: Sandbox, tmp_path: Path, off_s: float) -> None:
    """Killed while an answer was on its way; the next run has the right clock, and finds the task."""
    clock = WrongClock(box, tmp_path / "clock", off_s)
    box.faults.add(Fault("submit", "silence", after=1, work=True))
    rows = pictures(3)
    write(rows)
    ours = clock.batch()
    until(lambda: box.faults.fired)
    ours.kill()
    end(ours)
    clock.set(0.0)
    ran = end(clock.batch())
    assert ran.code == 0, ran.err
    assert executed(box) == {row["prompt"]: 1 for row in rows}
    check(box, len(rows))


@pytest.mark.slow
@posix_only
def test_a_budget_of_a_day_is_kept_by_the_services_day(box: Sandbox, tmp_path: Path) -> None:
    """A clock that is three days ahead opens no new day: what was spent today counts."""
    Path("bailian/settings.toml").write_text("[budget]\nday_cny = 0.20\n", encoding="utf-8")
    clock = WrongClock(box, tmp_path / "clock", 0.0)
    assert end(clock.start("text2image", "main", "猫")).code == 0
    clock.set(3 * 24 * 3600.0)
    ran = end(clock.start("text2image", "main", "狗"))
    assert ran.code == 3, ran.err
    assert len(box.tasks) == 1


# ── early looks ──


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["unknown", "no_choices", "status"])
def test_early_looks_prove_nothing(bailian: Run, box: Sandbox, kind: str) -> None:
    """UNKNOWN, SUCCEEDED without its results, 404: the task goes on, and its row is never sent again."""
    more = {"status": 404, "code": "NotFound"} if kind == "status" else {}
    box.faults.add(Fault("poll", kind, times=9, **more))  # type: ignore[arg-type]
    bailian("batch", "run", write(pictures(2)), "--max-duration", "60")
    bailian("batch", "run", "all.json")
    assert states() == {"done": 2}
    assert len(box.tasks) == 2
    assert box.faults.armed == []


@pytest.mark.slow
def test_a_task_that_stays_unknown_is_left_open_and_never_sent_again(bailian: Run, box: Sandbox) -> None:
    box.faults.add(Fault("poll", "unknown", times=None))
    for _ in range(2):
        bailian("batch", "run", write(pictures(1)), "--max-duration", "0.5", "--cron", exits=6)
    assert [job["state"] for job in jobs()] == ["submitted"]
    named = bailian("tasks", "wait", box.tasks[0].task_id, "--json", exits=4).json["error"]
    assert named["code"] == "ResourceNotFound", "who names a task is told at once"
    assert [job["state"] for job in jobs()] == ["submitted"]
    box.faults.clear()
    bailian("batch", "run", "all.json")
    assert states() == {"done": 1}
    assert len(box.tasks) == 1


@pytest.mark.slow
def test_a_row_that_an_older_version_gave_up_is_asked_for_before_it_is_sent(bailian: Run, box: Sandbox) -> None:
    """A version before this one called a task failed that was UNKNOWN for four seconds."""
    bailian("batch", "run", write(pictures(1)), "--no-wait", exits=6)
    gave_up = '{"error": {"code": "ResourceNotFound", "wire_code": "UNKNOWN", "message": "gone"}, "exit_code": 4}'
    with closing(opened(Path("bailian"))) as db:
        db.execute("UPDATE jobs SET state = 'failed', owner = NULL, error = ?", (gave_up,))
        db.commit()
    bailian("batch", "run", "all.json")
    assert states() == {"done": 1}
    assert len(box.tasks) == 1


# ── killed, with all of it at once ──


@posix_only
@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_killed_again_and_again_while_answers_and_links_are_lost(bailian: Run, box: Sandbox, seed: int) -> None:
    """No file under another row's name, no row paid twice, whatever dies when."""
    rows = [
        *pictures(40),
        *edits(*(f"编辑{i}。" for i in range(20))),
        *({"kind": "image_edit", "prompt": f"改{i}。", "image": "原图.png"} for i in range(20)),
    ]
    random.Random(seed).shuffle(rows)
    write(rows)
    box.faults.add(
        *(Fault("submit", "reset_before", after=after) for after in range(0, 30, 6)),
        *(Fault("submit", "reset_after", after=after) for after in range(3, 30, 6)),
        *(Fault("submit", "status", after=after, work=True) for after in range(5, 30, 8)),
        *(Fault("download", "expired", after=after, times=3) for after in range(0, 40, 9)),
        *(Fault("poll", "unknown", after=after, times=2) for after in range(0, 60, 13)),
    )
    chance = random.Random(1913 + seed)
    for _ in range(20):
        process = start_bailian(box, "batch", "run", "all.json", "-q")
        enough = len(box.requests) + chance.randrange(40)
        until(lambda p=process, n=enough: len(box.requests) >= n or p.poll() is not None)  # type: ignore[misc]
        process.kill()
        end(process)
    ran: Ran = end(start_bailian(box, "batch", "run", "all.json", "--max-duration", "90"))
    assert ran.code in (0, 6, 7), ran.err
    assert set(executed(box).values()) == {1}, "a request was carried out twice"
    every_task_is_its_rows(box)
    told = records()
    # The one link of a synchronous picture is refused here for ever, and valid for a day: that row stays open.
    assert {row["kind"] for row in told if row["state"] == "running"} <= {"image_edit"}
    assert {row["state"] for row in told} <= {"done", "held", "running"}
    assert all(row["files"] for row in told if row["state"] == "done")
    names = Counter(name for row in told for name in row["files"])
    assert set(names.values()) <= {1}, "two rows have the same file"
    assert all(is_whole(Path(name)) for name in names)
