"""Processes as a user starts them: with the signals of a shell's foreground, against the test's sandbox."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import pytest

from bailian.engine.signals import SIGNALS
from bailian.sandbox import Sandbox
from tests.support.commands import Ran
from tests.support.fork_server import HOUSE, LIBRARIES, ForkServer, Order, can_fork
from tests.support.journals import bury, with_name
from tests.support.setting import FAST, KEY, ROOT, SEED_DAY

posix_only = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


def _go_on(_signal: int, _frame: FrameType | None) -> None:
    """Under nohup the tests survive their terminal. What they start hears of it: only ignoring is handed down."""


NO_HANG_UP = os.name != "nt" and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def hear_signals() -> None:
    """Give every process that tests start the signals as a shell's foreground has them.

    Who starts the tests may have them ignored (nohup, `… &` in a script) or blocked, and both are handed down.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if os.name != "nt":
        signal.signal(signal.SIGHUP, _go_on if NO_HANG_UP else signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*SIGNALS, signal.SIGALRM, signal.SIGCHLD})


PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")


@cache
def fork_server(has_house: bool) -> ForkServer:
    return ForkServer(*LIBRARIES, *(HOUSE if has_house else ()))


class Child(subprocess.Popen[Any]):
    """A process that a test starts. It does not outlive the test, and a failed test does not wait for it."""

    started: list[Child] = []  # noqa: RUF012 - of all tests, emptied after each

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._is_buried = False
        super().__init__(*args, **kwargs)
        self.started.append(self)

    def _execute_child(self, *args: Any) -> None:
        """Fork what can be forked; Popen itself does the rest: pipes, waiting, signals."""
        how = inspect.signature(super()._execute_child).bind(*args).arguments  # type: ignore[misc]
        words, env = how["args"], how["env"]
        plain = not (how["preexec_fn"] or how["pass_fds"] or how["shell"] or how["executable"] or how["umask"] >= 0)
        if not plain or isinstance(words, str) or not can_fork(words, env):
            super()._execute_child(*args)  # type: ignore[misc]
            return
        umask = os.umask(0)
        os.umask(umask)
        order = Order(
            [os.fspath(word) for word in words],
            dict(os.environ if env is None else env),
            os.fspath(how["cwd"] or Path.cwd()),
            umask,
            bool(how["start_new_session"]),
            has_house=words[1] != "-c" or words[2] in UNPATCHED,
        )
        ends = how["p2cread"], how["c2pwrite"], how["errwrite"]
        try:
            server = fork_server(order.has_house)
            self.pid = server.fork(order, tuple(number if end == -1 else end for number, end in enumerate(ends)))  # type: ignore[arg-type]
        except BaseException:  # what was interrupted here would be answered to the next: another server takes that
            fork_server.cache_clear()
            raise
        self._child_created = True
        self._close_pipe_fds(*(how[name] for name in PIPES))  # type: ignore[attr-defined]

    def poll(self) -> int | None:
        return self._told(super().poll())

    def wait(self, timeout: float | None = None) -> int:
        code = super().wait(timeout)
        self._told(code)
        return code

    def _told(self, code: int | None) -> int | None:
        """Let whoever comes next know at once that a killed process is dead."""
        if code and not self._is_buried:
            self._is_buried = True
            bury()
        return code

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, error, trace)


def kill_children() -> None:
    """End what is left of a test's processes."""
    for child in Child.started:
        if child.poll() is None:
            child.kill()


def end_children() -> None:
    """End them, wait for it, and close what led to them."""
    kill_children()
    for child in Child.started:
        child.wait()
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                with suppress(OSError):  # what was not read any more
                    pipe.close()
    Child.started.clear()


FAST_START = (
    "import sys, datetime; from bailian.clock import Clock; sys.argv[0] = 'text2image.py'; "
    "from bailian.cli import guard; {command}; "
    f"guard.main(main, clock=Clock(pause_scale={{factor}}, today={SEED_DAY!r}))"
)


PLAIN = ("from text2image import main", "from bailian.cli.main import bailian as main")
UNPATCHED = {FAST_START.format(factor=factor, command=command) for factor in (FAST, 1.0) for command in PLAIN}
"""Programs that change nothing of the house before it is loaded."""


def start_script(
    box: Sandbox, *words: str, command: str = "from text2image import main", factor: float = FAST
) -> subprocess.Popen[str]:
    """Start a command as a process of its own, against the test's sandbox."""
    env = {**os.environ, "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": box.base_url, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", FAST_START.format(factor=factor, command=command), *with_name(words)],
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def start_bailian(box: Sandbox, *words: str) -> subprocess.Popen[str]:
    return start_script(box, *words, command="from bailian.cli.main import bailian as main")


def said_until(process: subprocess.Popen[str], mark: str) -> str:
    """Read what a process says on stderr up to a line with the mark; fail when it ends without having said it."""
    assert process.stderr is not None
    said = ""
    while mark not in said:
        line = process.stderr.readline()
        assert line, f"it ended without {mark!r}:\n{said}"
        said += line
    return said


def end(process: subprocess.Popen[str], timeout_s: float = 120) -> Ran:
    out, err = process.communicate(timeout=timeout_s)
    return Ran(process.returncode, out, err)


def until(happened: Callable[[], object], within_s: float = 60) -> None:
    """Wait for something another process does; fail when it never comes."""
    give_up_s = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < give_up_s, "it never happened"
        time.sleep(0.01)


def environment(box: Sandbox, **more: str) -> dict[str, str]:
    """Return what a process of its own needs to use the test's sandbox."""
    account = {"DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": box.base_url, "PYTHONPATH": str(ROOT)}
    return {**os.environ, **account, **more}
