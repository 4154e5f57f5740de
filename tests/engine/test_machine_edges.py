"""Edges of the machine: cut files, taken names, closed pipes, full devices, odd texts, vanished folders."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bailian.errors import TransportError
from bailian.files import png, recipe
from bailian.sandbox import Fault, Sandbox
from bailian.service.client import Service
from bailian.service.download import Downloader
from bailian.store.jobs import Journal
from bailian.store.schema import FileRow
from tests.support.commands import Run
from tests.support.engines import jobs
from tests.support.local_web import LocalWeb, Seen, http
from tests.support.processes import environment, posix_only, until
from tests.support.setting import ROOT

pytestmark = pytest.mark.slow

TEXT2IMAGE = [sys.executable, str(ROOT / "text2image.py")]
BAILIAN = [sys.executable, "-m", "bailian"]
FULL = Path("/dev/full")


def changed_answers(monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], None]) -> None:
    """Let `change` edit the `output` of every answer about a task."""
    task = Service.task

    def changed(self: Service, task_id: str) -> dict[str, Any]:
        answer = task(self, task_id)
        change(answer["output"])
        return answer

    monkeypatch.setattr(Service, "task", changed)


# Downloads.


def test_a_host_that_always_cuts_and_refuses_ranges_is_given_up(tmp_path: Path) -> None:
    """Starting over is no progress: 200 cut, 416, 200 cut, 416 … comes to an end."""
    cut = http(body=b"x" * 40_000, length=50_000)
    no_range = http("416 Range Not Satisfiable")

    def answer(seen: Seen) -> bytes | None:
        return (no_range if "range" in seen.headers else cut)(seen)

    patience = 30
    with LocalWeb(*[answer] * patience, http("404 Not Found")) as web, closing(Downloader()) as downloader:
        with pytest.raises(TransportError):
            downloader.fetch(f"{web.url}/x", tmp_path / "x.part")
        assert len(web.seen) < patience


def test_a_cut_jpeg_of_unknown_length_gets_no_final_name(text2image: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Content-Length only the file itself shows that half of it is missing."""
    whole = io.BytesIO()
    Image.effect_noise((300, 300), 90).save(whole, "JPEG")
    half = whole.getvalue()[: len(whole.getvalue()) // 2]
    with LocalWeb(lambda _seen: b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + half) as web:

        def led_to_the_half(output: dict[str, Any]) -> None:
            for result in output.get("results", []):
                result["url"] = f"{web.url}/a.jpg"

        changed_answers(monkeypatch, led_to_the_half)
        text2image("猫", exits=5)
        assert web.seen
    assert not list(Path("outputs").glob("*.jp*g"))


# Names that are taken.


def test_a_sidecar_overwrites_nothing(text2image: Run) -> None:
    mine = Path("outputs/cat.png.json")
    mine.parent.mkdir()
    mine.write_text("mine", encoding="utf-8")
    text2image("猫", "--name", "cat", "--sidecar")
    assert mine.read_text(encoding="utf-8") == "mine"
    assert len(list(mine.parent.glob("*.json"))) == 2


def test_a_path_that_holds_another_picture_now_is_not_reported(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """The cat was moved away and a dog has its name: `wait` gives the cat, under a name of its own."""
    (cat,) = text2image("猫", "--name", "pet").paths
    cat.rename("kept.png")
    (dog,) = text2image("狗", "--name", "pet").paths
    assert dog == cat
    cat_id, dog_id = (task.task_id for task in box.tasks)
    (again,) = bailian("tasks", "wait", cat_id).paths
    made = [(recipe.read(path) or {})["task_id"] for path in (again, dog)]
    assert made == [cat_id, dog_id]


def test_a_kill_after_the_second_name_makes_no_second_copy(
    text2image: Run, bailian: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wanted name was another's, the file became name-2, and the process died before writing that down."""
    mine = Path("outputs/cat.png")
    mine.parent.mkdir()
    mine.write_text("mine", encoding="utf-8")
    record = Journal.record_files

    def killed_when_placed(self: Journal, files: Sequence[FileRow]) -> None:
        if any(file.placed for file in files):
            raise KeyboardInterrupt
        record(self, files)

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "record_files", killed_when_placed)
        text2image("猫", "--name", "cat", exits=130)
    bailian("tasks", "wait", "--all")
    assert sorted(path.name for path in mine.parent.iterdir()) == ["cat-2.png", "cat.png"]
    assert mine.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("suffix", [".png", ".json"], ids=["the picture", "its recipe"])
def test_a_kill_while_a_file_gets_its_name_leaves_no_second_one(
    text2image: Run, bailian: Run, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """It has its name already and still has the one beside it: the process died between the two."""
    link = os.link

    def killed_when_linked(source: Path, target: Path) -> None:
        link(source, target)
        if target.suffix == suffix:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "link", killed_when_linked)
        text2image("猫", "--name", "cat", "--sidecar", exits=130)
    assert len(list(Path("outputs").glob(".*"))) == 1
    bailian("tasks", "wait", "--all")
    assert sorted(path.name for path in Path("outputs").iterdir()) == ["cat.png", "cat.png.json"]


# Streams.


@posix_only
@pytest.mark.parametrize("when", ["at the first word", "while polling"])
@pytest.mark.few(1)
def test_a_closed_stderr_does_not_stop_a_paid_run(box: Sandbox, when: str) -> None:
    """`text2image.py -v … 2>&1 | head -1`: the reader of the talk goes away, the picture comes all the same."""
    box.faults.add(Fault(on="submit", kind="slow", delay_s=0, task_s=1.5))
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        [*TEXT2IMAGE, "-v", "猫"], stdout=subprocess.PIPE, stderr=write_end, text=True, env=environment(box)
    )
    os.close(write_end)
    if when == "while polling":
        until(lambda: box.tasks)
    os.read(read_end, 10)
    os.close(read_end)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert png.is_complete(Path(out.strip()).read_bytes())


@posix_only
def test_a_closed_stdout_does_not_look_like_success(text2image: Run, box: Sandbox) -> None:
    """`bailian tasks wait --all | head -1`: what was not fetched any more is not reported as done."""
    for number in range(3):
        text2image(f"猫{number}", "--no-wait")
    read_end, write_end = os.pipe()
    os.close(read_end)
    ran = subprocess.run(
        [*BAILIAN, "tasks", "wait", "--all"], stdout=write_end, stderr=subprocess.PIPE, text=True, env=environment(box)
    )
    os.close(write_end)
    assert "Traceback" not in ran.stderr
    assert ran.returncode == 5
    assert len(jobs()) == 3


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_full_stdout_is_reported(box: Sandbox) -> None:
    """The path cannot be printed: exit 5 and a sentence, no traceback; the picture is there."""
    with FULL.open("wb") as full:
        ran = subprocess.run([*TEXT2IMAGE, "猫"], stdout=full, stderr=subprocess.PIPE, text=True, env=environment(box))
    assert ran.returncode == 5
    assert "cannot write to stdout" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert len(list(Path("outputs").glob("*.png"))) == 1


def test_a_prompt_from_stdin_that_is_not_utf8_is_refused(box: Sandbox) -> None:
    strict = environment(box, PYTHONUTF8="0", PYTHONIOENCODING="utf-8:strict")
    ran = subprocess.run([*TEXT2IMAGE, "-"], input=b"\xff\xfe", capture_output=True, env=strict)
    assert ran.returncode == 2
    assert b"Traceback" not in ran.stderr
    assert box.tasks == []


def test_a_prompt_with_half_a_character_is_refused(text2image: Run, box: Sandbox) -> None:
    """A word that was not UTF-8 arrives with surrogates, which no request can hold."""
    text2image("猫\udcff", exits=2)
    assert box.tasks == []


# Places and surroundings.


@pytest.mark.sqlite
def test_a_home_that_cannot_be_used_is_reported_before_paying(text2image: Run, box: Sandbox, tmp_path: Path) -> None:
    in_the_way = tmp_path / "bailian" / "running"
    in_the_way.parent.mkdir()
    in_the_way.write_text("", encoding="utf-8")
    text2image("猫", exits=5)
    assert box.tasks == []


@posix_only
def test_a_working_folder_removed_during_the_run_costs_nothing(box: Sandbox, tmp_path: Path) -> None:
    box.faults.add(Fault(on="submit", kind="slow", delay_s=0, task_s=1.5))
    folder, results = tmp_path / "gone", tmp_path / "results"
    folder.mkdir()
    process = subprocess.Popen(
        [*TEXT2IMAGE, "猫", "-o", str(results)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(box),
    )
    until(lambda: box.tasks)
    folder.rmdir()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert Path(out.strip()).parent == results
    assert len(list(results.glob("*.png"))) == 1


def test_times_with_and_without_a_zone_may_be_mixed(text2image: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a task ran is not worth its picture."""

    def end_with_a_zone(output: dict[str, Any]) -> None:
        if "end_time" in output:
            output["end_time"] = output["end_time"].replace(" ", "T") + "+08:00"

    changed_answers(monkeypatch, end_with_a_zone)
    (path,) = text2image("猫").paths
    assert png.is_complete(path.read_bytes())
    assert [job.run_s for job in jobs()] == [None]


def test_the_sandbox_works_behind_a_proxy(text2image: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is never asked of a proxy, which could not reach it."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("BAILIAN_SANDBOX_TASK_S", "0.1")
    (path,) = text2image("--sandbox", "猫", "--timeout", "20").paths
    assert png.is_complete(path.read_bytes())
