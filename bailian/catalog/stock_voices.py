"""The stock voices of the models that are told a voice, and those models that are a voice themselves (Sambert).

`voices/FAMILY.toml` has groups of voices that share models, languages and abilities. A voice is bound to its model:
another one refuses it. A voice that several models have stands once for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from bailian.catalog.model import Model
from bailian.text.toml_files import parse_toml

PACKAGE_FOLDER = Path(__file__).with_name("voices")
KIND = "speech"


@dataclass(frozen=True, kw_only=True)
class Voice:
    """One voice of one model."""

    name: str
    """What `voice` says on the wire; of Sambert the model's name."""
    model: str
    title: str = ""
    gender: str = ""
    """"female", "male" or not known."""
    description: str = ""
    languages: tuple[str, ...] = ()
    word_times: bool = False
    ssml: bool = False
    instructions: bool = False
    """Whether it takes the style that its model takes (`Model.instructions`)."""


def stock_voices(models: Mapping[str, Model]) -> list[Voice]:
    """Return every voice of these models, by model in their order."""
    told = _package_voices()
    return [
        voice
        for model in models.values()
        if KIND in model.kinds and not model.unknown_to_service
        for voice in told.get(model.name, () if is_told_a_voice(model) else (_itself(model),))
    ]


def is_told_a_voice(model: Model) -> bool:
    """Return whether a call of the model names a voice; one that is not is a voice itself."""
    return model.style in ("duplex", "text_voice")


def _itself(model: Model) -> Voice:
    return Voice(
        name=model.name,
        model=model.name,
        title=model.title,
        description=model.description,
        languages=model.languages,
        word_times=model.word_times,
    )


@lru_cache(maxsize=1)
def _package_voices() -> dict[str, tuple[Voice, ...]]:
    found: dict[str, list[Voice]] = {}
    for path in sorted(PACKAGE_FOLDER.glob("*.toml")):
        for voice in voices_in(parse_toml(path.read_text(encoding="utf-8"))):
            found.setdefault(voice.model, []).append(voice)
    return {model: tuple(voices) for model, voices in found.items()}


def voices_in(content: Mapping[str, Any]) -> Iterator[Voice]:
    """Yield the voices of a file: what a voice does not say its group says."""
    known = {field.name for field in fields(Voice)}
    for group in content["groups"]:
        shared = {name: value for name, value in group.items() if name not in ("models", "voices")}
        for own in group["voices"]:
            said = {**shared, **own}
            if unknown := set(said) - known:
                raise ValueError(f"a voice has no {', '.join(sorted(unknown))}")
            for model in group["models"]:
                yield Voice(**{**said, "languages": tuple(said["languages"])}, model=model)
