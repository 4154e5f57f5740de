"""Masks: white is changed, black is kept. Made from shapes, colours, transparency or a painted copy of the picture.

The service wants pure black and white in the picture's own size (image-edit reference, 2025 and 2026 texts).
All functions take and return Pillow images; a mask is mode "L" and holds 0 and 255 only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bailian.errors import InvalidRequest
from bailian.files import pictures
from bailian.i18n import tr
from bailian.modalities.rules.mask_rules import two_ways
from bailian.types import Mask

if TYPE_CHECKING:
    from PIL.Image import Image

WHITE, BLACK = 255, 0
THRESHOLD = 128
COLOR_TOLERANCE = 40
DIFFERENCE = 24
PREVIEW_COLOR = (255, 0, 80)
# Beyond any picture; drawing a shape takes time with its size.
PLACE_MAX_PX = 100_000
# A photograph has more, strokes and areas have fewer.
PAINT_COLORS_MAX = 256


def empty(size_px: tuple[int, int]) -> Image:
    """Return a mask that changes nothing."""
    from PIL import Image

    return Image.new("L", size_px, BLACK)


def numbers(field: str, text: str, size_px: tuple[int, int], count: int | None) -> list[float]:
    """Return pixels of "10,20,30%,40%": even places are along the width, odd ones along the height.

    Raises:
        InvalidRequest: not numbers, not so many, or out of all bounds.
    """
    words = re.split(r"[,\s]+", text.strip())
    try:
        values = [
            float(word.rstrip("%")) / 100 * size_px[i % 2] if word.endswith("%") else float(word)
            for i, word in enumerate(words)
        ]
    except ValueError:
        values = []
    if not values or (len(values) != count if count else len(values) < 6 or len(values) % 2):
        wanted = "x,y,w,h" if count else "x,y,x,y,x,y,…"
        raise InvalidRequest.one(
            field, tr(f"{text!r} is not {wanted} (pixels or percent)", f"{text!r} 应为 {wanted}（像素或百分比）")
        )
    if not all(math.isfinite(value) and abs(value) <= PLACE_MAX_PX for value in values):
        raise InvalidRequest.one(
            field,
            tr(
                f"{text!r} leads out of all bounds: numbers from -{PLACE_MAX_PX:,} to {PLACE_MAX_PX:,} px are allowed",
                f"{text!r} 超出范围：允许 -{PLACE_MAX_PX:,} 到 {PLACE_MAX_PX:,} 像素",
            ),
        )
    return values


def add_shape(mask: Image, shape: str, values: Sequence[float]) -> None:
    """Paint a "box", "ellipse" (x, y, width, height) or "polygon" (x, y, …) white, in place."""
    from PIL import ImageDraw

    draw = ImageDraw.Draw(mask)
    if shape == "polygon":
        draw.polygon(list(values), fill=WHITE)
        return
    x, y, width, height = values
    if width < 1 or height < 1:
        raise InvalidRequest.one(f"mask_{shape}", tr("has no width or height", "宽或高为 0"))
    outline = (x, y, x + width - 1, y + height - 1)
    (draw.rectangle if shape == "box" else draw.ellipse)(outline, fill=WHITE)


def of_color(image: Image, text: str) -> Image:
    """Return where the picture has a colour ("#ff0000", "red"), up to a tolerance."""
    from PIL import Image, ImageChops, ImageColor

    try:
        color = ImageColor.getrgb(text)[:3]
    except ValueError:
        raise InvalidRequest.one(
            "mask_color", tr(f"{text!r} is not a colour such as #ff0000", f"{text!r} 不是颜色，如 #ff0000")
        ) from None
    difference = ImageChops.difference(image.convert("RGB"), Image.new("RGB", image.size, color))
    return _largest_channel(difference).point(lambda value: WHITE if value <= COLOR_TOLERANCE else BLACK)


def of_alpha(image: Image) -> Image:
    """Return where the picture is transparent: the erased part is what is to be painted."""
    if "A" not in image.getbands() and "transparency" not in image.info:
        raise InvalidRequest.one("mask_alpha", tr("the picture has no transparency", "图片没有透明通道"))
    alpha = image.convert("RGBA").getchannel("A")
    return alpha.point(lambda value: WHITE if value < THRESHOLD else BLACK)


def of_difference(image: Image, copy: Image) -> Image:
    """Return where a painted copy differs from the picture; small differences are JPEG noise."""
    from PIL import ImageChops

    if image.size != copy.size:
        raise InvalidRequest.one(
            "mask_diff",
            tr(
                f"the copy is {copy.size[0]}*{copy.size[1]}, the picture {image.size[0]}*{image.size[1]}",
                f"副本为 {copy.size[0]}*{copy.size[1]}，图片为 {image.size[0]}*{image.size[1]}",
            ),
        )
    difference = _largest_channel(ImageChops.difference(image.convert("RGB"), copy.convert("RGB")))
    return difference.point(lambda value: WHITE if value > DIFFERENCE else BLACK)


def _largest_channel(image: Image) -> Image:
    from PIL import ImageChops

    red, green, blue = image.split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue)


def united(one: Image, other: Image) -> Image:
    from PIL import ImageChops

    return ImageChops.lighter(one, other)


def inverted(mask: Image) -> Image:
    from PIL import ImageChops

    return ImageChops.invert(mask)


def grown(mask: Image, radius_px: int) -> Image:
    """Return the mask with its white region larger on all sides (smaller for a negative radius)."""
    if radius_px < 0:
        return inverted(grown(inverted(mask), -radius_px))
    for right, down in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        mask = _smeared(mask, right, down, min(radius_px, max(mask.size)))
    return mask


def _smeared(mask: Image, right: int, down: int, distance_px: int) -> Image:
    """Draw the white region out in one direction. Each step doubles the way, so that a long one takes no longer."""
    from PIL import Image

    done_px = 0
    while done_px < distance_px:
        step_px = min(done_px + 1, distance_px - done_px)
        moved = Image.new("L", mask.size, BLACK)
        moved.paste(mask, (right * step_px, down * step_px))
        mask = united(mask, moved)
        done_px += step_px
    return mask


def smoothed(mask: Image, radius_px: float) -> Image:
    """Return the mask with rounded edges: blurred, then black and white again."""
    from PIL import ImageFilter

    return binary(mask.filter(ImageFilter.GaussianBlur(radius_px)))


def binary(mask: Image) -> Image:
    """Return pure black and white."""
    return mask.convert("L").point(lambda value: WHITE if value >= THRESHOLD else BLACK)


def repaired(mask: Image, size_px: tuple[int, int], by: str | None = None) -> Image:
    """Return any picture as a mask of this size: greys become black or white, transparency becomes white.

    `by` says what counts of a partly transparent picture: its "paint" or its "alpha".

    Raises:
        InvalidRequest: there are two ways to read it, and `by` names none.
    """
    from PIL import Image

    if not _is_opaque(mask):
        found = look(mask)
        if by is None and found.white_by_paint:
            raise InvalidRequest.one("mask", two_ways(found, "--mask-from paint", "--mask-from alpha"), advice="")
        region = of_paint(mask) if by == "paint" else of_alpha(mask)
        mask = region if by or region.getbbox() else mask
    return binary(mask.convert("L").resize(size_px, Image.Resampling.NEAREST))


def look(image: Image) -> Mask:
    """Return what a picture is as a mask, by its pixels."""
    is_deep = image.mode in pictures.DEEP
    light = pictures.in_eight_bits(image).convert("L")
    pure = not sum(light.histogram()[1:255]) and _is_colorless(light if is_deep else image)
    pure = pure and (not is_deep or pictures.is_black_and_white(image))
    white = _white_share(light)
    if _is_opaque(image):
        return Mask(white, pure)
    by_alpha = of_alpha(image)
    if not by_alpha.getbbox():
        return Mask(white, pure=False)
    if pure and light.tobytes() == by_alpha.tobytes():
        return Mask(white, pure)
    paint = of_paint(image) if _is_flat(image) else empty(image.size)
    return Mask(white, pure, True, _white_share(by_alpha), _white_share(paint))


def of_paint(image: Image) -> Image:
    """Return where a picture is painted white, or in a bright colour, on what is black or transparent."""
    light = _largest_channel(_painted(image))
    return light.point(lambda value: WHITE if value >= THRESHOLD else BLACK)


def _painted(image: Image) -> Image:
    """Return the colours of the parts that are not transparent, the rest black."""
    from PIL import Image, ImageChops

    canvas = Image.new("RGB", image.size, (BLACK, BLACK, BLACK))
    canvas.paste(image.convert("RGBA").convert("RGB"), mask=ImageChops.invert(of_alpha(image)))
    return canvas


def _is_flat(image: Image) -> bool:
    """Return whether what is not transparent is strokes and areas, no photograph."""
    return _painted(image).getcolors(PAINT_COLORS_MAX) is not None


def _is_opaque(image: Image) -> bool:
    if "A" not in image.getbands() and "transparency" not in image.info:
        return True
    return bool(image.convert("RGBA").getchannel("A").getextrema()[0] == WHITE)


def _is_colorless(mask: Image) -> bool:
    if mask.mode in ("1", "L", "LA"):
        return True
    red, green, blue = mask.convert("RGB").split()
    return red.tobytes() == green.tobytes() == blue.tobytes()


def _white_share(mask: Image) -> float:
    histogram = mask.histogram()
    return histogram[WHITE] / sum(histogram)


def as_png(mask: Image) -> bytes:
    return pictures.encoded(mask, "png")


def preview(image: Image, mask: Image) -> Image:
    """Return the picture with the region that would be changed shown in colour."""
    from PIL import Image

    base = image.convert("RGB")
    tinted = Image.blend(base, Image.new("RGB", base.size, PREVIEW_COLOR), 0.55)
    base.paste(tinted, mask=mask)
    return base
