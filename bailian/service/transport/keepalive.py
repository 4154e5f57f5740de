"""Answers that are wanted whole, over connections that are open: by `http.client` itself.

urllib3 opens connections, checks them and keeps them. What it does around each request and answer (repeats, redirects,
bodies of any kind, decoding piece by piece) is not needed here, and costs more CPU than the rest of a call.
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from bailian.service.transport.packed import MOST_ANSWER_BYTES, PIECE_BYTES, limited
from bailian.service.transport.send_tracking import Connection, ConnectionStack, TlsConnection, TrackingAdapter


@dataclass(frozen=True, slots=True)
class KeepaliveResponse:
    """An answer whose body, packed perhaps, is here; requests takes it for one of urllib3's."""

    status: int
    reason: str
    headers: http.client.HTTPMessage
    body: bytes

    def close(self) -> None:
        """Do nothing: the connection is back among the others."""


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


class _Keepalive:
    """Mixed into a pool class."""

    def urlopen(
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, **options: Any
    ) -> KeepaliveResponse | HTTPResponse:
        conn = self._get_conn()  # type: ignore[attr-defined]
        if conn.is_closed:
            self._put_conn(conn)  # type: ignore[attr-defined]
            return super().urlopen(method, url, body, headers, **options)  # type: ignore[misc,no-any-return]
        answer = None
        try:
            conn.sock.settimeout(options["timeout"].read_timeout)
            found = conn.ask(method, url, body, headers)
            answer = KeepaliveResponse(found.status, found.reason, found.headers, _body_of(found))
        except TimeoutError as error:
            raise ReadTimeoutError(self, url, "Read timed out.") from error  # type: ignore[arg-type]
        except (OSError, http.client.HTTPException) as error:
            raise ProtocolError("Connection aborted.", error) from error
        finally:
            if answer is None:  # what still comes must not be taken for the next answer
                conn.close()
            self._put_conn(conn)  # type: ignore[attr-defined]
        return answer


class _KeepalivePool(_Keepalive, HTTPConnectionPool):  # type: ignore[misc]
    ConnectionCls = Connection
    QueueCls = ConnectionStack  # type: ignore[assignment]


class _KeepaliveTlsPool(_Keepalive, HTTPSConnectionPool):  # type: ignore[misc]
    ConnectionCls = TlsConnection
    QueueCls = ConnectionStack  # type: ignore[assignment]


class KeepaliveAdapter(TrackingAdapter):
    """requests' adapter for requests whose answers are wanted whole."""

    pool_classes: ClassVar[Mapping[str, Any]] = {"http": _KeepalivePool, "https": _KeepaliveTlsPool}
