"""What a person sees on a terminal: every result whole and once, nothing of the bars left, the totals last."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run
from tests.support.processes import end, start_script, until

pytest.importorskip("fcntl", reason="POSIX terminals")

from tests.support.screen import Terminal
from tests.support.screens import Screens

pytestmark = pytest.mark.process

BAR = re.compile("[━╸╺⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]")
FAILS = "[sandbox:fail] this one fails"


def rows(count: int) -> str:
    """Write a batch of several kinds and so many rows, two of which fail; return its name."""
    texts = [{"prompt": f"say {i}", "id": f"t{i}"} for i in range(count // 2)]
    pictures = [{"prompt": f"a cat, number {i}, on a long and winding wall", "seed": i} for i in range(count // 2 - 6)]
    pictures += [{"prompt": FAILS, "seed": 1}, {"prompt": FAILS, "seed": 2}]
    others: dict[str, Any] = {"speech_tasks": [{"text": f"hello {i}"} for i in range(3)]}
    if count > 100:  # a film takes its time
        others["video_tasks"] = [{"prompt": "sun"}]
    Path("all.json").write_text(json.dumps({"image_tasks": pictures, "text_tasks": texts, **others}), "utf-8")
    return "all.json"


@pytest.fixture
def screens(box: Sandbox, quick: None) -> Iterator[Screens]:
    screens = Screens(box)
    yield screens
    screens.close()


def assert_all_seen(terminal: Terminal, folder: str = "outputs/all") -> None:
    """Every path of the batch once, every error whole, no bar, and the totals at the end."""
    text = terminal.text
    records = [json.loads(line) for line in Path(folder, "results.jsonl").read_text("utf-8").splitlines()]
    paths = [path.removeprefix(f"{Path.cwd()}/") for record in records for path in record["files"]]
    assert len(paths) == len(records) - 2
    assert [path for path in paths if text.count(path) != 1] == []
    ids = [record["task_id"] for record in records if record["state"] == "failed"]
    assert len(ids) == 2
    for task_id in ids:
        assert re.search(rf"error: .*\n  try: .*\n  \(.* · task id {task_id}\)", text)
    assert not BAR.search(text)
    *_, totals, failed, gallery = terminal.lines
    assert totals.startswith(f"all.json: done {len(paths)}, failed 2 (DataInspectionFailed 2), ")
    assert (failed, gallery) == (f"failed rows: {folder}/failed.jsonl", f"gallery: {folder}/gallery.html")


@pytest.mark.slow
@pytest.mark.parametrize(
    "columns, lines, count, env",
    [
        (60, 24, 24, {}),
        (80, 24, 300, {}),
        (120, 40, 24, {}),
        (80, 4, 24, {}),
        (40, 2, 24, {}),
        (80, 24, 24, {"NO_COLOR": "1"}),
        (80, 24, 24, {"COLUMNS": "0", "LINES": "0"}),
    ],
    ids=["60", "80, many rows", "120", "few lines", "tiny", "NO_COLOR", "COLUMNS=0"],
)
@pytest.mark.few(1)
def test_a_batch_of_several_kinds(screens: Screens, columns: int, lines: int, count: int, env: dict[str, str]) -> None:
    terminal = screens.terminal(columns, lines)
    assert screens.run(terminal, "batch", "run", rows(count), "--yes", env=env) == 7
    drawn = terminal.raw.decode()
    assert "━" in drawn, "there was nothing to take away"
    assert bool(re.search(r"\x1b\[([\d;]*;)?3\d", drawn)) == ("NO_COLOR" not in env)
    assert_all_seen(terminal)


@pytest.mark.slow
@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"TERM": ""}], ids=str)
@pytest.mark.few(1)
def test_a_terminal_that_only_prints(screens: Screens, env: dict[str, str]) -> None:
    terminal = screens.terminal()
    assert screens.run(terminal, "batch", "run", rows(16), env=env) == 7
    assert ("\x1b" in terminal.raw.decode()) == (env["TERM"] != "dumb")
    assert_all_seen(terminal)


@pytest.mark.slow
def test_stdout_in_a_pipe_is_data_alone(screens: Screens) -> None:
    """The bars and the talk stay on the terminal."""
    terminal = screens.terminal()
    with Path("paths").open("wb") as file:
        assert screens.run(terminal, "batch", "run", rows(16), stdout=file.fileno()) == 7
    paths = Path("paths").read_text("utf-8").splitlines()
    assert len(paths) == 13
    assert all(Path(path).is_file() for path in paths)
    assert "outputs/all/2" not in terminal.text
    assert not BAR.search(terminal.text)
    assert terminal.lines[-1] == "gallery: outputs/all/gallery.html"


@pytest.mark.slow
def test_stderr_in_a_file_has_no_bars(screens: Screens) -> None:
    """As in a log of CI: plain lines."""
    terminal = screens.terminal()
    with Path("log").open("wb") as file:
        assert screens.run(terminal, "batch", "run", rows(16), stderr=file.fileno()) == 7
    assert len(terminal.lines) == 13
    log = Path("log").read_text("utf-8")
    assert "\x1b" not in log
    assert log.splitlines()[-1] == "gallery: outputs/all/gallery.html"


@pytest.mark.slow
def test_a_window_that_changes_its_size(screens: Screens) -> None:
    terminal = screens.terminal(120, 24)
    process = screens.start(terminal, "batch", "run", rows(60))
    for mark, size in {"number-2-": (70, 24), "number-7-": (100, 30), "number-12-": (64, 30)}.items():
        assert terminal.read(mark)
        terminal.resize(*size)
    terminal.read()
    assert process.wait() == 7
    assert not BAR.search("\n".join(terminal.lines[-20:]))
    assert terminal.lines[-1] == "gallery: outputs/all/gallery.html"
    assert terminal.lines[-3].startswith("all.json: done 57, ")


def begun(screens: Screens, terminal: Terminal, box: Sandbox) -> subprocess.Popen[bytes]:
    """Start a batch whose last three of twenty texts come at once, and what is spoken; nothing else before `go_on`."""
    box.settings.change({"task_s": 600})
    at_once = Fault("speech", "slow", delay_s=0, task_s=0, times=None)
    box.faults.add(at_once, replace(at_once, on="text", after=17, times=3))
    process = screens.start(terminal, "batch", "run", rows(40))
    assert terminal.read("_say-")
    return process


def go_on(box: Sandbox) -> None:
    box.settings.change({"task_s": 0.05})
    box.advance(600)


@pytest.mark.slow
def test_ctrl_c_leaves_no_bar(screens: Screens, bailian: Run, box: Sandbox) -> None:
    """What has come is there, the last words say how to go on, and going on finds all the rest."""
    terminal = screens.terminal(80)
    process = begun(screens, terminal, box)
    os.write(terminal.master, b"\x03")
    assert terminal.read("do not wait")
    go_on(box)
    terminal.read()
    assert process.wait() == 130
    assert not BAR.search(terminal.text)
    assert [line for line in terminal.lines[-3:] if line.startswith("  try: run the same command again to go on")]
    ran = bailian("batch", "run", "all.json", exits=7)
    seen = [line for line in terminal.lines if line.startswith("outputs/all/2")]
    records = [json.loads(line) for line in Path("outputs/all/results.jsonl").read_text("utf-8").splitlines()]
    done = [record for record in records if record["state"] == "done"]
    assert len(done) == 37
    # One that gets its name while the process leaves is saved, and printed by neither run.
    assert 35 <= len({*seen, *ran.out.splitlines()}) <= 37


@pytest.mark.slow
def test_a_terminal_that_is_closed_takes_nothing_along(screens: Screens, bailian: Run, box: Sandbox) -> None:
    """The process hears of it, or finds that its output takes no more: whichever comes first."""
    terminal = screens.terminal(80)
    process = begun(screens, terminal, box)
    terminal.close()
    go_on(box)
    assert process.wait() in (5, 130)
    bailian("batch", "run", "all.json", exits=7)
    records = Path("outputs/all/results.jsonl").read_text("utf-8").splitlines()
    assert sum(json.loads(record)["state"] == "done" for record in records) == 37


# ── single requests ──


def assert_only_data(terminal: Terminal, count: int) -> None:
    """So many paths, each once, and nothing of the lines that told how it went."""
    paths = [line for line in terminal.lines if line.startswith("outputs/")]
    assert len(paths) == len(set(paths)) == count
    assert all(Path(path).is_file() for path in paths)
    assert not BAR.search(terminal.text)
    assert "wan2.2-t2i-flash  " not in terminal.text


@pytest.mark.parametrize("columns, lines", [(60, 24), (120, 4)])
@pytest.mark.slow
def test_many_tasks_that_are_waited_for(
    screens: Screens, bailian: Run, text2image: Run, columns: int, lines: int
) -> None:
    for seed in range(12):
        text2image("a cat on a wall", "--seed", str(seed), "--no-wait")
    terminal = screens.terminal(columns, lines)
    assert screens.run(terminal, "tasks", "wait", "--all") == 0
    assert_only_data(terminal, 12)


@pytest.mark.slow
def test_one_request_of_several_pictures(screens: Screens) -> None:
    terminal = screens.terminal(60)
    assert screens.run(terminal, "a cat", "--n", "4", command="from text2image import main") == 0
    assert_only_data(terminal, 4)
    assert terminal.lines[-1].startswith("done in ") or terminal.lines[-2].startswith("done in ")


@pytest.mark.slow
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_film_fills_a_bar_that_is_gone_when_it_is_there(screens: Screens, box: Sandbox, columns: int) -> None:
    box.settings.change({"task_s": 2.0})
    terminal = screens.terminal(columns)
    process = screens.start(terminal, "sun", command="from text2video import main")
    assert terminal.read(" of about ")
    (line,) = [row for row in terminal.rows if " of about " in row]
    assert "wan2.1-t2v-turbo" in line
    assert len(line) < columns
    terminal.read()
    assert process.wait() == 0
    assert "━" in terminal.raw.decode()
    assert not BAR.search(terminal.text)


@pytest.mark.slow
def test_an_error_is_whole(screens: Screens) -> None:
    terminal = screens.terminal(60)
    assert screens.run(terminal, FAILS, command="from text2image import main") == 4
    assert re.search(r"error: .*\n  try: .*\n  \(DataInspectionFailed .*task id [0-9a-f-]{36}\)$", terminal.text)
    assert not BAR.search(terminal.text)


@pytest.mark.parametrize(
    "script, words", [("text2image", ["a cat"]), ("text2video", ["sun"]), ("audio", ["tts", "hello"])], ids=str
)
@pytest.mark.few(1)
def test_no_file_is_poured_into_a_terminal(screens: Screens, box: Sandbox, script: str, words: list[str]) -> None:
    terminal = screens.terminal()
    assert screens.run(terminal, *words, "-o", "-", command=f"from {script} import main") == 2
    assert "stdout is a terminal" in terminal.text
    assert box.requests == []


@pytest.mark.slow
def test_who_fetches_at_a_terminal_what_was_for_a_pipe_gets_a_path(screens: Screens, box: Sandbox) -> None:
    box.settings.change({"task_s": 1.0})
    process = start_script(box, "a cat", "-o", "-")
    until(lambda: box.tasks)
    process.kill()
    end(process)
    terminal = screens.terminal(200)
    assert screens.run(terminal, "tasks", "wait", "--all") == 0
    (path,) = [line for line in terminal.lines if line.endswith(".png")]
    assert Path(path).read_bytes().startswith(b"\x89PNG")


# ── tables ──


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.slow
def test_the_list_of_tasks_can_be_read(
    screens: Screens, text2image: Run, bailian: Run, box: Sandbox, columns: int
) -> None:
    """A line a task, whose id is short, and is taken by show, wait and cancel."""
    for prompt in ("a cat", "a very long story about a dog that looks for its bone in vain"):
        text2image(prompt)
    text2image("no", "--model", "nosuch", exits=2)
    terminal = screens.terminal(columns)
    assert screens.run(terminal, "tasks", "list") == 0
    head = terminal.rows[0]
    lines = [row for row in terminal.rows if row.split()[1:2] == ["done"]]
    assert head.split()[:2] == ["task_id", "state"]
    assert "prompt" in head
    assert len(lines) == 2
    for line, task in zip(lines, reversed(box.tasks), strict=True):
        short = line.split()[0]
        assert len(short) == 8
        assert task.task_id.startswith(short)
        assert line.split()[1] == "done"
        assert task.task_id in bailian("tasks", "show", short).out
        assert bailian("tasks", "wait", short).paths[0].is_file()
    assert "a very long" in lines[0]
    assert ("created" in head) == (columns > 60)


@pytest.mark.parametrize("env", [{"COLUMNS": "0"}, {"COLUMNS": "60"}], ids=str)
@pytest.mark.few(1)
def test_a_table_where_the_shell_says_how_wide_it_is(screens: Screens, env: dict[str, str]) -> None:
    terminal = screens.terminal(100)
    assert screens.run(terminal, "models", env=env) == 0
    assert "wan2.2-t2i-flash" in terminal.text
