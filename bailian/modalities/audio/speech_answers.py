"""What a voice has answered: the sound, its word times, what it cost; the answers of many parts as one.

Facts: docs/wire.md "Speech" (the service's Sambert pages and price page, 2025 to 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from bailian.counts import MOST_CHARACTERS, count_of
from bailian.files.sentences import lines_of
from bailian.i18n import tr
from bailian.types import Item, PriceTier, SpeechContext, StoredRequest
from bailian.types.json_values import object_of, objects_of

USUAL_RATE_HZ = 16000


def payload_of(body: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Return what is sent for one part of the text; over HTTP the options stand beside it."""
    own = deepcopy(dict(body))
    return {**own, "input": {**own["input"], "text": text}}


@dataclass(frozen=True)
class SoundForm:
    """What a sound is written as."""

    suffix: str
    sample_rate_hz: int


def sound_form(body: Mapping[str, Any]) -> SoundForm:
    """Return what was asked for, of the whole text or a part of it."""
    told = (body.get("input"), body.get("parameters"))
    options = {name: value for part in told if isinstance(part, Mapping) for name, value in part.items()}
    return SoundForm(str(options.get("format") or "wav"), int(options.get("sample_rate") or USUAL_RATE_HZ))


def joined(answers: Sequence[Mapping[str, Any]], durations_ms: Sequence[int | None]) -> dict[str, Any]:
    """Return one answer for the answers of all parts: times count from the begin of the first.

    Args:
        answers: one a part, in order.
        durations_ms: how long each part plays; None where that is not known: then its last sentence's end counts.
    """
    sentences: list[dict[str, Any]] = []
    shift_ms = 0
    for answer, duration_ms in zip(answers, durations_ms, strict=True):
        own = _sentences(answer)
        sentences += [_shifted(sentence, shift_ms) for sentence in own]
        shift_ms += _last_ms(own) if duration_ms is None else duration_ms
    output = {"sentences": sentences, "audio_bytes": sum(_audio_bytes(answer) for answer in answers)}
    links = [link_of(answer) for answer in answers]
    if any(links):
        output = {
            "audios": [
                _output(answer).get("audio") if link else {} for answer, link in zip(answers, links, strict=True)
            ]
        }
    counts = [_characters(answer) for answer in answers]
    # A part that told no figure would make the sum too small; without one the text is counted.
    known = [count for count in counts if count is not None]
    usage: dict[str, Any] = {"usage": {"characters": sum(known)}} if known and len(known) == len(counts) else {}
    for name in ("input_tokens", "output_tokens"):
        tokens = [_tokens(answer, name) for answer in answers]
        if any(tokens):
            usage.setdefault("usage", {})[name] = sum(count or 0 for count in tokens)
    return {"request_id": answers[0].get("request_id") if answers else None, "output": output, **usage}


def running_times(sentences: Sequence[Mapping[str, Any]], form: SoundForm) -> list[dict[str, Any]]:
    """Return sentences whose times run on from the begin of the sound.

    Whether the service's do, or begin anew in each sentence, is not known (COSY-SE): a sentence that begins before the
    middle of the last one begins anew. It then stands where its sound began, else behind the last one.
    """
    told = [dict(sentence) for sentence in sentences]
    spans = [span for sentence in told if (span := _span_ms(sentence)) is not None]
    if all(2 * after[0] >= sum(before) for before, after in pairwise(spans)):
        return told
    running: list[dict[str, Any]] = []
    end_ms = 0
    for sentence in told:
        shift_ms = max(end_ms, _begin_ms(sentence, form))
        running.append(_shifted(sentence, shift_ms))
        end_ms = shift_ms + (_span_ms(sentence) or (0, 0))[1]
    return running


def _span_ms(sentence: Mapping[str, Any]) -> tuple[int, int] | None:
    words = objects_of(sentence.get("words"))
    begins = [ms for word in words if (ms := _complete(word.get("begin_time"))) is not None]
    ends = [ms for word in words if (ms := _complete(word.get("end_time"))) is not None]
    return (min(begins), max(ends)) if begins and ends else None


def _begin_ms(sentence: Mapping[str, Any], form: SoundForm) -> int:
    """Return when a sentence's sound began, of formats where bytes are time: 16 bits, one channel."""
    begin = _complete(sentence.get("begin_bytes"))
    if not begin or form.suffix not in ("wav", "pcm"):
        return 0
    return begin * 1000 // (2 * form.sample_rate_hz)


def _shifted(value: Any, shift_ms: int) -> Any:
    """Return a sentence, and what it consists of, later by so much."""
    if isinstance(value, list):
        return [_shifted(inner, shift_ms) for inner in value]
    if not isinstance(value, dict):
        return value
    times_ms = {name: _complete(value.get(name)) for name in ("begin_time", "end_time")}
    later = {name: time_ms + shift_ms for name, time_ms in times_ms.items() if time_ms is not None}
    return {name: _shifted(inner, shift_ms) for name, inner in value.items()} | later


def _last_ms(sentences: Sequence[Mapping[str, Any]]) -> int:
    ends = (max(_complete(one.get("end_time")) or 0, (_span_ms(one) or (0, 0))[1]) for one in sentences)
    return max(ends, default=0)


def _complete(value: Any) -> int | None:
    """Return a number of the service as a whole one; nonsense (JSON as Python reads it may say NaN) is none."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 10**12
    return int(value) if good else None


def _output(answer: Mapping[str, Any]) -> dict[str, Any]:
    output = answer.get("output")
    return output if isinstance(output, dict) else {}


def _sentences(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    told = _output(answer).get("sentences")
    return [sentence for sentence in told if isinstance(sentence, dict)] if isinstance(told, list) else []


def _audio_bytes(answer: Mapping[str, Any]) -> int:
    return _complete(_output(answer).get("audio_bytes")) or 0


def _characters(answer: Mapping[str, Any]) -> int | None:
    usage = answer.get("usage")
    return count_of(usage.get("characters"), MOST_CHARACTERS) if isinstance(usage, dict) else None


def _tokens(answer: Mapping[str, Any], name: str) -> int | None:
    usage = answer.get("usage")
    return count_of(usage.get(name), MOST_CHARACTERS) if isinstance(usage, dict) else None


def link_of(answer: Mapping[str, Any]) -> str:
    """Return where the sound of one answer over HTTP is; "" where it has none."""
    return _url(_output(answer).get("audio"))


def links_of(answer: Mapping[str, Any]) -> list[str]:
    """Return where the sounds of all parts are; none where they came over the socket."""
    audios = _output(answer).get("audios")
    return [_url(audio) for audio in audios] if isinstance(audios, list) else []


def _url(audio: Any) -> str:
    url = audio.get("url") if isinstance(audio, dict) else None
    return url if isinstance(url, str) else ""


def items(answer: Mapping[str, Any], prepared: StoredRequest) -> list[Item]:
    """Return the sound, and the subtitles if they were asked for. Sound over HTTP is behind links, of each part one."""
    links = links_of(answer)
    if _audio_bytes(answer) <= 0 and not (links and all(links)):
        return []
    sound = Item(0, sound=True, suffix=sound_form(prepared.body).suffix)
    kind = SpeechContext.of(prepared.context).subtitles
    ssml = bool(object_of(prepared.body.get("parameters")).get("enable_ssml"))
    return [sound, _subtitles(answer, asked_prompt(prepared.body), kind, ssml=ssml)] if kind else [sound]


def said_of(ssml: str) -> str:
    """Return what is said of a text in SSML: without tags, with the words that stand in for others."""
    try:
        return "".join(_said(ElementTree.fromstring(f"<all>{ssml}</all>")))  # noqa: S314 - checked: no declarations
    except ElementTree.ParseError:  # a request of another program's journal
        return ssml


def _said(element: Element) -> Iterator[str]:
    alias = element.get("alias") if element.tag == "sub" else None
    yield alias or element.text or ""
    for inner in element:
        yield from () if alias else _said(inner)
        yield "" if alias else inner.tail or ""


def _subtitles(answer: Mapping[str, Any], text: str, kind: str, *, ssml: bool) -> Item:
    from bailian.files.subtitles import WRITERS, Cue

    lines = lines_of(said_of(text) if ssml else text, _sentences(answer))
    if not lines:
        reason = tr("the service told no word times: there are no subtitles", "服务未返回字词时间，没有字幕")
        return Item(1, code="NoWordTimes", message=reason)
    return Item(1, text=WRITERS[kind](Cue(line.start_ms, line.end_ms, line.text) for line in lines), suffix=kind)


def charged_cny(answer: Mapping[str, Any], prepared: StoredRequest) -> float | None:
    """Return characters billed × price; where the service told no figure, the text's own."""
    unit_cny, tokens = prepared.unit_cny, SpeechContext.of(prepared.context).tokens
    characters = _characters(answer)
    told = (_tokens(answer, "input_tokens"), _tokens(answer, "output_tokens"))
    if tokens is not None:
        return _by_tokens(tokens, *told)
    units = prepared.units if characters is None else characters
    return None if unit_cny is None or units is None else round(float(unit_cny) * float(units), 6)


def _by_tokens(price: PriceTier, input_tokens: int | None, output_tokens: int | None) -> float | None:
    if not input_tokens or not output_tokens:
        return None
    return round((price.input * input_tokens + price.output * output_tokens) / 1000, 6)


def asked_prompt(body: Mapping[str, Any]) -> str:
    """Return the whole text."""
    return str(body["input"]["text"])


def with_paths(answer: Mapping[str, Any], prepared: StoredRequest, paths: Mapping[int, str]) -> dict[str, Any]:
    """Return the answer's `output` with the sound's `path` and the subtitles' `subtitles_path`."""
    shown = deepcopy(_output(answer))
    for index, name in enumerate(("path", "subtitles_path")):
        if index in paths:
            shown[name] = paths[index]
    return shown
