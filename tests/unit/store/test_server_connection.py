"""Silence of a server is looked into: a statement that runs there is waited for, one that does not is given up."""

from __future__ import annotations

import threading
from contextlib import closing, suppress

import psycopg
import pytest

from bailian.clock import SYSTEM_CLOCK, Clock
from bailian.errors import JournalError
from bailian.store.backends import postgresql, server_connection
from bailian.store.backends.database import JournalAway
from bailian.store.backends.postgresql import PostgresDatabase
from bailian.store.backends.server_connection import WatchedConnection, journal_error, opened
from bailian.store.schema import TABLES
from tests.support.postgresql import PostgresServer


@pytest.fixture
def url(journal_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(server_connection, "SILENT_S", 0.2)
    return journal_server.url("postgres")


def test_a_statement_that_runs_long_is_waited_for(url: str) -> None:
    with closing(opened(url, SYSTEM_CLOCK)) as connection:
        assert [*connection.execute("SELECT 1 FROM pg_sleep(1.5)").fetchall()[0]] == [1]


def test_one_that_does_not_run_is_given_up(url: str) -> None:
    """Nobody can be asked here: that is what a server looks like that is gone behind its proxy."""
    with closing(opened(url, SYSTEM_CLOCK)) as connection:
        connection.url = ""
        with pytest.raises(psycopg.OperationalError, match="no answer for"):
            connection.execute("SELECT 1 FROM pg_sleep(30)")
        assert connection.closed


FATAL = 'connection failed: connection to server at "h", port 5432 failed: FATAL:  '


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        (FATAL + "sorry, too many clients already", True),
        (FATAL + 'too many connections for role "studio"', True),
        (FATAL + "remaining connection slots are reserved for roles with the SUPERUSER attribute", True),
        (FATAL + "the database system is starting up", True),
        (FATAL + "terminating connection due to administrator command", True),
        ('connection failed: connection to server at "h", port 5432 failed: Connection refused', True),
        ("connection timeout expired", True),
        (FATAL + 'password authentication failed for user "studio"', False),
        (FATAL + 'database "shop" does not exist', False),
        ("failed to resolve host 'h': [Errno -2] Name or service not known", False),
    ],
)
def test_what_a_server_refuses_at_first_it_refuses_for_good_but_for_want_of_room(text: str, *, passes: bool) -> None:
    error = psycopg.OperationalError(text)
    assert isinstance(journal_error(error, "h", is_first=True), JournalAway) == passes
    assert isinstance(journal_error(error, "h"), JournalAway), "who was there before may come back"
    assert isinstance(journal_error(error, "h"), JournalError)


def test_a_connection_that_the_client_library_calls_broken_may_come_back() -> None:
    """A write that has failed is told with the next result, which has neither a code nor a class."""
    error = psycopg.DatabaseError("server closed the connection unexpectedly")
    assert isinstance(journal_error(error, "h"), JournalAway)


def test_who_was_let_in_once_does_not_take_a_refusal_for_good(
    journal_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next connection of the same process to the same address is no first one."""
    url = journal_server.new_database()
    PostgresDatabase(url, TABLES).close()
    refusals = [psycopg.OperationalError(FATAL + "no pg_hba.conf entry")]

    def refused_once(url: str, clock: Clock) -> WatchedConnection:
        if refusals:
            raise refusals.pop()
        return opened(url, clock)

    monkeypatch.setattr(postgresql, "opened", refused_once)
    PostgresDatabase(url, TABLES).close()
    assert not refusals


def test_a_server_that_goes_away_from_one_thread_is_waited_for_while_another_is_in_a_transaction(
    journal_server: PostgresServer,
) -> None:
    """Only who is in a transaction itself loses it, and must begin it anew."""
    with closing(PostgresDatabase(journal_server.new_database(), TABLES)) as database:
        is_in, may_end = threading.Event(), threading.Event()

        def stay() -> None:
            with database.transaction():
                is_in.set()
                may_end.wait()

        other = threading.Thread(target=stay)
        other.start()
        is_in.wait()
        away = [JournalAway("the connection broke", advice="")]

        def work() -> str:
            if away:
                raise away.pop()
            return "done"

        try:
            assert database.again(work) == "done"
        finally:
            may_end.set()
            other.join()


def test_what_passes_takes_the_whole_transaction_whoever_catches_it(journal_server: PostgresServer) -> None:
    """Else the rest would be committed without it: a paid answer that the server had no room for just then."""
    with closing(PostgresDatabase(journal_server.new_database(), TABLES)) as database:
        tries: list[int] = []

        def work() -> None:
            with database.transaction() as outer:
                tries.append(len(tries))
                with suppress(JournalAway), database.transaction() as inner:
                    if len(tries) == 1:
                        inner.execute("SET LOCAL statement_timeout = 1")
                        inner.execute("SELECT pg_sleep(10)")
                outer.execute("INSERT INTO runs VALUES ('me', 'a', 'b', 1, 0, '')")

        database.again(work)
        assert tries == [0, 1]
        assert [row["run"] for row in database.read("SELECT run FROM runs")] == ["a"]
