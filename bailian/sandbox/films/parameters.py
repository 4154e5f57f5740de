"""The parameters of a film request, with the service's own defaults (FILM, HORSE, WAN3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.films.rules import FilmModel
from bailian.sandbox.http.refusals import off_specification
from bailian.sandbox.tasks.requests import read_seed, read_sides, read_switch

DEFAULT_DURATION_S = 5


@dataclass(frozen=True)
class Wishes:
    """What a body asks for beside its inputs."""

    tier: int
    ratio: str
    size: tuple[int, int] | None
    """Only where `size` is the parameter."""
    duration_s: int
    """0: as the input film; -1: as the model likes."""
    audio: bool
    origin: bool
    """Whether the input film's own sound is kept."""
    seed: int | None
    prompt_extend: bool
    watermark: bool


def read_wishes(model: FilmModel, parameters: Mapping[str, Any]) -> Wishes:
    """Read the parameters that the model has; others are ignored.

    Raises:
        Refusal: a value that the page does not name.
    """
    size = read_sides(parameters.get("size") or model.size) if model.ratio == "size" else None
    if model.shots and parameters.get("shot_type", "single") not in ("single", "multi"):
        raise off_specification("shot_type must be single or multi")
    setting = parameters.get("audio_setting", "auto")
    if model.audio_setting and setting not in ("auto", "origin"):
        raise off_specification("audio_setting must be auto or origin")
    audio = model.sound == "always"
    if model.sound == "switch":
        audio = read_switch(parameters, "audio", default=True)
    return Wishes(
        tier=model.tier if size else _tier(model, parameters.get("resolution")),
        ratio=_ratio(model, parameters.get("ratio")),
        size=size,
        duration_s=_duration(model, parameters.get("duration")),
        audio=audio,
        origin=model.audio_setting and setting == "origin",
        seed=read_seed(parameters.get("seed")),
        prompt_extend=read_switch(parameters, "prompt_extend", default=True),
        watermark=read_switch(parameters, "watermark", default=model.marked),
    )


def _tier(model: FilmModel, value: Any) -> int:
    tiers = {f"{tier}P": tier for tier in model.tiers}
    if value is None:
        return model.tier
    if not isinstance(value, str) or value not in tiers:
        raise off_specification(f"resolution must be one of {', '.join(tiers)}")
    return tiers[value]


def _ratio(model: FilmModel, value: Any) -> str:
    if not model.ratios or value is None:
        return model.ratio
    if value not in model.ratios:
        raise off_specification(f"ratio must be one of {', '.join(model.ratios)}")
    return str(value)


def _duration(model: FilmModel, value: Any) -> int:
    if value is None:
        return DEFAULT_DURATION_S if DEFAULT_DURATION_S in model.durations_s and 0 not in model.durations_s else 0
    if isinstance(value, bool) or not isinstance(value, int):
        raise off_specification("duration must be an integer")
    if model.durations_s == (0,):  # HORSE: an edit has none, it is as long as its film
        return 0
    if value not in model.durations_s:
        raise off_specification(f"duration must be one of {', '.join(map(str, model.durations_s))}")
    return value
