"""A scheduler, and whoever listens to it, hears neither a key nor where a journal is."""

from __future__ import annotations

import pickle
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import fields
from pathlib import Path

import pytest

from bailian.cluster.carried import share_function, stop_function
from bailian.cluster.share import Share
from bailian.sandbox import Sandbox
from tests.support.dask import DaskScheduler, DaskWorker
from tests.support.machines import Machine, end, rows_file
from tests.support.postgresql import PostgresServer
from tests.support.processes import posix_only
from tests.support.setting import KEY

PASSWORD = "hunter2-of-the-journal"


class Tap:
    """A wire to a scheduler that keeps all that goes through it, both ways."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.heard: list[bytes] = []
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                inside, _ = self._listener.accept()
                outside = socket.create_connection(("127.0.0.1", self._to))
                self._sockets += [inside, outside]
                for one, other in ((inside, outside), (outside, inside)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                self.heard.append(data)
                other.sendall(data)
        for end_of_it in (one, other):
            with suppress(OSError):
                end_of_it.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for one in (self._listener, *self._sockets):
            one.close()


@pytest.fixture
def scheduler(tmp_path: Path) -> DaskScheduler:
    return DaskScheduler(tmp_path)


@pytest.fixture
def tap(scheduler: DaskScheduler) -> Iterator[Tap]:
    with closing(Tap(scheduler.port)) as tap:
        yield tap


@pytest.mark.slow
@pytest.mark.process
@posix_only
def test_neither_a_key_nor_a_journal_goes_over_the_scheduler(
    tap: Tap, scheduler: DaskScheduler, box: Sandbox, tmp_path: Path, journal_server: PostgresServer
) -> None:
    """One worker takes part, one has no such server: what it says of that holds no password, either."""
    box.settings.change({"enforce_limits": False, "task_s": 0.5})
    url = journal_server.new_database().replace("postgres@", f"postgres:{PASSWORD}@")
    scheduler.url = tap.url
    DaskWorker(tmp_path / "good", scheduler, url, box)
    DaskWorker(tmp_path / "lost", scheduler, f"{url}-that-is-not-there", box)
    desk = Machine(tmp_path / "desk", url, box)
    file = rows_file(tmp_path, 20)
    code, _, err = end(
        desk.start("batch", "run", str(file), "--run", "shop", "--cluster", tap.url, "-o", str(tmp_path))
    )
    assert code == 0, err
    assert "takes no part" in err
    heard = b"".join(tap.heard)
    assert b"batch:shop" in heard  # what is not packed can be read
    for secret in (KEY, PASSWORD, url, journal_server.url("")):
        assert secret.encode() not in heard
    assert PASSWORD not in err


@pytest.mark.unit
def test_a_share_has_no_place_for_a_secret() -> None:
    names = {one.name for one in fields(Share)}
    assert not {name for name in names if "key" in name or "url" in name or "secret" in name}


@pytest.mark.unit
def test_what_is_run_travels_by_its_text() -> None:
    """No name of the toolkit has to be found where it is unpacked: a scheduler need not have it installed."""
    cloudpickle = pytest.importorskip("cloudpickle")
    for function in (share_function(), stop_function()):
        with pytest.raises((AttributeError, pickle.PicklingError)):
            pickle.dumps(function)
        assert callable(pickle.loads(cloudpickle.dumps(function)))
