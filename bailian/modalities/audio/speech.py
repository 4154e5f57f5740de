"""Text to speech: the Sambert voices (each name is a voice), spoken over a socket.

Facts: docs/wire.md "Speech" (the service's Sambert pages and price page, 2025 to 2026).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from bailian.catalog import Catalog, Model
from bailian.errors import InvalidRequest, Problem
from bailian.files.sentences import split_text
from bailian.i18n import tr
from bailian.modalities.audio.speech_answers import USUAL_RATE_HZ, asked_prompt, charged_cny, items, with_paths
from bailian.modalities.rules import choice, fields
from bailian.text.characters import is_blank
from bailian.types import Input, Notice, Prepared, SpeechContext

__all__ = [  # what a modality provides
    "asked_prompt",
    "charged_cny",
    "from_config",
    "items",
    "prepare",
    "with_paths",
]

KIND = "speech"
DEFAULT_MODELS = ("sambert-zhichu-v1",)
INPUT_FIELDS: tuple[str, ...] = ()
RESULT_SUFFIXES = ("wav", "mp3", "pcm")
FILE_SUFFIXES = RESULT_SUFFIXES
RETRY_SAFE = False

SUBTITLES = ("srt", "vtt")
# SAM-CE names the first four, SAM-PY's own sample and SAM-WS the last. 32000 and 44100 stand on no page, and what the
# service does with a rate it does not know is not documented.
SAMPLE_RATES_HZ = (8000, 16000, 22050, 24000, 48000)
PRICED_CHARACTERS = 10_000
# What the service's own form of a request may say because it is sent anyway.
ALWAYS_SENT = {"text_type": "PlainText", "word_timestamp_enabled": False, "phoneme_timestamp_enabled": False}
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


class SpeechRequest(BaseModel):
    """What a user asks for. `rate` is the speed, 1.0 is about four Han characters a second."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str | None = None
    prompt: str
    format: str = "wav"
    sample_rate: int | None = None
    volume: int = 50
    rate: float = 1.0
    pitch: float = 1.0
    subtitles: str = ""


def from_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return our fields for the service's: it says `text`; what is always sent is dropped.

    Raises:
        InvalidRequest: both `text` and `prompt` are given.
    """
    flat = {name: value for name, value in values.items() if name not in ALWAYS_SENT or value != ALWAYS_SENT[name]}
    text = flat.pop("text", None)
    if text is None:
        return flat
    if flat.get("prompt") is not None:
        raise InvalidRequest.one(
            "text", tr("is another name of prompt: give one of them", "与 prompt 含义相同：只需给出一个")
        )
    return {**flat, "prompt": text}


def prepare(
    values: Mapping[str, Any], catalog: Catalog, region: str, inputs: Mapping[str, Input] | None = None
) -> Prepared:
    """Check the fields against the model and build the body; a text beyond the model's limit becomes several parts.

    Raises:
        InvalidRequest: every problem found, each with what is allowed.
    """
    request, told = fields.clean_texts(fields.parse(SpeechRequest, values), "prompt")
    chosen = choice.choose(request.model, KIND, DEFAULT_MODELS, catalog, region)
    model = chosen.model
    fields.raise_if_any(_problems(request, model, region))
    wire_model = model.wire_name(region)
    sample_rate_hz = request.sample_rate or model.sample_rate_hz or USUAL_RATE_HZ
    parts = _parts(request.prompt, model.prompt_chars)
    context = SpeechContext(
        retired=choice.retirement(chosen, catalog, region),
        alternatives=_alternatives(model, catalog) if model.unknown_to_service else "",
        parts=tuple(parts),
        subtitles=request.subtitles,
    )
    price_cny = fields.price_cny(model, region)
    asked = request.model_copy(update={"model": model.name, "sample_rate": sample_rate_hz})
    return Prepared(
        model=model,
        wire_model=wire_model,
        request=asked.model_dump(),
        body=_body(asked, wire_model),
        unit_cny=None if price_cny is None else price_cny / PRICED_CHARACTERS,
        units=len(request.prompt),
        count=2 if request.subtitles else 1,
        notices=(
            *choice.notices(chosen, wire_model, region, catalog),
            *told,
            *_notices(model, sample_rate_hz, parts),
        ),
        context=context,
    )


def _problems(request: SpeechRequest, model: Model, region: str) -> list[Problem]:
    problems = [
        *fields.region_problems(model, region),
        *fields.check_prompt("prompt", request.prompt, None),
        *_choice_problems("format", request.format, RESULT_SUFFIXES),
        *fields.check_range("volume", request.volume, 0, 100),
        *fields.check_number("rate", request.rate, 0.5, 2.0),
        *fields.check_number("pitch", request.pitch, 0.5, 2.0),
    ]
    if request.sample_rate is not None:
        problems += _choice_problems("sample_rate", request.sample_rate, SAMPLE_RATES_HZ)
    if request.subtitles:
        problems += _choice_problems("subtitles", request.subtitles, SUBTITLES) or _times_problems(model)
    return problems


def _choice_problems(field: str, value: object, allowed: Sequence[object]) -> list[Problem]:
    if value in allowed:
        return []
    shown = ", ".join(map(str, allowed))
    return [Problem(field, tr(f"{value!r} is not one of {shown}", f"{value!r} 不在允许的取值之内：{shown}"))]


def _times_problems(model: Model) -> list[Problem]:
    if model.word_times:
        return []
    return [
        Problem(
            "subtitles",
            tr(
                f"{model.name} tells no word times, which subtitles are made of: leave them out, or take another voice",
                f"{model.name} 不返回字词时间，无法生成字幕：请去掉该参数或换用其他音色",
            ),
        )
    ]


def _parts(text: str, limit: int | None) -> list[str]:
    """Return what is sent, a task each; white space alone is nothing to say, and would be refused."""
    if limit is None:
        return [text]
    return [part for part in split_text(text, limit) if not is_blank(part)]


def _notices(model: Model, sample_rate_hz: int, parts: Sequence[str]) -> list[Notice]:
    notices = []
    if model.sample_rate_hz and sample_rate_hz > model.sample_rate_hz:
        own = model.sample_rate_hz
        text = tr(
            f"{model.name} speaks at {own} Hz; {sample_rate_hz} Hz make the file larger, not better",
            f"{model.name} 的原始采样率为 {own} Hz；{sample_rate_hz} Hz 只会增大文件，不会提高音质",
        )
        notices.append(Notice("upsampled", text))
    if len(parts) > 1:
        count = len(parts)
        text = tr(
            f"{model.name} speaks at most {model.prompt_chars} characters at once: "
            f"the text is sent in {count} parts, joined into one file",
            f"{model.name} 单次最多合成 {model.prompt_chars} 个字符：文本分 {count} 段发送，并合并为一个文件",
        )
        notices.append(Notice("text_split", text))
    return notices


def _alternatives(model: Model, catalog: Catalog) -> str:
    """Name the voices that exist, for a name that the vendor never had: those whose first language is the same."""
    of_kind = catalog.of_kind(KIND)
    voices = [voice for voice in of_kind if not voice.unknown_to_service and not voice.retired(catalog.today)]
    same = [voice for voice in voices if model.languages and voice.languages[:1] == model.languages[:1]]
    names = ", ".join(voice.name for voice in same or voices)
    if not same:
        return tr(f"voices: {names}", f"可用音色：{names}")
    language = model.languages[0]
    english, chinese = LANGUAGES.get(language, (language, language))
    return tr(f"{english} voices: {names}", f"{chinese}音色：{names}")


def _body(request: SpeechRequest, wire_model: str) -> dict[str, Any]:
    """Build the payload of the whole text. Two pages disagree on the defaults, so all are sent."""
    return {
        "model": wire_model,
        "task_group": "audio",
        "task": "tts",
        "function": "SpeechSynthesizer",
        "input": {"text": request.prompt},
        "parameters": {
            "text_type": "PlainText",
            "format": request.format,
            "sample_rate": request.sample_rate,
            "volume": request.volume,
            "rate": request.rate,
            "pitch": request.pitch,
            "word_timestamp_enabled": bool(request.subtitles),
            "phoneme_timestamp_enabled": False,
        },
    }
