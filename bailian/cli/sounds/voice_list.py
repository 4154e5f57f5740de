"""audio.py voices: every stock voice, by model, with what it costs and can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bailian.catalog import Catalog, Model, catalog, did_you_mean
from bailian.catalog.stock_voices import Voice, stock_voices
from bailian.config import settings
from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.modalities.audio.speech_voices import voices_command


def list_voices(model: str | None, language: str | None, as_json: bool) -> None:
    """Print the voices of the models that live, or of one model: name, model, languages, price, abilities."""
    from bailian.cli.output.columns import print_table
    from bailian.cli.output.terminal import print_json

    models = catalog.load(settings.home_folder())
    found = list(_wanted(models, model, language))
    if not found:
        raise _none(models, model, language)
    if as_json:
        print_json({"voices": [_as_json(voice, models[voice.model]) for voice in found]})
    else:
        print_table([_row(voice, models[voice.model]) for voice in found])


def _wanted(models: Catalog, model: str | None, language: str | None) -> Iterator[Voice]:
    for voice in stock_voices(models):
        lives = not models[voice.model].retired(models.today)
        if (voice.model == model if model else lives) and (language is None or language in voice.languages):
            yield voice


def _none(models: Catalog, model: str | None, language: str | None) -> InvalidRequest:
    advice = tr(f"`{voices_command()}` lists all", f"`{voices_command()}` 列出全部音色")
    known = [one.name for one in models.of_kind("speech")]
    if model is not None and model not in known:
        text = tr(f"no model for speech is named {model}", f"没有名为 {model} 的语音合成模型")
        return InvalidRequest.one("model", text + did_you_mean(model, known), advice=advice)
    if model is not None and language is None:
        text = tr(f"{model} has no stock voices: it speaks with your own", f"{model} 没有系统音色：只用自己的音色")
        return InvalidRequest.one("model", text, advice=f"{voices_command()} own list")
    text = tr(f"no voice speaks {language}", f"没有会说 {language} 的音色")
    return InvalidRequest.one("language", text, advice=advice)


def _as_json(voice: Voice, model: Model) -> dict[str, Any]:
    return {
        "voice": voice.name,
        "model": voice.model,
        "title": voice.title,
        "gender": voice.gender,
        "languages": list(voice.languages),
        "sample_rate_hz": model.sample_rate_hz,
        "price_cny": model.price_cny,
        "price_unit": model.price_unit,
        "subtitles": tr("yes", "有") if voice.word_times else tr("no", "无"),
        "ssml": voice.ssml,
        "instruct": _takes_instruct(voice, model),
        "description": voice.description,
    }


def _row(voice: Voice, model: Model) -> dict[str, Any]:
    able = {"subtitles": voice.word_times, "ssml": voice.ssml, "instruct": _takes_instruct(voice, model)}
    return {
        "voice": voice.name,
        "model": voice.model,
        "languages": ", ".join(voice.languages),
        "price": _price(model),
        "abilities": ", ".join(name for name, has in able.items() if has) or "-",
        "description": voice.description,
    }


def _takes_instruct(voice: Voice, model: Model) -> bool:
    return model.instructions == "free" or bool(model.instructions and voice.instructions)


def _price(model: Model) -> str:
    if isinstance(model.price_cny, int | float):
        return tr(f"{model.price_cny:g} CNY / 10k", f"{model.price_cny:g} 元/万字符")
    return tr("by tokens", "按 token")
