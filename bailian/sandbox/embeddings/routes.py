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
from bailian.sandbox.http.refusals import Refusal, no_such_model, output_inspection, refuses_async
from bailian.sandbox.state import State
from bailian.sandbox.tasks.outcomes import refuse_on_demand
from bailian.sandbox.tasks.requests import plain_request


class EmbeddingRoutes:
    """Makes vectors."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self, endpoints: Endpoints) -> list[Route]:
        return [endpoints.route("POST", BASE_PATH + TEXT_EMBEDDING, "embedding", self._embed, _about)]

    async def _embed(self, call: Call, fault: Fault | None) -> Answer:
        state, (texts, name) = self._state, _about(call)
        model = state.models.embeddings.get(name)
        if model is None:
            raise no_such_model(sync=True)
        if call.asks_async():
            raise refuses_async()
        request = read_embedding_request(model, call.body)
        refuse_on_demand(texts)
        state.account.count_call(name)
        if "[sandbox:fail]" in texts:
            raise output_inspection()
        if fault is not None and fault.kind == "failed":
            status, code, message = fault.error()
            raise Refusal(500 if status == 200 else status, code, message)
        note = plain_request("embedding", name, TEXT_EMBEDDING, texts, parts=len(request.texts))
        task = state.account.start_work(note, call.body, call.request_id, fault, blocking=True)
        await state.until(task.ended)
        return json_answer(await asyncio.to_thread(native_answer, request, call.request_id))


def _about(call: Call) -> tuple[str, str]:
    return first_text(call.body), str(call.body["model"])
