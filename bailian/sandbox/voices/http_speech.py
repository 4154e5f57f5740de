"""Speech as the answer of a POST: a link to the file, or its pieces as they are spoken (COSY-HTTP, QTTS).

Importing this needs starlette.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.endpoints import Call
from bailian.sandbox.http.frames import event_stream, wants_stream
from bailian.sandbox.http.refusals import Refusal, refuses_async
from bailian.sandbox.speech.requests import SpeechFailure, SpeechRequest
from bailian.sandbox.speech.socket_task import SYNTHESIZERS
from bailian.sandbox.speech.synthesis import AudioPart, synthesize
from bailian.sandbox.state import State
from bailian.sandbox.storage.downloads import result_path
from bailian.sandbox.tasks.outcomes import cut_off, refuse_on_demand
from bailian.sandbox.tasks.requests import plain_request
from bailian.sandbox.tasks.task_store import Task
from bailian.sandbox.voices.details import noted
from bailian.sandbox.voices.replies import audio_of

Audio = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """How one service writes its answers."""

    whole: Callable[[Audio, int], dict[str, Any]]
    """The complete answer, also the last frame: the link, and the characters that are billed."""
    pieces: Callable[[AudioPart, int, Callable[[str], Audio]], Iterator[dict[str, Any]]]
    """The frames of one sentence: its number, and what makes `audio` of base64."""


class HttpSpeech:
    """Takes the work on and answers.

    Args:
        state: of the running sandbox.
        path: the route's, for the list of tasks.
        shape: how the answers are written.
    """

    def __init__(self, state: State, path: str, shape: Shape) -> None:
        self._state = state
        self._path = path
        self._shape = shape

    async def answer(
        self, call: Call, fault: Fault | None, request: SpeechRequest, characters: int, family: str
    ) -> Answer:
        """Speak a request that was found right; `characters` are billed.

        Raises:
            Refusal: the account, the text, or a fault does not let it through.
        """
        if call.asks_async():
            raise refuses_async()
        self._state.account.count_call(request.model, family=family)
        refuse_on_demand(request.text)
        details = {"speech": noted(request), "characters": characters}
        note = plain_request("speech", request.model, self._path, request.text, details)
        task = self._state.account.start_work(note, call.body, call.request_id, fault, blocking=True)
        link = self._state.sign(call.root(), result_path(task, 0))
        expires = int(self._state.clock() + self._state.settings.link_life_s)
        whole = self._shape.whole(audio_of(task.task_id, expires, url=link), characters)
        if not wants_stream(call.request.headers):
            if failure := cut_off(task.outcome, fault):
                raise failure[1]  # there is no stream that could end with it
            await self._state.until(task.ended)
            return json_answer({"request_id": call.request_id, **whole})
        return await self._stream(call, task, request, fault, whole, expires)

    async def _stream(
        self, call: Call, task: Task, request: SpeechRequest, fault: Fault | None, whole: dict[str, Any], expires: int
    ) -> Answer:
        def frames() -> list[dict[str, Any]]:
            parts = enumerate(synthesize(request))
            return [frame for number, part in parts for frame in self._shape.pieces(part, number, audio)]

        def audio(data: str) -> Audio:
            return audio_of(task.task_id, expires, data=data)

        bodies = [*await asyncio.get_running_loop().run_in_executor(SYNTHESIZERS, frames), whole]
        named = [{"request_id": call.request_id, **body} for body in bodies]
        lasts_s = task.ended - task.created
        return event_stream(named, cut_off(task.outcome, fault), call.request_id, self._state.settings, lasts_s=lasts_s)


def as_refusal(failure: SpeechFailure) -> Refusal:
    """Over HTTP the words are the same, in a body with status 400 (a written record of others, 2026-10)."""
    return Refusal(400, failure.code, failure.message)
