"""The two routes of ranks: the native one, and the flat one beside the compatible mode (RER).

Importing this needs starlette.
"""

from __future__ import annotations

import asyncio

from starlette.routing import Route

from bailian.sandbox.compatible.errors import missing_model
from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.endpoints import BASE_PATH, Call, Endpoints
from bailian.sandbox.http.refusals import refuses_async
from bailian.sandbox.rerank.models import TEXT_RERANK
from bailian.sandbox.rerank.replies import flat_answer, native_answer
from bailian.sandbox.rerank.requests import RerankRequest, query_of, read_flat, read_native
from bailian.sandbox.state import State
from bailian.sandbox.tasks.instant_work import instant_work
from bailian.sandbox.tasks.requests import plain_request

FLAT_PATH = "/compatible-api/v1/reranks"


class RerankRoutes:
    """Puts texts in order."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self, endpoints: Endpoints, nested: Endpoints) -> list[Route]:
        """Return the routes; `nested` answers errors in the shape of the compatible ones."""
        return [
            endpoints.route("POST", BASE_PATH + TEXT_RERANK, "rerank", self._native, _about),
            nested.route("POST", FLAT_PATH, "rerank", self._flat, _about),
        ]

    async def _native(self, call: Call, fault: Fault | None) -> Answer:
        model = self._state.models.rankers.get(str(call.body["model"]))
        if model is None:
            raise self._state.models.refusal_of(str(call.body["model"]), sync=True)
        request = read_native(model, call.body)
        await self._work(call, request, fault)
        return json_answer(await asyncio.to_thread(native_answer, request, call.request_id))

    async def _flat(self, call: Call, fault: Fault | None) -> Answer:
        name = str(call.body["model"])
        model = self._state.models.rankers.get(name)
        if model is None or not model.compatible:
            raise missing_model(self._state.models, name)
        request = read_flat(model, call.body)
        await self._work(call, request, fault)
        body = await asyncio.to_thread(flat_answer, name, request, call.request_id)
        return json_answer(body, headers={"x-request-id": call.request_id})

    async def _work(self, call: Call, request: RerankRequest, fault: Fault | None) -> None:
        if call.asks_async():
            raise refuses_async()
        name = str(call.body["model"])
        note = plain_request("rerank", name, TEXT_RERANK, request.query, parts=len(request.documents))
        await instant_work(self._state, call, note, fault)


def _about(call: Call) -> tuple[str, str]:
    return query_of(call.body), str(call.body["model"])
