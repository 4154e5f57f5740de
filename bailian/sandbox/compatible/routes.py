"""Which path of `/compatible-mode/v1` leads where: chat, models, vectors, files; whatever else is asked is not there.

Importing this needs starlette.
"""

from __future__ import annotations

from functools import partial

from starlette.routing import Route

from bailian.sandbox.compatible.chat import ChatRoute
from bailian.sandbox.compatible.embeddings import embed
from bailian.sandbox.compatible.errors import nothing_there
from bailian.sandbox.compatible.files import COMPATIBLE_PATH, FileRoutes
from bailian.sandbox.compatible.models_list import model_list, one_model
from bailian.sandbox.embeddings.routes import about_vectors
from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.endpoints import Call, Endpoints
from bailian.sandbox.state import State

ANYTHING = ("/compatible-mode/{anything:path}", "/compatible-api/{anything:path}")


class CompatibleRoutes:
    """The routes of texts and vectors in OpenAI's shape, and of the files they share with batches."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._chat, self._files = ChatRoute(state), FileRoutes(state)

    def routes(self, endpoints: Endpoints, file_endpoints: Endpoints) -> list[Route]:
        """Return the routes; errors about files have a shape of their own."""
        route = endpoints.route
        return [
            route("POST", COMPATIBLE_PATH + "/chat/completions", "text", self._chat.answer, self._chat.about),
            route("POST", COMPATIBLE_PATH + "/embeddings", "embedding", partial(embed, self._state), about_vectors),
            route("GET", COMPATIBLE_PATH + "/models", "models", self._models),
            route("GET", COMPATIBLE_PATH + "/models/{name:path}", "models", self._model),
            *self._files.routes(file_endpoints),
        ]

    def rest(self, endpoints: Endpoints) -> list[Route]:
        """Return what takes every other path of these, after all that is there."""
        return [endpoints.route("GET POST PUT DELETE", path, "other", _nothing) for path in ANYTHING]

    async def _models(self, call: Call, fault: Fault | None) -> Answer:
        self._state.account.count_query()
        return json_answer(model_list(self._state), headers={"x-request-id": call.request_id})

    async def _model(self, call: Call, fault: Fault | None) -> Answer:
        self._state.account.count_query()
        return json_answer(one_model(self._state, call.param("name")), headers={"x-request-id": call.request_id})


async def _nothing(call: Call, fault: Fault | None) -> Answer:
    raise nothing_there(call.request.method, call.path)
