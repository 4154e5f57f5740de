"""Did the request leave? Not guessed from the kind of error: every connection notes when it sends.

An exception tells what broke, not when: behind a proxy a lost answer looks like a failed connection, and a
middlebox's plain text inside TLS looks like a failed handshake. So the connections themselves keep the evidence.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from queue import Empty
from typing import Any, ClassVar
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from bailian.i18n import tr
from bailian.service.transport.patience import PatientResponse

# Fewer than the pools that requests keeps open (10): one of ours is never closed for a newer one.
POOLS_KEPT = 8
_thread = threading.local()


class TooLate(ConnectionAbortedError):
    """The request may not leave any more; nothing of it has."""


class Watch:
    """What is known of one thread's request; another thread may look."""

    def __init__(self, may_leave: Callable[[], bool] = lambda: True) -> None:
        self.left = False
        """Whether anything of it was handed to an open connection."""
        self.answer_within_s: float | None = None
        self.may_leave = may_leave
        """Asked just before the first byte."""
        self.was_late = False
        """Whether it was asked, and said no."""


def watch(may_leave: Callable[[], bool] = lambda: True) -> Watch:
    """Start a watch that shows other threads whether this thread's requests have left."""
    _thread.watch = Watch(may_leave)
    return _watch()


def _watch() -> Watch:
    found = getattr(_thread, "watch", None)
    return found if isinstance(found, Watch) else watch()


def reset(answer_within_s: float | None = None) -> None:
    """Start watching for this thread's next request, whose whole answer may take so long; None: without an end."""
    own = _watch()
    own.left, own.answer_within_s = False, answer_within_s


def was_sent() -> bool:
    """Return whether anything of this thread's request was handed to an open connection."""
    return _watch().left


def leaves() -> None:
    """Note that this thread's request is handed to an open connection now.

    Raises:
        TooLate: it may not be, since this process may be taken for dead.
    """
    own = _watch()
    own.was_late = not own.left and not own.may_leave()
    if own.was_late:
        raise TooLate(tr("this machine has lost touch with the journal", "本机与日志服务器失去联系"))
    own.left = True


def answer_within_s() -> float | None:
    return _watch().answer_within_s


class _Tracking:
    """Mixed into a connection class: notes the first byte that is the request's own (a proxy's CONNECT is not)."""

    _in_tunnel = False

    def _awaited(self, sock: Any, *args: Any, **kwargs: Any) -> PatientResponse:
        return PatientResponse(sock, *args, within_s=answer_within_s(), **kwargs)

    response_class: Any = _awaited

    def send_all(self, request: bytes) -> None:
        """Send a whole request. Who refuses may answer before all is read: then the answer tells."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.send(request)

    def _tunnel(self) -> None:
        self._in_tunnel = True
        try:
            super()._tunnel()  # type: ignore[misc]
        finally:
            self._in_tunnel = False

    def send(self, data: Any) -> None:
        if self.sock is None and self.auto_open:  # type: ignore[attr-defined]
            self.connect()  # type: ignore[attr-defined]
        if not self._in_tunnel:
            leaves()
        super().send(data)  # type: ignore[misc]


class Connection(_Tracking, HTTPConnection):
    """urllib3's, and it notes what it sends."""


class TlsConnection(_Tracking, HTTPSConnection):
    """The same inside TLS."""


class ConnectionStack:
    """The open connections of a pool: all are kept, as many as there were calls under way; the last used goes first.

    A pool asks for no more of its queue than this. A deque needs no lock of its own.
    """

    def __init__(self, maxsize: int) -> None:
        self._free: deque[Any] = deque()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Return one.

        Raises:
            Empty: there is none, so one is opened.
        """
        try:
            return self._free.pop()
        except IndexError:
            raise Empty from None

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Take one back. A pool begins with as many empty places as it may have: those are left out."""
        if item is not None:
            self._free.append(item)

    def qsize(self) -> int:
        return len(self._free)


class _Pool(HTTPConnectionPool):
    ConnectionCls = Connection
    QueueCls = ConnectionStack  # type: ignore[assignment]


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = TlsConnection
    QueueCls = ConnectionStack  # type: ignore[assignment]


class TrackingAdapter(HTTPAdapter):
    """requests' adapter over connections that note what they send; it never repeats a request.

    What it works out anew for each request (which pool, which path, cookies) is the same each time here: half of
    its own CPU.
    """

    pool_classes: ClassVar[Mapping[str, Any]] = {"http": _Pool, "https": _TlsPool}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._pools: dict[tuple[str, object], Any] = {}
        super().__init__(*args, **kwargs)

    def get_connection_with_tls_context(
        self, request: PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        origin = ("/".join((request.url or "").split("/", 3)[:3]), verify)
        pool = self._pools.get(origin)
        if pool is None:
            pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
            if not proxies and not cert and len(self._pools) < POOLS_KEPT:
                self._pools[origin] = pool
        return pool

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        return str(super().request_url(request, proxies)) if proxies else _path_of(request.url or "")

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        response = Response()
        response.status_code, response.reason = resp.status, resp.reason
        response.headers = resp.headers  # forgives upper and lower case as theirs does
        response.raw, response.request, response.url = resp, req, req.url or ""
        return response

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self.pool_classes

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        through = _through_socks if proxy.startswith("socks") else _as_it_is
        manager.pool_classes_by_scheme = {name: through(pool) for name, pool in self.pool_classes.items()}
        return manager


def _as_it_is(pool: type) -> type:
    return pool


@lru_cache(maxsize=8)
def _through_socks(pool: type) -> type:
    """Return the pool class with connections that go through a SOCKS proxy, and note what they send all the same."""
    from urllib3.contrib.socks import SOCKSConnection, SOCKSHTTPSConnection

    own = SOCKSHTTPSConnection if issubclass(pool, HTTPSConnectionPool) else SOCKSConnection
    return type("SocksPool", (pool,), {"ConnectionCls": type("SocksLine", (_Tracking, own), {})})


@lru_cache(maxsize=64)
def _path_of(url: str) -> str:
    """Return the path with its query, as it stands in the first line of a request."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
