"""The routes of the object store: the upload grant, the upload itself, a result's file (D-OSS, CAP).

Importing this needs starlette.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.routing import Route

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer
from bailian.sandbox.http.endpoints import BASE_PATH, Call, Endpoints
from bailian.sandbox.state import State
from bailian.sandbox.storage.downloads import Result, follow_link
from bailian.sandbox.tasks.task_store import Task


class StorageRoutes:
    """Takes uploads, and serves results.

    Args:
        state: of the running sandbox.
        result_of: returns a task's result by its index; a size instead of the requested one is a fault's.
    """

    def __init__(self, state: State, result_of: Callable[[Task, int, tuple[int, int] | None], Result]) -> None:
        self._state = state
        self._result_of = result_of

    def routes(self, endpoints: Endpoints) -> list[Route]:
        result = "/results/{task_id}/{index:int}.{suffix}"
        return [
            endpoints.route("GET", BASE_PATH + "/uploads", "grant", self._grant, _about_grant),
            endpoints.route("POST", "/", "upload", self._upload),  # the upload host is this server
            endpoints.route("GET", result, "download", self._download, self._state.about_task),
        ]

    async def _grant(self, call: Call, fault: Fault | None) -> Answer:
        query = call.request.query_params
        self._state.account.count_grant(query.get("model", ""))
        return self._state.uploads.grant(query, call.root(), call.request_id)

    async def _upload(self, call: Call, fault: Fault | None) -> Answer:
        expired = fault is not None and fault.kind == "expired"
        return self._state.uploads.receive(call.request.headers, call.raw, call.request_id, expired=expired)

    async def _download(self, call: Call, fault: Fault | None) -> Answer:
        async def result_of(task: Task) -> Result | None:
            index = int(call.param("index"))
            if task.status == "UNKNOWN" or not 0 <= index < task.pictures:
                return None
            size = fault.drawn_size() if fault is not None and fault.kind == "wrong_size" else None
            return self._result_of(task, index, size)

        return await follow_link(self._state, call, fault, result_of)


def _about_grant(call: Call) -> tuple[str, str]:
    return "", call.request.query_params.get("model", "")
