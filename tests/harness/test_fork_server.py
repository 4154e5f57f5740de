"""A forked process is what a started one is: nothing that a test looks at tells them apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.fork_server import POPEN, can_fork
from tests.support.processes import Child

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every process is started"),
]

TELL = """
import json, locale, os, signal, sys, threading
print(json.dumps({
    "argv": sys.argv, "cwd": os.getcwd(), "env": dict(os.environ), "path": sys.path, "name": __name__,
    "file": globals().get("__file__"), "globals": sorted(name for name in globals() if not name.startswith("__")),
    "descriptors": sorted(os.listdir("/proc/self/fd")), "threads": [one.name for one in threading.enumerate()],
    "parent": os.getppid(), "leads a session": os.getsid(0) == os.getpid(), "umask": os.umask(0o22),
    "streams": [
        [type(one).__name__, one.name, one.mode, one.encoding, one.errors, one.line_buffering, one.write_through]
        for one in (sys.stdin, sys.stdout, sys.stderr)
    ],
    "signals": [str(signal.getsignal(one)) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)],
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])), "encoding": locale.getpreferredencoding(),
}))
"""
ENDS = {
    "a code": "import sys; sys.exit(5)",
    "a text": "import sys; sys.exit('no')",
    "an error": "1/0",
    "Ctrl-C": "raise KeyboardInterrupt",
    "killed": "import os; os.kill(os.getpid(), 9)",
    "a late thread": "import threading, time; threading.Thread(target=lambda: (time.sleep(0.05), print('late'))).start()",
    "at exit": "import atexit; atexit.register(print, 'bye'); print('well')",
    "stdin": "import sys; print(sys.stdin.read())",
    "stdout that nobody reads": "import os; r, w = os.pipe(); os.close(r); os.dup2(w, 1); print('x')",
}


def run(kind: Any, words: list[str], **how: Any) -> tuple[int, str]:
    with kind([sys.executable, *words], text=True, stdin=-1, stdout=-1, stderr=-1, **how) as process:
        out, _ = process.communicate("猫")
        return process.returncode, out


@pytest.mark.few(3)
@pytest.mark.parametrize("how", [{}, {"start_new_session": True}, {"cwd": "/"}], ids=str)
@pytest.mark.parametrize("words", [["-c", TELL, "a", "猫"], ["tell.py", "--b"]], ids=["-c", "a file"])
def test_everything_it_is_told_is_the_same(words: list[str], how: dict[str, Any]) -> None:
    Path("tell.py").write_text(TELL, encoding="utf-8")
    words = [str(Path(word).absolute()) if word == "tell.py" else word for word in words]
    assert can_fork([sys.executable, *words], None)
    how = {
        "env": {**os.environ, "猫": "x"},
        **how,
    }  # without it libraries' own changes of the environment are handed down
    forked, started = run(Child, words, **how), run(POPEN, words, **how)
    one, other = json.loads(forked[1]), json.loads(started[1])
    assert one == other


@pytest.mark.few(3)
@pytest.mark.parametrize("code", ENDS.values(), ids=ENDS)
def test_it_ends_the_same(code: str) -> None:
    assert run(Child, ["-c", code]) == run(POPEN, ["-c", code])


def test_what_needs_the_interpreters_own_start_is_started() -> None:
    python = sys.executable
    assert not can_fork([python, "-X", "importtime", "a.py"], None)
    assert not can_fork([python, "-c", "import sys; print(sys.modules)"], None)
    assert not can_fork([python, "-c", "pass"], {**os.environ, "PYTHONUTF8": "0", "LC_ALL": "C"})
    assert not can_fork(["sh", "-c", "true"], None)
    assert subprocess.run([python, "-X", "utf8", "-c", "pass"], check=False).returncode == 0
