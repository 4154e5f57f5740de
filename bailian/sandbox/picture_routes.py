"""The routes of pictures, edits and films: their paths and a room on the multimodal one (D-T2I, D-QI, D-IE, T2V).

Which models a path has, and whether a call draws or edits, is known only after its body is read. So these
four services share their routes. Importing this needs starlette and Pillow.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from starlette.routing import Route

from bailian.sandbox.edits.requests import read_edit_request
from bailian.sandbox.faults import Fault
from bailian.sandbox.films import replies as film_replies
from bailian.sandbox.films.requests import read_film_request
from bailian.sandbox.films.rules import FilmModel
from bailian.sandbox.http import refusals
from bailian.sandbox.http.answers import PATIENCE, Answer, json_answer
from bailian.sandbox.http.endpoints import BASE_PATH, Call, Endpoints
from bailian.sandbox.http.frames import wants_stream
from bailian.sandbox.images import models as paths
from bailian.sandbox.images import replies as image_replies
from bailian.sandbox.images.models import ServiceModel
from bailian.sandbox.images.requests import prompt_of, read_image_request
from bailian.sandbox.message_images import replies as message_replies
from bailian.sandbox.message_images.modes import MessageModel
from bailian.sandbox.message_images.requests import read_message_request
from bailian.sandbox.message_images.stream import stream_answer, streams
from bailian.sandbox.multimodal_route import Room
from bailian.sandbox.scripted.script import scripted
from bailian.sandbox.state import State
from bailian.sandbox.storage.downloads import result_path
from bailian.sandbox.storage.input_fetcher import InputFetcher
from bailian.sandbox.tasks.outcomes import cut_off, outcome_of, refuse_on_demand
from bailian.sandbox.tasks.replies import Sign, accepted
from bailian.sandbox.tasks.requests import SCRIPTED, TaskRequest
from bailian.sandbox.tasks.task_store import Task

_TASK_PATHS = (
    paths.TEXT2IMAGE, paths.IMAGE_GENERATION, paths.IMAGE2IMAGE, paths.VIDEO_SYNTHESIS, paths.IMAGE2VIDEO,
)  # fmt: skip


class PictureRoutes:
    """Accepts work on pictures and films, and answers about it."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self, endpoints: Endpoints) -> list[Route]:
        return [endpoints.route("POST", BASE_PATH + path, "submit", self._submit, _about) for path in _TASK_PATHS]

    def room(self) -> Room:
        """Return the room of the multimodal path that takes every name."""
        return Room("sync", lambda name: True, self._submit, _about)

    async def task_answer(self, task: Task, call: Call) -> dict[str, Any]:
        """Answer a query of one task."""
        model = self._state.models.pictures.get(task.model)
        if isinstance(model, MessageModel):
            return message_replies.task_answer(task, model, call.request_id, self._signer(task, call))
        if isinstance(model, FilmModel):
            return film_replies.task_answer(task, model, call.request_id, self._signer(task, call))
        return image_replies.task_answer(task, call.request_id, self._signer(task, call))

    def _signer(self, task: Task, call: Call) -> Sign:
        return lambda index: self._state.sign(call.root(), result_path(task, index))

    async def _submit(self, call: Call, fault: Fault | None) -> Answer:
        path = call.path.removeprefix(BASE_PATH)
        blocking = path == paths.MULTIMODAL
        model = self._admit(path, str(call.body["model"]), asks_async=call.asks_async())
        streamed = isinstance(model, MessageModel) and streams(
            model, call.body, blocking=blocking, asks_events=wants_stream(call.request.headers)
        )
        request = self._scripted(await self._read(call, model, path, call.body))
        _check_outcome(request, fault, refuses=blocking and not streamed)
        task = self._state.account.start_work(request, call.body, call.request_id, fault, blocking=blocking)
        if not blocking:
            return json_answer(accepted(task.task_id, call.request_id))
        sign = self._signer(task, call)
        if streamed and isinstance(model, MessageModel):
            return stream_answer(task, model, fault, call.request_id, sign, self._state.settings)
        await self._state.until(task.ended)
        if isinstance(model, MessageModel):
            answer = message_replies.blocking_answer(task, model, call.request_id, sign)
        else:
            answer = image_replies.blocking_answer(task, call.request_id, sign)
        return json_answer(answer, headers=PATIENCE)

    def _admit(self, path: str, name: str, *, asks_async: bool) -> ServiceModel:
        """Check what the gateway checks before a model sees the body: model, path, header, rate.

        Raises:
            Refusal: with the documented answer.
        """
        blocking = path == paths.MULTIMODAL
        model = self._state.models.pictures.get(name)
        elsewhere = isinstance(model, FilmModel) and model.region not in ("", self._state.settings.region)
        if model is None or elsewhere:
            raise self._state.models.refusal_of(name, sync=blocking)
        if path not in model.routes:
            if isinstance(model, MessageModel | FilmModel):
                raise refusals.invalid(model.url_error)
            raise refusals.wrong_path()
        if blocking and asks_async:
            throttled = isinstance(model, MessageModel) and model.async_is_throttled
            raise refusals.throttled() if throttled else refusals.refuses_async()
        if not blocking and not asks_async:
            raise refusals.wants_async()
        self._state.account.count_call(name)
        if not blocking:
            self._state.account.check_queue(name)
        return model

    async def _read(self, call: Call, model: ServiceModel, path: str, body: dict[str, Any]) -> TaskRequest:
        name, store = str(body["model"]), self._state.store
        fetcher_of = partial(self._fetcher, call, name)
        if isinstance(model, MessageModel):
            return await read_message_request(name, model, path, body, fetcher_of(model.inputs.max_bytes), store)
        if isinstance(model, FilmModel):
            return await read_film_request(name, model, path, body, fetcher_of, store)
        if model.edit is not None:
            return await read_edit_request(name, model, path, body, fetcher_of(model.edit.max_bytes), store)
        return read_image_request(name, model, path, body)

    def _scripted(self, request: TaskRequest) -> TaskRequest:
        """Note the file that a script has for this request; it is kept where the inputs are."""
        answer = scripted("picture")
        if answer is None or answer.picture is None:
            return request
        return replace(request, details={**request.details, SCRIPTED: self._state.store.add_input(answer.picture)})

    def _fetcher(self, call: Call, name: str, max_bytes: int) -> InputFetcher:
        resolves = call.resolves_oss()
        return InputFetcher(self._state.uploads, self._state.settings, name, resolves=resolves, max_bytes=max_bytes)


def _about(call: Call) -> tuple[str, str]:
    return prompt_of(call.body), str(call.body["model"])


def _check_outcome(request: TaskRequest, fault: Fault | None, *, refuses: bool) -> None:
    """Refuse what the prompt wants refused, and with `refuses` what fails: a blocking call has no other way.

    Raises:
        Refusal: one of the two.
    """
    refuse_on_demand(request.prompt)
    if refuses and (failure := cut_off(outcome_of(request, fault), fault)):
        raise failure[1]  # there is no stream that could end with it
