"""Requests of films for the tests beside it: the files that go in, and the shortest request of each model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bailian.catalog import Catalog, load
from bailian.errors import InvalidRequest
from bailian.modalities.video import video
from bailian.types import Film, Input, Mask, Prepared, Probe, Recording

CATALOG = load()
DAY, NIGHT, CAT = "file:///day.jpg", "file:///night.png", "file:///cat.webp"
CLIP, SONG, VOICE, PLAN = "file:///clip.mp4", "file:///song.mp3", "file:///voice.wav", "file:///plan.pdf"
LINK, FILM_LINK = "https://h/a.jpg", "https://h/clip.mp4"
MASK, MASK_FILM = "file:///mask.png", "file:///mask.mp4"


def picture(
    format: str = "JPEG", sides: tuple[int, int] = (1280, 720), size_bytes: int = 1000, alpha: bool = False
) -> Probe:
    return Probe(format, *sides, size_bytes, alpha=alpha)


def film(
    duration_s: float | None = 5.0,
    sides: tuple[int | None, int | None] = (1280, 720),
    fps: float | None = 30.0,
    format: str = "mp4",
    size_bytes: int = 1000,
) -> Film:
    return Film(format, size_bytes, *sides, duration_s, fps, True)


def sound(duration_s: float | None = 8.0, format: str = "mp3", size_bytes: int = 1000) -> Recording:
    return Recording(size_bytes, duration_s, format)


FOUND: Mapping[str, Input] = {
    DAY: Input(DAY, picture()),
    NIGHT: Input(NIGHT, picture("PNG")),
    CAT: Input(CAT, picture("WEBP", (800, 1000))),
    CLIP: Input(CLIP, film=film()),
    SONG: Input(SONG, recording=sound()),
    VOICE: Input(VOICE, recording=sound(3.0, "wav")),
    PLAN: Input(PLAN, recording=sound(None, "pdf")),
    LINK: Input(LINK),
    FILM_LINK: Input(FILM_LINK),
    MASK: Input(MASK, picture("PNG"), Mask(0.5, pure=True)),
    MASK_FILM: Input(MASK_FILM, film=film()),
}


def made(
    model: str | None = None,
    region: str = "beijing",
    *,
    found: Mapping[str, Input] = FOUND,
    catalog: Catalog = CATALOG,
    **fields: Any,
) -> Prepared:
    """Return a checked request; `continue_` is `continue`. A prompt is there unless it is taken away (None)."""
    values = {"prompt": "猫", **fields, **({"model": model} if model else {})}
    given = {name.removesuffix("_"): value for name, value in values.items() if value is not None}
    return video.prepare(given, catalog, region, {**FOUND, **found})


def refusal(*args: Any, **fields: Any) -> list[str]:
    """Return what is wrong with a request, "field: text" each."""
    with pytest.raises(InvalidRequest) as caught:
        made(*args, **fields)
    return [f"{problem.field}: {problem.message}" for problem in caught.value.problems]


VACE: Mapping[str, Mapping[str, Any]] = {
    "image_reference": {"references": [DAY]},
    "video_repainting": {"video": [CLIP], "control_condition": "depth"},
    "video_edit": {"video": [CLIP], "mask": [MASK]},
    "video_extension": {"image": [DAY]},
    "video_outpainting": {"video": [CLIP], "top_scale": 1.5},
}
"""The shortest request of each function."""


def shortest(name: str) -> dict[str, Any]:
    """Return the fewest fields that a model takes."""
    model = CATALOG[name]
    if model.style == "function":
        return {"vace": "image_reference", **VACE["image_reference"]}
    fields = {
        "first_frame": ("image", DAY),
        "reference_image": ("references", DAY),
        "video": ("video", FILM_LINK if name.startswith("happyhorse") else CLIP),
    }
    needed = [role for role in model.input_sets[0] if not role.endswith("?")]
    return {fields[role][0]: [fields[role][1]] for role in needed}


FILM_MODELS = [model.name for model in CATALOG.of_kind("video")]
