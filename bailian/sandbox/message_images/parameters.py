"""The parameters that only these models have: which a mode takes, boxes, palettes, the length of a set."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bailian.sandbox.http.refusals import invalid, off_specification
from bailian.sandbox.message_images.models import EVERY_PARAMETER
from bailian.sandbox.message_images.modes import MessageModel, Mode
from bailian.sandbox.tasks.requests import is_integer, read_switch

Box = tuple[int, int, int, int]
"""Left, top, right and lower edge in pixels of the picture as it came."""

BOXES_MAX = 2
BOX_SIDES = 4
COLOURS = (3, 10)
_HEX = re.compile(r"#[0-9A-Fa-f]{6}")
_SHARE = re.compile(r"(\d{1,3})\.(\d\d)%")
_WHOLE = 100_00
_EXTENSIONS = ("direct", "agent")
IMAGES_MAX = 5
_SWITCHES = ("thinking_mode", "enable_thinking", "stream")
_HARMLESS_WHEN_OFF = ("enable_sequential", "enable_interleave", "stream")


def mode_of(model: MessageModel, parameters: Mapping[str, Any], pictures: int) -> Mode:
    """Return what is asked for: a set, texts with pictures, an edit, or a picture from a text.

    Raises:
        Refusal: the model does not do that, or not with so many pictures.
    """
    in_turn = bool(model.interleaves) and read_switch(parameters, "enable_interleave", default=False)
    as_set = bool(model.sets) and read_switch(parameters, "enable_sequential", default=False)
    by_pictures = model.edits if pictures else model.draws
    mode = model.interleaves if in_turn else model.sets if as_set else by_pictures
    fewest, most = _range_told(model) if mode in (None, model.draws, model.edits) else mode.pictures
    if mode is None or not mode.pictures[0] <= pictures <= mode.pictures[1]:
        raise invalid(model.count_words.format(name="{name}", fewest=fewest, most=most))
    return mode


def _range_told(model: MessageModel) -> tuple[int, int]:
    """What a message says: drawing and editing are one model, "supports 0~3 image content items"."""
    if model.edits is None:
        return 0, 0
    return (0 if model.draws else model.edits.pictures[0]), model.edits.pictures[1]


def check_names(name: str, model: MessageModel, mode: Mode, parameters: Mapping[str, Any]) -> None:
    """Refuse what other models of the table have, and what this one has in another mode (strict guesses).

    Raises:
        Refusal: with the parameter's name.
    """
    for parameter, value in parameters.items():
        if parameter not in EVERY_PARAMETER or parameter in mode.parameters:
            continue
        off = value is None or value is False or value == []
        if not off or (parameter not in model.parameters and parameter not in _HARMLESS_WHEN_OFF):
            raise off_specification(f"{parameter} is not supported by {name} for {mode.scenario}")


def check_thinking(mode: Mode, parameters: Mapping[str, Any], pictures: int) -> None:
    """Refuse values of the switches and of `prompt_extend_mode` that make no sense.

    Raises:
        Refusal: with what is allowed.
    """
    for name in _SWITCHES:
        read_switch(parameters, name, default=False)
    extends = read_switch(parameters, "prompt_extend", default=True)
    if parameters.get("enable_thinking") and not extends:
        raise off_specification("enable_thinking must be used with prompt_extend")
    how = parameters.get("prompt_extend_mode")
    if how is None:
        return
    if how not in _EXTENSIONS:
        raise off_specification(f"prompt_extend_mode must be one of {', '.join(_EXTENSIONS)}")
    if how == "agent" and pictures:
        raise off_specification("prompt_extend_mode agent does not support image input")


def read_boxes(value: Any, pictures: int) -> list[list[Box]]:
    """Return the boxes by picture.

    Raises:
        Refusal: not one list a picture, or no boxes in them.
    """
    if value is None or value == []:
        return []
    if not isinstance(value, list) or len(value) != pictures:
        raise off_specification("bbox_list must have one list for each input image")
    boxes = [[_box(box) for box in of_one] if isinstance(of_one, list) else None for of_one in value]
    if any(of_one is None or len(of_one) > BOXES_MAX for of_one in boxes):
        raise off_specification(f"bbox_list supports at most {BOXES_MAX} boxes for each input image")
    return [of_one for of_one in boxes if of_one is not None]


def _box(value: Any) -> Box:
    sides = [side for side in value if type(side) is int] if isinstance(value, list) else []
    if len(sides) != BOX_SIDES or len(value) != BOX_SIDES:
        raise off_specification("bbox_list: a box is [x1, y1, x2, y2] in pixels")
    left, top, right, low = sides
    if not (0 <= left < right and 0 <= top < low):
        raise off_specification("bbox_list: a box is [x1, y1, x2, y2] with x1 < x2 and y1 < y2")
    return left, top, right, low


def check_boxes(boxes: Sequence[Sequence[Box]], sizes: Sequence[tuple[int, int]]) -> None:
    """Refuse a box that leaves its picture.

    Raises:
        Refusal: with the box.
    """
    for of_one, (width, height) in zip(boxes, sizes, strict=False):
        for box in of_one:
            if box[2] > width or box[3] > height:
                raise off_specification(f"bbox_list: {list(box)} is outside of the image {width}*{height}")


def read_palette(value: Any) -> list[tuple[str, float]]:
    """Return the colours, each with its share of the picture.

    Raises:
        Refusal: not 3 to 10 colours, or no hundred percent together.
    """
    if value is None or value == []:
        return []
    if not isinstance(value, list) or not COLOURS[0] <= len(value) <= COLOURS[1]:
        raise off_specification(f"color_palette must have {COLOURS[0]} to {COLOURS[1]} colors")
    palette = [_colour(item) for item in value]
    if sum(share for _, share in palette) != _WHOLE:
        raise off_specification("color_palette: the ratios must add up to 100.00%")
    return [(colour, share / _WHOLE) for colour, share in palette]


def _colour(item: Any) -> tuple[str, int]:
    """Return the colour and its share in hundredths of a percent."""
    wanted = item if isinstance(item, dict) else {}
    colour, ratio = wanted.get("hex"), wanted.get("ratio")
    share = _SHARE.fullmatch(ratio) if isinstance(ratio, str) else None
    if not isinstance(colour, str) or not _HEX.fullmatch(colour) or share is None:
        raise off_specification('color_palette: a color is {"hex": "#RRGGBB", "ratio": "25.00%"}')
    return colour, int(share[1]) * 100 + int(share[2])


def read_images_max(value: Any) -> int:
    """Return how many pictures an answer of texts and pictures has at most.

    Raises:
        Refusal: no number, or too many.
    """
    if value is None:
        return IMAGES_MAX
    if not is_integer(value, 1, IMAGES_MAX):
        raise off_specification(f"max_images must be between 1 and {IMAGES_MAX}")
    return int(value)


def length_of_set(most: int) -> int:
    """Return how many pictures of a set the model makes: here a quarter fewer than it may (a guess)."""
    return most - most // 4
