"""Scripts as a user starts them: the interpreter's own start, bad days of the service, and one picture for one task."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bailian.files import png
from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Ran
from tests.support.processes import FAST_START, end, environment
from tests.support.setting import FAST, KEY

pytestmark = pytest.mark.process
PICTURES = FAST_START.format(factor=FAST, command="from text2image import main")


def started(box: Sandbox, *words: str) -> Ran:
    """Run the script in an interpreter of its own; with `-u` it is not forked."""
    command = [sys.executable, "-u", "-c", PICTURES, *words]
    pipe = subprocess.PIPE
    return end(subprocess.Popen(command, env=environment(box), stdout=pipe, stderr=pipe, text=True))


def test_throttled_and_with_an_expired_link_one_picture_comes_from_one_task(box: Sandbox) -> None:
    """429 at the submit and while it is asked for, then a link that has expired: a fresh one is asked for."""
    box.faults.add(
        Fault("submit", "throttle", times=2), Fault("poll", "throttle", times=2), Fault("download", "expired")
    )
    ran = started(box, "猫")
    assert ran.code == 0, ran.err
    (path,) = ran.paths
    assert png.is_complete(path.read_bytes())
    assert len(box.tasks) == 1
    assert [entry.status for entry in box.requests if entry.method == "POST"] == [429, 429, 200]
    assert box.faults.armed == []


def test_nothing_invalid_is_sent(box: Sandbox) -> None:
    ran = started(box, "猫", "--n", "5", "--size", "1440*1440")
    assert (ran.code, ran.out) == (2, "")
    assert "1414*1414" in ran.err
    assert box.requests == []


def test_the_key_is_in_nothing_that_is_printed_or_kept(box: Sandbox) -> None:
    ran = started(box, "猫", "-v", "--json")
    assert ran.code == 0, ran.err
    assert KEY not in ran.out + ran.err
    kept = [path for path in Path.cwd().rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if KEY.encode() in path.read_bytes()]
