"""The dominant colours of a picture, by name. Looking at one needs Pillow."""

from __future__ import annotations

import colorsys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

LOOKED_AT_PX = 48
"""The picture is reduced to a square of this side."""

SHARE_MIN = 0.15
NAMED_MAX = 3
_CHINESE = {
    "black": "黑色", "white": "白色", "grey": "灰色", "red": "红色", "orange": "橙色", "yellow": "黄色",
    "green": "绿色", "cyan": "青色", "blue": "蓝色", "purple": "紫色", "pink": "粉色", "brown": "棕色",
}  # fmt: skip
_HUES = (
    (15, "red"), (45, "orange"), (70, "yellow"), (165, "green"), (195, "cyan"), (255, "blue"), (290, "purple"),
    (345, "pink"), (361, "red"),
)  # fmt: skip
"""Up to this angle on the colour wheel."""


def dominant_colours(image: Image.Image) -> tuple[str, ...]:
    """Return the names of the largest colours."""
    small = image.convert("RGB").resize((LOOKED_AT_PX, LOOKED_AT_PX))
    counted: Counter[str] = Counter()
    for count, colour in small.getcolors(LOOKED_AT_PX**2) or []:
        if isinstance(colour, tuple):
            counted[name_of(*colour[:3])] += count
    total = counted.total()
    named = [name for name, count in counted.most_common(NAMED_MAX) if count >= SHARE_MIN * total]
    return tuple(named or [name for name, _ in counted.most_common(1)])


def name_of(red: int, green: int, blue: int) -> str:
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    if value < 0.18:
        return "black"
    if saturation < 0.15:
        return "white" if value > 0.85 else "grey"
    name = next(name for angle, name in _HUES if hue * 360 < angle)
    if name in ("orange", "red") and value < 0.6 and hue * 360 < 45:
        return "brown" if name == "orange" or saturation < 0.6 else name
    return "pink" if name == "red" and saturation < 0.5 and value > 0.8 else name


def in_words(colours: Sequence[str], *, chinese: bool) -> str:
    """Join the names as one says them."""
    names = [_CHINESE[name] if chinese else name for name in colours]
    last = "和" if chinese else " and "
    between = "、" if chinese else ", "
    return between.join(names[:-1]) + (last if len(names) > 1 else "") + names[-1]
