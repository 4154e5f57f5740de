"""The socket that a server listens on, and the address by which it is called. Only the standard library."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import sys
from collections.abc import Iterator

Address = tuple[str, int]


def listening_socket(address: Address) -> socket.socket:
    """Return a bound socket.

    Raises:
        OSError: the port is taken, or the address is not of this computer.
    """
    # The protocol is named because asyncio switches Nagle's delay (40 ms an answer) off only then.
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    with closed_on_failure(sock):
        if sys.platform != "win32":  # on Windows this option would let two sandboxes share a port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    return sock


@contextlib.contextmanager
def closed_on_failure(sock: socket.socket) -> Iterator[None]:
    """Close a socket if what is done with it fails, however: the port is free again."""
    with contextlib.ExitStack() as stack:
        stack.callback(sock.close)
        yield
        stack.pop_all()


def root_url_of(address: Address, *, tls: bool) -> str:
    """Return the address for clients of this computer."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0])  # noqa: S104
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{address[1]}" if ":" in host else f"{scheme}://{host}:{address[1]}"


def is_loopback(host: str) -> bool:
    """Return whether only this computer reaches an address."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
