"""A connection to a PostgreSQL server, and what its errors mean.

A connection that breaks says so. One that only falls silent does not: a proxy in between, or a balancer, may take
every byte and pass none on, and TCP sees a living peer. So silence is looked into (`WatchedConnection`).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from typing import Any, TypeVar

import psycopg
from psycopg import abc

from bailian.clock import SYSTEM_CLOCK, Clock
from bailian.errors import JournalError
from bailian.i18n import tr
from bailian.store.backends.database import JournalAway
from bailian.store.backends.server_rows import ServerRow, as_rows

T = TypeVar("T")

CONNECT_TIMEOUT_S = 10
# How long a statement may take, and a machine that was stopped may hold what others wait for.
STATEMENT_TIMEOUT_S, LOCK_TIMEOUT_S, IDLE_TIMEOUT_S = 60, 30, 10
# A server that says nothing for so long is asked over another connection whether the statement still runs there.
SILENT_S = 10.0
LOOK_TIMEOUT_S = 5
# The statement was over when that was asked, so its answer is on the way; or it will never come.
ARRIVES_S = 1.0
_SESSION = (
    f"SET statement_timeout = '{STATEMENT_TIMEOUT_S}s'; SET lock_timeout = '{LOCK_TIMEOUT_S}s';"
    f" SET idle_in_transaction_session_timeout = '{IDLE_TIMEOUT_S}s'; SET default_transaction_isolation = 'read committed'"
)
_KEEPALIVE: Mapping[str, Any] = {
    "application_name": "bailian", "keepalives": 1, "keepalives_idle": 10,
    "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000,
}  # fmt: skip
# Classes of errors that pass: a broken connection, a server that stops or starts, or has no room, no connection, no
# disk; two transactions in each other's way; a transaction that was taken from a machine that stood still.
_PASSING = ("08", "53", "57P", "57014", "40", "55P03", "25P03", "25006", "58")
_NO_ROOM = "53100"
_NO_CONNECTION = re.compile(r"too many (clients|connections)|remaining connection slots")
# Before it lets anybody in, a server has words and no codes ("FATAL", in its own language, and two spaces). All of them
# are for good (a wrong password, no such database) but these.
_REFUSED = re.compile(r"failed: [^\s:]+:  |resolve host|translate host name")
_LATER = re.compile(
    rf"{_NO_CONNECTION.pattern}|the database system is|is not currently accepting connections|terminating connection"
)


class WatchedConnection(psycopg.Connection[ServerRow]):
    """A connection that ends when nothing is heard of its server any more."""

    clock: Clock = SYSTEM_CLOCK
    url = ""
    """Where it is asked whether a statement still runs; empty: nowhere, and silence is the end."""

    def wait(self, gen: abc.PQGen[T], *args: Any, **named: Any) -> T:
        return super().wait(self._watched(gen), *args, **named)

    def _watched(self, steps: abc.PQGen[T]) -> Generator[Any, Any, T]:
        """Take the steps of one statement.

        Raises:
            OperationalError: bytes have stopped to go in or out, and the statement does not run at the server.
        """
        now_s = self.clock.monotonic
        heard_s, look_s, is_doubted = now_s(), SILENT_S, False
        try:
            wanted = next(steps)
            while True:
                ready = yield wanted
                if ready:
                    heard_s, look_s, is_doubted = now_s(), SILENT_S, False
                elif now_s() - heard_s >= look_s:
                    if is_doubted:
                        raise self._ended(now_s() - heard_s)
                    is_doubted = not self._still_runs()
                    look_s = now_s() - heard_s + (ARRIVES_S if is_doubted else SILENT_S)
                wanted = steps.send(ready)
        except StopIteration as end:
            result: T = end.value
            return result

    def _ended(self, silent_s: float) -> psycopg.OperationalError:
        self.pgconn.finish()
        return psycopg.OperationalError(tr(f"no answer for {silent_s:.0f} s", f"{silent_s:.0f} 秒未应答"))

    def _still_runs(self) -> bool:
        """Return whether this connection's statement is known to be at work at the server."""
        if not self.url:
            return False
        try:
            other = WatchedConnection.connect(self.url, autocommit=True, connect_timeout=LOOK_TIMEOUT_S, **_KEEPALIVE)
            other.clock = self.clock
            with other:
                found = other.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND state = 'active'", [self.info.backend_pid]
                )
                return found.fetchone() is not None
        except psycopg.Error as error:
            return has_no_connection(error)  # it is there, and has no room for a question


def opened(url: str, clock: Clock) -> WatchedConnection:
    """Connect.

    Raises:
        psycopg.Error: the server cannot be reached, or refuses.
    """
    connection = WatchedConnection.connect(
        url, autocommit=True, row_factory=as_rows, **{"connect_timeout": CONNECT_TIMEOUT_S, **_KEEPALIVE}
    )
    connection.clock, connection.url = clock, url
    try:
        connection.execute(_SESSION)
    except psycopg.Error:
        connection.close()
        raise
    return connection


def has_no_connection(error: Exception) -> bool:
    """Return whether a server has no connection left for us."""
    return getattr(error, "sqlstate", None) == "53300" or bool(_NO_CONNECTION.search(str(error)))


def journal_error(error: Exception, title: str, *, is_first: bool = False) -> JournalError:
    """Return what is said of an error of the server: `JournalAway` if it passes.

    `is_first`: nothing was ever heard of this server. What it refuses now it refuses for good.
    """
    state = getattr(error, "sqlstate", None)
    if state is not None:
        passes = state.startswith(_PASSING)
    else:
        # What the client library itself says of a broken connection has no class of its own.
        broken = isinstance(error, psycopg.OperationalError) or type(error) is psycopg.DatabaseError
        passes = broken and not (is_first and _is_for_good(str(error)))
    return (JournalAway if passes else JournalError)(
        tr(f"cannot use {title}: {first_line(error)}", f"无法使用 {title}：{first_line(error)}"), advice=_advice(error)
    )


def _is_for_good(text: str) -> bool:
    return bool(_REFUSED.search(text)) and not _LATER.search(text)


def _advice(error: Exception) -> str:
    if has_no_connection(error):
        return tr(
            "the server has no connection left: end what holds them, or raise its max_connections; "
            "each process of this toolkit holds three",
            "服务器的连接已用尽：请结束占用连接的程序，或增大其 max_connections；本工具每个进程占用三个连接",
        )
    if getattr(error, "sqlstate", None) == _NO_ROOM:
        return tr(
            "the server's disk is full: make room there, then run the same command again",
            "服务器磁盘已满：请腾出空间，然后再次运行同一命令",
        )
    return tr(
        "the journal is what keeps paid results from being lost, so nothing is sent without it: see whether the "
        "server runs and lets this machine in; BAILIAN_JOURNAL=sqlite works on this machine alone",
        "日志用来保证已付费的结果不丢失，因此没有它就不会发送请求：请检查服务器是否运行并允许本机连接；"
        "设置 BAILIAN_JOURNAL=sqlite 可仅在本机使用",
    )


def first_line(error: Exception) -> str:
    """Return what an error says, without the statement. The server never tells a password."""
    return " ".join(str(error).partition("\n")[0].split()) or type(error).__name__
