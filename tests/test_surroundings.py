"""The tests themselves: what starts them may ignore or block signals, and a process of theirs may never end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")

IGNORING = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
os.execv(sys.executable, [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *sys.argv[1:]])
"""
NEVER_ENDS = """
import subprocess, sys
from tests import conftest
from tests.conftest import *

conftest.HANG_S = 0.5
SLEEP = [sys.executable, "-c", "import time; time.sleep(1000)"]

def test_waits():
    with subprocess.Popen(SLEEP) as process:
        process.wait()

def test_fails():
    with subprocess.Popen(SLEEP):
        assert False

def test_leaves_one():
    subprocess.Popen(SLEEP)
"""


def pytest_of(file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run tests as a process that was started with everything ignored."""
    command = [sys.executable, "-c", IGNORING, *words, str(file)]
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)


def test_children_hear_signals_that_the_tests_were_told_to_ignore() -> None:
    """nohup ignores SIGHUP, `… &` in a script SIGINT; a child that inherits it never ends at Ctrl-C."""
    ran = pytest_of(ROOT / "tests/sandbox/test_sandbox_foreground.py")
    assert ran.returncode == 0, ran.stdout
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_no_test_waits_for_ever(tmp_path: Path) -> None:
    """One that waits for a process without end, one that fails beside it, one that leaves it behind: all three end."""
    file = tmp_path / "test_never_ends.py"
    file.write_text(NEVER_ENDS, encoding="utf-8")
    ran = pytest_of(file, "-c", str(ROOT / "pyproject.toml"))
    assert "2 failed, 1 passed" in ran.stdout, ran.stdout
    assert "the test hangs" in ran.stdout
