"""Batches on bad days: every fault at once, lost files, full disks, wrong clocks, files that change between runs."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import bailian.batch.run as batch_run
from bailian.cli.batch import run_file
from bailian.cli.output import report
from bailian.errors import SaveError
from bailian.sandbox import Fault, Sandbox
from bailian.service import client, download
from bailian.service.server_clock import ServerClock
from bailian.store.pace.limits import SharedLimits
from bailian.store.pace.rate_limits import RateLimiter
from tests.support.batches import check, executed, jobs, mixed, pictures, records, states, texts, write
from tests.support.commands import Run
from tests.support.old_journals import old_journal
from tests.support.service import FAST_MODELS

pytestmark = pytest.mark.usefixtures("quick")


# ── every fault at once ──

STEPS = ("submit", "sync", "text", "poll", "download")
PICTURE = "wan2.2-t2i-flash"
EVERYWHERE = [
    *(Fault(on, "throttle", after=after) for on in STEPS for after in (0, 3)),
    *(Fault(on, "status", after=9) for on in STEPS),
    *(Fault(on, "html", after=3, work=False) for on in STEPS),
    *(Fault(on, "reset_before", after=2) for on in ("text", "poll", "download")),
    *(Fault(on, "reset_after", after=4, times=2) for on in ("text", "poll", "download")),
    *(Fault(on, "silence", after=11) for on in ("text", "poll", "download")),
    *(Fault(on, "garbage", after=8) for on in ("text", "poll")), Fault("download", "garbage", after=8, match_model=PICTURE),
    *(Fault(on, "empty", after=12) for on in ("text", "poll")), Fault("download", "empty", after=12, match_model=PICTURE),
    *(Fault(on, "cut", after=13) for on in ("text", "poll", "download")),
    *(Fault("submit", kind, after=after, match_model=PICTURE) for after, kind in enumerate(
        ("reset_before", "reset_after", "reset_during", "silence", "garbage", "empty", "cut", "failed", "partial"), 5)),
    Fault("submit", "html", after=15, work=True, match_model=PICTURE),
    *(Fault("submit", "reset_after", match_model=name) for name in ("wanx2.1-t2v-turbo", "wanx2.1-imageedit", "paraformer-v1")),
    Fault("list", "reset_after"), Fault("list", "garbage"),
    Fault("sync", "reset_after", after=4), Fault("sync", "cut", after=1), Fault("sync", "failed", after=2),
    Fault("poll", "failed", after=60), Fault("poll", "weird_status", after=6), Fault("poll", "unknown", after=70),
    Fault("download", "expired", after=5, times=3, match_model=PICTURE),
    Fault("download", "html_file", after=10, match_model=PICTURE),
    Fault("speech", "failed", after=2, count=0), Fault("speech", "failed", after=3, count=1),
    Fault("speech", "reset", after=1, count=1), Fault("speech", "closed", after=1), Fault("speech", "no_audio"),
]  # fmt: skip


@pytest.mark.slow
def test_every_fault_at_every_step(bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred rows of all kinds while everything goes wrong that can: each is done or says why not, and what is
    safe to run again is done by the next run."""
    for name in ("SUBMIT_TIMEOUT_S", "SYNC_TIMEOUT_S", "SILENCE_TIMEOUT_S", "QUERY_TIMEOUT_S"):
        monkeypatch.setattr(client, name, 6.0)
    monkeypatch.setattr(download, "READ_TIMEOUT_S", 8.0)
    rows = mixed()
    box.faults.add(*EVERYWHERE)
    bailian("batch", "run", write(rows), "--max-duration", "300", exits=7)
    assert box.faults.armed == [], "a fault that never hit proves nothing"
    check(box, len(rows))
    first = states()
    assert first["done"] >= len(rows) - len(box.faults.fired), "a fault costs its own row and no other"
    ran = bailian("batch", "run", "all.json", exits=7)
    assert f"{first['done']} done before" in ran.err
    check(box, len(rows))
    assert states().keys() <= {"done", "held"}, "what failed is made good; what may be paid waits for a person"
    bailian("batch", "run", "all.json", "--retry-held", "--no-gallery")
    assert states() == {"done": len(rows)}


@pytest.mark.slow
def test_two_lost_answers_that_cannot_be_told_apart(bailian: Run, box: Sandbox) -> None:
    """An edit's answer shows no prompt, so which task is whose stays open: that is held and said, not asked for ever."""
    box.faults.add(Fault("submit", "reset_after", times=2))
    rows = [{**row, "image": "https://example.com/a.png"} for row in edits("甲.png", "乙.png")]
    bailian("batch", "run", write(rows), "--max-duration", "60", exits=7)
    check(box, 2)
    assert len(box.tasks) == 2


@pytest.mark.slow
def test_a_link_that_has_expired_and_has_no_task(bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A synchronous edit cannot be asked for a fresh link. A refusal is no end while the link says that it is valid: the
    paid row stays open and is not sent again; when the link is over it is held, and not sent again either."""
    box.faults.add(Fault("download", "expired", times=None))
    rows = write([{"kind": "image_edit", "prompt": "改", "image": "https://example.com/a.png"}])
    for _ in range(2):
        bailian("batch", "run", rows, exits=6)
        assert [job["state"] for job in jobs()] == ["ended"]
    with monkeypatch.context() as patch:
        patch.setattr(ServerClock, "now_s", lambda _clock: time.time() + 8 * 24 * 3600)
        bailian("batch", "run", rows, exits=7)
    bailian("batch", "run", rows, exits=7)
    check(box, 1)
    assert states() == {"held": 1}
    assert len(box.sync_calls) == 1
    box.faults.clear()
    bailian("batch", "run", rows, "--retry-held")
    assert states() == {"done": 1}


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize("kind", ["garbage", "empty", "html_file"])
def test_one_bad_download_of_a_synchronous_result_is_tried_again(bailian: Run, box: Sandbox, kind: str) -> None:
    """There is no task to ask for another link, but this one is still good."""
    box.faults.add(Fault("download", kind))
    bailian("batch", "run", write([{"kind": "image_edit", "prompt": "改", "image": "https://example.com/a.png"}]))
    check(box, 1)


@pytest.mark.slow
def test_a_result_that_could_not_be_fetched_says_so_in_the_results(bailian: Run, box: Sandbox) -> None:
    """The row goes on in the next run, but who reads results.jsonl learns why it is not here."""
    box.faults.add(Fault("download", "reset_before", times=None))
    bailian("batch", "run", write(pictures(1)), exits=6)
    (row,) = records()
    assert row["error"] is not None
    box.faults.clear()
    bailian("batch", "run", "all.json")
    assert (states(), len(box.tasks)) == ({"done": 1}, 1)


@pytest.mark.slow
def test_a_spent_free_tier_stops_its_model_only(bailian: Run, box: Sandbox) -> None:
    spent = Fault("submit", "status", times=None, status=403, code="AllocationQuota.FreeTierOnly", message="free tier",
                  match_model="wan2.2-t2i-flash")  # fmt: skip
    box.faults.add(spent)
    Path("bailian/models.toml").unlink()  # one at a time at the door
    rows = [*pictures(12), *({**row, "model": "wan2.2-t2i-plus"} for row in pictures(4, 20)), *texts(8)]
    ran = bailian("batch", "run", write(rows), exits=3)
    assert "free tier" in ran.err
    told = records()
    assert {row["state"] for row in told if row["model"] != "wan2.2-t2i-flash"} == {"done"}
    assert len([row for row in told if row["state"] == "waiting"]) >= 8
    assert len(box.faults.fired) <= 4
    box.faults.clear()
    bailian("batch", "run", "all.json")
    assert states() == {"done": 24}
    assert set(executed(box).values()) == {1}


# ── input files ──


def edits(*names: str) -> list[dict[str, Any]]:
    for name in names:
        Image.new("RGB", (512, 512), "red").save(name)
    return [
        {"kind": "wanx_edit", "function": "stylization_all", "prompt": f"改{name}", "image": name} for name in names
    ]


@pytest.mark.slow
def test_an_input_that_vanishes_after_planning(bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = edits("甲.png", "乙.png")
    prepare_batch = batch_run.prepare_batch

    def lose_one(*words: Any) -> Any:
        ready = prepare_batch(*words)
        Path("甲.png").rename("丙.png")
        return ready

    with monkeypatch.context() as patch:
        patch.setattr(batch_run, "prepare_batch", lose_one)
        ran = bailian("batch", "run", write(rows), exits=7)
    assert "甲.png" in ran.err
    assert states() == {"done": 1, "unsent": 1}
    assert len(box.tasks) == 1
    Path("丙.png").rename("甲.png")
    bailian("batch", "run", "all.json")
    assert (states(), len(box.tasks)) == ({"done": 2}, 2)


@pytest.mark.slow
def test_an_input_that_vanishes_between_two_runs(bailian: Run, box: Sandbox) -> None:
    """A finished row does not need its picture any more; one that waits says what it misses, and nothing is sent."""
    rows = edits("甲.png", "乙.png")
    bailian("batch", "run", write(rows), "--max-cost", "0.2", exits=3)
    assert len(box.tasks) == 1
    sent = box.tasks[0].order.prompt.removeprefix("改")
    (waits,) = {"甲.png", "乙.png"} - {sent}
    Path(sent).unlink()
    Path(waits).rename("丙.png")
    ran = bailian("batch", "run", "all.json", exits=7)
    assert waits in ran.err
    assert "1 done before" in ran.err
    assert len(box.tasks) == 1
    Path("丙.png").rename(waits)
    bailian("batch", "run", "all.json")
    assert (states(), len(box.tasks)) == ({"done": 2}, 2)


# ── what the file says, and says later ──


@pytest.mark.slow
def test_one_prompt_too_long_in_ten_thousand(bailian: Run, box: Sandbox) -> None:
    rows = pictures(10_000)
    rows[9_998]["prompt"] = "长" * 801
    Path("many.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    ran = bailian("batch", "run", "many.jsonl", exits=2)
    assert "line 9999" in ran.err
    assert "800" in ran.err
    assert box.requests == []
    assert jobs() == [], "a refused file leaves nothing behind that a later run would send"


@pytest.mark.slow
def test_the_same_name_twice_is_two_files(bailian: Run, box: Sandbox) -> None:
    bailian("batch", "run", write([{**row, "name": "同名"} for row in pictures(3)]))
    assert sorted(path.name for path in Path("outputs/all").glob("*.png")) == ["同名-2.png", "同名-3.png", "同名.png"]
    check(box, 3)


@pytest.mark.slow
def test_rows_moved_added_and_taken_away(bailian: Run, box: Sandbox) -> None:
    """What is not in the file any more is not sent; what has moved is not sent again."""
    rows = pictures(6)
    bailian("batch", "run", write(rows), "--max-cost", "0.5", exits=3)
    assert len(box.tasks) == 3
    sent = {work.order.prompt for work in box.tasks}
    kept = [row for row in rows if row["prompt"] in sent]
    waiting = [row for row in rows if row["prompt"] not in sent]
    bailian("batch", "run", write([*pictures(1, 50), *reversed(kept), waiting[0]]))
    assert executed(box) == dict.fromkeys((*sent, "第50只猫。", waiting[0]["prompt"]), 1)
    bailian("batch", "run", write([*rows, *pictures(1, 50)]))
    assert executed(box) == {row["prompt"]: 1 for row in [*rows, *pictures(1, 50)]}


@pytest.mark.slow
def test_a_row_that_was_mended_has_failed_no_more(bailian: Run) -> None:
    """The verdict is about the rows that are in the file."""
    rows = texts(3)
    rows[1]["prompt"] = "[sandbox:refuse]"
    bailian("batch", "run", write(rows), exits=7)
    rows[1]["prompt"] = "改好了"
    bailian("batch", "run", write(rows))
    assert states() == {"done": 3}


@pytest.mark.slow
def test_a_failed_row_is_not_forgotten_because_another_was_taken_away(bailian: Run) -> None:
    """Two rows done, one of them no longer wanted, one new and refused: that is not "all rows were done"."""
    rows = texts(2)
    bailian("batch", "run", write(rows))
    rows[1]["prompt"] = "[sandbox:refuse]"
    bailian("batch", "run", write(rows), exits=7)
    bailian("batch", "run", "all.json", exits=7)


# ── the disk ──


class FullDisk:
    """From the `after`th time on a file cannot get its name, until there is room."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
        self.left = after
        link = os.link

        def full_link(*words: Any, **more: Any) -> None:
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            link(*words, **more)

        monkeypatch.setattr(os, "link", full_link)


@pytest.mark.slow
def test_a_disk_that_fills_up_half_way(bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is paid stays at the service and in the journal, and nothing more is paid; with room again everything is
    there, paid once."""
    rows = [*pictures(12), *texts(8)]
    bailian("batch", "run", write(texts(1), "first.json"))  # the journal is there
    disk = FullDisk(monkeypatch, after=9)
    ran = bailian("batch", "run", write(rows), exits=5)
    assert "stopped: cannot write" in ran.err
    assert "No space left" in ran.err
    disk.left = 10_000
    bailian("batch", "run", "all.json")
    check(box, 20)
    assert states() == {"done": 20}
    assert set(executed(box).values()) == {1}


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 24 MB."""
    disk = Path("disk").absolute()
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)]
    try:
        made = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        made = False
    if not made:
        pytest.skip("needs root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.slow
@pytest.mark.sqlite
def test_a_journal_on_a_full_disk(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, small_disk: Path
) -> None:
    """The journal cannot grow: no request leaves that it could not record; with room again all is done, once."""
    monkeypatch.setenv("BAILIAN_HOME", str(small_disk))
    (small_disk / "models.toml").write_text(FAST_MODELS, encoding="utf-8")
    bailian("batch", "run", write(pictures(1), "first.json"))
    ballast = small_disk / "ballast"
    room = os.statvfs(small_disk)
    ballast.write_bytes(b"x" * (room.f_bavail * room.f_frsize - 120_000))
    rows = pictures(40, 1)
    ran = bailian("batch", "run", write(rows), exits=5)
    assert "Traceback" not in ran.err
    ballast.unlink()
    bailian("batch", "run", "all.json")
    assert states() == {"done": 40}
    assert set(executed(box).values()) == {1}


@pytest.mark.sqlite
@pytest.mark.skipif(os.name == "nt", reason="needs a folder that nobody can write to")
def test_a_home_that_cannot_be_written(bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a file").write_text("x")
    name = write([*pictures(1), *texts(1)])
    for home in ("/proc/bailian", "a file/home"):
        monkeypatch.setenv("BAILIAN_HOME", home)
        ran = bailian("batch", "run", name, exits=5)
        assert "BAILIAN_HOME" in ran.err
    assert box.requests == []


@pytest.mark.sqlite
def test_a_home_that_has_become_read_only(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, small_disk: Path
) -> None:
    monkeypatch.setenv("BAILIAN_HOME", str(small_disk))
    bailian("batch", "run", write(texts(1), "first.json"))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    before = len(box.requests)
    ran = bailian("batch", "run", write(texts(3)), exits=5)
    assert "BAILIAN_HOME" in ran.err
    assert len(box.requests) == before


@pytest.mark.sqlite
def test_a_journal_of_an_older_version(bailian: Run, box: Sandbox) -> None:
    old_journal(Path("bailian"))
    bailian("batch", "run", write([*pictures(2), *texts(2)]))
    assert states() == {"done": 4}
    assert next((job["id"], job["state"]) for job in jobs()) == ("a-1", "submitted")


# ── the clock ──


@pytest.mark.slow
@pytest.mark.parametrize("jump_s", [-3 * 24 * 3600.0, -3600.0, 3600.0, 3 * 24 * 3600.0])
@pytest.mark.few(2)
def test_a_clock_that_jumps(bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, jump_s: float) -> None:
    """Corrected in the middle of a batch, forwards or back: nobody waits as long as the clock was wrong."""
    asked = 0
    longest_s = 0.0

    def clock() -> float:
        nonlocal asked
        asked += 1
        return time.time() + (jump_s if asked > 20 else 0.0)

    made, place = SharedLimits.__init__, RateLimiter.reserve

    def reserve(self: RateLimiter, *words: Any) -> float:
        nonlocal longest_s
        wait_s = place(self, *words)
        longest_s = max(longest_s, wait_s)
        return min(wait_s, 60.0)

    monkeypatch.setattr(SharedLimits, "__init__", lambda self, home, **_: made(self, home, clock=clock))
    monkeypatch.setattr(RateLimiter, "reserve", reserve)
    bailian("batch", "run", write([*pictures(10), *texts(10)]))
    assert states() == {"done": 20}
    assert longest_s < 600


# ── interrupted where nobody looks ──


@pytest.mark.slow
def test_an_interrupt_while_a_row_is_printed(bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C does not always come while the engine waits: the answers under way are read all the same."""
    box.settings.change({"task_s": 0.5})
    rows = [
        *texts(1),
        *({"kind": "image_edit", "prompt": f"改{i}", "image": "https://example.com/a.png"} for i in range(3)),
    ]
    box.faults.add(Fault("text", "slow", delay_s=0.0, task_s=0.0))

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_file, "_report", interrupted)
        ran = bailian("batch", "run", write(rows), exits=130)
    assert "run the same command again" in ran.err
    bailian("batch", "run", "all.json")
    assert states() == {"done": 4}
    assert set(executed(box).values()) == {1}


@pytest.mark.slow
@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), BrokenPipeError(), None])
def test_an_output_that_takes_no_more(
    bailian: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, failure: OSError | None
) -> None:
    """`| head -1`: nothing more is sent, and the answers that are paid for are brought in, not thrown away."""
    box.settings.change({"task_s": 0.3})
    said: list[str] = []

    def full(text: str) -> None:
        said.append(text)
        if len(said) > 1:
            raise failure or SaveError("nobody reads stdout any more")

    with monkeypatch.context() as patch:
        patch.setattr(report, "print_data", full)
        ran = bailian("batch", "run", write(texts(60)), "--in-flight", "10", exits=5)
    assert "run the same command again to go on" in ran.err
    assert "done" in {row["state"] for row in records()}
    assert len(said) == 2, "it is not tried again and again"
    asked = len(box.sync_calls)
    assert asked < 60
    assert states()["done"] == asked
    bailian("batch", "run", "all.json")
    check(box, 60)
    assert len(box.sync_calls) == 60


def test_a_budget_waits_for_what_is_reserved_and_not_spent(bailian: Run, box: Sandbox) -> None:
    """A text costs a part of what it may cost: with room for all of them, all of them are asked for."""
    name = write(texts(120))
    plan = json.loads(bailian("batch", "run", name, "--dry-run", "--json").out)
    most_cny = plan["cost"]["estimate"]
    bailian("batch", "run", name, "--max-cost", f"{most_cny / 4:.6f}")
    spent_cny = sum(job["charged_cny"] for job in jobs())
    assert states() == {"done": 120}
    assert spent_cny <= most_cny / 4
