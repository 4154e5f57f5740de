"""How large a film is: its tier sets the area, its ratio or its input the shape; sides are multiples of 16 (FILM)."""

from __future__ import annotations

import math

GRID_PX = 16

SIZES = {
    480: ("832*480", "480*832", "624*624"),
    720: ("1280*720", "720*1280", "960*960", "1088*832", "832*1088"),
    1080: ("1920*1080", "1080*1920", "1440*1440", "1632*1248", "1248*1632"),
}
"""T2V: the only values of `size`, where that is the parameter."""

_AREA = {480: 832 * 480, 720: 1280 * 720, 1080: 1920 * 1080}
_NAMED = {
    480: {"16:9": (832, 480), "9:16": (480, 832), "1:1": (624, 624)},
    720: {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (960, 960), "4:3": (1104, 832), "3:4": (832, 1104)},
    1080: {"16:9": (1920, 1080), "9:16": (1080, 1920), "1:1": (1440, 1440), "4:3": (1648, 1248), "3:4": (1248, 1648)},
}
"""FILM, of wan2.7-t2v: whoever names a ratio gets these. Other ratios go by the area."""


def size_of_ratio(tier: int, ratio: str) -> tuple[int, int]:
    """Return the sides of a film with a named ratio."""
    if ratio in _NAMED[tier]:
        return _NAMED[tier][ratio]
    width, _, height = ratio.partition(":")
    return size_like(tier, int(width), int(height))


def size_like(tier: int, width: int, height: int) -> tuple[int, int]:
    """Return the sides of a film in the shape of its input: 750*1000 at 720P is 816*1104 (FILM's example)."""
    area = _AREA[tier]
    return _floor(area * width // height), _floor(area * height // width)


def _floor(square: int) -> int:
    return max(GRID_PX, math.isqrt(square) // GRID_PX * GRID_PX)


def on_grid_within(width: int, height: int, tier: int) -> tuple[int, int]:
    """Return these sides on the grid, made smaller where they are more than the tier's area."""
    if width * height > _AREA[tier]:
        return size_like(tier, width, height)
    return _floor(width * width), _floor(height * height)


def tier_of(size: str) -> int:
    """Return 480, 720 or 1080: what the usage calls `SR` (T2V)."""
    known = (tier for tier, sizes in SIZES.items() if size in sizes)
    return next(known, min(map(int, size.split("*"))))
