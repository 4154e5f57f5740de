"""Sizes as people write them (16:9, 720P, 2K, 1024x1024) → the one size of a model that is meant; the notice names it."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable

from bailian.catalog import Model
from bailian.i18n import tr
from bailian.modalities.rules.fields import check_size, parse_size
from bailian.types import Notice

_SIDES = re.compile(r"([0-9]{1,6})\s*(?:[*X×✕,/]|\s)\s*([0-9]{1,6})(?:\s*PX)?")
_RATIO = re.compile(r"(?<![0-9])([1-9][0-9]?)\s*[:∶]\s*([1-9][0-9]?)(?![0-9])")
_TIER = re.compile(r"(?<![0-9])([0-9]{3,4})P(?![A-Z])")
_AREA = re.compile(r"(?<![0-9])([124]K)(?![A-Z])")
AREA_PX = {"1K": 1024**2, "2K": 2048**2, "4K": 4096**2}
SQUARE = (1, 1)
# Where a page names no limit: what its siblings take.
WIDEST = (0.125, 8.0)
# The vendor's own 4:3 is 1088*832, and its 16:9 is 832*480.
SHAPE_TOLERANCE = 0.03
WIDE = (16, 9)
# What the letters mean where a model has no tiers of its own.
TIER_SIZES = {"480P": "854*480", "720P": "1280*720", "1080P": "1920*1080"}


def resolved(model: Model, written: str, shape: tuple[int, int] | None = None) -> tuple[str, list[Notice]]:
    """Return the size as the service writes it. What has no meaning for the model stays as it is, to be refused.

    `shape` is the last picture's, which an area ("2K") keeps.
    """
    if not written or parse_size(written) is not None:
        return written, []
    plain = unicodedata.normalize("NFKC", written).strip().upper()
    if plain in model.size_words:
        return plain, []
    size = _meant(model, plain, shape)
    if size is None:
        return written, []
    turned = _turned(model, size) if "P" in written.upper() and not _RATIO.search(written) else ""
    upright = tr(f" (upright: {turned})", f"（竖版：{turned}）") if turned else ""
    text = tr(
        f"the size {written.strip()} is sent as {size}{upright}", f"尺寸 {written.strip()} 以 {size} 发送{upright}"
    )
    return size, [Notice("size_written", text)]


def fitted(model: Model, shape: tuple[int, int], area_px: int) -> str:
    """Return a size of the model that comes nearest to a picture's shape and has at most so many pixels: its sides are
    multiples of the model's step."""
    step = model.size_step_px
    low, high = model.aspect or WIDEST
    ratio = min(max(shape[0] / shape[1], low), high)
    limit = min(area_px, model.max_pixels or area_px)
    near = [int((limit * times) ** 0.5 / step) for times in (ratio, 1 / ratio)]
    sides = [[step * (count + more) for more in range(-3, 4) if count + more > 0] for count in near]
    sizes = [(w, h) for w in sides[0] for h in sides[1] if w * h <= limit and not check_size(model, f"{w}*{h}")]
    width, height = min(
        sizes, key=lambda size: (round(abs(math.log(size[0] / size[1] / ratio)), 2), -size[0] * size[1])
    )
    return f"{width}*{height}"


def _meant(model: Model, text: str, picture: tuple[int, int] | None) -> str | None:
    sides = _SIDES.fullmatch(text)
    if sides:
        size = f"{int(sides[1])}*{int(sides[2])}"
        return size if parse_size(size) else None
    tier, ratio, area = _TIER.search(text), _RATIO.search(text), _AREA.search(text)
    rest = _RATIO.sub("", _AREA.sub("", _TIER.sub("", text, count=1), count=1), count=1)
    if rest.strip(" ,/@()") or not (tier or ratio or area) or (tier and area):
        return None
    if area:
        return _of_area(model, (int(ratio[1]), int(ratio[2])) if ratio else None, picture, AREA_PX[area[1]])
    return _of_shape(model, (int(ratio[1]), int(ratio[2])) if ratio else WIDE, tier and f"{tier[1]}P")


def _of_shape(model: Model, shape: tuple[int, int], tier: str | None) -> str | None:
    """Return the model's size of this shape: of the tier, or else of its default size's tier."""
    if model.size_tiers:
        usual = next((name for name, sizes in model.size_tiers.items() if model.default_size in sizes), None)
        return _nearest(model.size_tiers.get(tier or usual or "", ()), shape)
    if model.sizes or model.suggested_sizes:
        known = model.sizes or model.suggested_sizes
        found = _nearest((size for size in known if size not in model.size_aliases), shape)
        return found if tier is None or found == TIER_SIZES.get(tier) else None
    if tier is None:
        return _largest(model, shape)
    return TIER_SIZES.get(tier) if shape == WIDE else None


def _of_area(model: Model, ratio: tuple[int, int] | None, picture: tuple[int, int] | None, area_px: int) -> str | None:
    """Return a size of about that area: in the ratio asked for, else the picture's, else a square."""
    if model.size_tiers or model.sizes or model.suggested_sizes or not model.max_pixels or area_px > model.max_pixels:
        return None
    if ratio is None and picture is not None:
        return fitted(model, picture, area_px)
    return _largest(model, ratio or SQUARE, area_px)


def _nearest(sizes: Iterable[str], shape: tuple[int, int]) -> str | None:
    """Return the size whose shape comes nearest, if it comes near enough."""
    wanted = shape[0] / shape[1]
    shapes = {size: width / height for size in sizes if (pixels := parse_size(size)) for width, height in [pixels]}
    by_length = sorted(shapes, key=lambda size: -max(parse_size(size) or ()))  # of several, the largest
    near = min(by_length, key=lambda size: round(abs(shapes[size] / wanted - 1), 3), default=None)
    return near if near is not None and abs(shapes[near] / wanted - 1) <= SHAPE_TOLERANCE else None


def _largest(model: Model, shape: tuple[int, int], area_px: int | None = None) -> str | None:
    """Return the largest size of exactly this shape that has no more pixels than that, or than the default size."""
    limit = area_px or _usual_px(model)
    if not limit:
        return None
    step = model.size_step_px
    longest = step * max(shape)
    for times in range(int((limit / (step**2 * shape[0] * shape[1])) ** 0.5), 0, -1):
        size = f"{step * times * shape[0]}*{step * times * shape[1]}"
        if longest * times < 10**6 and not check_size(model, size):
            return size
    return None


def _usual_px(model: Model) -> int | None:
    default = parse_size(model.default_size) if model.default_size else None
    return default[0] * default[1] if default else AREA_PX.get(model.default_size, model.max_pixels)


def _turned(model: Model, size: str) -> str:
    turned = "*".join(reversed(size.split("*")))
    known = [one for sizes in model.size_tiers.values() for one in sizes]
    return turned if turned != size and (turned in known if known else not check_size(model, turned)) else ""
