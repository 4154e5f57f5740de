"""The two routes of text models: complete answers and streams.

Importing this needs starlette.
"""

from __future__ import annotations

from dataclasses import replace

from starlette.routing import Route

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import PATIENCE, Answer, json_answer
from bailian.sandbox.http.endpoints import BASE_PATH, Call, Endpoints
from bailian.sandbox.http.frames import Failure, event_stream, wants_stream
from bailian.sandbox.http.refusals import Refusal, invalid, no_such_model, not_imitated, output_inspection, wrong_path
from bailian.sandbox.multimodal_route import Room
from bailian.sandbox.state import State
from bailian.sandbox.tasks.outcomes import refuse_on_demand
from bailian.sandbox.tasks.requests import plain_request
from bailian.sandbox.tasks.task_store import Task
from bailian.sandbox.text.messages import question_of
from bailian.sandbox.text.models import TEXT_GENERATION, TextModel, only_compatible
from bailian.sandbox.text.replies import complete_answer, frames
from bailian.sandbox.text.requests import TextRequest, read_text_request, with_sightings
from bailian.sandbox.text.search import is_needed
from bailian.sandbox.text.writer import generate
from bailian.sandbox.vision.looking import Eyes

_FAILING = ("stream_error", "failed")


class TextRoutes:
    """Writes texts."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self, endpoints: Endpoints) -> list[Route]:
        return [endpoints.route("POST", BASE_PATH + TEXT_GENERATION, "text", self._generate, _about)]

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
            request, task = await self._accept(call, fault, streams=streams)
        except Refusal as refusal:
            if not streams:
                raise
            # CAP parameter-error-sse: HTTP 200, and the refusal is a frame.
            return event_stream([], (0, refusal), call.request_id, self._state.settings)
        return await self._answer(request, task, _failure(fault, request.question), call.request_id, streams=streams)

    async def _answer(
        self, request: TextRequest, task: Task, failure: Failure | None, request_id: str, *, streams: bool
    ) -> Answer:
        generated = generate(task.model, request)
        if streams:
            lasts_s = task.ended - task.created
            bodies = frames(request, generated, request_id)
            return event_stream(bodies, failure, request_id, self._state.settings, lasts_s=lasts_s)
        if failure is not None:
            raise failure[1]
        await self._state.until(task.ended)
        return json_answer(complete_answer(request, generated, request_id), headers=PATIENCE)

    async def _accept(self, call: Call, fault: Fault | None, *, streams: bool) -> tuple[TextRequest, Task]:
        name, body = str(call.body["model"]), call.body
        model = self._model(name, call.path.removeprefix(BASE_PATH))
        request = read_text_request(name, model, body, streams=streams)
        refuse_on_demand(request.question)
        self._state.account.count_call(name)
        request = await self._looked(call, name, model, self._searched(request))
        note = plain_request("text", name, model.door, request.question, {"stream": streams})
        task = self._state.account.start_work(note, body, call.request_id, fault, blocking=True)
        return request, task

    def _searched(self, request: TextRequest) -> TextRequest:
        """Search only if it is of use and within the rate; above it the answer comes without, and nothing says so."""
        wish = is_needed(request.search, request.question)
        return replace(request, search=wish if wish is None or self._state.account.may_search() else None)

    async def _looked(self, call: Call, name: str, model: TextModel, request: TextRequest) -> TextRequest:
        """Look at every picture and film, and answer about those of the last message that has some."""
        if model.sight is None or not request.media:
            return request
        state = self._state
        eyes = Eyes(
            state.uploads, state.settings, name, model.sight, resolves=call.resolves_oss(), drawn=state.drawn.made
        )
        seen = await eyes.look(request.media, high_resolution=request.high_resolution)
        looked = with_sightings(request, seen)
        if looked.input_tokens > model.max_input:
            raise invalid(f"Range of input length should be [1, {model.max_input}]")
        return looked

    def _model(self, name: str, path: str) -> TextModel:
        model = self._state.models.texts.get(name)
        if model is not None and model.door == path:
            return model
        if model is not None or only_compatible(name) or name in self._state.models.pictures:
            raise wrong_path()
        if name.startswith("qwen-mt-") and path == TEXT_GENERATION:
            raise not_imitated(f"the model {name}")
        raise no_such_model(sync=True)


def _about(call: Call) -> tuple[str, str]:
    try:
        return question_of(call.body), str(call.body["model"])
    except Refusal:  # a body that cannot be read is answered later: a stream has a frame for it
        return "", ""


def _failure(fault: Fault | None, question: str) -> Failure | None:
    """Return after how many frames a stream breaks off, and with which refusal."""
    if fault is not None and fault.kind in _FAILING:
        status, code, message = fault.error()
        frames_first = fault.count if fault.kind == "stream_error" else 0
        return frames_first, Refusal(500 if status == 200 else status, code, message)
    if "[sandbox:fail]" in question:
        return 2, output_inspection()
    return None
