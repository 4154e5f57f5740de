"""Who may talk to the sandbox: not a web page that has its own name lead here (DNS rebinding), nor one that reaches for
the speech socket.

A browser names in `Host` what stands in its address bar, and in `Origin` whose page is asking.
"""

from __future__ import annotations

import ipaddress
import json
import uuid
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

CODE = "Sandbox.ForeignHost"


class Hosts:
    """Names and addresses that the sandbox answers to: this computer's own, the one it listens on, and those allowed."""

    def __init__(self, bound: str, allowed: Iterable[str] = ()) -> None:
        self._names = {_bare(name) for name in (bound, *allowed)}
        self._any_address = _address(bound) is not None and ipaddress.ip_address(_bare(bound)).is_unspecified

    def knows(self, host: str) -> bool:
        """Return whether a request may come for this host, with or without a port."""
        name = _bare(host)
        if name in self._names or name == "localhost" or name.endswith(".localhost"):
            return True
        address = _address(name)
        # Listening on every address, it is called by any of them; another name's page never has an address there.
        return address is not None and (address.is_loopback or self._any_address)

    def knows_origin(self, origin: str) -> bool:
        """Return whether a page, or a client that calls itself one, may open a socket."""
        return "://" in origin and self.knows(origin.partition("://")[2])


def _bare(host: str) -> str:
    """Return a host without port, brackets and the dot at its end."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name = host.rpartition(":")[0] if host.count(":") == 1 else host
    return name.removesuffix(".")


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


class OnlyKnownHosts:
    """ASGI middleware: 421 for a foreign `Host`; a socket also needs an `Origin` of ours, or none."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            headers = Headers(scope=scope)
            hosts = headers.getlist("host")
            origins = headers.getlist("origin") if scope["type"] == "websocket" else []
            foreign = next((host for host in hosts if not self._hosts.knows(host)), None)
            page = next((origin for origin in origins if not self._hosts.knows_origin(origin)), None)
            if foreign is not None or page is not None:
                await _refuse(scope, send, foreign if foreign is not None else str(page))
                return
        await self._app(scope, receive, send)


async def _refuse(scope: Scope, send: Send, name: str) -> None:
    bare = _bare(name.partition("://")[2] or name)[:200]
    message = (
        f"The sandbox does not answer to {bare!r}: a web page may have led here. "
        f"If you mean it: bailian sandbox serve --allow-host {bare}"
    )
    body = json.dumps({"code": CODE, "message": message, "request_id": str(uuid.uuid4())}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    kind = "http" if scope["type"] == "http" else "websocket.http"
    if kind == "websocket.http" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": CODE})
        return
    await send({"type": f"{kind}.response.start", "status": 421, "headers": headers})
    await send({"type": f"{kind}.response.body", "body": body})
