"""The route of the list of models.

Importing this needs starlette.
"""

from __future__ import annotations

from starlette.routing import Route

from bailian.sandbox.account.model_list import ModelList
from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.endpoints import BASE_PATH, Call, Endpoints
from bailian.sandbox.state import State


class AccountRoutes:
    """Answers what the account may use."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._list = ModelList(state.models.listed(), state.models.names, state.models.kinds())

    def routes(self, endpoints: Endpoints) -> list[Route]:
        return [endpoints.route("GET", BASE_PATH + "/models", "models", self._models)]

    async def _models(self, call: Call, fault: Fault | None) -> Answer:
        self._state.account.count_query()
        return json_answer(self._list.answer(call.request.query_params, call.request_id))
