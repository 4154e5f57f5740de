"""`POST /compatible-mode/v1/chat/completions`: the answers of a text model in OpenAI's shape (DEF).

Importing this needs starlette and Pillow.
"""

from __future__ import annotations

from bailian.sandbox.compatible.chat_replies import chunks, completion
from bailian.sandbox.compatible.chat_requests import native_body, wants_stream, wants_usage
from bailian.sandbox.compatible.data_stream import data_stream
from bailian.sandbox.compatible.errors import missing_model
from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.endpoints import Call
from bailian.sandbox.http.refusals import Refusal
from bailian.sandbox.state import State
from bailian.sandbox.text.answering import TextAnswering, TextOrder
from bailian.sandbox.text.messages import last_question
from bailian.sandbox.text.models import TextModel


def text_model(state: State, name: str) -> TextModel:
    """Return the rules of a model: every text model is served here (GRP).

    Raises:
        Refusal: there is none of that name.
    """
    model = state.models.texts.get(name)
    if model is None:
        raise missing_model(state.models, name)
    return model


class ChatRoute:
    """Answers chats."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._answering = TextAnswering(state)

    def about(self, call: Call) -> tuple[str, str]:
        return last_question(call.body) or "", str(call.body["model"])

    async def answer(self, call: Call, fault: Fault | None) -> Answer:
        """A refusal comes with its HTTP status, also when a stream was asked for."""
        body, name, state = call.body, str(call.body["model"]), self._state
        if call.asks_async():
            raise Refusal(403, "AccessDenied", "Current user api does not support asynchronous calls.")  # ERR
        model = text_model(state, name)
        streams = wants_stream(body)
        order = TextOrder(
            name, model, native_body(name, model, body), call.request_id, streams, call.resolves_oss(), compatible=True
        )
        work = await self._answering.work(order, fault)
        completion_id, created = f"chatcmpl-{call.request_id}", int(state.clock())
        if streams:
            bodies = chunks(name, work, completion_id, created, usage=wants_usage(body))
            lasts_s = work.task.ended - work.task.created
            return data_stream(bodies, work.failure, call.request_id, state.settings, lasts_s=lasts_s)
        if work.failure is not None:
            raise work.failure[1]
        await state.until(work.task.ended)
        return json_answer(completion(name, work, completion_id, created), headers={"x-request-id": call.request_id})
