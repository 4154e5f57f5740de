"""From a request body to a task request, or the documented refusal (PF-REST, ERR, ISS-2213)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from bailian.sandbox.http.refusals import invalid, off_specification, wrong_path
from bailian.sandbox.tasks.requests import TaskRequest, is_integer, plain_request, read_parameters
from bailian.sandbox.transcription.hot_words import HotWords
from bailian.sandbox.transcription.models import TRANSCRIPTION, Recognizer

FILES_MAX = 100
"""PF-OLD, PF-PY. PF-REST (2026) says exactly one; the sandbox takes what either allows."""

_SWITCHES = (
    "disfluency_removal_enabled",
    "timestamp_alignment_enabled",
    "diarization_enabled",
    "audio_event_detection_enabled",
)
_OTHERS = ("channel_id", "language_hints", "special_word_filter", "speaker_count", "vocabulary_id", "vocabulary")
_QWEN3_SWITCHES = ("enable_itn", "enable_words")
_QWEN3_OTHERS = ("language", "channel_id")


def urls_of(body: Mapping[str, Any]) -> list[str]:
    """Return the addresses without judging the body (for faults and logs)."""
    inputs = body.get("input")
    inputs = inputs if isinstance(inputs, dict) else {}
    urls = inputs.get("file_urls", [inputs.get("file_url")])
    return [url for url in urls if isinstance(url, str)] if isinstance(urls, list) else []


def read_transcription_request(
    name: str, model: Recognizer, body: Mapping[str, Any], hot_words: HotWords, *, resolves: bool
) -> TaskRequest:
    """Check a body; `resolves`: the call wants its `oss://` addresses resolved.

    Raises:
        Refusal: with the documented code and message.
    """
    urls = _urls(model, body)
    for url in urls:
        _check_url(url, resolves=resolves)
    parameters = read_parameters(body)  # a workspace host lets the task fail without them (FUN), which is not imitated
    qwen3 = model.family == "qwen3"
    _check_parameters(parameters, *((_QWEN3_SWITCHES, _QWEN3_OTHERS) if qwen3 else (_SWITCHES, _OTHERS)))
    hints = parameters.get("language_hints") if model.language_hints else None
    details = {
        "file_urls": urls,
        "resolves": resolves,
        "channels": parameters.get("channel_id") or [0],
        "language": parameters.get("language", "zh") if qwen3 else hints[0] if hints else "zh",
        "diarization": bool(parameters.get("diarization_enabled")),
        "hot": hot_words_of(name, model, parameters, hot_words),
        "one_result": qwen3,
        "words": not qwen3 or bool(parameters.get("enable_words")),
    }
    return plain_request("transcription", name, TRANSCRIPTION, "\n".join(urls), details, parts=len(urls))


def _urls(model: Recognizer, body: Mapping[str, Any]) -> list[str]:
    field = "file_url" if model.family == "qwen3" else "file_urls"
    inputs = body.get("input")
    asked = inputs.get(field) if isinstance(inputs, dict) else None
    urls = [asked] if field == "file_url" else asked
    if not isinstance(urls, list) or not urls or not all(isinstance(url, str) and url for url in urls):
        raise invalid(f"input must contain {field}")  # ERR
    most = 1 if model.one_url else FILES_MAX
    if len(urls) > most:
        raise off_specification(f"file_urls must not have more than {most} items")
    context = inputs.get("context") if isinstance(inputs, dict) else None
    if context is not None and not isinstance(context, list):
        raise off_specification("context must be a list")
    return urls


def hot_words_of(name: str, model: Recognizer, parameters: Mapping[str, Any], hot_words: HotWords) -> list[str]:
    """Return the hot words of a call: those of a list, and those that stand in it themselves.

    Raises:
        Refusal: words that are none.
    """
    if not isinstance(parameters.get("vocabulary_id", ""), str):
        raise off_specification("vocabulary_id must be a string")
    own = parameters.get("vocabulary")
    if own is not None and not (model.inline_words and isinstance(own, dict) and all(map(_is_weight, own.values()))):
        raise off_specification("vocabulary must be an object of words and weights")
    listed = hot_words.words_for(parameters.get("vocabulary_id"), name) if model.hot_words else []
    return [*listed, *(own or {})]


def _is_weight(value: Any) -> bool:
    return is_integer(value, 1, 5) or value == 50


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


def _check_parameters(parameters: Mapping[str, Any], switches: Sequence[str], others: Sequence[str]) -> None:
    for name, value in parameters.items():
        if name not in (*switches, *others):
            raise invalid("Invalid backend response received (missing status name)")  # ERR: a misspelt parameter
        if name in switches and not isinstance(value, bool):
            raise off_specification(f"{name} must be a boolean")
    for name, kind in (("channel_id", int), ("language_hints", str)):
        items = parameters.get(name)
        if items is not None and not (isinstance(items, list) and all(type(item) is kind for item in items)):
            raise off_specification(f"{name} must be a list")
    for name in ("special_word_filter", "language"):
        if not isinstance(parameters.get(name, ""), str):
            raise off_specification(f"{name} must be a string")
    count = parameters.get("speaker_count")
    if count is not None and not is_integer(count, 2, 100):
        raise off_specification("speaker_count must be between 2 and 100")
