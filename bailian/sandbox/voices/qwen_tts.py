"""Qwen-TTS: `text` and `voice` in `input`, on the multimodal path (QTTS).

Importing this needs starlette.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer
from bailian.sandbox.http.endpoints import Call
from bailian.sandbox.http.refusals import invalid
from bailian.sandbox.images.models import MULTIMODAL
from bailian.sandbox.multimodal_route import Room
from bailian.sandbox.speech.models import Voice
from bailian.sandbox.speech.requests import SpeechRequest
from bailian.sandbox.speech.synthesis import AudioPart
from bailian.sandbox.state import State
from bailian.sandbox.voices import replies
from bailian.sandbox.voices.counting import counted
from bailian.sandbox.voices.http_speech import HttpSpeech, Shape
from bailian.sandbox.voices.models import VoiceModel
from bailian.sandbox.voices.synthesizer import about, inputs_of

TEXT_CHARS = 600
"""QTTS: the page counts characters; whether a Han character is two of them here is not known, so it is one."""
SAMPLE_RATE = 24000
"""Of the file and of the pieces (a guess: the page tells neither)."""
INSTRUCTION_TOKENS = 1600
LANGUAGES = {
    "Auto": "", "Chinese": "zh", "English": "en", "German": "de", "Italian": "it", "Portuguese": "pt", "Spanish": "es",
    "Japanese": "ja", "Korean": "ko", "French": "fr", "Russian": "ru",
}  # fmt: skip


class QwenTts:
    """The room of the multimodal path."""

    def __init__(self, state: State) -> None:
        self._state = state

    def room(self) -> Room:
        return Room("sync", self._takes, self._handle, about)

    def _takes(self, name: str) -> bool:
        model = self._state.models.told.get(name)
        return model is not None and model.family == "qwen-tts"

    async def _handle(self, call: Call, fault: Fault | None) -> Answer:
        name = str(call.body["model"])
        model = self._state.models.told[name]
        request = _read(name, model, inputs_of(call.body))
        http = HttpSpeech(self._state, MULTIMODAL, Shape(replies.qwen_answer, _Pieces()))
        return await http.answer(call, fault, request, counted(request.text), model.family)


class _Pieces:
    """The frames of a stream: bare samples, so that nothing has a header but the file at its end."""

    def __init__(self) -> None:
        self._said = 0

    def __call__(
        self, part: AudioPart, number: int, audio: Callable[[str], dict[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        self._said += counted(part.spoken.text)
        for data in replies.pieces(part.spoken.samples):
            yield replies.qwen_answer(audio(data), self._said, reason="null")


def _read(name: str, model: VoiceModel, inputs: Mapping[str, Any]) -> SpeechRequest:
    text, voice = inputs.get("text"), inputs.get("voice")
    if not isinstance(text, str) or not text.strip():
        raise invalid("Please ensure input text is valid.")  # ERR
    if len(text) > TEXT_CHARS:
        raise invalid(f"Range of input length should be [1, {TEXT_CHARS}]")  # ERR has the sentence for other inputs
    if not isinstance(voice, str) or not voice:
        raise invalid("Request voice is invalid!")  # ERR
    told = model.voices.get(voice)
    if told is None:
        raise invalid(f"The requested voice '{voice}' is not supported.")  # ERR
    language = inputs.get("language_type", "Auto")
    if not isinstance(language, str) or language not in LANGUAGES:
        raise invalid(f"language_type must be one of {', '.join(LANGUAGES)}")
    instructions = inputs.get("instructions")
    if instructions and (model.instructions != "free" or counted(str(instructions)) > INSTRUCTION_TOKENS):
        raise invalid("[qwen-tts:]Engine return error code: 428")
    spoken = LANGUAGES[language] or told.language
    return SpeechRequest(
        name, Voice(spoken, SAMPLE_RATE, False, told.female), text.strip(), "wav", SAMPLE_RATE, 50, 1.0, 1.0
    )
