"""Where every face of the text models gets its answers: the native paths, the compatible routes, the lines of a batch.

A face brings a body in the native shape and puts what it gets into its own JSON. Importing this needs Pillow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.frames import Failure
from bailian.sandbox.http.refusals import Refusal, invalid, output_inspection
from bailian.sandbox.state import State
from bailian.sandbox.tasks.outcomes import refuse_on_demand
from bailian.sandbox.tasks.requests import plain_request
from bailian.sandbox.tasks.task_store import Task
from bailian.sandbox.text.documents import documents_of
from bailian.sandbox.text.models import TextModel
from bailian.sandbox.text.requests import TextRequest, read_text_request, with_sightings
from bailian.sandbox.text.search import is_needed
from bailian.sandbox.text.writer import GeneratedText, generate, scripted_text
from bailian.sandbox.vision.looking import Eyes

_FAILING = ("stream_error", "failed")


def answers_of(state: State, name: str, request: TextRequest) -> tuple[GeneratedText, ...]:
    """Return the answers to one request, as many as it asks for: text, thoughts, calls of tools.

    This is the only place where an answer is made, whatever the route.
    """
    written = scripted_text(state.script, name, request)
    if written is not None:
        return (written,) * request.n
    return tuple(generate(name, request, number) for number in range(request.n))


@dataclass(frozen=True)
class TextOrder:
    """One call that a face hands in."""

    name: str
    model: TextModel
    body: Mapping[str, Any]
    """In the native shape: `model`, `input`, `parameters`."""
    request_id: str
    streams: bool
    resolves_oss: bool = False
    compatible: bool = False
    """Whether it came by a route of another maker's shape, which has some rules of its own."""


@dataclass(frozen=True)
class TextWork:
    """What a face gets back."""

    request: TextRequest
    task: Task
    answers: tuple[GeneratedText, ...]
    failure: Failure | None
    """After how many frames a stream breaks off, and with which refusal."""


class TextAnswering:
    """Takes calls for texts."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def work(self, order: TextOrder, fault: Fault | None) -> TextWork:
        """Check a call, count it, look at its pictures and answer it.

        Raises:
            Refusal: in the service's words.
        """
        request = read_text_request(
            order.name, order.model, order.body, streams=order.streams, compatible=order.compatible
        )
        refuse_on_demand(request.question)
        self._state.account.count_call(order.name)
        request = await self.looked(order, self._searched(request))
        note = plain_request("text", order.name, order.model.door, request.question, {"stream": order.streams})
        task = self._state.account.start_work(note, order.body, order.request_id, fault, blocking=True)
        answers = answers_of(self._state, order.name, request)
        return TextWork(request, task, answers, _failure(fault, request.question))

    def _searched(self, request: TextRequest) -> TextRequest:
        """Search only if it is of use and within the rate; above it the answer comes without, and nothing says so."""
        wish = is_needed(request.search, request.question)
        return replace(request, search=wish if wish is None or self._state.account.may_search() else None)

    async def looked(self, order: TextOrder, request: TextRequest) -> TextRequest:
        """Open the files, look at every picture and film, and answer about those of the last message that has some."""
        sight, state = order.model.sight, self._state
        if request.file_ids:
            request = replace(request, documents=documents_of(request.file_ids, state.files))
            _check_length(order.model, request)
        if sight is None or not request.media:
            return request
        eyes = Eyes(
            state.uploads, state.settings, order.name, sight, resolves=order.resolves_oss, drawn=state.drawn.made
        )
        seen = await eyes.look(request.media, high_resolution=request.high_resolution)
        looked = with_sightings(request, seen)
        _check_length(order.model, looked)
        return looked


def _check_length(model: TextModel, request: TextRequest) -> None:
    if request.input_tokens > model.max_input:
        raise invalid(f"Range of input length should be [1, {model.max_input}]")


def _failure(fault: Fault | None, question: str) -> Failure | None:
    if fault is not None and fault.kind in _FAILING:
        status, code, message = fault.error()
        frames_first = fault.count if fault.kind == "stream_error" else 0
        return frames_first, Refusal(500 if status == 200 else status, code, message)
    if "[sandbox:fail]" in question:
        return 2, output_inspection()
    return None
