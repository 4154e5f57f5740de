"""`/_sandbox/…`: how a test in another process arms faults and looks inside. Loopback only.

Importing this needs starlette.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bailian.sandbox.faults import Fault
from bailian.sandbox.state import State
from bailian.sandbox.tasks.task_store import Task


class Admin:
    """The sandbox's own endpoints; the real service has nothing like them."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        return [
            Route("/_sandbox/faults", _for_loopback(self._add_faults), methods=["POST"]),
            Route("/_sandbox/faults", _for_loopback(self._clear_faults), methods=["DELETE"]),
            Route("/_sandbox/state", _for_loopback(self._show), methods=["GET"]),
            Route("/_sandbox/settings", _for_loopback(self._change), methods=["POST"]),
        ]

    async def _add_faults(self, request: Request) -> Any:
        wanted = await request.json()
        if not isinstance(wanted, list):
            raise ValueError("send a JSON list of faults")
        faults = [Fault.from_json(item) for item in wanted]
        self._state.faults.add(*faults)
        return self._state.faults.as_json()

    async def _clear_faults(self, request: Request) -> Any:
        self._state.faults.clear()
        return self._state.faults.as_json()

    async def _show(self, request: Request) -> Any:
        counts = self._state.request_counts()
        return {
            "tasks": [_shown(task) for task in self._state.tasks.all()],
            "sync_calls": [_shown(task) for task in self._state.tasks.all(blocking=True)],
            "requests": counts,
            "submits": counts.get("POST submit", 0) + counts.get("POST sync", 0),
            "settings": asdict(self._state.settings),
            "faults": self._state.faults.as_json(),
        }

    async def _change(self, request: Request) -> Any:
        changes = await request.json()
        if not isinstance(changes, dict):
            raise ValueError("send a JSON object of settings")
        self._state.settings.change(changes)
        return asdict(self._state.settings)


def _for_loopback(handler: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        if request.client is None or not ipaddress.ip_address(request.client.host).is_loopback:
            return JSONResponse({"error": "only from this computer"}, 403)
        if "origin" in request.headers:
            return JSONResponse({"error": "not for web pages: the request has an Origin"}, 403)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.method == "POST" and media_type != "application/json":
            # What a page may send without asking first is any other type.
            return JSONResponse({"error": "send it with the header Content-Type: application/json"}, 415)
        try:
            return JSONResponse(await handler(request))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)

    return endpoint


def _shown(task: Task) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "request_id": task.request_id,
        "model": task.model,
        "status": task.status,
        "prompt": task.request.prompt,
        "n": task.request.n,
        "pictures": task.pictures,
        "created": task.created,
        "ended": task.ended,
        "body": task.body,
    }
