"""`POST /compatible-mode/v1/embeddings`: a second face on the vectors (EMB, the compatible page).

Importing this needs starlette.
"""

from __future__ import annotations

import asyncio

from bailian.sandbox.compatible.errors import missing_model
from bailian.sandbox.embeddings.models import TEXT_EMBEDDING
from bailian.sandbox.embeddings.replies import compatible_answer
from bailian.sandbox.embeddings.requests import read_compatible
from bailian.sandbox.embeddings.routes import about_vectors
from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.endpoints import Call
from bailian.sandbox.http.refusals import refuses_async
from bailian.sandbox.state import State
from bailian.sandbox.tasks.instant_work import instant_work
from bailian.sandbox.tasks.requests import plain_request


async def embed(state: State, call: Call, fault: Fault | None) -> Answer:
    """Answer one call."""
    texts, name = about_vectors(call)
    model = state.models.embeddings.get(name)
    if model is None:
        raise missing_model(state.models, name)
    if call.asks_async():
        raise refuses_async()
    request = read_compatible(model, call.body)
    note = plain_request("embedding", name, TEXT_EMBEDDING, texts, parts=len(request.texts))
    await instant_work(state, call, note, fault)
    body = await asyncio.to_thread(compatible_answer, name, request, call.request_id)
    return json_answer(body, headers={"x-request-id": call.request_id})
