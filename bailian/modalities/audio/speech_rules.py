"""What is refused of a text to speak, by model and voice. Sources: docs/wire.md "Speech"."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from bailian.catalog import Catalog, Model
from bailian.catalog.stock_voices import Voice, is_told_a_voice, stock_voices
from bailian.errors import Problem
from bailian.i18n import tr
from bailian.modalities.audio.speech_bodies import HOT_FIX_PARTS, LANGUAGE_TYPES
from bailian.modalities.audio.speech_request import SpeechRequest
from bailian.modalities.rules import fields
from bailian.text.characters import has_nothing_to_say
from bailian.text.counting import counted

SUBTITLES = ("srt", "vtt", "lrc", "ass")
FORMATS = ("wav", "mp3", "pcm")
"""Those of Sambert; other models name theirs in the catalog."""
# SAM-CE names the first four, SAM-PY's own sample and SAM-WS the last. 32000 and 44100 stand on no page, and what the
# service does with a rate it does not know is not documented.
SAMPLE_RATES_HZ = (8000, 16000, 22050, 24000, 48000)
HINTS = ("zh", "en", "fr", "de", "ja", "ko", "ru", "pt", "th", "id", "vi", "es", "it", "ms", "fil", "ar")
SEED_MAX = 65_535
VOLUME, RATE, PITCH = (0, 100), (0.5, 2), (0.5, 2)
INSTRUCTION_CHARS = 100
# v3 takes these sentences and no other (CVL, ERR).
FIXED_INSTRUCTION = re.compile(
    r"(你正在进行.+，)?你说话的情感是(neutral|fearful|angry|sad|surprised|happy|disgusted)。|请用.+话表达。"
)
COMPRESSED = ("mp3", "opus")


def problems(request: SpeechRequest, model: Model, voice: Voice | None, catalog: Catalog, region: str) -> list[Problem]:
    """Return everything that is wrong, each with what is allowed, or with the models or voices that have it."""
    return [
        *fields.region_problems(model, region),
        *_prompt(request),
        *_format(request, model, catalog),
        *_sound_problems(request, model),
        *_lacking(request, model, voice, catalog),
    ]


def _prompt(request: SpeechRequest) -> list[Problem]:
    """What the service does with a text of marks alone is not documented; it would be paid for silence."""
    found = fields.check_prompt("prompt", request.prompt, None)
    if found or not has_nothing_to_say(request.prompt):
        return found
    return [Problem("prompt", tr("has only punctuation: there is nothing to say", "只有标点：没有可朗读的内容"))]


def _sound_problems(request: SpeechRequest, model: Model) -> list[Problem]:
    if model.style == "text_voice":
        return [
            Problem(name, tr(f"{model.name} has no {name}: leave it out", f"{model.name} 不支持 {name}：请去掉该参数"))
            for name, usual in (("sample_rate", None), ("volume", 50), ("rate", 1.0), ("pitch", 1.0))
            if getattr(request, name) != usual
        ]
    found = [
        *fields.check_range("volume", request.volume, *VOLUME),
        *fields.check_number("rate", request.rate, *RATE),
        *fields.check_number("pitch", request.pitch, *PITCH),
    ]
    if request.sample_rate is not None:
        found += _choice("sample_rate", request.sample_rate, model.sample_rates_hz or SAMPLE_RATES_HZ)
    return found


def _format(request: SpeechRequest, model: Model, catalog: Catalog) -> list[Problem]:
    found = _choice("format", request.format, model.audio_formats or FORMATS)
    having = _models(lambda one: request.format in one.audio_formats, catalog) if found else []
    if not having:
        return found
    names = ", ".join(having)
    more = tr(f"; those that have it: {names}", f"；支持的有：{names}")
    return [Problem("format", found[0].message + more)]


def _choice(field: str, value: object, allowed: Sequence[object]) -> list[Problem]:
    if value in allowed:
        return []
    shown = ", ".join(map(str, allowed))
    return [Problem(field, tr(f"{value!r} is not one of {shown}", f"{value!r} 不在允许的取值之内：{shown}"))]


# ── what only some have ──


def _is_duplex(model: Model) -> bool:
    return model.style == "duplex"


def _takes_language(model: Model) -> bool:
    return is_told_a_voice(model)


def _has_pronunciations(model: Model) -> bool:
    return model.pronunciations


def _has_http(model: Model) -> bool:
    return bool(model.http_route) or model.style == "text_voice"


MODEL_FIELDS: Mapping[str, Callable[[Model], bool]] = {
    "seed": _is_duplex,
    "bit_rate": _is_duplex,
    "language": _takes_language,
    "pronounce": _has_pronunciations,
    "http": _has_http,
}
"""Fields that a model has or not, whatever its voice."""
VOICE_FIELDS: Mapping[str, Callable[[Model, Voice], bool]] = {
    "ssml": lambda model, voice: model.ssml and voice.ssml,
    "instruct": lambda model, voice: model.instructions == "free" or bool(model.instructions and voice.instructions),
}


def _lacking(request: SpeechRequest, model: Model, voice: Voice | None, catalog: Catalog) -> list[Problem]:
    found: list[Problem] = []
    for name, has in MODEL_FIELDS.items():
        if _is_unasked(getattr(request, name)):
            continue
        found += _VALUES[name](request, model) if has(model) else [_refused(name, model.name, _models(has, catalog))]
    for name, voice_has in VOICE_FIELDS.items():
        if not getattr(request, name):
            continue
        if voice is not None and voice_has(model, voice):
            found += _VALUES[name](request, model)
        else:
            found.append(_refused(name, _who(model, voice), _voices(voice_has, model, catalog)))
    return found + (_subtitle_problems(request, model, voice) if request.subtitles else [])


def _is_unasked(value: object) -> bool:
    """0 is a seed."""
    return value is None or value is False or value == ""


def _who(model: Model, voice: Voice | None) -> str:
    if voice is None:
        return model.name
    return tr(f"{voice.name} of {model.name}", f"{model.name} 的 {voice.name}")


def _refused(field: str, who: str, having: Sequence[str]) -> Problem:
    names = ", ".join(having)
    return Problem(
        field, tr(f"{who} has no {field}; those that have it: {names}", f"{who} 不支持 {field}；支持的有：{names}")
    )


def _models(has: Callable[[Model], bool], catalog: Catalog) -> list[str]:
    return [model.name for model in catalog.of_kind("speech") if has(model) and not model.retired(catalog.today)]


def _voices(has: Callable[[Model, Voice], bool], model: Model, catalog: Catalog) -> list[str]:
    """Return the voices of this model that have it, else the models of which some have."""
    able = [voice for voice in stock_voices(catalog) if has(catalog[voice.model], voice)]
    own = [voice.name for voice in able if voice.model == model.name]
    if own:
        return [*own[:8], *(["…"] if len(own) > 8 else [])]
    living = (voice.model for voice in able if not catalog[voice.model].retired(catalog.today))
    return list(dict.fromkeys(living))


def _subtitle_problems(request: SpeechRequest, model: Model, voice: Voice | None) -> list[Problem]:
    if unknown := _choice("subtitles", request.subtitles, SUBTITLES):
        return unknown
    if not (model.word_times and (voice is None or voice.word_times)):
        who = _who(model, voice)
        text = tr(
            f"{who} tells no word times, which subtitles are made of: leave them out, or take another voice",
            f"{who} 不返回字词时间，无法生成字幕：请去掉该参数或换用其他音色",
        )
        return [Problem("subtitles", text)]
    if request.http:
        text = tr(
            "word times come over the socket only: leave http out", "字词时间只能通过 WebSocket 返回：请去掉 http"
        )
        return [Problem("subtitles", text)]
    return []


# ── values ──


def _seed(request: SpeechRequest, _model: Model) -> list[Problem]:
    return fields.check_range("seed", request.seed, 0, SEED_MAX)


def _bit_rate(request: SpeechRequest, _model: Model) -> list[Problem]:
    if request.format not in COMPRESSED:
        text = tr(
            f"{request.format} has no bit rate: leave it out, or take --format mp3 or opus",
            f"{request.format} 没有码率：请去掉该参数，或使用 --format mp3 或 opus",
        )
        return [Problem("bit_rate", text)]
    return fields.check_range("bit_rate", request.bit_rate, 6, 510)


def _language(request: SpeechRequest, model: Model) -> list[Problem]:
    return _choice("language", request.language, HINTS if model.style == "duplex" else tuple(LANGUAGE_TYPES))


def _nothing(_request: SpeechRequest, _model: Model) -> list[Problem]:
    return []


def _pronounce(request: SpeechRequest, _model: Model) -> list[Problem]:
    given = request.pronounce or {}
    parts = given if set(given) <= set(HOT_FIX_PARTS) else {"pronunciation": given}
    if all(_are_pairs(pairs) for pairs in parts.values()):
        return []
    text = tr(
        'is {"word": "how it is said"}, or {"pronunciation": {…}, "replace": {"word": "other word"}}',
        '应为 {"词": "读音"}，或 {"pronunciation": {…}, "replace": {"词": "替换为"}}',
    )
    return [Problem("pronounce", text)]


def _are_pairs(pairs: Any) -> bool:
    tables = [pairs] if isinstance(pairs, dict) else pairs if isinstance(pairs, list) else [None]
    return all(
        isinstance(table, dict) and all(word and isinstance(said, str) and said for word, said in table.items())
        for table in tables
    )


def _ssml(request: SpeechRequest, model: Model) -> list[Problem]:
    most, count = model.prompt_chars, counted(request.prompt, model.han_counts)
    if most is not None and count > most:
        text = tr(
            f"SSML goes in one piece: {count} counted characters with its tags, at most {most} are allowed",
            f"SSML 只能一次发送：含标签共计 {count} 个字符，最多 {most} 个",
        )
        return [Problem("prompt", text)]
    return [] if _is_ssml(request.prompt) else [Problem("prompt", _no_ssml())]


def _is_ssml(text: str) -> bool:
    if "<!" in text or "<?" in text:  # no declarations: they could say anything
        return False
    try:
        root = ElementTree.fromstring(f"<all>{text}</all>")  # noqa: S314
    except ElementTree.ParseError:
        return False
    outside = [root.text, *(speak.tail for speak in root)]
    nested = [inner for speak in root for inner in speak.iter("speak") if inner is not speak]
    return (
        len(root) > 0
        and all(one.tag == "speak" for one in root)
        and not nested
        and not "".join(filter(None, outside)).strip()
    )


def _no_ssml() -> str:
    return tr(
        "is no SSML: well-formed XML, all of it inside <speak>…</speak>, `&` written as &amp;",
        "不是有效的 SSML：须为格式正确的 XML，全部内容在 <speak>…</speak> 之内，`&` 写作 &amp;",
    )


def _instruct(request: SpeechRequest, model: Model) -> list[Problem]:
    if model.style == "text_voice":
        return []
    count = counted(request.instruct, 2)
    if count > INSTRUCTION_CHARS:
        text = tr(
            f"counts {count}, at most {INSTRUCTION_CHARS} are allowed (a Han character counts twice)",
            f"计 {count} 个字符，最多 {INSTRUCTION_CHARS} 个（一个汉字计 2）",
        )
        return [Problem("instruct", text)]
    if model.instructions == "fixed" and not FIXED_INSTRUCTION.fullmatch(request.instruct):
        form = "你说话的情感是happy。"
        text = tr(
            f"{model.name} takes this sentence only, with neutral, fearful, angry, sad, surprised, happy or "
            f"disgusted: {form}, or a dialect: 请用河南话表达。",
            f"{model.name} 只接受固定句式：{form}（neutral、fearful、angry、sad、surprised、happy、disgusted），"
            "或方言：请用河南话表达。",
        )
        return [Problem("instruct", text)]
    return []


_VALUES: Mapping[str, Callable[[SpeechRequest, Model], list[Problem]]] = {
    "seed": _seed,
    "bit_rate": _bit_rate,
    "language": _language,
    "pronounce": _pronounce,
    "http": _nothing,
    "ssml": _ssml,
    "instruct": _instruct,
}
