"""`POST …/responses`: a text model's answers as Responses, which remember what was said (RESP).

Importing this needs starlette and Pillow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.routing import Route

from bailian.sandbox.compatible.chat import text_model
from bailian.sandbox.compatible.chat_requests import native_body, wants_stream
from bailian.sandbox.compatible.data_stream import named_stream
from bailian.sandbox.compatible.files import COMPATIBLE_PATH
from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.endpoints import Call, Endpoints
from bailian.sandbox.http.refusals import Refusal, invalid
from bailian.sandbox.responses.events import events_of, failed
from bailian.sandbox.responses.replies import finished
from bailian.sandbox.responses.requests import chat_body, items_of
from bailian.sandbox.state import State
from bailian.sandbox.text.answering import TextAnswering, TextOrder, TextWork
from bailian.sandbox.text.messages import last_question

PATHS = (COMPATIBLE_PATH + "/responses", "/api/v2/apps/protocols/compatible-mode/v1/responses")
"""RESP: the first is the newer one; the other will be gone some day."""


class ResponseRoutes:
    """Answers, and goes on where an earlier response has ended."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._answering = TextAnswering(state)

    def routes(self, endpoints: Endpoints) -> list[Route]:
        return [endpoints.route("POST", path, "text", self._respond, _about) for path in PATHS]

    async def _respond(self, call: Call, fault: Fault | None) -> Answer:
        body, name = call.body, str(call.body["model"])
        if call.asks_async():
            raise Refusal(403, "AccessDenied", "Current user api does not support asynchronous calls.")  # ERR
        model = text_model(self._state, name)
        streams = wants_stream({"stream": body.get("stream")})
        items = [*self._earlier(body), *items_of(body.get("input"))]
        native = native_body(name, model, chat_body(model, body, items))
        # What the older models think only in a stream is a rule of chats: the page's samples think in either way.
        order = TextOrder(name, model, native, call.request_id, streams=True, compatible=True)
        work = await self._answering.work(order, fault)
        return await self._answer(call, work, items, streams=streams)

    def _earlier(self, body: Mapping[str, Any]) -> list[Any]:
        previous = body.get("previous_response_id")
        if previous is None:
            return []
        items = self._state.responses.items(str(previous))
        if items is None:
            raise invalid(f"Previous response with id '{previous}' not found.")  # OpenAI's words; here a guess
        return items

    async def _answer(self, call: Call, work: TextWork, items: list[Any], *, streams: bool) -> Answer:
        response_id, created, state = call.request_id, int(self._state.clock()), self._state
        done = finished(response_id, call.body, created, work.request, work.answers[0])
        if work.failure is None and call.body.get("store") is not False:
            state.responses.add(response_id, [*items, *done["output"]])
        if streams:
            events = list(events_of(response_id, call.body, created, done, work.answers[0]))
            if work.failure is not None:
                after, refusal = work.failure
                events = [*events[:after], failed(response_id, call.body, created, after, refusal)]
            lasts_s = work.task.ended - work.task.created
            return named_stream(events, call.request_id, state.settings, lasts_s=lasts_s)
        if work.failure is not None:
            raise work.failure[1]
        await state.until(work.task.ended)
        return json_answer(done, headers={"x-request-id": call.request_id})


def _about(call: Call) -> tuple[str, str]:
    """The last thing that the user says, without judging the body."""
    given, name = call.body.get("input"), str(call.body["model"])
    return given if isinstance(given, str) else last_question({"messages": given}) or "", name
