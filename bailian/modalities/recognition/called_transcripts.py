"""The answer of a recognition in one call → a transcript as a task's link leads to it. Two shapes, and one level deeper.

Facts: docs/wire.md "Recognition of today" (QASR, FUNF, NRT-GUIDE; 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bailian.counts import MOST_SECONDS, amount_of
from bailian.types.json_values import object_of, objects_of, text_of

_ENDS = ("。", "！", "？", "!", "?", "；", ";", "…", ".")
"""What ends a sentence: a recording of five minutes is one sentence to the service, and none to a reader."""


def called_transcript(answer: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a call heard; without a sentence nothing was said. None: the answer is not one of a call."""
    output = object_of(answer.get("output"))
    usage = object_of(answer.get("usage"))
    seconds = amount_of(usage.get("seconds", usage.get("duration")), MOST_SECONDS)
    if isinstance(output.get("choices"), list):
        return _of_message(output["choices"], seconds)
    inner = output if "sentence" in output or isinstance(output.get("text"), str) else object_of(output.get("output"))
    if isinstance(inner.get("sentence"), dict | list) or isinstance(inner.get("text"), str):
        return _of_sentences(inner, seconds)
    return None


def _of_message(choices: Sequence[Any], seconds: float | None) -> dict[str, Any] | None:
    """Read a message: `content` is a list of texts, a text, or empty where nobody spoke."""
    message = object_of(choices[0]).get("message") if choices else None
    if not isinstance(message, dict) or not isinstance(message.get("content"), str | list):
        return None
    content = message["content"]
    text = content if isinstance(content, str) else "".join(text_of(part.get("text")) for part in objects_of(content))
    info = next((one for one in objects_of(message.get("annotations")) if one.get("type") == "audio_info"), {})
    told = {name: info[name] for name in ("language", "emotion") if text_of(info.get(name))}
    return _transcript([], text, seconds, **told)


def _of_sentences(output: Mapping[str, Any], seconds: float | None) -> dict[str, Any]:
    given = output.get("sentence")
    found = [given] if isinstance(given, dict) else objects_of(given)
    sentences = [part for one in found for part in _divided(one)]
    text = text_of(output.get("text")) or "".join(text_of(one.get("text")) for one in found)
    return _transcript(sentences, text, seconds)


def _transcript(sentences: Sequence[Any], text: str, seconds: float | None, **told: str) -> dict[str, Any]:
    if not text.strip() and not sentences:
        return {"transcripts": []}
    length = {} if seconds is None else {"content_duration_in_milliseconds": seconds * 1000}
    return {"transcripts": [{"text": text, "sentences": list(sentences), **length, **told}]}


def _divided(sentence: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Divide a sentence behind each word that ends one, as far as its words are found in its text."""
    text, words = text_of(sentence.get("text")), objects_of(sentence.get("words"))
    groups = _groups(text, words)
    if not text.strip() and not words:
        return
    if groups is None or len(groups) < 2:
        yield sentence
        return
    for said, own in groups:
        yield {"begin_time": own[0].get("begin_time"), "end_time": own[-1].get("end_time"), "text": said, "words": own}


def _groups(text: str, words: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]] | None:
    groups: list[tuple[str, list[Mapping[str, Any]]]] = []
    begun, at = 0, 0
    own: list[Mapping[str, Any]] = []
    for word in words:
        said, sign = text_of(word.get("text")).strip(), text_of(word.get("punctuation")).strip()
        place = text.find(said, at) if said else at
        if place < 0:
            return None
        at = place + len(said)
        if sign:
            behind = text.find(sign, at)
            at = behind + len(sign) if behind >= 0 and not text[at:behind].strip() else at
        own.append(word)
        if sign.endswith(_ENDS):
            groups.append((text[begun:at], own))
            begun, own = at, []
    if own:
        groups.append((text[begun:], own))
    elif groups and text[begun:].strip():
        return None
    return groups
