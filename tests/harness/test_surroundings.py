"""The tests themselves: what starts them may ignore or block signals, and a process of theirs may never end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.setting import ROOT

pytestmark = [pytest.mark.process, pytest.mark.skipif(os.name == "nt", reason="POSIX signals")]

IGNORING = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
os.execv(sys.executable, [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *sys.argv[1:]])
"""
NEVER_ENDS = """
import signal, subprocess, sys
from tests.conftest import *

SLEEP = [sys.executable, "-c", "import time; time.sleep(1000)"]

def test_waits():
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    with subprocess.Popen(SLEEP) as process:
        process.wait()

def test_fails():
    with subprocess.Popen(SLEEP):
        assert False

def test_leaves_one():
    subprocess.Popen(SLEEP)
"""


@pytest.mark.slow
def test_everything_ends_though_the_tests_were_told_to_ignore_signals(tmp_path: Path) -> None:
    """nohup ignores SIGHUP, `… &` in a script SIGINT; a child that inherited that would never end at Ctrl-C.

    And a test that waits without end, one that fails beside its process, one that leaves it behind: all three end.
    """
    file = tmp_path / "test_never_ends.py"
    file.write_text(NEVER_ENDS, encoding="utf-8")
    words = ["-c", str(ROOT / "pyproject.toml"), str(file), str(ROOT / "tests/sandbox/test_sandbox_foreground.py")]
    ran = subprocess.run(
        [sys.executable, "-c", IGNORING, *words], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert re.search(r"\b2 failed, \d+ passed(, \d+ deselected)? in", ran.stdout), ran.stdout
    assert "the test hangs" in ran.stdout
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
