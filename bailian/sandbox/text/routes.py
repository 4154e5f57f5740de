"""The two routes of text models: complete answers and streams.

Importing this needs starlette.
"""

from __future__ import annotations

from starlette.routing import Route

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import PATIENCE, Answer, json_answer
from bailian.sandbox.http.endpoints import BASE_PATH, Call, Endpoints
from bailian.sandbox.http.frames import event_stream, wants_stream
from bailian.sandbox.http.refusals import Refusal, wrong_path
from bailian.sandbox.multimodal_route import Room
from bailian.sandbox.state import State
from bailian.sandbox.tasks.requests import parts_of
from bailian.sandbox.text.answering import TextAnswering, TextOrder, TextWork
from bailian.sandbox.text.messages import question_of, read_plain
from bailian.sandbox.text.models import TEXT_GENERATION, TextModel, only_compatible
from bailian.sandbox.text.replies import complete_answer, frames
from bailian.sandbox.text.tokens import token_ids, tokens_of


class TextRoutes:
    """Writes texts."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._answering = TextAnswering(state)

    def routes(self, endpoints: Endpoints) -> list[Route]:
        route = endpoints.route
        return [
            route("POST", BASE_PATH + TEXT_GENERATION, "text", self._generate, _about),
            route("POST", BASE_PATH + "/tokenizer", "other", self._tokenize),
        ]

    def room(self) -> Room:
        """Return the room of the multimodal path: every text model, also those with another path, which are told so."""
        return Room(
            "text", lambda name: name in self._state.models.texts or only_compatible(name), self._generate, _about
        )

    async def _generate(self, call: Call, fault: Fault | None) -> Answer:
        streams = wants_stream(call.request.headers)
        if call.asks_async():
            message = "Current user api does not support asynchronous calls."  # ERR
            raise Refusal(403, "AccessDenied", message)
        try:
            work = await self._answering.work(self._order(call, streams=streams), fault)
        except Refusal as refusal:
            if not streams:
                raise
            # CAP parameter-error-sse: HTTP 200, and the refusal is a frame.
            return event_stream([], (0, refusal), call.request_id, self._state.settings)
        return await self._answer(work, call.request_id, streams=streams)

    async def _answer(self, work: TextWork, request_id: str, *, streams: bool) -> Answer:
        generated, task = work.answers[0], work.task
        if streams:
            lasts_s = task.ended - task.created
            bodies = frames(work.request, generated, request_id)
            return event_stream(bodies, work.failure, request_id, self._state.settings, lasts_s=lasts_s)
        if work.failure is not None:
            raise work.failure[1]
        await self._state.until(task.ended)
        return json_answer(complete_answer(work.request, generated, request_id), headers=PATIENCE)

    async def _tokenize(self, call: Call, fault: Fault | None) -> Answer:
        """CAP tokenization-nosse: of the prompt, or of what the messages say; it costs nothing."""
        name = str(call.body["model"])
        if name not in self._state.models.texts:
            raise self._state.models.refusal_of(name, sync=True)
        inputs, _ = parts_of(call.body)
        tokens = [token for text in read_plain(inputs).texts for token in tokens_of(text)]
        output = {"token_ids": token_ids(tokens), "tokens": tokens}
        usage = {"input_tokens": len(tokens)}
        return json_answer({"output": output, "usage": usage, "request_id": call.request_id})

    def _order(self, call: Call, *, streams: bool) -> TextOrder:
        name = str(call.body["model"])
        model = self._model(name, call.path.removeprefix(BASE_PATH))
        return TextOrder(name, model, call.body, call.request_id, streams, call.resolves_oss())

    def _model(self, name: str, path: str) -> TextModel:
        model = self._state.models.texts.get(name)
        if model is not None and model.door == path:
            return model
        if model is not None or only_compatible(name) or name in self._state.models.pictures:
            raise wrong_path()
        raise self._state.models.refusal_of(name, sync=True)


def _about(call: Call) -> tuple[str, str]:
    try:
        return question_of(call.body), str(call.body["model"])
    except Refusal:  # a body that cannot be read is answered later: a stream has a frame for it
        return "", ""
