"""Which owners are alive, among machines that share a server: each renews a row of its own.

Who has not for `LEASE_S` is dead, and others go on with its jobs. So a process sends nothing when its own lease is about
to end (`may_send`), which it reads from its own steady clock: the moment before it asked for the last renewal.
"""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from uuid import uuid4

from bailian.clock import Clock, current_clock
from bailian.errors import JournalError
from bailian.store.backends.postgresql import PostgresDatabase, number_of
from bailian.store.backends.server_patience import READING, Patience
from bailian.store.backends.tables import Tables

LEASE_S = 30.0
RENEW_S = 5.0
# Nothing leaves so near the lease's end: what is on its way then has arrived before others look for it.
MARGIN_S = 5.0
# Who asks for a lease waits no longer for the server than one lasts.
PATIENCE_S = LEASE_S
# What an owner of so long ago has left was taken over.
KEPT_S = 7 * 86_400.0
TABLES = Tables(
    "owners",
    """
CREATE TABLE owners (
  id TEXT PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, renewed_at_s REAL NOT NULL, run TEXT, digest TEXT
);
""",
    1,
    durable=False,
)
_NOW = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"
# While the server was down nobody could renew.
_ALIVE = (
    f"GREATEST(renewed_at_s, CAST(EXTRACT(EPOCH FROM pg_postmaster_start_time()) AS DOUBLE PRECISION))"
    f" > {_NOW} - {LEASE_S}"
)


class ServerLease:
    """This process, as a shared journal names it. Use as a context manager."""

    def __init__(self, url: str, clock: Clock | None = None, *, patience: Patience = READING) -> None:
        self.id = uuid4().hex[:12]
        self._clock = clock or current_clock()
        self._ending = threading.Event()
        self._database = PostgresDatabase(url, TABLES, clock, patience=patience)
        self._until_s = 0.0
        self.term = 0
        self._renewer = threading.Thread(target=self._go_on, name="bailian-lease", daemon=True)

    def may_send(self, term: int) -> bool:
        return term == self.term and self._clock.monotonic() < self._until_s - MARGIN_S

    def __enter__(self) -> ServerLease:
        self._renew()
        # From here on others say that the server is away.
        self._database.patience = Patience(PATIENCE_S, is_leaving=self._ending.is_set)
        with suppress(JournalError):
            self._database.execute(f"DELETE FROM owners WHERE renewed_at_s < {_NOW} - {KEPT_S}")  # noqa: S608
        self._renewer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        with suppress(JournalError):
            self._database.execute("DELETE FROM owners WHERE id = ?", (self.id,))
        self._database.close()

    def is_dead(self, other: str | None) -> bool:
        """Return whether that owner goes on no more. Nobody (None) is gone; who cannot be asked for is not."""
        if other is None:
            return True
        if other == self.id:
            return False
        try:
            return not self._database.read(f"SELECT 1 FROM owners WHERE id = ? AND {_ALIVE}", (other,))  # noqa: S608
        except JournalError:
            return False

    def join(self, run: str, digest: str) -> tuple[list[str], list[str]]:
        self._database.execute("UPDATE owners SET run = ?, digest = ? WHERE id = ?", (run, digest, self.id))
        found = self._database.read(
            f"SELECT DISTINCT host, digest FROM owners WHERE run = ? AND id <> ? AND {_ALIVE}",  # noqa: S608
            (run, self.id),
        )
        alike = [row["host"] for row in found if row["digest"] == digest]
        return alike, [row["host"] for row in found if row["digest"] != digest]

    def _renew(self) -> None:
        asked_s = self._clock.monotonic()
        self._database.execute(
            f"INSERT INTO owners (id, host, pid, renewed_at_s) VALUES (?, ?, ?, {_NOW})"  # noqa: S608
            " ON CONFLICT (id) DO UPDATE SET renewed_at_s = excluded.renewed_at_s",
            (self.id, platform.node(), os.getpid()),
        )
        if asked_s >= self._until_s:  # it was over: what was written down before may be another machine's by now
            self.term += 1
        self._until_s = asked_s + LEASE_S

    def _go_on(self) -> None:
        while not self._ending.wait(RENEW_S):
            with suppress(JournalError):  # until the server is back nothing is sent; others say that it is away
                self._renew()


@contextmanager
def exclusive_on_server(url: str, name: str, part: str | None, patience: Patience = READING) -> Iterator[bool]:
    """Hold the lock of this name, or of one part of it; see `leases.exclusive`. It goes with the connection."""
    with ExitStack() as stack:
        database = stack.enter_context(closing(PostgresDatabase(url, TABLES, patience=patience)))
        shared = "_shared" if part is not None else ""
        wanted = [(f"pg_try_advisory_lock{shared}", name)]
        wanted += [("pg_try_advisory_lock", f"{name}\n{part}")] if part is not None else []
        try:
            yield all(
                database.read(f"SELECT {function}({number_of(f'exclusive:{lock}')}) AS held")[0]["held"]
                for function, lock in wanted
            )
        finally:
            # The server hears of a closed connection a moment later, and the next command may be faster.
            with suppress(JournalError):
                database.read("SELECT pg_advisory_unlock_all()")
