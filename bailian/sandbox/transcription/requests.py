"""From a request body to a task request, or the documented refusal (PF-REST, ERR, ISS-2213)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from bailian.sandbox.http.refusals import invalid, off_specification, wrong_path
from bailian.sandbox.tasks.requests import TaskRequest, is_integer, plain_request, read_parameters
from bailian.sandbox.transcription.models import TRANSCRIPTION, Recognizer

FILES_MAX = 100
"""PF-OLD, PF-PY. PF-REST (2026) says exactly one; the sandbox takes what either allows."""

_SWITCHES = (
    "disfluency_removal_enabled",
    "timestamp_alignment_enabled",
    "diarization_enabled",
    "audio_event_detection_enabled",
)
_OTHERS = ("channel_id", "language_hints", "special_word_filter", "speaker_count", "vocabulary_id")


def urls_of(body: Mapping[str, Any]) -> list[str]:
    """Return the addresses without judging the body (for faults and logs)."""
    inputs = body.get("input")
    urls = inputs.get("file_urls") if isinstance(inputs, dict) else None
    return [url for url in urls if isinstance(url, str)] if isinstance(urls, list) else []


def read_transcription_request(name: str, model: Recognizer, body: Mapping[str, Any], *, resolves: bool) -> TaskRequest:
    """Check a body; `resolves`: the call wants its `oss://` addresses resolved.

    Raises:
        Refusal: with the documented code and message.
    """
    urls = urls_of(body)
    inputs = body.get("input")
    asked = inputs.get("file_urls") if isinstance(inputs, dict) else None
    if not urls or not isinstance(asked, list) or len(urls) != len(asked):
        raise invalid("input must contain file_urls")  # ERR
    if len(urls) > FILES_MAX:
        raise off_specification(f"file_urls must not have more than {FILES_MAX} items")
    for url in urls:
        _check_url(url, resolves=resolves)
    parameters = read_parameters(body)  # a workspace host lets the task fail without them (FUN), which is not imitated
    _check_parameters(parameters)
    hints = parameters.get("language_hints") if model.language_hints else None
    details = {
        "file_urls": urls,
        "resolves": resolves,
        "channels": parameters.get("channel_id") or [0],
        "language": hints[0] if hints else "zh",
        "diarization": bool(parameters.get("diarization_enabled")),
    }
    return plain_request("transcription", name, TRANSCRIPTION, "\n".join(urls), details, parts=len(urls))


def _check_url(url: str, *, resolves: bool) -> None:
    if url.startswith("oss://"):
        if not resolves:  # TMP
            raise invalid("The provided URL does not appear to be valid. Ensure it is correctly formatted.")
        return
    try:
        parts = urlsplit(url)
        fetchable = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        fetchable = False
    if not fetchable:
        raise wrong_path()  # ISS-2213, ISS-2378: the same words as for a wrong path


def _check_parameters(parameters: Mapping[str, Any]) -> None:
    for name, value in parameters.items():
        if name not in _SWITCHES + _OTHERS:
            raise invalid("Invalid backend response received (missing status name)")  # ERR: a misspelt parameter
        if name in _SWITCHES and not isinstance(value, bool):
            raise off_specification(f"{name} must be a boolean")
    for name, kind in (("channel_id", int), ("language_hints", str)):
        items = parameters.get(name)
        if items is not None and not (isinstance(items, list) and all(type(item) is kind for item in items)):
            raise off_specification(f"{name} must be a list")
    for name in ("special_word_filter", "vocabulary_id"):
        if not isinstance(parameters.get(name, ""), str):
            raise off_specification(f"{name} must be a string")
    count = parameters.get("speaker_count")
    if count is not None and not is_integer(count, 2, 100):
        raise off_specification("speaker_count must be between 2 and 100")
