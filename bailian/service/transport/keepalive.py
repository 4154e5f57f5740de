"""Answers that are wanted whole, over connections that are open already.

urllib3 opens connections, checks them and keeps them. `http.client` writes the head of a request, once for all that have
the same, and reads every answer but the plainest: what both do around each request and answer (repeats, redirects,
bodies of any kind, headers of a mail) costs three times the CPU of the rest of a call.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from bailian.service.transport.packed import MOST_ANSWER_BYTES, PIECE_BYTES, limited
from bailian.service.transport.patience import PatientResponse, Time
from bailian.service.transport.send_tracking import (
    Connection,
    ConnectionStack,
    TlsConnection,
    TrackingAdapter,
    answer_within_s,
)

RECEIVED_BYTES = 16 * 1024
_LINE = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n\0]*\r\n"
_PLAIN_HEAD = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2})(?: [^\r\n\0]*)?\r\n((?:" + _LINE + rb")*)\r\n")
_LENGTH = re.compile("[0-9]{1,12}")
NO_BODY = (204, 304)


@dataclass(frozen=True, slots=True)
class CompleteAnswer:
    """An answer whose body, packed perhaps, is here."""

    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes
    goes_on: bool
    """The connection takes another request."""


class Request(NamedTuple):
    """What goes over a connection: the head as it is written, without the length of the body and the empty line."""

    method: str
    head: bytes
    body: bytes | None

    @property
    def bytes_sent(self) -> bytes:
        """Return all of it. Sent apart, head and body would each wake the other side."""
        if self.body is None:
            return self.head + b"\r\n"
        return b"%bContent-Length: %d\r\n\r\n%b" % (self.head, len(self.body), self.body)


class _HeadWriter(http.client.HTTPConnection):
    """Has a head written by `http.client`, to no connection."""

    def send(self, data: Any) -> None:
        self.written = bytes(data)


def head_of(pool: Any, method: str, url: str, headers: Mapping[str, str | bytes]) -> bytes:
    """Return the head of a request to a pool's host, as `Request` has it.

    Raises:
        ValueError: a header is none.
    """
    writer = _HeadWriter(pool.host, pool.port)
    writer.default_port = pool.ConnectionCls.default_port
    writer.putrequest(method, url, skip_accept_encoding=True)
    for name, value in headers.items():
        writer.putheader(name, value)
    writer.endheaders()
    return writer.written.removesuffix(b"\r\n")


class Exchanges:
    """Mixed into a pool class."""

    def exchange(self, request: Request, timeout_s: float) -> CompleteAnswer | None:
        """Return the answer to a request; None if no connection is open: nothing was sent then.

        Raises:
            ReadTimeoutError: nothing came for so long, or not all of it within the time that was said.
            ProtocolError: the connection broke.
            TooLong: the answer is longer than any.
        """
        conn = self._get_conn()  # type: ignore[attr-defined]
        if conn.is_closed:
            self._put_conn(conn)  # type: ignore[attr-defined]
            return None
        answer = None
        try:
            if conn.sock.gettimeout() != timeout_s:
                conn.sock.settimeout(timeout_s)
            conn.send_all(request.bytes_sent)
            answer = _answer(conn.sock, request.method)
            if answer.goes_on and _has_more(conn.sock):
                answer = replace(answer, goes_on=False)
        except TimeoutError as error:
            raise ReadTimeoutError(self, "", "Read timed out.") from error  # type: ignore[arg-type]
        except (OSError, http.client.HTTPException) as error:
            raise ProtocolError("Connection aborted.", error) from error
        finally:
            if answer is None or not answer.goes_on:  # what still comes must not be taken for the next answer
                conn.close()
            self._put_conn(conn)  # type: ignore[attr-defined]
        return answer


def _answer(sock: Any, method: str) -> CompleteAnswer:
    """Return what comes over a connection: read here where it is plain, else by `http.client`."""
    time = Time(sock, answer_within_s())
    time.allow()
    begun = sock.recv(RECEIVED_BYTES)
    head = _PLAIN_HEAD.match(begun)
    if head is not None:
        status, headers = int(head[1]), _headers(head[2])
        length = _length(status, headers)
        if length is not None:
            body, goes_on = _rest(sock, begun[head.end() :], length, time)
            return CompleteAnswer(status, headers, body, goes_on)
    # Closed whatever comes: it holds the socket, and an error that is kept would keep it open.
    with PatientResponse(sock, method=method, within_s=time.left_s, begun=begun) as found:
        found.begin()
        told = {name.lower(): value for name, value in reversed(found.headers.items())}  # of two the first counts
        return CompleteAnswer(found.status, told, _body_of(found), not found.will_close)


def _has_more(sock: Any) -> bool:
    """Return whether bytes have come behind an answer that TLS has unpacked already: the system's socket shows none."""
    pending = getattr(sock, "pending", None)
    return pending is not None and pending() > 0


def _headers(lines: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines.decode("iso-8859-1").split("\r\n")[:-1]:
        name, _, value = line.partition(":")
        headers.setdefault(name.lower(), value.strip(" \t"))
    return headers


def _length(status: int, headers: Mapping[str, str]) -> int | None:
    """Return how long a body is that comes in one piece, over a connection that stays; None if it is not plain."""
    length = headers.get("content-length", "")
    plain = _LENGTH.fullmatch(length) and "transfer-encoding" not in headers and status not in NO_BODY
    if not plain or headers.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    return int(length) if int(length) <= MOST_ANSWER_BYTES else None


def _rest(sock: Any, begun: bytes, length: int, time: Time) -> tuple[bytes, bool]:
    """Return the whole body, and whether nothing else has come behind it."""
    if len(begun) >= length:
        return begun[:length], len(begun) == length
    body = bytearray(begun)
    while len(body) < length:
        time.allow()
        piece = sock.recv(min(length - len(body), PIECE_BYTES))
        if not piece:
            raise http.client.IncompleteRead(bytes(body), length - len(body))
        body += piece
    return bytes(body), True


def _body_of(found: http.client.HTTPResponse) -> bytes:
    """Return the whole body, which is not as long as the other side likes.

    Raises:
        TooLong: it is longer.
        IncompleteRead: its end is missing.
    """
    if found.length is not None and found.length <= MOST_ANSWER_BYTES:
        return found.read()
    body = b"".join(limited(iter(lambda: found.read(PIECE_BYTES), b"")))
    if found.length:
        raise http.client.IncompleteRead(body, found.length)
    return body


class _ExchangePool(Exchanges, HTTPConnectionPool):
    ConnectionCls = Connection
    QueueCls = ConnectionStack  # type: ignore[assignment]


class _ExchangeTlsPool(Exchanges, HTTPSConnectionPool):
    ConnectionCls = TlsConnection
    QueueCls = ConnectionStack  # type: ignore[assignment]


class KeepaliveAdapter(TrackingAdapter):
    """requests' adapter for requests whose answers are wanted whole."""

    pool_classes: ClassVar[Mapping[str, Any]] = {"http": _ExchangePool, "https": _ExchangeTlsPool}
