"""Text to speech: Sambert (each name is a voice), and the models that are told a voice.

Facts: docs/wire.md "Speech" (the service's pages on Sambert, CosyVoice and Qwen-TTS, and its price page, 2025 to 2026).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bailian.catalog import Catalog, Mode, Model
from bailian.catalog.stock_voices import is_told_a_voice
from bailian.errors import InvalidRequest
from bailian.files.sentences import split_text
from bailian.i18n import tr
from bailian.modalities.audio.speech_answers import USUAL_RATE_HZ, asked_prompt, charged_cny, items, with_paths
from bailian.modalities.audio.speech_bodies import LANGUAGE_TYPES, body
from bailian.modalities.audio.speech_request import SpeechRequest
from bailian.modalities.audio.speech_rules import problems
from bailian.modalities.audio.speech_voices import choose_voice, refusal_advice
from bailian.modalities.rules import choice, fields
from bailian.text.characters import has_nothing_to_say
from bailian.text.counting import counted
from bailian.types import Input, Notice, Prepared, PriceTier, SpeechContext

__all__ = [  # what a modality provides
    "asked_prompt",
    "charged_cny",
    "from_config",
    "items",
    "prepare",
    "refusal_advice",
    "with_paths",
]

KIND = "speech"
DEFAULT_MODELS = ("sambert-zhichu-v1",)
INPUT_FIELDS: tuple[str, ...] = ()
DOCUMENT_FIELDS = ("pronounce",)
CHOSEN_TOGETHER = ("model", "voice")
"""Who names one of them takes neither from the settings."""
RESULT_SUFFIXES = ("wav", "mp3", "pcm", "opus")
FILE_SUFFIXES = RESULT_SUFFIXES
RETRY_SAFE = False

PRICED_CHARACTERS = 10_000
FIRST_FIELDS = ("model", "prompt", "format", "sample_rate", "volume", "rate", "pitch", "subtitles")
PIECES_A_TASK = 10
"""On the socket a task takes so many times the text of a piece (COSY-CE: 20,000 and 200,000)."""
# What the service's own form of a request may say because it is sent anyway.
ALWAYS_SENT = {"text_type": "PlainText", "word_timestamp_enabled": False, "phoneme_timestamp_enabled": False}
SERVICE_NAMES = {
    "text": "prompt",
    "instruction": "instruct",
    "instructions": "instruct",
    "enable_ssml": "ssml",
    "hot_fix": "pronounce",
    "language_hints": "language",
    "language_type": "language",
}
LANGUAGES = {
    "zh": ("Chinese", "中文"),
    "en": ("English", "英文"),
    "es": ("Spanish", "西班牙文"),
    "it": ("Italian", "意大利文"),
    "id": ("Indonesian", "印尼文"),
    "fr": ("French", "法文"),
    "de": ("German", "德文"),
    "th": ("Thai", "泰文"),
}


def from_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return our fields for the service's names (`text`, `instruction` …); what is always sent is dropped.

    Raises:
        InvalidRequest: a field is given under both names.
    """
    flat = {name: value for name, value in values.items() if name not in ALWAYS_SENT or value != ALWAYS_SENT[name]}
    for theirs, ours in SERVICE_NAMES.items():
        value = flat.pop(theirs, None)
        if value is None:
            continue
        if flat.get(ours) is not None:
            raise InvalidRequest.one(
                theirs,
                tr(f"is another name of {ours}: give one of them", f"与 {ours} 含义相同：只需给出一个"),
            )
        flat[ours] = _our_language(value) if ours == "language" else value
    return flat


def _our_language(value: Any) -> Any:
    """The service says a list of one, or a word in English."""
    first = value[0] if isinstance(value, list) and value else value
    codes = {word: code for code, word in LANGUAGE_TYPES.items()}
    return codes.get(first, "" if first == "Auto" else first) if isinstance(first, str) else first


def prepare(
    values: Mapping[str, Any], catalog: Catalog, region: str, inputs: Mapping[str, Input] | None = None
) -> Prepared:
    """Check the fields against model and voice and build the body; a text beyond the limits becomes several parts.

    Raises:
        InvalidRequest: every problem found, each with what is allowed.
    """
    request, told = fields.clean_texts(fields.parse(SpeechRequest, values), "prompt", "instruct")
    found = choose_voice(request.model, request.voice, DEFAULT_MODELS, catalog, region)
    chosen, model, voice = found.chosen, found.chosen.model, found.voice
    fields.raise_if_any(problems(request, model, voice, catalog, region))
    wire_model = model.wire_name(region)
    sample_rate_hz = request.sample_rate or model.sample_rate_hz
    asked = request.model_copy(
        update={
            "model": model.name,
            "voice": voice.name if voice else None,
            "sample_rate": sample_rate_hz if is_over_http(model) else sample_rate_hz or USUAL_RATE_HZ,
            "http": request.http or is_over_http(model),
        }
    )
    parts = _parts(asked, model)
    price_cny = fields.price_cny(model, region)
    return Prepared(
        model=replace(model, mode=Mode.SYNC, route=model.http_route or model.route) if asked.http else model,
        wire_model=wire_model,
        request=_as_asked(asked),
        body=body(asked, model, wire_model),
        unit_cny=None if price_cny is None else price_cny / PRICED_CHARACTERS,
        units=counted(request.prompt, model.han_counts),
        count=2 if request.subtitles else 1,
        notices=(
            *choice.notices(chosen, wire_model, region, catalog),
            *found.notices,
            *told,
            *_notices(asked, model, parts),
        ),
        context=SpeechContext(
            retired=choice.retirement(chosen, catalog, region),
            alternatives=_alternatives(model, catalog) if model.unknown_to_service else "",
            parts=tuple(parts),
            subtitles=request.subtitles,
            piece_chars=model.prompt_chars if model.style == "duplex" and not asked.http else None,
            http=asked.http,
            han_counts=model.han_counts,
            tokens=_token_price(model),
        ),
    )


def _as_asked(request: SpeechRequest) -> dict[str, Any]:
    """Return the fields; those that Sambert never had only where they say something: older requests stay the same."""
    return {
        name: value
        for name, value in request.model_dump().items()
        if name in FIRST_FIELDS or value or (name == "seed" and value is not None)
    }


def is_over_http(model: Model) -> bool:
    """Return whether the model has no socket."""
    return model.style == "text_voice"


def _token_price(model: Model) -> PriceTier | None:
    price = model.price_cny if model.price_unit == "1k_tokens" else None
    return PriceTier.from_json(dict(price)) if isinstance(price, Mapping) else None


def _parts(request: SpeechRequest, model: Model) -> list[str]:
    """Return what is sent, a task each; marks alone are nothing to say."""
    limit = model.prompt_chars
    if limit is None:
        return [request.prompt]
    if model.style == "duplex" and not request.http:
        limit *= PIECES_A_TASK
    return [part for part in split_text(request.prompt, limit, _cut_counts(model)) if not has_nothing_to_say(part)]


def _cut_counts(model: Model) -> int:
    """Of Qwen-TTS the page says 600 characters, and not how a Han character counts in them: the safe way is taken."""
    return model.han_counts


def _notices(request: SpeechRequest, model: Model, parts: Sequence[str]) -> list[Notice]:
    notices = []
    own, asked_hz = model.sample_rate_hz, request.sample_rate or 0
    if own and asked_hz > own and not is_told_a_voice(model):
        text = tr(
            f"{model.name} speaks at {own} Hz; {asked_hz} Hz make the file larger, not better",
            f"{model.name} 的原始采样率为 {own} Hz；{asked_hz} Hz 只会增大文件，不会提高音质",
        )
        notices.append(Notice("upsampled", text))
    if len(parts) > 1:
        count, most = (
            len(parts),
            (model.prompt_chars or 0) * (1 if request.http or not is_told_a_voice(model) else PIECES_A_TASK),
        )
        text = tr(
            f"{model.name} speaks at most {most} characters at once: "
            f"the text is sent in {count} parts, joined into one file",
            f"{model.name} 单次最多合成 {most} 个字符：文本分 {count} 段发送，并合并为一个文件",
        )
        notices.append(Notice("text_split", text))
    if model.ssml and not request.ssml and request.prompt.lstrip().startswith("<speak"):
        text = tr(
            "the text looks like SSML, and is read out as it stands: add --ssml",
            "文本疑似 SSML，将按原文朗读：请加 --ssml",
        )
        notices.append(Notice("ssml_off", text))
    if _token_price(model) is not None:
        text = tr(
            f"{model.name} is paid by tokens; how many a text becomes is not published: no cost is known before",
            f"{model.name} 按 token 计费；文本折合多少 token 未公布：无法预估费用",
        )
        notices.append(Notice("price_unknown", text))
    return notices


def _alternatives(model: Model, catalog: Catalog) -> str:
    """Name the voices that exist, for a name that the vendor never had: those whose first language is the same."""
    of_kind = catalog.of_kind(KIND)
    voices = [
        one for one in of_kind if not (one.unknown_to_service or is_told_a_voice(one) or one.retired(catalog.today))
    ]
    same = [voice for voice in voices if model.languages and voice.languages[:1] == model.languages[:1]]
    names = ", ".join(voice.name for voice in same or voices)
    if not same:
        return tr(f"voices: {names}", f"可用音色：{names}")
    language = model.languages[0]
    english, chinese = LANGUAGES.get(language, (language, language))
    return tr(f"{english} voices: {names}", f"{chinese}音色：{names}")
