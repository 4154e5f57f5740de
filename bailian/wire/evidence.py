"""Did the request leave? Not guessed from the kind of error: every connection notes when it sends.

An exception tells what broke, not when: behind a proxy a lost answer looks like a failed connection, and a
middlebox's plain text inside TLS looks like a failed handshake. So the connections themselves keep the evidence.
"""

from __future__ import annotations

import threading
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_thread = threading.local()


def forget() -> None:
    """Start watching for this thread's next request."""
    _thread.left = False


def left() -> bool:
    """Return whether anything of this thread's request was handed to an open connection."""
    return bool(getattr(_thread, "left", False))


class _Noting:
    """Mixed into a connection class: notes the first byte that is the request's own (a proxy's CONNECT is not)."""

    _in_tunnel = False

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
            _thread.left = True
        super().send(data)  # type: ignore[misc]


class _Connection(_Noting, HTTPConnection):
    pass


class _TlsConnection(_Noting, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class NotingAdapter(HTTPAdapter):
    """requests' adapter over connections that note what they send; it never repeats a request."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager
