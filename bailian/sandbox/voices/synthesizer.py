"""`SpeechSynthesizer` over HTTP: the socket's models with every option in `input` (COSY-HTTP).

Importing this needs starlette.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer
from bailian.sandbox.http.endpoints import Call
from bailian.sandbox.http.refusals import Refusal, wrong_path
from bailian.sandbox.speech.requests import SpeechFailure, SpeechRequest, refused
from bailian.sandbox.speech.synthesis import AudioPart
from bailian.sandbox.state import State
from bailian.sandbox.voices import replies
from bailian.sandbox.voices.counting import counted
from bailian.sandbox.voices.http_speech import HttpSpeech, Shape, as_refusal
from bailian.sandbox.voices.models import SYNTHESIZER, VoiceModel
from bailian.sandbox.voices.requests import PIECE_CHARS, VoiceRequest, no_text, read_voice_request

DEFAULTS = ("mp3", 22050)
"""As on the socket: the page names none of its own; the SDK always sends both."""


class Synthesizer:
    """The handler of the route."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def handle(self, call: Call, fault: Fault | None) -> Answer:
        name = str(call.body["model"])
        model = self._model(name)
        inputs = inputs_of(call.body)
        try:
            request = read_voice_request(name, model, inputs, self._state.own_voices, defaults=DEFAULTS)
            speech = _speech(request, inputs.get("text"))
        except SpeechFailure as failure:
            raise as_refusal(failure) from None
        http = HttpSpeech(self._state, SYNTHESIZER, _shape(request))
        return await http.answer(call, fault, speech, counted(speech.text), model.family)

    def _model(self, name: str) -> VoiceModel:
        models = self._state.models
        model = models.told.get(name)
        if model is None and name not in models.voices:
            raise models.refusal_of(name, sync=True)
        if model is None or model.family == "qwen-tts":  # ERR: the wrong door
            raise wrong_path()
        return model


def inputs_of(body: Mapping[str, Any]) -> dict[str, Any]:
    inputs = body.get("input")
    if not isinstance(inputs, dict) or not inputs:
        raise Refusal(400, "BadRequest.EmptyInput", 'Required parameter "input" missing from request.')
    return inputs


def about(call: Call) -> tuple[str, str]:
    """Return the text and the model, for the faults."""
    inputs = call.body.get("input")
    text = inputs.get("text") if isinstance(inputs, dict) else ""
    return text if isinstance(text, str) else "", str(call.body["model"])


def _speech(request: VoiceRequest, text: Any) -> SpeechRequest:
    if not isinstance(text, str) or not text.strip():
        raise no_text()
    if counted(text) > PIECE_CHARS:
        raise refused()
    return request.speech(request.words_of(text).strip())


def _shape(request: VoiceRequest) -> Shape:
    said = 0

    def pieces(part: AudioPart, number: int, audio: Callable[[str], dict[str, Any]]) -> Iterator[dict[str, Any]]:
        nonlocal said
        said += counted(part.spoken.text)
        words = replies.words_of(part) if request.word_times else []
        return replies.synthesizer_frames(part, number, audio, words, said)

    return Shape(replies.synthesizer_answer, pieces)
