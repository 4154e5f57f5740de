"""Sizes as people write them (16:9, 720P, 1024x1024) → the one size of a model that is meant; the notice names it."""

from __future__ import annotations

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
# The vendor's own 4:3 is 1088*832, and its 16:9 is 832*480.
SHAPE_TOLERANCE = 0.03
STEP_PX = 8
WIDE = (16, 9)
# What the letters mean where a model has no tiers of its own.
TIER_SIZES = {"480P": "854*480", "720P": "1280*720", "1080P": "1920*1080"}


def resolved(model: Model, written: str) -> tuple[str, list[Notice]]:
    """Return the size as the service writes it. What has no meaning for the model stays as it is, to be refused."""
    if not written or parse_size(written) is not None:
        return written, []
    size = _meant(model, unicodedata.normalize("NFKC", written).strip().upper())
    if size is None:
        return written, []
    turned = _turned(model, size) if "P" in written.upper() and not _RATIO.search(written) else ""
    upright = tr(f" (upright: {turned})", f"（竖版：{turned}）") if turned else ""
    text = tr(
        f"the size {written.strip()} is sent as {size}{upright}", f"尺寸 {written.strip()} 以 {size} 发送{upright}"
    )
    return size, [Notice("size_written", text)]


def _meant(model: Model, text: str) -> str | None:
    sides = _SIDES.fullmatch(text)
    if sides:
        size = f"{int(sides[1])}*{int(sides[2])}"
        return size if parse_size(size) else None
    tier, ratio = _TIER.search(text), _RATIO.search(text)
    rest = _RATIO.sub("", _TIER.sub("", text, count=1), count=1)
    if rest.strip(" ,/@()") or not (tier or ratio):
        return None
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


def _nearest(sizes: Iterable[str], shape: tuple[int, int]) -> str | None:
    """Return the size whose shape comes nearest, if it comes near enough."""
    wanted = shape[0] / shape[1]
    shapes = {size: width / height for size in sizes if (pixels := parse_size(size)) for width, height in [pixels]}
    by_length = sorted(shapes, key=lambda size: -max(parse_size(size) or ()))  # of several, the largest
    near = min(by_length, key=lambda size: round(abs(shapes[size] / wanted - 1), 3), default=None)
    return near if near is not None and abs(shapes[near] / wanted - 1) <= SHAPE_TOLERANCE else None


def _largest(model: Model, shape: tuple[int, int]) -> str | None:
    """Return the largest size of exactly this shape that has no more pixels than the model's default size."""
    default = parse_size(model.default_size) if model.default_size else None
    limit = default[0] * default[1] if default else model.max_pixels
    if not limit:
        return None
    longest = STEP_PX * max(shape)
    for times in range(int((limit / (STEP_PX**2 * shape[0] * shape[1])) ** 0.5), 0, -1):
        size = f"{STEP_PX * times * shape[0]}*{STEP_PX * times * shape[1]}"
        if longest * times < 10**6 and not check_size(model, size):
            return size
    return None


def _turned(model: Model, size: str) -> str:
    turned = "*".join(reversed(size.split("*")))
    known = [one for sizes in model.size_tiers.values() for one in sizes]
    return turned if turned != size and (turned in known if known else not check_size(model, turned)) else ""
