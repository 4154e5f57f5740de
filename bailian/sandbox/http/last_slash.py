"""A slash at the end of a service's path changes nothing: the gateway takes it (CAP background-generation-nosse).

Importing this needs starlette.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

_SERVICES = ("/api/v1/", "/compatible-mode/", "/compatible-api/", "/apps/anthropic/")


class WithoutLastSlash:
    """Leads a path with a slash at its end where the path without it leads."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path.endswith("/") and path.startswith(_SERVICES):
            scope = {**scope, "path": path.rstrip("/")}
        await self._app(scope, receive, send)
