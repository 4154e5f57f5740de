"""The answers of recognition, of tasks and of calls. Every part of one may be missing, null or of another type.

Facts: docs/wire.md "Recognition" and "Recognition of today" (the service's pages, 2024 to 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import unquote

from bailian.files import subtitles
from bailian.i18n import tr
from bailian.modalities.recognition import transcription_prices
from bailian.modalities.recognition.called_transcripts import called_transcript
from bailian.modalities.recognition.transcription_bodies import source_of
from bailian.modalities.recognition.transcription_request import FORMATS
from bailian.modalities.recognition.transcripts import cues_of, whole_text
from bailian.types import Item, Notice, StoredRequest, TranscriptionContext
from bailian.types.json_values import number_of, object_of, text_of

# "No speech found" is an answer, not a failure (error page, 2025-12).
NO_SPEECH = ("SUCCESS_WITH_NO_VALID_FRAGMENT", "ASR_RESPONSE_HAVE_NO_WORDS")


def _first(output: Any) -> Mapping[str, Any]:
    """Return the entry of the one file of ours; Qwen3's tasks have no list of them (QASR)."""
    results = object_of(output).get("results")
    if isinstance(results, list):
        return object_of(results[0]) if results else {}
    return object_of(object_of(output).get("result"))


def document_url(answer: Mapping[str, Any]) -> str | None:
    """Return the link to the transcript of a subtask that SUCCEEDED. It is signed and lives 24 h."""
    entry = _first(answer.get("output"))
    url = text_of(entry.get("transcription_url"))
    good = entry.get("subtask_status") in (None, "SUCCEEDED") and not entry.get("code")
    return url if good and url.startswith(("https://", "http://")) else None


def with_document(answer: Mapping[str, Any], document: Any) -> dict[str, Any]:
    """Return the answer with the transcript's JSON in it, beside the link that led to it."""
    whole = deepcopy(dict(answer))
    entry = _first(whole.get("output"))
    if isinstance(entry, dict) and entry:
        entry["transcript"] = deepcopy(document)
    return whole


def no_speech(output: Any) -> bool:
    """Return whether the service heard nobody speak: an empty transcript, though it calls the task failed."""
    return any(part.get("code") in NO_SPEECH for part in (object_of(output), _first(output)))


def items(answer: Mapping[str, Any], prepared: StoredRequest) -> list[Item]:
    """Return a file a format, made of the transcript; its link while it is not fetched; or why there is none."""
    output = object_of(answer.get("output"))
    called = called_transcript(answer)
    if called is not None:
        return _written(called, prepared)
    entry = _first(output)
    if no_speech(output):
        return _written({}, prepared)
    url = document_url(answer)
    transcript = entry.get("transcript")
    if isinstance(transcript, dict) and isinstance(transcript.get("transcripts"), list):
        return _written(transcript, prepared)
    if url and "transcript" not in entry:
        return [Item(0, url=url, wire=entry)]
    if not entry or entry.get("subtask_status") in ("PENDING", "RUNNING"):
        return []
    code = text_of(entry.get("code")) or text_of(output.get("code")) or "unknown"
    reason = text_of(entry.get("message")) or text_of(output.get("message"))
    return [Item(0, code=code, message=reason or tr("no transcript came", "没有识别结果"), wire=entry)]


def _written(transcript: Mapping[str, Any], prepared: StoredRequest) -> list[Item]:
    context = TranscriptionContext.of(prepared.context)
    cues = cues_of(transcript)
    length_ms = number_of(object_of(transcript.get("properties")).get("original_duration_in_milliseconds"))
    more = {} if length_ms is None else {"duration": length_ms / 1000}
    formats = [name for name in context.formats if name in FORMATS] or ["txt"]
    spoken = {cue.language for cue in cues}
    language = context.language or (next(iter(spoken)) if len(spoken) == 1 else "") or None
    return [
        Item(
            index,
            text=subtitles.json_text(cues, whole_text(transcript), language, **more)
            if name == "json"
            else subtitles.WRITERS[name](cues),
            suffix=name,
        )
        for index, name in enumerate(formats)
    ]


def answer_notices(answer: Mapping[str, Any], prepared: StoredRequest) -> list[Notice]:
    """Say so when nobody speaks in the recording: the files are empty, and that is no failure."""
    output = answer.get("output")
    transcript = called_transcript(answer) or _first(output).get("transcript")
    if not no_speech(output) and (not isinstance(transcript, dict) or cues_of(transcript)):
        return []
    return [Notice("no_speech", tr("no speech was found in the recording", "录音中没有识别到语音"))]


def charged_cny(answer: Mapping[str, Any], prepared: StoredRequest) -> float | None:
    """Return what is billed by `usage`; silence of a task is free."""
    usage = object_of(answer.get("usage"))
    if not {"duration", "seconds"} & {*usage} and no_speech(answer.get("output")):
        return 0.0
    return transcription_prices.charged_cny(usage, TranscriptionContext.of(prepared.context))


def with_paths(answer: Mapping[str, Any], prepared: StoredRequest, paths: Mapping[int, str]) -> dict[str, Any]:
    """Return the answer's `output`; its result has the text, and `path` (and `paths`) instead of the transcript."""
    shown: dict[str, Any] = deepcopy(dict(object_of(answer.get("output"))))
    called = called_transcript(answer)
    entry = dict(_first(shown)) if called is None else {}
    transcript = called or entry.pop("transcript", None)
    if isinstance(transcript, dict) or no_speech(shown):
        entry["text"] = whole_text(object_of(transcript))
    placed = [paths[index] for index in sorted(paths)]
    if placed:
        entry["path"] = placed[0]
    if len(placed) > 1:
        entry["paths"] = placed
    results = shown.get("results")
    if entry and called is None and not isinstance(results, list) and isinstance(shown.get("result"), dict):
        shown["result"] = entry
    elif entry:
        shown["results"] = [entry, *(results[1:] if isinstance(results, list) else [])]
    return shown


def matches(answer: Mapping[str, Any], body: Mapping[str, Any], job_id: str) -> bool | None:
    """Return whether a task wrote down the recording of this body; None while it does not say which.

    An upload has the job's id in its name, in whatever form the service shows its address.
    """
    shown, asked = text_of(_first(answer.get("output")).get("file_url")), asked_prompt(body)
    if not shown:
        return None
    return job_id in shown if asked.startswith("file://") else unquote(shown) == unquote(asked)


def asked_prompt(body: Mapping[str, Any]) -> str:
    """Return the recording's URL: what a task of ours shows as `file_url`."""
    return source_of(body)
