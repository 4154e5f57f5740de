"""The JSON of a transcript → sentences with their times. Every part of it may be missing, null or of another type.

Facts: docs/wire.md "Recognition" (the service's pages of recognition, 2024 to 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bailian.files import subtitles
from bailian.types.json_values import number_of, objects_of, text_of


def ms_of(value: Any) -> int | None:
    number = number_of(value)
    return None if number is None else round(number)


def cues_of(transcript: Mapping[str, Any]) -> list[subtitles.Cue]:
    """Return the sentences of all channels in the order in which they were said."""
    channels = objects_of(transcript.get("transcripts"))
    cues = [cue for channel in channels for cue in _channel_cues(channel)]
    return sorted(cues, key=lambda cue: cue.start_ms)


def _channel_cues(channel: Mapping[str, Any]) -> Iterator[subtitles.Cue]:
    number = ms_of(channel.get("channel_id"))
    sentences = objects_of(channel.get("sentences"))
    if not sentences and text_of(channel.get("text")).strip():
        length_ms = ms_of(channel.get("content_duration_in_milliseconds")) or 0
        yield _told(subtitles.Cue(0, length_ms, text_of(channel.get("text")).strip(), channel=number), channel)
    end_ms = 0
    for sentence in sentences:
        words = tuple(_words(sentence))
        start_ms = ms_of(sentence.get("begin_time"))
        start_ms = (words[0].start_ms if words else end_ms) if start_ms is None else start_ms
        end_ms = ms_of(sentence.get("end_time")) or (words[-1].end_ms if words else start_ms)
        text = text_of(sentence.get("text")).strip() or "".join(word.text for word in words).strip()
        cue = subtitles.Cue(start_ms, end_ms, text, ms_of(sentence.get("speaker_id")), number, words)
        yield _told(cue, sentence)


def _told(cue: subtitles.Cue, said: Mapping[str, Any]) -> subtitles.Cue:
    """Return a sentence with what some models tell of it beside its text."""
    return replace(cue, language=text_of(said.get("language")), emotion=text_of(said.get("emotion")))


def _words(sentence: Mapping[str, Any]) -> Iterator[subtitles.Word]:
    """A space may stand before or after a word, in `text` or in `punctuation`: none is added."""
    for word in objects_of(sentence.get("words")):
        start_ms = ms_of(word.get("begin_time")) or 0
        said = text_of(word.get("text")) + text_of(word.get("punctuation"))
        yield subtitles.Word(start_ms, ms_of(word.get("end_time")) or start_ms, said)


def whole_text(transcript: Mapping[str, Any]) -> str:
    """Return what was said: a line a channel, as the service puts it together, else a line a sentence."""
    texts = [text_of(channel.get("text")).strip() for channel in objects_of(transcript.get("transcripts"))]
    return "\n".join(filter(None, texts)) or "\n".join(cue.text for cue in cues_of(transcript))
