"""The routes of the object store: the upload grant, the upload itself, a result's file (D-OSS, CAP).

Importing this needs starlette.
"""

from __future__ import annotations

from starlette.routing import Route

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer
from bailian.sandbox.http.endpoints import BASE_PATH, Call, Endpoints, Work
from bailian.sandbox.state import State
from bailian.sandbox.storage.downloads import Downloads


class StorageRoutes:
    """Takes uploads, and serves results."""

    def __init__(self, state: State, downloads: Downloads) -> None:
        self._state = state
        self._downloads = downloads

    def routes(self, endpoints: Endpoints) -> list[Route]:
        result = "/results/{task_id}/{index:int}.{suffix}"
        return [
            endpoints.route("GET", BASE_PATH + "/uploads", "grant", self._grant),
            endpoints.route("POST", "/", "upload", self._upload),  # the upload host is this server
            endpoints.route("GET", result, "download", self._download),
        ]

    def _grant(self, call: Call) -> Work:
        query = call.request.query_params

        async def work(fault: Fault | None) -> Answer:
            self._state.account.count_grant(query.get("model", ""))
            return self._state.uploads.grant(query, call.root(), call.request_id)

        return Work(work, model=query.get("model", ""))

    def _upload(self, call: Call) -> Work:
        async def work(fault: Fault | None) -> Answer:
            expired = fault is not None and fault.kind == "expired"
            return self._state.uploads.receive(call.request.headers, call.raw, call.request_id, expired=expired)

        return Work(work)

    def _download(self, call: Call) -> Work:
        task_id = call.param("task_id")

        async def work(fault: Fault | None) -> Answer:
            return await self._downloads.result(call, task_id, int(call.param("index")), fault)

        return Work(work, *self._state.about_task(task_id))
