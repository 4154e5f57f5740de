"""`POST /apps/anthropic/v1/messages`: a text model's answers in Anthropic's shape (page anthropic-api-messages).

There is no list of models on this route; it answers 404. Importing this needs starlette and Pillow.
"""

from __future__ import annotations

from starlette.routing import Route

from bailian.sandbox.anthropic.errors import error_body
from bailian.sandbox.anthropic.replies import events_of, message_of
from bailian.sandbox.anthropic.requests import chat_body, question_of
from bailian.sandbox.compatible.chat import text_model
from bailian.sandbox.compatible.chat_requests import native_body, wants_stream
from bailian.sandbox.compatible.data_stream import named_stream
from bailian.sandbox.compatible.errors import nothing_there
from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.endpoints import Call, Endpoints
from bailian.sandbox.state import State
from bailian.sandbox.text.answering import TextAnswering, TextOrder

ROOT = "/apps/anthropic"


class AnthropicRoutes:
    """Answers messages."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._answering = TextAnswering(state)

    def routes(self, endpoints: Endpoints) -> list[Route]:
        """Return the routes; `endpoints` finds the key, and answers errors, as this route does."""
        return [
            endpoints.route("POST", ROOT + "/v1/messages", "text", self._message, _about),
            endpoints.route("GET POST PUT DELETE", ROOT + "/{anything:path}", "other", _nothing),
        ]

    async def _message(self, call: Call, fault: Fault | None) -> Answer:
        body, name, state = call.body, str(call.body["model"]), self._state
        model = text_model(state, name)
        streams = wants_stream({"stream": body.get("stream")})
        native = native_body(name, model, chat_body(body))
        order = TextOrder(name, model, native, call.request_id, streams, compatible=True)
        work = await self._answering.work(order, fault)
        (generated,) = work.answers
        if streams:
            events = list(events_of(name, work.request, generated, call.request_id))
            if work.failure is not None:
                after, refusal = work.failure
                events = [*events[:after], error_body(refusal, call.request_id)]
            lasts_s = work.task.ended - work.task.created
            return named_stream(events, call.request_id, state.settings, lasts_s=lasts_s)
        if work.failure is not None:
            raise work.failure[1]
        await state.until(work.task.ended)
        headers = {"request-id": call.request_id, "x-request-id": call.request_id}
        return json_answer(message_of(name, work.request, generated, call.request_id), headers=headers)


def _about(call: Call) -> tuple[str, str]:
    return question_of(call.body), str(call.body["model"])


async def _nothing(call: Call, fault: Fault | None) -> Answer:
    raise nothing_there(call.request.method, call.path)
