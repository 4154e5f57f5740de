"""Which model speaks, and with which voice: a voice says its model, a model its voices. Pure.

A voice is bound to its model; an own voice, and a base voice of Qwen-Audio, begins with its model's name (docs/wire.md
"Speech"). Of several models that have a voice the cheapest living one is taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bailian.catalog import Catalog, Model, did_you_mean
from bailian.catalog.stock_voices import Voice, is_told_a_voice, stock_voices
from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities.rules import choice, fields
from bailian.modalities.rules.choice import Chosen
from bailian.text.characters import is_blank
from bailian.types import Notice

KIND = "speech"
_OWN_NAME = re.compile(r"-[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
SHOWN = 12
"""How many voices a refusal names."""


@dataclass(frozen=True)
class ChosenVoice:
    """The model that is sent, and the voice it is told; None: it is a voice itself."""

    chosen: Chosen
    voice: Voice | None = None
    notices: tuple[Notice, ...] = ()


def choose_voice(
    model: str | None, voice: str | None, defaults: tuple[str, ...], catalog: Catalog, region: str
) -> ChosenVoice:
    """Return the model and the voice for what a user named of both.

    Raises:
        InvalidRequest: no such model or voice, or one that does not belong to the other; with those that do.
    """
    if voice is not None and is_blank(voice):
        raise InvalidRequest.one(
            "voice",
            tr("is empty: name a voice, or leave it out", "不能为空：请指定音色，或去掉该参数"),
            advice=tr(f"`{voices_command()}` lists them", f"`{voices_command()}` 列出全部音色"),
        )
    if voice is None:
        chosen = choice.choose(model, KIND, defaults, catalog, region)
        return _with_first_voice(chosen, catalog) if is_told_a_voice(chosen.model) else ChosenVoice(chosen)
    having = _having(voice, catalog)
    if model is None:
        if not having:
            raise _unknown(voice, catalog)
        best = min(having, key=lambda one: _rank(catalog[one.model], catalog, region))
        return _told(choice.choose(best.model, KIND, defaults, catalog, region), best)
    chosen = choice.choose(model, KIND, defaults, catalog, region)
    found = next((one for one in having if one.model == chosen.model.name), None)
    if found is None:
        raise _of_another_model(voice, chosen.model, having, catalog)
    return _told(chosen, found)


def _told(chosen: Chosen, voice: Voice) -> ChosenVoice:
    return ChosenVoice(chosen, voice if is_told_a_voice(chosen.model) else None)


def _having(name: str, catalog: Catalog) -> list[Voice]:
    """Return the voice of every model that has it. A Sambert model is one; an own one is known by its form."""
    stock = [voice for voice in stock_voices(catalog) if voice.name == name]
    if stock:
        return stock
    if name in catalog and KIND in catalog[name].kinds:  # a name that the vendor never had is sent as named
        return [] if is_told_a_voice(catalog[name]) else [Voice(name=name, model=name)]
    models = [model for model in catalog.of_kind(KIND) if is_told_a_voice(model) and model.own_voices]
    own = [model for model in models if name.startswith(model.name) and _OWN_NAME.fullmatch(name[len(model.name) :])]
    longest = max(own, key=lambda model: len(model.name), default=None)
    return [] if longest is None else [_own(name, longest)]


def _own(name: str, model: Model) -> Voice:
    """An own voice takes what its model takes (SSML and the times of words: docs/wire.md)."""
    return Voice(
        name=name,
        model=model.name,
        word_times=model.word_times,
        ssml=model.ssml,
        instructions=model.instructions == "free",
    )


def _rank(model: Model, catalog: Catalog, region: str) -> tuple[bool, bool, bool, float]:
    """The cheapest of those that live; one whose price is not known by characters comes behind."""
    price_cny = fields.price_cny(model, region)
    return model.retired(catalog.today), region not in model.regions, price_cny is None, price_cny or 0.0


def _with_first_voice(chosen: Chosen, catalog: Catalog) -> ChosenVoice:
    """A model that is told a voice speaks with its first, unless it has own ones only."""
    model = chosen.model
    voices = [voice for voice in stock_voices(catalog) if voice.model == model.name]
    if not voices:
        raise InvalidRequest.one(
            "voice",
            tr(
                f"{model.name} has no stock voice: name one of your own", f"{model.name} 没有系统音色：请指定自己的音色"
            ),
            advice=tr(f"`{voices_command()} own list` lists them", f"`{voices_command()} own list` 列出自己的音色"),
        )
    text = tr(
        f"{model.name} speaks with {voices[0].name} (--voice takes another)",
        f"{model.name} 使用音色 {voices[0].name}（可用 --voice 指定其他音色）",
    )
    return ChosenVoice(chosen, voices[0], (Notice("default_voice", text),))


def _unknown(name: str, catalog: Catalog) -> InvalidRequest:
    if name in catalog and KIND in catalog[name].kinds:
        return InvalidRequest.one(
            "voice",
            tr(f"{name} is a model, not a voice", f"{name} 是模型，不是音色"),
            advice=f"--model {name}",
        )
    known = dict.fromkeys(voice.name for voice in stock_voices(catalog))
    return InvalidRequest.one(
        "voice",
        tr(f"unknown voice {name!r}", f"没有名为 {name!r} 的音色") + did_you_mean(name, known),
        advice=tr(f"`{voices_command()}` lists all", f"`{voices_command()}` 列出全部音色"),
    )


def _of_another_model(name: str, model: Model, having: list[Voice], catalog: Catalog) -> InvalidRequest:
    if not having:
        return _unknown(name, catalog)
    models = ", ".join(dict.fromkeys(voice.model for voice in having))
    own = [voice.name for voice in stock_voices(catalog) if voice.model == model.name and is_told_a_voice(model)]
    more = tr(", …", " 等") if len(own) > SHOWN else ""
    has = tr(f"; {model.name} has {', '.join(own[:SHOWN])}", f"；{model.name} 的音色有 {', '.join(own[:SHOWN])}") + more
    return InvalidRequest.one(
        "voice",
        tr(f"{name} is a voice of {models}, not of {model.name}", f"{name} 是 {models} 的音色，不属于 {model.name}")
        + (has if own else ""),
        advice=tr(
            f"leave --model out, or take --model {having[0].model}", f"请去掉 --model，或使用 --model {having[0].model}"
        ),
    )


_ENGINE_CODE = re.compile(r"error code: (\d{3})")


def refusal_advice(message: str) -> str:
    """Return what helps where the service has only a number for it (ERR); "": nothing is known."""
    code = _ENGINE_CODE.search(message)
    own, stock = f"`{voices_command()} own list`", f"`{voices_command()}`"
    unknown = tr(
        f"the model does not know the voice: it is misspelt, of another model or account, or not ready; {stock} lists "
        f"those of the models, {own} your own with their state",
        f"模型不认识该音色：名称有误、属于其他模型或账号，或尚未就绪；{stock} 列出系统音色，{own} 列出自己的音色及状态",
    )
    style = tr(
        "the model does not take --instruct in these words: give one of its fixed sentences, or leave it out",
        "模型不接受该 --instruct 写法：请使用其固定句式，或去掉该参数",
    )
    return {"418": unknown, "411": unknown, "428": style}.get(code[1], "") if code else ""


def voices_command() -> str:
    """Return the command that lists the voices."""
    return f"{how_to().script(KIND).removesuffix(' tts')} voices"
