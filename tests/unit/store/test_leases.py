"""Which processes are alive: told by a lock that the system drops with the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bailian.store.leases import ProcessLease
from tests.support.setting import ROOT

HOLD = """
import sys
from pathlib import Path
from bailian.store.leases import ProcessLease
with ProcessLease(Path(sys.argv[1])) as owner:
    print(owner.id, flush=True)
    sys.stdin.read()
"""


def start(home: Path) -> tuple[subprocess.Popen[str], str]:
    """Start a process that is an owner until its stdin ends; return it and its id."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_nobody_is_gone_and_oneself_is_not(tmp_path: Path) -> None:
    """A job without owner may be taken; one's own may not be taken from oneself."""
    with ProcessLease(tmp_path) as me:
        assert me.is_dead(None)
        assert not me.is_dead(me.id)


def test_who_never_was_is_gone(tmp_path: Path) -> None:
    """An owner that left no lock does not run."""
    with ProcessLease(tmp_path) as me:
        assert me.is_dead("0123456789ab")


def test_another_running_process_is_not_gone(tmp_path: Path) -> None:
    """Its lock is held, and asking does not take it away."""
    process, other = start(tmp_path)
    with process, ProcessLease(tmp_path) as me:
        assert not me.is_dead(other)
        assert not me.is_dead(other)
        process.communicate("")


def test_a_killed_process_is_gone(tmp_path: Path) -> None:
    """kill -9 leaves the file, but not the lock."""
    process, other = start(tmp_path)
    process.kill()
    process.communicate()
    assert (tmp_path / "running" / f"{other}.lock").exists()
    with ProcessLease(tmp_path) as me:
        assert me.is_dead(other)
        assert me.is_dead(other)
    assert not list((tmp_path / "running").iterdir())


def test_an_owner_that_left_is_gone_and_leaves_no_file(tmp_path: Path) -> None:
    """A finished run cleans up behind itself."""
    with ProcessLease(tmp_path) as first:
        pass
    with ProcessLease(tmp_path) as me:
        assert me.is_dead(first.id)
        assert [path.name for path in (tmp_path / "running").iterdir()] == [f"{me.id}.lock"]


def test_two_owners_of_one_process_are_told_apart(tmp_path: Path) -> None:
    """An engine inside another one's process is somebody else, and alive."""
    with ProcessLease(tmp_path) as one, ProcessLease(tmp_path) as other:
        assert one.id != other.id
        assert not one.is_dead(other.id)
        assert not other.is_dead(one.id)
