"""Voices of one's own: made from a recording or from words, listed, looked at, changed and deleted (CLONE, SDK).

Importing this needs starlette.
"""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.customization import action_of, check_prefix, listed, moment, no_such_resource, page_of
from bailian.sandbox.http.endpoints import Call
from bailian.sandbox.http.refusals import Refusal, invalid, invalid_url, off_specification, refuses_async
from bailian.sandbox.speech.models import Voice
from bailian.sandbox.speech.requests import SAMPLE_RATES, SpeechRequest
from bailian.sandbox.speech.socket_task import SYNTHESIZERS
from bailian.sandbox.state import State
from bailian.sandbox.storage.input_fetcher import is_loopback
from bailian.sandbox.tasks.requests import is_number, read_parameters
from bailian.sandbox.transcription.recordings import FileFailure, fetch_recording, read_recording
from bailian.sandbox.voices.details import make_file
from bailian.sandbox.voices.models import VoiceModel
from bailian.sandbox.voices.own_voices import OwnVoice
from bailian.sandbox.voices.requests import FORMATS, LANGUAGES
from bailian.sandbox.voices.synthesizer import inputs_of

ENROLLMENT = "voice-enrollment"
PATH = "/services/audio/tts/customization"
PROMPT_CHARS = 500
PREVIEW_CHARS = (15, 200)
SAMPLE_MS = 5000
"""ERR: a recording needs at least one stretch of five seconds; here it must be so long."""
ACTIONS = ("create_voice", "list_voice", "query_voice", "update_voice", "delete_voice")


class Enrollment:
    """The handler of the route."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def handle(self, call: Call, fault: Fault | None) -> Answer:
        if call.body["model"] != ENROLLMENT:  # Qwen-TTS had its own, which ended with its models
            raise self._state.models.refusal_of(str(call.body["model"]), sync=True)
        if call.asks_async():
            raise refuses_async()
        inputs = inputs_of(call.body)
        action = action_of(inputs, ACTIONS)
        self._state.account.count_customization(ENROLLMENT)
        if action == "create_voice":
            output = await self._create(inputs, read_parameters(call.body), fault)
        elif action == "list_voice":
            output = self._list(inputs)
        else:
            output = await self._one(action, inputs)
        return json_answer({"output": output, "usage": {"count": 1}, "request_id": call.request_id})

    async def _create(
        self, inputs: Mapping[str, Any], parameters: Mapping[str, Any], fault: Fault | None
    ) -> dict[str, Any]:
        target, prefix = str(inputs.get("target_model")), check_prefix(inputs)
        model = self._state.models.told.get(target)
        if model is None or not model.clones:
            raise invalid(f"target_model {target} is not supported")
        language = _language(inputs.get("language_hints"))
        designed = inputs.get("voice_prompt") is not None
        if not designed:
            await self._check_recording(inputs)
        voice = self._new(target, prefix, language, inputs, designed=designed)
        voice = replace(voice, undeployed=fault is not None and fault.kind == "failed")
        preview = await self._preview(voice, model, inputs, parameters) if designed else {}
        self._state.own_voices.put(voice)
        return {"voice_id": voice.voice_id, **preview}

    def _new(self, target: str, prefix: str, language: str, inputs: Mapping[str, Any], *, designed: bool) -> OwnVoice:
        now = self._state.clock()
        mark = "-vd" if designed else ""
        return OwnVoice(
            voice_id=f"{target}{mark}-{prefix}-{secrets.token_hex(16)}",
            target_model=target,
            prefix=prefix,
            language=language,
            female=re.search(r"男|\b(male|man|boy)\b", str(inputs.get("voice_prompt")), re.IGNORECASE) is None,
            source="" if designed else str(inputs["url"]),
            created=now,
            modified=now,
            ready_at=now + self._state.settings.task_s,
        )

    async def _preview(
        self, voice: OwnVoice, model: VoiceModel, inputs: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return how a designed voice sounds."""
        prompt, text = inputs["voice_prompt"], inputs.get("preview_text")
        if not model.designs:
            raise invalid(f"target_model {voice.target_model} is not supported")
        if not isinstance(prompt, str) or not 1 <= len(prompt) <= PROMPT_CHARS:
            raise off_specification(f"voice_prompt must have 1 to {PROMPT_CHARS} characters")
        if not isinstance(text, str) or not PREVIEW_CHARS[0] <= len(text) <= PREVIEW_CHARS[1]:
            raise off_specification("preview_text must have 15 to 200 characters")
        rate, form = parameters.get("sample_rate", 24000), parameters.get("response_format", "wav")
        if rate not in SAMPLE_RATES or form not in FORMATS:
            raise off_specification("sample_rate or response_format is not supported")
        spoken = Voice(voice.language, rate, False, voice.female)
        request = SpeechRequest(voice.target_model, spoken, text, form, rate, 50, 1.0, 1.0)
        data = await asyncio.get_running_loop().run_in_executor(SYNTHESIZERS, make_file, request)
        audio = {"data": base64.b64encode(data).decode(), "sample_rate": rate, "response_format": form}
        return {"preview_audio": audio, "target_model": voice.target_model}

    async def _check_recording(self, inputs: Mapping[str, Any]) -> None:
        url = inputs.get("url")
        host = _host(url)
        if not isinstance(url, str) or not host:
            raise invalid_url()
        if not isinstance(inputs.get("enable_preprocess", False), bool):
            raise off_specification("enable_preprocess must be a boolean")
        if not is_number(inputs.get("max_prompt_audio_length", 10), 3, 30):
            raise off_specification("max_prompt_audio_length must be between 3 and 30")
        if not is_loopback(host) and self._state.settings.fetch_foreign == "placeholder":
            return
        try:
            data = await asyncio.get_running_loop().run_in_executor(SYNTHESIZERS, fetch_recording, url)
            recording = read_recording(data)
        except FileFailure as failure:
            raise Refusal(400, "Audio.DecoderError", f"Decoder audio file failed. {failure.message}") from None
        if recording.is_silent(0):
            raise Refusal(400, "Audio.AudioSilentError", "silent audio error.")  # ERR
        if recording.duration_ms < SAMPLE_MS:
            raise Refusal(400, "Audio.AudioShortError", "valid audio too short!")  # ERR

    def _list(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        voices = self._state.own_voices.all(str(inputs.get("prefix") or ""))
        return {"voice_list": [self._row(voice) for voice in listed(voices, *page_of(inputs))]}

    async def _one(self, action: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        voice = self._state.own_voices.get(str(inputs.get("voice_id")))
        if voice is None:
            raise no_such_resource()
        if action == "delete_voice":
            self._state.own_voices.delete(voice.voice_id)
            return {}
        if action == "update_voice":
            await self._check_recording(inputs)
            now = self._state.clock()
            changed = replace(voice, source=inputs["url"], modified=now, ready_at=now + self._state.settings.task_s)
            self._state.own_voices.put(changed)
            return {}
        return {**self._row(voice), "target_model": voice.target_model, "resource_link": voice.source}

    def _row(self, voice: OwnVoice) -> dict[str, Any]:
        ready = "OK" if voice.is_ready(self._state.clock()) else "DEPLOYING"
        return {
            "voice_id": voice.voice_id,
            "gmt_create": moment(voice.created),
            "gmt_modified": moment(voice.modified),
            "status": "UNDEPLOYED" if voice.undeployed else ready,
        }


def _host(url: Any) -> str:
    """Return the host of an address that can be fetched, or nothing."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
    except ValueError:
        return ""
    return parts.hostname or "" if parts.scheme in ("http", "https") else ""


def _language(hints: Any) -> str:
    if hints is None:
        return "zh"
    if not isinstance(hints, list) or not hints or hints[0] not in LANGUAGES:
        raise off_specification("language_hints is not supported")
    return str(hints[0])
