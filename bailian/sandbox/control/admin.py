"""`/_sandbox/…`: how a test in another process commands a sandbox and looks inside.

Importing this needs starlette.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from bailian.sandbox.control.access import Conflict, guarded
from bailian.sandbox.control.expect_file import read_expectation
from bailian.sandbox.control.expectations import differences
from bailian.sandbox.control.request_log import selected, shown
from bailian.sandbox.faults import Fault
from bailian.sandbox.scripted.script_file import read_entries
from bailian.sandbox.state import State
from bailian.sandbox.tasks.task_store import Task


class Admin:
    """The sandbox's own endpoints; the real service has nothing like them."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        handlers = {
            "POST faults": self._add_faults,
            "DELETE faults": self._clear_faults,
            "POST answers": self._add_answers,
            "DELETE answers": self._remove_answers,
            "GET state": self._show,
            "GET requests": self._requests,
            "POST expect": self._expect,
            "POST settings": self._change,
            "POST clock": self._advance,
            "POST reset": self._reset,
        }
        return [
            Route(f"/_sandbox/{name}", guarded(self._state.token, handler), methods=[method])
            for (method, name), handler in ((how.split(), handler) for how, handler in handlers.items())
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

    async def _add_answers(self, request: Request) -> Any:
        self._state.script.add(*read_entries(await request.json()))
        return self._state.script.as_json()

    async def _remove_answers(self, request: Request) -> Any:
        self._state.script.remove_all()
        return self._state.script.as_json()

    async def _show(self, request: Request) -> Any:
        counts = self._state.request_counts()
        return {
            "tasks": [_shown(task) for task in self._state.tasks.all()],
            "sync_calls": [_shown(task) for task in self._state.tasks.all(blocking=True)],
            "requests": counts,
            "submits": counts.get("POST submit", 0) + counts.get("POST sync", 0),
            "settings": asdict(self._state.settings),
            "faults": self._state.faults.as_json(),
            "clock": self._clock(),
            **self._state.script.as_json(),
        }

    async def _requests(self, request: Request) -> Any:
        return [shown(entry) for entry in selected(self._state.requests(), dict(request.query_params))]

    async def _expect(self, request: Request) -> Any:
        """Say whether what was sent is what should have been.

        Raises:
            Conflict: it is not (409).
        """
        told = differences(read_expectation(await request.json()), self._state.requests())
        if told:
            raise Conflict("\n".join(told))
        return {"met": True}

    async def _change(self, request: Request) -> Any:
        changes = await request.json()
        if not isinstance(changes, dict):
            raise ValueError("send a JSON object of settings")
        self._state.settings.change(changes)
        return asdict(self._state.settings)

    async def _advance(self, request: Request) -> Any:
        wanted = await request.json()
        by_s = wanted.get("advance_s") if isinstance(wanted, dict) and set(wanted) == {"advance_s"} else None
        if isinstance(by_s, bool) or not isinstance(by_s, int | float):
            raise ValueError('send {"advance_s": seconds}')
        self._state.clock.advance(by_s)
        return self._clock()

    def _clock(self) -> dict[str, float]:
        return {"now": self._state.clock(), "ahead_s": self._state.clock.ahead_s}

    async def _reset(self, request: Request) -> Any:
        await self._state.end_others(request.client)
        self._state.reset()
        return {"reset": True}


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
