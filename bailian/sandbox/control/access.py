"""Who may command the sandbox: this computer, and whoever has the token.

Importing this needs starlette.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

TOKEN_HEADER = "x-sandbox-token"  # noqa: S105  # a name


class Conflict(ValueError):
    """What is so is not what should be; the text says how."""


def guarded(token: str, handler: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that lets in only whom it may, and answers in JSON."""

    async def endpoint(request: Request) -> Response:
        if "origin" in request.headers:
            return JSONResponse({"error": "not for web pages: the request has an Origin"}, 403)
        if not is_here(request) and not _has_token(request, token):
            how = (
                f"or with the token that it has printed, in the header {TOKEN_HEADER}" if token else "so start it there"
            )
            return JSONResponse({"error": f"only from this computer, {how}"}, 403)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.method == "POST" and media_type != "application/json":
            # What a page may send without asking first is any other type.
            return JSONResponse({"error": "send it with the header Content-Type: application/json"}, 415)
        try:
            return JSONResponse(await handler(request))
        except Conflict as conflict:
            return JSONResponse({"error": str(conflict)}, 409)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)

    return endpoint


def is_here(request: Request) -> bool:
    return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback


def _has_token(request: Request, token: str) -> bool:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    given = request.headers.get(TOKEN_HEADER) or (bearer if scheme.lower() == "bearer" else "")
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())
