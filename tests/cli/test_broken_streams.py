"""Whatever becomes of stdout and stderr, the exit code is one of the documented ones, and says the truth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from bailian.errors import Exit
from bailian.files import png
from bailian.sandbox import Sandbox
from tests.support.broken_streams import CLOSED, FULL, GONE, HUNG_UP, WELL, stream
from tests.support.processes import end, until
from tests.support.setting import KEY, ROOT

pytestmark = [pytest.mark.process, pytest.mark.skipif(os.name == "nt", reason="POSIX descriptors")]

SCRIPTS = [
    str(ROOT / f"{name}.py") for name in ["text2image", "image_edit", "wanx_edit", "text2text", "text2video", "audio"]
]
BAILIAN = ["-m", "bailian"]
PICTURE = [str(ROOT / "text2image.py"), "-v", "猫"]

BROKEN = [kind for kind in (GONE, FULL, CLOSED, HUNG_UP) if kind != FULL or Path("/dev/full").exists()]
BOTH_WAYS = [(out, err) for out in BROKEN for err in (WELL, out) if out != GONE]
LEFT = [(GONE, err) for err in (WELL, GONE)]
"""`| head`, and `2>&1 | head`."""
UNBUFFERED = pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "PYTHONUNBUFFERED"])

# Imports once, then a process a case, on streams that are broken before its command begins. `main` may be another one.
FORKS = """
import json, os, sys
from tests.support.broken_streams import broken
from bailian.cli import guard
from bailian.cli.main import bailian as main
{line}
told, codes = os.dup(1), []
for out, err in json.loads(sys.argv[1]):
    child = os.fork()
    if not child:
        os.close(told)
        broken(out, 1)
        broken(err, 2)
        sys.argv[1:] = sys.argv[2:]
        guard.main(main, "bailian")
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
os.write(told, json.dumps(codes).encode())
"""


def codes(words: Sequence[str], ways: Sequence[tuple[str, str]], unbuffered: str, line: str = "") -> set[int]:
    """Return the exit codes of a command in a process for each way in which stdout and stderr are broken."""
    command = [sys.executable, "-c", FORKS.format(line=line), json.dumps(ways), *words]
    ran = subprocess.run(command, stdout=subprocess.PIPE, env=surroundings(unbuffered), check=True, timeout=120)
    return set(json.loads(ran.stdout))


def started(words: Sequence[str], ways: Sequence[tuple[str, str]], env: Mapping[str, str]) -> set[int]:
    """Return the same of a script as a user starts it."""
    running = []
    for out, err in ways:
        closed = "".join(f" {number}>&-" for number, kind in ((1, out), (2, err)) if kind == CLOSED)
        command = ["sh", "-c", f'exec "$@"{closed}', "sh", sys.executable, *words]
        with stream(out) as stdout, stream(err) as stderr:
            running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=env))
    return {process.wait(timeout=120) for process in running}


def surroundings(unbuffered: str, box: Sandbox | None = None) -> dict[str, str]:
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered, "DASHSCOPE_API_KEY": KEY, "PYTHONPATH": str(ROOT)}
    return {**env, "DASHSCOPE_HTTP_BASE_URL": box.base_url} if box else env


@pytest.mark.slow
@UNBUFFERED
def test_talk_that_nobody_hears_changes_no_verdict(unbuffered: str) -> None:
    """A refusal is exit 2, a page of help exit 0, however stderr is broken; Python's own 120 never comes."""
    ways = [(WELL, err) for err in BROKEN]
    assert codes(["nosuch"], [*ways, *((kind, kind) for kind in BROKEN)], unbuffered) == {Exit.REFUSED_LOCALLY}
    assert codes(["--help"], ways, unbuffered) == {Exit.OK}


@pytest.mark.few(1)
@UNBUFFERED
@pytest.mark.parametrize("words", [["--version"], ["models"], []], ids=" ".join)
def test_data_that_is_lost_is_no_success(unbuffered: str, words: list[str]) -> None:
    """By our own words, by click, by a group without a command: exit 5, whether stderr lives or not."""
    assert codes(words, BOTH_WAYS, unbuffered) == {Exit.TRY_AGAIN}


LISTS = [["--version"], ["--help"], [], ["models"], ["models", "--json"], ["models", "qwen-plus"], ["cost"]]


@UNBUFFERED
@pytest.mark.parametrize("words", LISTS, ids=" ".join)
@pytest.mark.few(1)
def test_head_may_have_seen_enough_of_a_list(unbuffered: str, words: list[str]) -> None:
    assert codes(words, LEFT, unbuffered) == {Exit.OK}


@pytest.mark.slow
def test_a_list_that_is_cut_short_says_nothing(box: Sandbox) -> None:
    """What the journal has, what a request would be, the voices: `set -o pipefail` does not stop a script there."""
    env = surroundings("", box)
    subprocess.run([sys.executable, *PICTURE, "-q"], env=env, check=True, capture_output=True)
    (picture,) = Path("outputs").glob("*.png")
    Path("one.json").write_text('{"text_tasks": [{"prompt": "x"}]}', encoding="utf-8")
    bailian = [
        ["tasks", "list"],
        ["cost"],
        ["cost", "--json"],
        ["show", str(picture)],
        ["batch", "run", "one.json", "--dry-run"],
    ]
    scripts = [[SCRIPTS[-1], "voices"], [*PICTURE, "--dry-run"]]
    for words in [*([*BAILIAN, *words] for words in bailian), *scripts]:
        with stream(GONE) as gone:
            ran = subprocess.run([sys.executable, *words], env=env, stdout=gone, stderr=subprocess.PIPE, text=True)
        assert (ran.returncode, ran.stderr) == (Exit.OK, ""), words


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [["你好"], ["你好", "--no-stream"], ["你好", "--stream"], ["你好", "--json"]], ids=" ".join
)
@pytest.mark.few(1)
def test_a_paid_answer_that_nobody_reads_is_no_success(box: Sandbox, words: list[str]) -> None:
    assert started([SCRIPTS[3], *words], LEFT, surroundings("", box)) == {Exit.TRY_AGAIN}


@pytest.mark.slow
@UNBUFFERED
def test_a_bug_is_exit_1_though_its_traceback_cannot_be_printed(unbuffered: str) -> None:
    ways = [(WELL, err) for err in BROKEN]
    assert codes(["doctor"], ways, unbuffered, "main.invoke = lambda _: 1 / 0") == {Exit.BUG}


@pytest.mark.slow
@UNBUFFERED
def test_what_waits_in_the_buffer_to_the_end_is_counted_too(unbuffered: str) -> None:
    """A library prints and does not flush: the loss shows only when the command is over."""
    late = "main.invoke = lambda _: sys.stdout.write('data') and 0"
    assert codes(["doctor"], BOTH_WAYS, unbuffered, late) == {Exit.TRY_AGAIN}
    paid = "from bailian.cli.output.streams import expect_results\n"
    paid += "main.invoke = lambda _: expect_results() or sys.stdout.write('data') and 0"
    assert codes(["doctor"], [*BOTH_WAYS, *LEFT], unbuffered, paid) == {Exit.TRY_AGAIN}


@pytest.mark.few(2)
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: Path(path).stem)
def test_every_script_ends_at_the_same_place(script: str) -> None:
    """An option that does not exist is refused before anything of the command has run."""
    assert started([script, "--nosuch"], [(GONE, GONE)], surroundings("")) == {Exit.REFUSED_LOCALLY}


@pytest.mark.parametrize("unbuffered, ways", [("", BROKEN), ("1", [GONE])], ids=["buffered", "PYTHONUNBUFFERED"])
@pytest.mark.few(1)
def test_a_paid_picture_is_made_whatever_becomes_of_the_talk(box: Sandbox, unbuffered: str, ways: list[str]) -> None:
    """A full or closed stderr, a terminal that is gone: the picture comes, and that is exit 0."""
    assert started(PICTURE, [(WELL, err) for err in ways], surroundings(unbuffered, box)) == {Exit.OK}
    pictures = list(Path("outputs").glob("*.png"))
    assert len(pictures) == len(ways)
    assert all(png.is_complete(path.read_bytes()) for path in pictures)


@pytest.mark.slow
def test_a_closed_stdout_is_called_that(box: Sandbox) -> None:
    """`>&-`: the reason is said, and no file or connection has got its number."""
    words = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, *PICTURE]
    env = surroundings("", box)
    ran = subprocess.run(words, stderr=subprocess.PIPE, text=True, env=env, timeout=60)
    assert ran.returncode == Exit.TRY_AGAIN
    assert "cannot write to stdout: it is closed" in ran.stderr
    assert [png.is_complete(path.read_bytes()) for path in Path("outputs").glob("*.png")] == [True]


@pytest.mark.slow
def test_a_terminal_that_goes_away_takes_only_its_talk_along(box: Sandbox) -> None:
    """nohup, setsid: the process is not told, the line it draws fails. The paid picture comes all the same."""
    box.settings.change({"task_s": 1.5})
    master, terminal = os.openpty()
    words = [sys.executable, PICTURE[0], "猫"]
    env = surroundings("", box)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=terminal, text=True, env=env)
    os.close(terminal)
    until(lambda: box.tasks)
    os.close(master)
    ran = end(process)
    assert ran.code == Exit.OK
    assert png.is_complete(ran.paths[0].read_bytes())


@pytest.mark.slow
def test_a_full_pipe_that_does_not_block_loses_nothing_silently() -> None:
    """Some programs give their children such pipes: what did not fit is not called a success."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    with suppress(BlockingIOError):
        while os.write(write_end, b"x" * 4096):
            pass
    words = [sys.executable, *BAILIAN, "models"]
    env = surroundings("")
    ran = subprocess.run(words, stdout=write_end, stderr=write_end, env=env, timeout=60)
    os.close(read_end)
    os.close(write_end)
    assert ran.returncode == Exit.TRY_AGAIN
