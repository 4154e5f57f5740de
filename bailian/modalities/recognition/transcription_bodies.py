"""The bodies of recognition: two of a call, three of a task, exactly as each model's page shows its own.

Facts: docs/wire.md "Recognition" and "Recognition of today" (PF-REST, FUN, FUNF, QASR; 2026).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bailian.catalog import Model
from bailian.modalities.recognition.transcription_request import TranscriptionRequest, turns_of
from bailian.types import Input

TAKEN: Mapping[str, frozenset[str]] = {
    "prompt": frozenset(
        {
            *("channel_id", "diarization_enabled", "speaker_count", "disfluency_removal_enabled"),
            *("timestamp_alignment_enabled", "special_word_filter"),
        }
    ),
    "file_urls": frozenset({"channel_id", "diarization_enabled", "speaker_count", "special_word_filter"}),
    "file_url": frozenset({"channel_id", "enable_itn", "enable_words"}),
    "audio": frozenset({"enable_itn"}),
    "input_audio": frozenset({"audio_format"}),
}
"""Body → the fields that only some bodies have."""
AUDIO_FORMATS = ("pcm", "wav", "mp3", "opus", "speex", "aac", "amr", "m4a", "flac", "ogg", "mp4", "webm")
"""FUNF: what a call is told that its recording is."""
SSE_HEADERS = {"X-DashScope-SSE": "disable"}


def body_of(
    request: TranscriptionRequest, model: Model, wire_model: str, found: Input, words: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Build the body. `words` are hot words that stand in it."""
    turns = turns_of(request.context) or []
    if model.style == "audio":
        before = "\n".join(text for _, text in turns)
        system = [{"role": "system", "content": [{"text": before}]}] if before else []
        messages = [*system, {"role": "user", "content": [{"audio": request.file[0]}]}]
        return {
            "model": wire_model,
            "input": {"messages": messages},
            "parameters": {"asr_options": {**_one_language(request, model), "enable_itn": request.enable_itn}},
        }
    if model.style == "input_audio":
        recording = {"type": "input_audio", "input_audio": {"data": request.file[0]}}
        messages = [*_turns(turns), {"role": "user", "content": [recording]}]
        rate_hz = found.recording.sample_rate_hz if found.recording else None
        parameters: dict[str, Any] = {
            "format": audio_format_of(request, found),
            **({"sample_rate": str(rate_hz)} if rate_hz else {}),
            **_hints_and_words(request, model, words),
        }
        return {"model": wire_model, "input": {"messages": messages}, "parameters": parameters}
    if model.style == "file_url":
        parameters = {
            "channel_id": request.channel_id,
            **_one_language(request, model),
            "enable_itn": request.enable_itn,
            "enable_words": request.enable_words or "json" in request.format,
        }
        return {"model": wire_model, "input": {"file_url": request.file[0]}, "parameters": parameters}
    context = {"context": _turns(turns)} if turns else {}
    return {
        "model": wire_model,
        "input": {"file_urls": request.file, **context},
        "parameters": {**_task_parameters(request, model), **_hints_and_words(request, model, words)},
    }


def _task_parameters(request: TranscriptionRequest, model: Model) -> dict[str, Any]:
    """Return what a task is told, always with `parameters`: a workspace host fails the task without them (FUN)."""
    switches = ("disfluency_removal_enabled", "timestamp_alignment_enabled", "diarization_enabled")
    parameters: dict[str, Any] = {"channel_id": request.channel_id}
    for name in switches:
        if name in TAKEN.get(model.style, TAKEN["prompt"]):
            parameters[name] = getattr(request, name)
    if request.speaker_count is not None:
        parameters["speaker_count"] = request.speaker_count
    if request.special_word_filter is not None:
        parameters["special_word_filter"] = filter_text(request.special_word_filter)
    return parameters


def _hints_and_words(request: TranscriptionRequest, model: Model, words: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        **({"language_hints": request.language} if request.language and model.language_hints else {}),
        **({"vocabulary_id": request.vocabulary_id} if request.vocabulary_id else {}),
        **({"vocabulary": {str(one["text"]): one["weight"] for one in words}} if words else {}),
    }


def _one_language(request: TranscriptionRequest, model: Model) -> dict[str, Any]:
    return {"language": request.language[0]} if request.language and model.language_hints else {}


def _turns(turns: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return what was said before, as the service's page shows it: the user's words, and a model's answers."""
    return [
        {"role": "assistant", "content": [{"type": "text", "text": text}]}
        if role == "assistant"
        else {"role": "user", "content": [{"type": "input_text", "text": text}]}
        for role, text in turns
    ]


def audio_format_of(request: TranscriptionRequest, found: Input) -> str:
    """Return what the recording is: as it was said, by its bytes, or by its name; "" where nothing tells."""
    suffix = request.file[0].partition("?")[0].rpartition(".")[2].lower() if request.file else ""
    kind = request.audio_format or (found.recording.format if found.recording else "") or suffix
    kind = "m4a" if kind == "mp4" and suffix == "m4a" else kind
    return kind if kind in AUDIO_FORMATS else ""


def filter_text(given: Any) -> str:
    """Return `special_word_filter` as it is sent: text that holds JSON (PF-REST)."""
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def call_headers(body: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that the page of a call names as needed (FUNF)."""
    parameters = body.get("parameters")
    return SSE_HEADERS if isinstance(parameters, dict) and "format" in parameters else {}


def source_of(body: Mapping[str, Any]) -> str:
    """Return the recording's address as it was sent."""
    inputs = body["input"]
    if "messages" in inputs:
        part = inputs["messages"][-1]["content"][0]
        return str(part["input_audio"]["data"] if "input_audio" in part else part["audio"])
    return str(inputs["file_url"] if "file_url" in inputs else inputs["file_urls"][0])
