"""How large the result is: what `size` may say, and what the service makes of it and of the pictures."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.edits.by_instruction import like
from bailian.sandbox.http.refusals import invalid, off_specification
from bailian.sandbox.images.requests import on_grid
from bailian.sandbox.message_images.modes import MessageModel, Mode

_SIZE = re.compile(r"([1-9]\d{0,4})\*([1-9]\d{0,4})")
_NAMES = ("1K", "2K", "4K")
_GROWN_GRID_PX = 16


@dataclass(frozen=True)
class SizeWish:
    """What a body asks for: two sides, or an area that takes the ratio of the last picture."""

    sides: tuple[int, int] | None = None
    area_px: int = 0
    """The side of the square that has the area."""


def read_size(model: MessageModel, mode: Mode, value: Any) -> SizeWish:
    """Check `size`; the messages are live ones (LIVE) but the ratio's and those of other scenarios than t2i.

    Raises:
        Refusal: in the service's words.
    """
    if value is None:
        return SizeWish(area_px=mode.default_px)
    if isinstance(value, str) and value in mode.named_px:
        return SizeWish(area_px=mode.named_px[value])
    if value in _NAMES and mode.named_px:
        most = list(mode.named_px)[-1]
        words = f"Size {value} is not supported for {mode.scenario} scenario. Maximum supported size is {most}"
        raise invalid(words)
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise invalid("Expected format: '<width>*<height>'")
    width, height = int(match[1]), int(match[2])
    fewest, most_px = mode.pixels
    if not fewest <= width * height <= most_px:
        raise invalid(model.area_words.format(size=value, area=width * height, fewest=fewest, most=most_px))
    if mode.aspect and not mode.aspect[0] <= width / height <= mode.aspect[1]:
        raise off_specification(f"size {value}: the ratio of width and height is out of range")
    sides = on_grid(width, mode.grid_px), on_grid(height, mode.grid_px)
    return SizeWish(sides) if mode.keeps_size else SizeWish(area_px=mode.default_px)


def output_size(wish: SizeWish, mode: Mode, last: tuple[int, int] | None) -> tuple[int, int]:
    """Return the result's sides; `last` is the size of the last picture that came along."""
    if wish.sides is not None:
        return wish.sides
    if last is None:
        return wish.area_px, wish.area_px
    if mode.keeps_size:
        return like(*last, wish.area_px**2)
    return grown(*last, wish.area_px**2)


def grown(width: int, height: int, pixels: int) -> tuple[int, int]:
    """Return a size of that ratio with at most so many pixels (LIVE: 768*1376 became 1520*2736)."""
    scale = math.sqrt(pixels / (width * height))
    wide, high = (int(side * scale) // _GROWN_GRID_PX * _GROWN_GRID_PX for side in (width, height))
    return max(_GROWN_GRID_PX, wide), max(_GROWN_GRID_PX, high)
