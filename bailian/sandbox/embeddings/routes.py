"""The route of vectors. Importing this needs starlette."""

from __future__ import annotations

import asyncio

from starlette.routing import Route

from bailian.sandbox.embeddings.models import TEXT_EMBEDDING
from bailian.sandbox.embeddings.replies import native_answer
from bailian.sandbox.embeddings.requests import first_text, read_embedding_request
from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.endpoints import BASE_PATH, Call, Endpoints
from bailian.sandbox.http.refusals import refuses_async
from bailian.sandbox.state import State
from bailian.sandbox.tasks.instant_work import instant_work
from bailian.sandbox.tasks.requests import plain_request


class EmbeddingRoutes:
    """Makes vectors."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self, endpoints: Endpoints) -> list[Route]:
        return [endpoints.route("POST", BASE_PATH + TEXT_EMBEDDING, "embedding", self._embed, about_vectors)]

    async def _embed(self, call: Call, fault: Fault | None) -> Answer:
        texts, name = about_vectors(call)
        model = self._state.models.embeddings.get(name)
        if model is None:
            raise self._state.models.refusal_of(name, sync=True)
        if call.asks_async():
            raise refuses_async()
        request = read_embedding_request(model, call.body)
        note = plain_request("embedding", name, TEXT_EMBEDDING, texts, parts=len(request.texts))
        await instant_work(self._state, call, note, fault)
        return json_answer(await asyncio.to_thread(native_answer, request, call.request_id))


def about_vectors(call: Call) -> tuple[str, str]:
    return first_text(call.body), str(call.body["model"])
