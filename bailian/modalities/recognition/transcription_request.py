"""What is asked of a recognition, and the service's names for it: its three kinds of body, read as one request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from bailian.errors import InvalidRequest
from bailian.files import subtitles
from bailian.i18n import tr

FORMATS = (*subtitles.FORMATS, *subtitles.PLAYER_FORMATS)
TIMED_FORMATS = ("srt", "vtt", "tsv", *subtitles.PLAYER_FORMATS)
"""Those that cannot be written without times."""
_LISTS = ("file", "format", "language", "channel_id", "context")
_SAME = (
    ("file_urls", "file"),
    ("file_url", "file"),
    ("language_hints", "language"),
    ("vocabulary", "hot_words"),
)
"""The service's names and ours."""


class TranscriptionRequest(BaseModel):
    """What a user asks for. `format` is ours: the files to write; `language` is told to the service as its model wants it."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str | None = None
    file: list[str]
    fast: bool = False
    format: list[str] = ["txt"]
    language: list[str] = []
    context: list[Any] = []
    hot_words: Any = None
    vocabulary_id: str = ""
    channel_id: list[int] = [0]
    diarization_enabled: bool = False
    speaker_count: int | None = None
    disfluency_removal_enabled: bool = False
    timestamp_alignment_enabled: bool = False
    enable_itn: bool = False
    enable_words: bool = False
    audio_format: str = ""
    special_word_filter: Any = None


def from_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return our names for the service's, of its tasks and of its calls (`messages`, `asr_options`).

    Raises:
        InvalidRequest: a field under both names, or a message without a recording.
    """
    flat = dict(values)
    if "messages" in flat:
        flat = _of_messages(flat)
    options = flat.pop("asr_options", None)
    if options is not None and not isinstance(options, dict):
        raise InvalidRequest.one("asr_options", tr("must be an object", "应为对象"))
    for name, value in (options or {}).items():
        _put(flat, f"asr_options.{name}", name, value)
    for theirs, ours in _SAME:
        if theirs in flat:
            _put(flat, theirs, ours, flat.pop(theirs))
    return flat


def _put(flat: dict[str, Any], theirs: str, ours: str, value: Any) -> None:
    if ours in flat:
        raise InvalidRequest.one(theirs, tr(f"is the same as {ours}: give one", f"与 {ours} 相同：只需给出一个"))
    flat[ours] = value


def _of_messages(values: Mapping[str, Any]) -> dict[str, Any]:
    """Take the recording out of the last message, and the context out of those before it."""
    flat = {name: value for name, value in values.items() if name != "messages"}
    messages = values["messages"]
    turns = messages if isinstance(messages, list) and all(isinstance(one, dict) for one in messages) else []
    parts = _parts(turns[-1]) if turns else []
    found = [_recording(part) for part in parts]
    if len(found) != 1 or not found[0]:
        raise InvalidRequest.one(
            "messages", tr("the last message must hold one recording, and nothing else", "最后一条消息应只含一个录音")
        )
    _put(flat, "messages", "file", found[0])
    context = [turn for turn in turns[:-1] if any(part.get("text") for part in _parts(turn))]
    if context:
        _put(flat, "messages", "context", context)
    # Here the service's `format` is the recording's. One of ours means what it means everywhere.
    if isinstance(flat.get("format"), str) and flat["format"] not in (*FORMATS, "all"):
        _put(flat, "format", "audio_format", flat.pop("format"))
    flat.pop("sample_rate", None)  # read from the recording
    return flat


def _parts(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message.get("content")
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _recording(part: Mapping[str, Any]) -> str:
    inner = part.get("audio", part.get("input_audio"))
    source = inner.get("data") if isinstance(inner, dict) else inner
    return source if isinstance(source, str) else ""


def with_lists(values: Mapping[str, Any]) -> dict[str, Any]:
    """One value stands for a list of one: `"format": "srt"`."""
    given = dict(values)
    for name in _LISTS:
        value = given.get(name)
        if isinstance(value, tuple):
            given[name] = list(value)
        elif isinstance(value, str) or type(value) is int:
            given[name] = [value]
    return given


def turns_of(context: list[Any]) -> list[tuple[str, str]] | None:
    """Return who said what before, of texts and of the service's own messages; None: something is neither."""
    turns = []
    for one in context:
        if isinstance(one, dict):
            role = one.get("role")
            text = "".join(str(part.get("text", "")) for part in _parts(one))
            turns.append((str(role), text))
            if role not in ("system", "user", "assistant") or not text:
                return None
        elif isinstance(one, str):
            turns.append(("user", one))
        else:
            return None
    return turns
