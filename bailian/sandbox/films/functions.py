"""The functions of the "all in one" model: which inputs and parameters each has (VACE in README.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bailian.sandbox.films.body import NamedInput
from bailian.sandbox.films.inputs import TOLERANCE_S, FilmInput, InputError
from bailian.sandbox.films.sizes import SIZES, on_grid_within
from bailian.sandbox.http.refusals import Refusal, field_required, invalid_url, off_specification
from bailian.sandbox.tasks.requests import is_integer, is_number, read_sides

LENGTH_S = 5.0
"""Every film is about so long, and of a longer one the first so many seconds are used."""

CLIPS_S = 3.0
"""Of first and last clip together."""

_ROLES = {
    "video_url": "video",
    "mask_image_url": "mask_image",
    "mask_video_url": "mask_video",
    "first_frame_url": "first_frame",
    "last_frame_url": "last_frame",
    "first_clip_url": "first_clip",
    "last_clip_url": "last_clip",
}
_SCALES = ("top_scale", "bottom_scale", "left_scale", "right_scale")
_WORDS = {
    "mask_type": ("tracking", "fixed"),
    "expand_mode": ("hull", "bbox", "original"),
}
_RANGES = {"strength": (0.0, 1.0), "expand_ratio": (0.0, 1.0), **dict.fromkeys(_SCALES, (1.0, 2.0))}


@dataclass(frozen=True, kw_only=True)
class Function:
    """What one function takes."""

    fields: tuple[str, ...] = ()
    needs: tuple[tuple[str, ...], ...] = ()
    """Of each of these groups of fields at least one."""
    references: tuple[int, int] = (0, 0)
    controls: tuple[str, ...] = ()
    needs_control: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Its other parameters."""


_VIDEO = (("video_url",),)
_CONTROLS = ("posebodyface", "posebody", "depth", "scribble")
FUNCTIONS: Mapping[str, Function] = {
    "image_reference": Function(references=(1, 3)),
    "video_repainting": Function(
        fields=("video_url",),
        needs=_VIDEO,
        references=(0, 1),
        controls=_CONTROLS,
        needs_control=True,
        defaults={"strength": 1.0},
    ),
    "video_edit": Function(
        fields=("video_url", "mask_image_url", "mask_video_url"),
        needs=(*_VIDEO, ("mask_image_url", "mask_video_url")),
        references=(0, 1),
        controls=("", "posebodyface", "depth"),
        defaults={"mask_type": "tracking", "expand_ratio": 0.05, "expand_mode": "hull"},
    ),
    "video_extension": Function(
        fields=("first_frame_url", "last_frame_url", "first_clip_url", "last_clip_url", "video_url"),
        needs=(("first_frame_url", "last_frame_url", "first_clip_url", "last_clip_url"),),
        controls=("", *_CONTROLS),
    ),
    "video_outpainting": Function(fields=("video_url",), needs=_VIDEO, defaults=dict.fromkeys(_SCALES, 1.0)),
}


@dataclass(frozen=True)
class FunctionCall:
    """What a body asks of a function."""

    name: str
    named: tuple[NamedInput, ...]
    options: Mapping[str, Any]
    size: tuple[int, int] | None
    """Only where there is no film that sets it."""


def read_function(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> FunctionCall:
    """Read a function's inputs and parameters; those of the others are ignored.

    Raises:
        Refusal: something is missing or out of range.
    """
    name = inputs.get("function")
    if not name:
        raise field_required("input.function")
    if not isinstance(name, str) or name not in FUNCTIONS:
        raise off_specification(f"function must be one of {', '.join(FUNCTIONS)}")
    function = FUNCTIONS[name]
    for group in function.needs:
        if not any(inputs.get(one) for one in group):
            raise field_required(f"input.{group[0]}")
    references = _references(function, inputs)
    named = [NamedInput(_ROLES[one], _url(inputs[one])) for one in function.fields if inputs.get(one)]
    named += [NamedInput("reference_image", url) for url in references]
    options = _options(function, inputs, parameters)
    size = None
    if name == "image_reference":
        options["obj_or_bg"] = _kinds(parameters.get("obj_or_bg"), len(references))
        size = _size(parameters.get("size") or SIZES[720][0])
    return FunctionCall(name, tuple(named), options, size)


def _url(value: Any) -> str:
    """No `data:`, and no Chinese in an address."""
    if not isinstance(value, str) or not value.isascii():
        raise invalid_url()
    return value


def _references(function: Function, inputs: Mapping[str, Any]) -> list[str]:
    fewest, most = function.references
    urls = inputs.get("ref_images_url") if most else None
    if not urls:
        if fewest:
            raise field_required("input.ref_images_url")
        return []
    if not isinstance(urls, list) or not fewest <= len(urls) <= most:
        raise off_specification(f"ref_images_url must have {max(1, fewest)} to {most} items")
    return [_url(url) for url in urls]


def _kinds(value: Any, count: int) -> list[str]:
    """What each reference is; one alone needs no word."""
    if value is None and count == 1:
        return ["obj"]
    kinds = value if isinstance(value, list) else []
    if len(kinds) != count or not {*map(str, kinds)} <= {"obj", "bg"} or kinds.count("bg") > 1:
        raise off_specification("obj_or_bg must have one of obj, bg for each of ref_images_url, and at most one bg")
    return list(kinds)


def _size(value: Any) -> tuple[int, int]:
    sides = read_sides(value)
    if value not in SIZES[720]:
        raise off_specification(f"size must be one of {', '.join(SIZES[720])}")
    return sides


def _options(function: Function, inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if function.controls:
        control = parameters.get("control_condition")
        if control is None and not function.needs_control:
            control = ""
        if control not in function.controls:
            raise off_specification(f"control_condition must be one of {', '.join(filter(None, function.controls))}")
        options["control_condition"] = control
    for name, default in function.defaults.items():
        value = parameters.get(name, default)
        words, limits = _WORDS.get(name), _RANGES.get(name)
        if words is not None and value not in words:
            raise off_specification(f"{name} must be one of {', '.join(words)}")
        if limits is not None and not is_number(value, *limits):
            raise off_specification(f"{name} must be between {limits[0]} and {limits[1]}")
        options[name] = value
    frame = inputs.get("mask_frame_id", 1)
    if inputs.get("mask_image_url") and not is_integer(frame, 1, 10**6):
        raise off_specification("mask_frame_id must be an integer from 1")
    return options


def check_together(inputs: Sequence[FilmInput]) -> None:
    """Check what the inputs must be to each other.

    Raises:
        InputError: clips that are too long together, or a mask of another size than its film.
    """
    clips_s = sum(one.duration_s for one in inputs if one.role in ("first_clip", "last_clip"))
    if clips_s > CLIPS_S + TOLERANCE_S:
        raise InputError(
            "InvalidFile.Duration", f"Invalid file duration. The file duration must be 0 s ~ {CLIPS_S:g} s."
        )
    film = next((one for one in inputs if one.role == "video"), None)
    for mask in inputs:
        if film and mask.role.startswith("mask") and (mask.width, mask.height) != (film.width, film.height):
            words = f"the parameters must conform to the specification: {mask.role}_url must have the size of video_url"
            raise InputError("InvalidParameter", words)


def length_of(call: FunctionCall, inputs: Sequence[FilmInput]) -> float:
    """Return how long the film is: as the one it is made from, 5 seconds at most."""
    film = next((one for one in inputs if one.role == "video"), None)
    return LENGTH_S if film is None or call.name == "video_extension" else min(LENGTH_S, film.duration_s)


def size_of(call: FunctionCall, inputs: Sequence[FilmInput]) -> tuple[int, int]:
    """Return the sides: as the film or picture it is made from, 720P at most; outpainting makes it larger (a guess).

    Raises:
        Refusal: there is nothing to go by.
    """
    if call.size is not None:
        return call.size
    seen = next((one for one in inputs if one.width), None)
    if seen is None:
        raise Refusal(400, "InvalidParameter", "read video error.")
    width, height = float(seen.width), float(seen.height)
    if call.name == "video_outpainting":
        top, bottom, left, right = (float(call.options[scale]) for scale in _SCALES)
        width, height = width * (left + right) / 2, height * (top + bottom) / 2
    return on_grid_within(round(width), round(height), 720)
