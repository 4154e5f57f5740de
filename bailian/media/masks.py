"""Masks: white is changed, black is kept. Made from shapes, colours, transparency or a painted copy of the picture.

The service wants pure black and white in the picture's own size (image-edit reference, 2025 and 2026 texts).
All functions take and return Pillow images; a mask is mode "L" and holds 0 and 255 only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bailian.errors import InvalidRequest
from bailian.language import say

if TYPE_CHECKING:
    from PIL.Image import Image

WHITE, BLACK = 255, 0
THRESHOLD = 128
COLOR_TOLERANCE = 40
DIFFERENCE = 24
PREVIEW_COLOR = (255, 0, 80)


def open_upright(path: Path) -> Image:
    """Open a picture as a viewer shows it: the EXIF rotation is applied, once, and gone."""
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        return ImageOps.exif_transpose(image)


def is_turned(path: Path) -> bool:
    """Return whether a picture is stored turned and says so in its EXIF."""
    from PIL import Image

    with Image.open(path) as image:
        return bool(image.getexif().get(0x0112, 1) != 1)


def empty(size_px: tuple[int, int]) -> Image:
    """Return a mask that changes nothing."""
    from PIL import Image

    return Image.new("L", size_px, BLACK)


def numbers(field: str, text: str, size_px: tuple[int, int], count: int | None) -> list[float]:
    """Return pixels of "10,20,30%,40%": even places are along the width, odd ones along the height.

    Raises:
        InvalidRequest: not numbers, or not so many.
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
            field, say(f"{text!r} is not {wanted} (pixels or percent)", f"{text!r} 应为 {wanted}（像素或百分比）")
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
        raise InvalidRequest.one(f"mask-{shape}", say("has no width or height", "宽或高为 0"))
    outline = (x, y, x + width - 1, y + height - 1)
    (draw.rectangle if shape == "box" else draw.ellipse)(outline, fill=WHITE)


def of_color(image: Image, text: str) -> Image:
    """Return where the picture has a colour ("#ff0000", "red"), up to a tolerance."""
    from PIL import Image, ImageChops, ImageColor

    try:
        color = ImageColor.getrgb(text)[:3]
    except ValueError:
        raise InvalidRequest.one(
            "mask-color", say(f"{text!r} is not a colour such as #ff0000", f"{text!r} 不是颜色，如 #ff0000")
        ) from None
    difference = ImageChops.difference(image.convert("RGB"), Image.new("RGB", image.size, color))
    return _largest_channel(difference).point(lambda value: WHITE if value <= COLOR_TOLERANCE else BLACK)


def of_alpha(image: Image) -> Image:
    """Return where the picture is transparent: the erased part is what is to be painted."""
    if "A" not in image.getbands() and "transparency" not in image.info:
        raise InvalidRequest.one("mask-alpha", say("the picture has no transparency", "图片没有透明通道"))
    alpha = image.convert("RGBA").getchannel("A")
    return alpha.point(lambda value: WHITE if value < THRESHOLD else BLACK)


def of_difference(image: Image, copy: Image) -> Image:
    """Return where a painted copy differs from the picture; small differences are JPEG noise."""
    from PIL import ImageChops

    if image.size != copy.size:
        raise InvalidRequest.one(
            "mask-diff",
            say(
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
    from PIL import ImageFilter

    for _ in range(abs(radius_px)):
        mask = mask.filter(ImageFilter.MaxFilter(3) if radius_px > 0 else ImageFilter.MinFilter(3))
    return mask


def smoothed(mask: Image, radius_px: float) -> Image:
    """Return the mask with rounded edges: blurred, then black and white again."""
    from PIL import ImageFilter

    return binary(mask.filter(ImageFilter.GaussianBlur(radius_px)))


def binary(mask: Image) -> Image:
    """Return pure black and white."""
    return mask.convert("L").point(lambda value: WHITE if value >= THRESHOLD else BLACK)


def repaired(mask: Image, size_px: tuple[int, int]) -> Image:
    """Return any picture as a mask of this size: transparency counts as the region, greys become black or white."""
    from PIL import Image

    if "A" in mask.getbands():
        region = of_alpha(mask)
        if region.getbbox():
            mask = region
    return binary(mask.convert("L").resize(size_px, Image.Resampling.NEAREST))


def check(mask: Image) -> None:
    """Refuse a mask that is not pure, or that selects nothing or everything.

    Raises:
        InvalidRequest: with what to do.
    """
    histogram = mask.convert("L").histogram()
    if sum(histogram[1:255]) or not _is_colorless(mask):
        raise InvalidRequest.one(
            "mask", say("is not pure black and white: --mask-fix makes it so", "不是纯黑白图片：可用 --mask-fix 修复")
        )
    if not histogram[WHITE] or not histogram[BLACK]:
        raise InvalidRequest.one(
            "mask",
            say("is all black: nothing would be changed", "全黑：没有需要修改的区域")
            if not histogram[WHITE]
            else say("is all white: everything would be changed", "全白：没有保留的区域"),
        )


def _is_colorless(mask: Image) -> bool:
    if mask.mode in ("1", "L"):
        return True
    red, green, blue = mask.convert("RGB").split()
    return red.tobytes() == green.tobytes() == blue.tobytes()


def preview(image: Image, mask: Image) -> Image:
    """Return the picture with the region that would be changed shown in colour."""
    from PIL import Image

    base = image.convert("RGB")
    tinted = Image.blend(base, Image.new("RGB", base.size, PREVIEW_COLOR), 0.55)
    base.paste(tinted, mask=mask)
    return base
