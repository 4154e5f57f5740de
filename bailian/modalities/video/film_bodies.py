"""The documented body of a film, in the dialect of its model: only what the service's page lists is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bailian.catalog import Model
from bailian.modalities.rules.ways import documents
from bailian.modalities.video.film_inputs import FilmInput
from bailian.modalities.video.film_sizes import FilmSize
from bailian.modalities.video.video_request import VideoRequest

PLACES: Mapping[str, Mapping[str, str]] = {
    "prompt": {"driving_audio": "audio_url"},
    "img_url": {"first_frame": "img_url", "driving_audio": "audio_url"},
    "first_last_frame": {"first_frame": "first_frame_url", "last_frame": "last_frame_url"},
    "reference_urls": {"reference_image": "reference_urls", "reference_video": "reference_urls"},
    "function": {
        "reference_image": "ref_images_url",
        "video": "video_url",
        "mask_image": "mask_image_url",
        "mask_video": "mask_video_url",
        "first_frame": "first_frame_url",
        "last_frame": "last_frame_url",
        "first_clip": "first_clip_url",
        "last_clip": "last_clip_url",
    },
    "media": {},
}
"""Dialect → where the link of a role stands in `input`; in "media" all stand in one list, with their types."""
LISTS = ("reference_urls", "ref_images_url")
ARGUMENTS = (
    "audio_setting", "control_condition", "strength", "mask_type", "expand_ratio", "expand_mode", "obj_or_bg",
    "top_scale", "bottom_scale", "left_scale", "right_scale",
)  # fmt: skip
"""Parameters with the names of our fields, sent only if they are asked for."""


def body_of(
    request: VideoRequest, model: Model, wire_model: str, inputs: Sequence[FilmInput], size: FilmSize, duration_s: int
) -> dict[str, Any]:
    """Return the body. The model is as it is called."""
    return {
        "model": wire_model,
        "input": _input(request, model, inputs),
        "parameters": _parameters(request, model, size, duration_s),
    }


def _input(request: VideoRequest, model: Model, inputs: Sequence[FilmInput]) -> dict[str, Any]:
    texts = {
        "function": request.vace,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "template": request.template,
    }
    own: dict[str, Any] = {name: text for name, text in texts.items() if text}
    if model.style == "media":
        # An empty list was seen to be refused (LIVE-E).
        return {**own, **({"media": [_entry(one) for one in inputs]} if inputs else {})}
    places = PLACES[model.style]
    for one in inputs:
        place = places[one.role]
        if place in LISTS:
            own.setdefault(place, []).append(one.given.url)
        else:
            own[place] = one.given.url
    if request.mask_frame_id is not None:
        own["mask_frame_id"] = request.mask_frame_id
    return own


def _entry(one: FilmInput) -> dict[str, str]:
    voice = {"reference_voice": one.voice.url} if one.voice else {}
    return {"type": one.role, "url": one.given.url, **voice}


def _parameters(request: VideoRequest, model: Model, size: FilmSize, duration_s: int) -> dict[str, Any]:
    """Return all that is asked for and documented. Defaults are sent: the service's own are the dearest."""
    asked: dict[str, Any] = {
        "size": size.wire_size or None,
        "resolution": size.tier or None,
        "ratio": size.ratio or None,
        "duration": duration_s,
        "audio": not request.no_audio,
        "shot_type": request.shots or None,
        "prompt_extend": extends(request, model),
        "watermark": request.watermark,
        "seed": request.seed,
        **{name: _given(getattr(request, name)) for name in ARGUMENTS},
        "control_condition": request.control_condition,  # "" is one
    }
    return {name: value for name, value in asked.items() if value is not None and documents(model, name)}


def _given(value: Any) -> Any:
    return None if value in ([], "") else value


def extends(request: VideoRequest, model: Model) -> bool | None:
    """Return whether the prompt is extended; None where that cannot be chosen."""
    if not documents(model, "prompt_extend"):
        return None
    return model.extends_usually if request.prompt_extend is None else request.prompt_extend
