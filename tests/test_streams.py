"""Whatever becomes of stdout and stderr, the exit code is one of the documented ones, and says the truth."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from bailian.errors import Exit
from bailian.media import png
from bailian.sandbox import Sandbox
from tests.conftest import KEY, ROOT, end
from tests.test_processes import until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX descriptors")

SCRIPTS = [
    str(ROOT / f"{name}.py") for name in ["text2image", "image_edit", "wanx_edit", "text2text", "text2video", "audio"]
]
BAILIAN = ["-m", "bailian"]
PICTURE = [str(ROOT / "text2image.py"), "-v", "猫"]
LATE = "import sys; from bailian.cli import guard; from text2text import main; {line}; guard.main(main, 'text2text.py')"

WELL, GONE, FULL, CLOSED, HUNG_UP = (
    "well",
    "its reader has gone",
    "its disk is full",
    "closed",
    "its terminal is closed",
)
BROKEN = [kind for kind in (GONE, FULL, CLOSED, HUNG_UP) if kind != FULL or Path("/dev/full").exists()]
UNBUFFERED = pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "PYTHONUNBUFFERED"])


@contextmanager
def stream(kind: str) -> Iterator[int]:
    """Give a descriptor to write to that is as broken as `kind` says."""
    with ExitStack() as stack:
        if kind == GONE:
            read_end, end = os.pipe()
            os.close(read_end)
        elif kind == FULL:
            end = os.open("/dev/full", os.O_WRONLY)
        elif kind == HUNG_UP:
            master, end = os.openpty()
            os.close(master)
        else:
            end = os.open(os.devnull, os.O_WRONLY)
        stack.callback(os.close, end)
        yield end


def codes(words: Sequence[str], ways: Sequence[tuple[str, str]], env: Mapping[str, str]) -> dict[tuple[str, str], int]:
    """Run the same command once for each way in which stdout and stderr are broken, side by side."""
    running = {}
    for out, err in ways:
        closed = "".join(f" {number}>&-" for number, kind in ((1, out), (2, err)) if kind == CLOSED)
        command = ["sh", "-c", f'exec "$@"{closed}', "sh", sys.executable, *words]
        with stream(out) as stdout, stream(err) as stderr:
            running[out, err] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env={**env, "PYTHONPATH": str(ROOT)}
            )
    return {way: process.wait(timeout=120) for way, process in running.items()}


def surroundings(unbuffered: str, box: Sandbox | None = None) -> dict[str, str]:
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered, "DASHSCOPE_API_KEY": KEY}
    return {**env, "DASHSCOPE_HTTP_BASE_URL": box.base_url} if box else env


@UNBUFFERED
def test_talk_that_nobody_hears_changes_no_verdict(unbuffered: str) -> None:
    """A refusal is exit 2, a page of help exit 0, however stderr is broken; Python's own 120 never comes."""
    ways = [(WELL, err) for err in BROKEN]
    refused = codes([*BAILIAN, "nosuch"], [*ways, *((kind, kind) for kind in BROKEN)], surroundings(unbuffered))
    assert set(refused.values()) == {Exit.REFUSED_LOCALLY}, refused
    helped = codes([*BAILIAN, "--help"], ways, surroundings(unbuffered))
    assert set(helped.values()) == {Exit.OK}, helped


@UNBUFFERED
@pytest.mark.parametrize("words", [["--version"], ["models"], []], ids=" ".join)
def test_data_that_is_lost_is_no_success(unbuffered: str, words: list[str]) -> None:
    """By our own words, by click, by a group without a command: exit 5, whether stderr lives or not."""
    ways = [(out, err) for out in BROKEN for err in (WELL, out)]
    lost = codes([*BAILIAN, *words], ways, surroundings(unbuffered))
    assert set(lost.values()) == {Exit.TRY_AGAIN}, lost


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: Path(path).stem)
def test_every_script_ends_at_the_same_place(script: str) -> None:
    """An option that does not exist is refused before anything of the command has run."""
    ways = [(GONE, GONE), (WELL, GONE)]
    assert set(codes([script, "--nosuch"], ways, surroundings("")).values()) == {Exit.REFUSED_LOCALLY}


@UNBUFFERED
def test_a_paid_picture_is_made_whatever_becomes_of_the_talk(box: Sandbox, unbuffered: str) -> None:
    """A full or closed stderr, a terminal that is gone: the picture comes, and that is exit 0."""
    made = codes(PICTURE, [(WELL, err) for err in BROKEN], surroundings(unbuffered, box))
    assert set(made.values()) == {Exit.OK}, made
    pictures = list(Path("outputs").glob("*.png"))
    assert len(pictures) == len(BROKEN)
    assert all(png.is_whole(path.read_bytes()) for path in pictures)


@UNBUFFERED
def test_a_bug_is_exit_1_though_its_traceback_cannot_be_printed(unbuffered: str) -> None:
    bug = LATE.format(line="main.main = None")
    ways = [(WELL, err) for err in BROKEN]
    assert set(codes(["-c", bug, "x"], ways, surroundings(unbuffered)).values()) == {Exit.BUG}


@UNBUFFERED
def test_what_waits_in_the_buffer_to_the_end_is_counted_too(unbuffered: str) -> None:
    """A library prints and does not flush: the loss shows only when the command is over."""
    late = LATE.format(line="main.main = lambda **_: sys.stdout.write('data') and 0")
    ways = [(out, err) for out in BROKEN for err in (WELL, out)]
    assert set(codes(["-c", late, "x"], ways, surroundings(unbuffered)).values()) == {Exit.TRY_AGAIN}


def test_a_closed_stdout_is_called_that(box: Sandbox) -> None:
    """`>&-`: the reason is said, and no file or connection has got its number."""
    words = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, *PICTURE]
    env = {**surroundings("", box), "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(words, stderr=subprocess.PIPE, text=True, env=env, timeout=60)
    assert ran.returncode == Exit.TRY_AGAIN
    assert "cannot write to stdout: it is closed" in ran.stderr
    assert [png.is_whole(path.read_bytes()) for path in Path("outputs").glob("*.png")] == [True]


def test_a_terminal_that_goes_away_takes_only_its_talk_along(box: Sandbox) -> None:
    """nohup, setsid: the process is not told, the line it draws fails. The paid picture comes all the same."""
    box.settings.change({"task_s": 1.5})
    master, terminal = os.openpty()
    words = [sys.executable, PICTURE[0], "猫"]
    env = {**surroundings("", box), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=terminal, text=True, env=env)
    os.close(terminal)
    until(lambda: box.tasks)
    os.close(master)
    ran = end(process)
    assert ran.code == Exit.OK
    assert png.is_whole(ran.paths[0].read_bytes())


def test_a_full_pipe_that_does_not_block_loses_nothing_silently() -> None:
    """Some programs give their children such pipes: what did not fit is not called a success."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    with suppress(BlockingIOError):
        while os.write(write_end, b"x" * 4096):
            pass
    words = [sys.executable, *BAILIAN, "models"]
    env = {**surroundings(""), "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(words, stdout=write_end, stderr=write_end, env=env, timeout=60)
    os.close(read_end)
    os.close(write_end)
    assert ran.returncode == Exit.TRY_AGAIN
