"""The answers of recognition tasks. Every part of one may be missing, null or of another type.

Facts: docs/wire.md "Recognition" (the service's Paraformer pages, 2024 to 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import unquote

from bailian.counts import MOST_SECONDS, amount_of
from bailian.files import subtitles
from bailian.i18n import tr
from bailian.types import Item, Notice, StoredRequest, TranscriptionContext

# "No speech found" is an answer, not a failure (error page, 2025-12).
NO_SPEECH = ("SUCCESS_WITH_NO_VALID_FRAGMENT", "ASR_RESPONSE_HAVE_NO_WORDS")


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and -1e15 < value < 1e15
    return value if good else None


def _ms(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else round(number)


def _first(output: Any) -> Mapping[str, Any]:
    """Return the entry of the one file of ours."""
    results = _object(output).get("results")
    return _object(results[0]) if isinstance(results, list) and results else {}


def document_url(answer: Mapping[str, Any]) -> str | None:
    """Return the link to the transcript of a subtask that SUCCEEDED. It is signed and lives 24 h."""
    entry = _first(answer.get("output"))
    url = _text(entry.get("transcription_url"))
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
    return any(part.get("code") in NO_SPEECH for part in (_object(output), _first(output)))


def items(answer: Mapping[str, Any], prepared: StoredRequest) -> list[Item]:
    """Return a file a format, made of the transcript; its link while it is not fetched; or why there is none."""
    output = _object(answer.get("output"))
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
    code = _text(entry.get("code")) or _text(output.get("code")) or "unknown"
    reason = _text(entry.get("message")) or _text(output.get("message"))
    return [Item(0, code=code, message=reason or tr("no transcript came", "没有识别结果"), wire=entry)]


def _written(transcript: Mapping[str, Any], prepared: StoredRequest) -> list[Item]:
    context = TranscriptionContext.of(prepared.context)
    cues = cues_of(transcript)
    length_ms = _number(_object(transcript.get("properties")).get("original_duration_in_milliseconds"))
    more = {} if length_ms is None else {"duration": length_ms / 1000}
    formats = [name for name in context.formats if name in subtitles.FORMATS] or ["txt"]
    return [
        Item(
            index,
            text=subtitles.json_text(cues, _whole_text(transcript), context.language, **more)
            if name == "json"
            else subtitles.WRITERS[name](cues),
            suffix=name,
        )
        for index, name in enumerate(formats)
    ]


def cues_of(transcript: Mapping[str, Any]) -> list[subtitles.Cue]:
    """Return the sentences of all channels in the order in which they were said."""
    channels = _objects(transcript.get("transcripts"))
    cues = [cue for channel in channels for cue in _channel_cues(channel)]
    return sorted(cues, key=lambda cue: cue.start_ms)


def _channel_cues(channel: Mapping[str, Any]) -> Iterator[subtitles.Cue]:
    number = _ms(channel.get("channel_id"))
    sentences = _objects(channel.get("sentences"))
    if not sentences and _text(channel.get("text")).strip():
        length_ms = _ms(channel.get("content_duration_in_milliseconds")) or 0
        yield subtitles.Cue(0, length_ms, _text(channel.get("text")).strip(), channel=number)
    end_ms = 0
    for sentence in sentences:
        words = tuple(_words(sentence))
        start_ms = _ms(sentence.get("begin_time"))
        start_ms = (words[0].start_ms if words else end_ms) if start_ms is None else start_ms
        end_ms = _ms(sentence.get("end_time")) or (words[-1].end_ms if words else start_ms)
        text = _text(sentence.get("text")).strip() or "".join(word.text for word in words).strip()
        yield subtitles.Cue(start_ms, end_ms, text, _ms(sentence.get("speaker_id")), number, words)


def _words(sentence: Mapping[str, Any]) -> Iterator[subtitles.Word]:
    """A space may stand before or after a word, in `text` or in `punctuation`: none is added."""
    for word in _objects(sentence.get("words")):
        start_ms = _ms(word.get("begin_time")) or 0
        said = _text(word.get("text")) + _text(word.get("punctuation"))
        yield subtitles.Word(start_ms, _ms(word.get("end_time")) or start_ms, said)


def _whole_text(transcript: Mapping[str, Any]) -> str:
    """Return what was said: a line a channel, as the service puts it together, else a line a sentence."""
    texts = [_text(channel.get("text")).strip() for channel in _objects(transcript.get("transcripts"))]
    return "\n".join(filter(None, texts)) or "\n".join(cue.text for cue in cues_of(transcript))


def answer_notices(answer: Mapping[str, Any], prepared: StoredRequest) -> list[Notice]:
    """Say so when nobody speaks in the recording: the files are empty, and that is no failure."""
    output = answer.get("output")
    transcript = _first(output).get("transcript")
    if not no_speech(output) and (not isinstance(transcript, dict) or cues_of(transcript)):
        return []
    return [Notice("no_speech", tr("no speech was found in the recording", "录音中没有识别到语音"))]


def charged_cny(answer: Mapping[str, Any], prepared: StoredRequest) -> float | None:
    """Return seconds billed × price; silence is free."""
    usage = _object(answer.get("usage"))
    if "duration" not in usage and no_speech(answer.get("output")):
        return 0.0
    seconds = amount_of(usage.get("duration"), MOST_SECONDS)
    if seconds is None:
        return None
    second_cny = TranscriptionContext.of(prepared.context).second_cny
    return None if second_cny is None else round(second_cny * seconds, 6)


def with_paths(answer: Mapping[str, Any], prepared: StoredRequest, paths: Mapping[int, str]) -> dict[str, Any]:
    """Return the answer's `output`; its result has the text, and `path` (and `paths`) instead of the transcript."""
    shown: dict[str, Any] = deepcopy(dict(_object(answer.get("output"))))
    entry = dict(_first(shown))
    transcript = entry.pop("transcript", None)
    if isinstance(transcript, dict) or no_speech(shown):
        entry["text"] = _whole_text(_object(transcript))
    placed = [paths[index] for index in sorted(paths)]
    if placed:
        entry["path"] = placed[0]
    if len(placed) > 1:
        entry["paths"] = placed
    if entry:
        results = shown.get("results")
        shown["results"] = [entry, *(results[1:] if isinstance(results, list) else [])]
    return shown


def matches(answer: Mapping[str, Any], body: Mapping[str, Any], job_id: str) -> bool | None:
    """Return whether a task wrote down the recording of this body; None while it does not say which.

    An upload has the job's id in its name, in whatever form the service shows its address.
    """
    shown, asked = _text(_first(answer.get("output")).get("file_url")), asked_prompt(body)
    if not shown:
        return None
    return job_id in shown if asked.startswith("file://") else unquote(shown) == unquote(asked)


def asked_prompt(body: Mapping[str, Any]) -> str:
    """Return the recording's URL: what a task of ours shows as `file_url`."""
    return str(body["input"]["file_urls"][0])
