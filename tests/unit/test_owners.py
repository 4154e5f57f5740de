"""Which processes are alive: told by a lock that the system drops with the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bailian.store.leases import Owner

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from bailian.store.leases import Owner
with Owner(Path(sys.argv[1])) as owner:
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
    with Owner(tmp_path) as me:
        assert me.is_gone(None)
        assert not me.is_gone(me.id)


def test_who_never_was_is_gone(tmp_path: Path) -> None:
    """An owner that left no lock does not run."""
    with Owner(tmp_path) as me:
        assert me.is_gone("0123456789ab")


def test_another_running_process_is_not_gone(tmp_path: Path) -> None:
    """Its lock is held, and asking does not take it away."""
    process, other = start(tmp_path)
    with process, Owner(tmp_path) as me:
        assert not me.is_gone(other)
        assert not me.is_gone(other)
        process.communicate("")


def test_a_killed_process_is_gone(tmp_path: Path) -> None:
    """kill -9 leaves the file, but not the lock."""
    process, other = start(tmp_path)
    process.kill()
    process.communicate()
    assert (tmp_path / "running" / f"{other}.lock").exists()
    with Owner(tmp_path) as me:
        assert me.is_gone(other)
        assert me.is_gone(other)
    assert not list((tmp_path / "running").iterdir())


def test_an_owner_that_left_is_gone_and_leaves_no_file(tmp_path: Path) -> None:
    """A finished run cleans up behind itself."""
    with Owner(tmp_path) as first:
        pass
    with Owner(tmp_path) as me:
        assert me.is_gone(first.id)
        assert [path.name for path in (tmp_path / "running").iterdir()] == [f"{me.id}.lock"]


def test_two_owners_of_one_process_are_told_apart(tmp_path: Path) -> None:
    """An engine inside another one's process is somebody else, and alive."""
    with Owner(tmp_path) as one, Owner(tmp_path) as other:
        assert one.id != other.id
        assert not one.is_gone(other.id)
        assert not other.is_gone(one.id)
