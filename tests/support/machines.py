"""Machines that share a journal: processes with homes of their own, each in a folder of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from bailian.sandbox import Sandbox
from tests.support.postgresql import PostgresServer
from tests.support.service import FAST_MODELS
from tests.support.setting import FAST, KEY, ROOT, SEED_DAY

RUN = ("batch", "run", "--run", "shop", "--yes", "--json")
# How long a test waits for machines; each says when it is over.
PATIENCE_S = 300
# A clock as `date` on that machine would show it, and shorter pauses. On the day of most tests no model has ended.
_PROGRAM = f"""
import datetime, sys, time
from bailian.cli import guard
from bailian.cli.main import bailian
from bailian.clock import Clock
shift_s, scale = float(sys.argv.pop(1)), float(sys.argv.pop(1))
guard.main(bailian, "bailian", clock=Clock(wall=lambda: time.time() + shift_s, pause_scale=scale, today={SEED_DAY!r}))
"""


class Machine:
    """One machine: its home, its own folder, and how it reaches the journal."""

    def __init__(
        self,
        folder: Path,
        url: str,
        box: Sandbox,
        *,
        models: str = FAST_MODELS,
        clock_s: float = 0.0,
        pause_scale: float = FAST,
    ) -> None:
        self.folder, self.home = folder, folder / "home"
        self.home.mkdir(parents=True)
        (self.home / "models.toml").write_text(models, encoding="utf-8")
        self._clock = (str(clock_s), str(pause_scale))
        self._commands = 0
        self._environment = {
            **os.environ, "BAILIAN_HOME": str(self.home), "BAILIAN_JOURNAL": url, "DASHSCOPE_API_KEY": KEY,
            "DASHSCOPE_HTTP_BASE_URL": box.base_url, "BAILIAN_LANG": "en", "PYTHONPATH": str(ROOT),
        }  # fmt: skip

    def start(self, *words: str) -> Started:
        """Start a command. What it says goes into files: who waits for another one would fill a pipe that nobody reads."""
        program = ["-c", _PROGRAM, *self._clock]
        self._commands += 1
        said = [self.folder / f"{stream}-{self._commands}" for stream in ("out", "err")]
        with said[0].open("wb") as out, said[1].open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, *program, *words], cwd=self.folder, env=self._environment, stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, start_new_session=True,
            )  # fmt: skip
        return Started(process, *said)

    def run(self, *words: str) -> tuple[int, str, str]:
        return end(self.start(*words))


class Started(NamedTuple):
    """A command that runs on a machine."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def has_said(self, words: str) -> bool:
        """Return whether it has said so by now, on stderr."""
        return words in self.err.read_text(encoding="utf-8")


def end(started: Started, within_s: float = PATIENCE_S) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr."""
    code = started.process.wait(within_s)
    return code, started.out.read_text(encoding="utf-8"), started.err.read_text(encoding="utf-8")


def rows_file(folder: Path, count: int, **fields: object) -> Path:
    """Write a file of pictures. No prompt begins another: what was lost can be told apart."""
    path = folder / "rows.jsonl"
    rows = (
        {"kind": "image", "prompt": f"第{number}只猫。", "model": "wan2.2-t2i-flash", **fields}
        for number in range(count)
    )
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@contextmanager
def tasks_run_on(box: Sandbox) -> Iterator[None]:
    """Let no task end meanwhile, however long the test takes; then all do."""
    box.settings.change({"task_s": 600.0})
    yield
    box.settings.change({"task_s": 0.3})
    box.advance(600.0)


def states(server: PostgresServer, url: str) -> dict[str, int]:
    found = server.execute("SELECT state, COUNT(*) FROM bailian.jobs GROUP BY state", url.rpartition("/")[2])
    return {str(state): int(str(count)) for state, count in found}


def at_work(server: PostgresServer, url: str) -> int:
    """Return how many machines have begun with the batch."""
    ((count,),) = server.execute("SELECT COUNT(*) FROM bailian.owners WHERE run IS NOT NULL", url.rpartition("/")[2])
    return int(str(count))


def busiest(server: PostgresServer, url: str) -> int:
    """Return the process that has most of the rows now."""
    ((pid,),) = server.execute(
        "SELECT pid FROM bailian.owners JOIN bailian.jobs ON jobs.owner = owners.id GROUP BY pid ORDER BY COUNT(*) DESC LIMIT 1",
        url.rpartition("/")[2],
    )
    return int(str(pid))


def silent_s(server: PostgresServer, url: str, pid: int) -> float:
    """Return how long ago a machine renewed its lease."""
    found = server.execute(
        f"SELECT EXTRACT(EPOCH FROM clock_timestamp()) - renewed_at_s FROM bailian.owners WHERE pid = {pid}",
        url.rpartition("/")[2],
    )
    return float(str(found[0][0])) if found else 0.0


def paid_once(box: Sandbox, rows: int) -> None:
    """Every row was asked for, and none twice."""
    prompts = [task.body["input"]["prompt"] for task in box.tasks]
    assert len(prompts) == len(set(prompts)), "a row was paid twice"
    assert len(prompts) == rows


class Wire:
    """A cable to the server that can be pulled: nothing goes through, and nobody is told."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._open = threading.Event()
        self._open.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._deaf: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        port = self._listener.getsockname()[1]
        return self._parts._replace(netloc=f"{self._parts.username}@127.0.0.1:{port}").geturl()

    def url_of(self, url: str) -> str:
        """Return the address of one of the server's databases, by this cable."""
        return f"{self.url.rpartition('/')[0]}/{url.rpartition('/')[2]}"

    def pull(self) -> None:
        self._open.clear()

    def plug_in(self) -> None:
        """Let go on what can; what stood still for long is dead on one side."""
        self._open.set()

    def swallow(self, *, answers: bool) -> None:
        """Take what comes over the connections of now and pass nothing on, as a proxy does that has forgotten them.

        `answers`: only what the server says is lost; what it is asked for arrives, and is done.
        """
        self._deaf |= set(self._sockets[1::2] if answers else self._sockets)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                inside, _ = self._listener.accept()
                outside = socket.create_connection(("127.0.0.1", self._parts.port or 5432))
                self._sockets += [inside, outside]
                for one, other in ((inside, outside), (outside, inside)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                self._open.wait()
                if one not in self._deaf:
                    other.sendall(data)
        if one in self._deaf:
            return  # nobody hears of its end, either
        for end_of_it in (one, other):
            with suppress(OSError):
                end_of_it.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._open.set()
        for one in (self._listener, *self._sockets):
            one.close()


@contextmanager
def wired(url: str) -> Iterator[Wire]:
    with closing(Wire(url)) as wire:
        yield wire
