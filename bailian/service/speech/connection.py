"""The connection under the speech socket: how it is opened, whom it trusts, how it is cut, why there is none.

Loading this loads `websockets`.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from websockets.exceptions import InvalidStatus, ProxyError
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.sync.client import ClientConnection, connect

from bailian import __version__
from bailian.i18n import tr
from bailian.service.transport import network

# The service's frames have some kilobytes; a long sentence with all its phonemes has more.
MOST_FRAME_BYTES = 64 * 1024 * 1024
# Below its warnings the library's log has the headers, and so the key.
_NO_LOG = logging.Logger(__name__, logging.CRITICAL + 1)


class Refused(Exception):
    """The handshake was answered with another status than 101."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class SpeechConnection(ClientConnection):
    """A connection that tells text from sound, even where a text is no UTF-8.

    It follows no redirect: the question would go elsewhere (and on the same host, the key along with it).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._is_text: deque[bool] = deque()
        super().__init__(*args, **kwargs)

    def handshake(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().handshake(*args, **kwargs)
        except InvalidStatus as refusal:
            raise Refused(refusal.response) from None

    def process_event(self, event: Any) -> None:
        if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._is_text.append(event.opcode is Opcode.TEXT)
        super().process_event(event)

    def next_message(self, timeout_s: float) -> tuple[bool, bytes]:
        """Return whether the next message is text, and its bytes."""
        data = self.recv(timeout_s, decode=False)
        return self._is_text.popleft(), data


def open_connection(url: str, headers: Mapping[str, str], *, open_s: float, close_s: float) -> SpeechConnection:
    """Connect and shake hands, through the environment's proxy where one is set.

    Raises:
        SetupError: a variable of the environment names no proxy, or no certificates.
        Refused, InvalidStatus: the handshake was answered with another status than 101.
        WebSocketException, OSError, ValueError, EOFError, ImportError: there is no connection; `not_opened` says why.
    """
    proxy = network.proxy_for(url)
    connection = connect(
        url,
        ssl=_trust() if url.lower().startswith("wss:") else None,
        compression=None,
        additional_headers=headers,
        user_agent_header=f"bailian-toolkit/{__version__}",
        proxy=proxy.url if proxy else None,
        proxy_ssl=_trust() if proxy and proxy.is_tls else None,
        open_timeout=open_s,
        ping_interval=None,  # silence is judged by the frames
        close_timeout=close_s,
        max_size=MOST_FRAME_BYTES,
        logger=_NO_LOG,
        create_connection=SpeechConnection,
    )
    return cast(SpeechConnection, connection)


def _trust() -> ssl.SSLContext:
    """Trust whom the HTTP calls trust."""
    bundle = network.ca_bundle()
    if bundle is not None and bundle.path.is_dir():
        return ssl.create_default_context(capath=str(bundle.path))
    return ssl.create_default_context(cafile=str(bundle.path) if bundle else DEFAULT_CA_BUNDLE_PATH)


def not_opened(error: Exception, url: str, host: str, open_s: float) -> str:
    """Say why there is no connection. The library's own words may hold the address of a proxy with its password."""
    if isinstance(error, TimeoutError):
        return tr(f"{host} opened no socket within {open_s:g} s", f"{host} 在 {open_s:g} 秒内未能建立 WebSocket")
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "verify_message", "") or error.reason
        return tr(f"no secure connection to {host}: {reason}", f"无法与 {host} 建立安全连接：{reason}")
    if isinstance(error, ProxyError):
        named = network.proxy_words(url)
        return tr(f"the proxy{named} did not connect to {host}", f"代理{named}无法连接 {host}")
    if isinstance(error, OSError):
        return tr(f"cannot connect to {host}", f"无法连接 {host}")
    return tr(f"there is no speech socket at {host}", f"{host} 没有语音 WebSocket 服务")


def cutting_timer(connection: ClientConnection, limit_s: float) -> threading.Timer:
    """Return a timer that cuts the connection: the library sends without a deadline, and a peer may never read."""

    def cut() -> None:
        with suppress(OSError):
            connection.socket.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(limit_s, cut)
    timer.daemon = True
    return timer
