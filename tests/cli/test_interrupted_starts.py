"""Ctrl-C while the modules load: one line, 130, and no traceback, at whatever moment it comes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.processes import posix_only
from tests.support.setting import ROOT

pytestmark = [pytest.mark.process, posix_only]
DOORS = ("text2image.py", "image_edit.py", "wanx_edit.py", "text2text.py", "text2video.py", "audio.py", "bailian")
# From the first module after the door to those that a command loads when it is about to work.
MOMENTS = ("bailian.i18n", "bailian.errors", "click", "bailian.cli.args.options", "bailian.config", "pydantic")
WORDS = {"audio.py": ("tts", "猫"), "bailian": ("text2image", "猫"), "image_edit.py": ("猫", "--image", "a.png")}
INTERRUPTED_AT = """
import builtins, os, runpy, signal, sys
at, door, sys.argv = sys.argv[1], sys.argv[2], sys.argv[2:]
loaded = builtins.__import__
def watched(name, *more, **named):
    if name == at or name.startswith(at + "."):
        os.kill(os.getpid(), signal.SIGINT)
    return loaded(name, *more, **named)
builtins.__import__ = watched
runpy.run_path(door, run_name="__main__") if door.endswith(".py") else runpy.run_module(door, run_name="__main__")
"""


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("door", "moment"),
    [
        (door, MOMENTS[(number + shift) % len(MOMENTS)])
        for shift in range(len(MOMENTS))
        for number, door in enumerate(DOORS)
    ],
)
def test_an_interrupted_start_says_one_line(door: str, moment: str) -> None:
    words = [sys.executable, "-u", "-c", INTERRUPTED_AT, moment, str(ROOT / door) if "." in door else door]
    ran = subprocess.run(
        [*words, *WORDS.get(door, ("猫",)), "--dry-run"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (ran.returncode, ran.stdout) == (130, ""), ran.stderr
    assert "Traceback" not in ran.stderr
    assert "KeyboardInterrupt" not in ran.stderr
    assert "error: interrupted" in ran.stderr
