"""Bad days of a PostgreSQL server: no connections left, a disk without room, a wire that swallows what it is given."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.postgresql import PostgresServer


class Crowd:
    """Takes every connection that a server has, those of our machines too."""

    def __init__(self, server: PostgresServer) -> None:
        self._url = server.url("postgres")
        self._held: list[psycopg.Connection[tuple[Any, ...]]] = []

    def come(self) -> None:
        """Throw our machines out and take their places, until none has one."""
        self._take_all()
        while self._ours():
            self._take_all()

    def _ours(self) -> int:
        found = self._held[0].execute(
            "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'bailian'"
        )
        ((count,),) = found.fetchall()
        return int(count)

    def _take_all(self) -> None:
        with suppress(psycopg.OperationalError):
            while True:
                self._held.append(psycopg.connect(self._url, autocommit=True))

    def close(self) -> None:
        """Let all go."""
        for one in self._held:
            one.close()
        self._held.clear()


class SmallDisk:
    """A file system of some megabytes that can be filled to the last byte."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        with self._ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"x" * 4096)

    def empty(self) -> None:
        self._ballast.unlink()


@contextmanager
def small_disk(size_mb: int) -> Iterator[SmallDisk]:
    folder = Path(tempfile.mkdtemp(prefix="bailian-disk-"))  # the server is another user: not in a test's own folder
    folder.chmod(0o755)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=0755", "tmpfs", str(folder)]
    try:
        made = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        made = False
    if not made:
        folder.rmdir()
        pytest.skip("needs root, and a system that mounts")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


def database_on(disk: SmallDisk, server: PostgresServer) -> str:
    """Return the address of an empty database that lies on a disk of its own."""
    data = disk.folder / "data"
    data.mkdir(mode=0o700)
    if server.system_user is not None:
        shutil.chown(data, server.system_user)
    server.execute(f"CREATE TABLESPACE small LOCATION '{data}'")
    server.execute("CREATE DATABASE journal_on_a_small_disk TABLESPACE small")
    return server.url("journal_on_a_small_disk")


@contextmanager
def crowd(server: PostgresServer) -> Iterator[Crowd]:
    with closing(Crowd(server)) as made:
        yield made
