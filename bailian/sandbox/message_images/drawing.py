"""Draws the results so that each shows its request: pictures, boxes, colours, numbers. Importing this needs Pillow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image, ImageColor, ImageDraw

from bailian.sandbox.edits.drawing import Edit, instructed, opened
from bailian.sandbox.images.drawing import Picture, label, png_of, scene, write
from bailian.sandbox.message_images.interleaved import caption
from bailian.sandbox.message_images.parameters import Box

BOX_COLOUR = (255, 0, 255)
_WHITE = (255, 255, 255)
_LEVELS = 256
SHOWN_PX = 2048
_SEEN_THROUGH = ("transparent", "透明")


@dataclass(frozen=True)
class MessagePicture:
    """Everything a picture depends on."""

    picture: Picture
    number: int
    """Counted from one."""
    total: int
    """Of how many."""
    scenario: str
    inputs: tuple[str, ...] = ()
    """Names of the input pictures in the store."""
    boxes: tuple[tuple[Box, ...], ...] = ()
    palette: tuple[tuple[str, float], ...] = ()
    clear: bool = False
    """Whether what surrounds the middle can be seen through."""


def message_picture(picture: Picture, n: int, details: Mapping[str, Any]) -> MessagePicture:
    """Return what the drawing of one result depends on."""
    shown = picture
    if details["seed_plus_index"]:
        shown = replace(shown, seed=shown.seed + shown.index, index=0)
    if details["scenario"] == "interleave":
        shown = replace(shown, prompt=caption(shown.prompt, shown.index, n))
    return MessagePicture(
        picture=shown,
        number=picture.index + 1,
        total=n,
        scenario=details["scenario"],
        inputs=tuple(details["pictures"]),
        boxes=tuple(tuple((left, top, right, low) for left, top, right, low in boxes) for boxes in details["boxes"]),
        palette=tuple((str(colour), float(share)) for colour, share in details["palette"]),
        clear=picture.model.startswith("qwen-image-2.1") and any(word in picture.prompt for word in _SEEN_THROUGH),
    )


def draw_message_picture(wanted: MessagePicture, load: Callable[[str], bytes]) -> bytes:
    """Return the PNG's bytes; the same request gives the same bytes."""
    picture = wanted.picture
    boxes = wanted.boxes or ((),) * len(wanted.inputs)
    pictures = [_shown(load(name), of_one) for name, of_one in zip(wanted.inputs, boxes, strict=True)]
    image = instructed(pictures[-1], Edit(picture, "", wanted.inputs)) if pictures else scene(picture)
    if wanted.palette:
        image = in_palette(image, wanted.palette)
    _strip(image, pictures)
    if wanted.scenario in ("sequential", "interleave"):
        _number(image, f"{wanted.number}/{wanted.total}")
    title = f"{picture.model}  {wanted.number} of {wanted.total}  seed {picture.seed}"
    label(replace(picture, model=title), image)
    if wanted.clear:
        image.putalpha(_middle(image, watermarked=bool(picture.watermark)))
    return png_of(image, picture.model, picture.prompt)


def _shown(data: bytes, boxes: Sequence[Box]) -> Image.Image:
    """An input picture with its boxes, no larger than a result needs: ten of the largest would fill the memory."""
    image = opened(data)
    _outline(image, boxes)
    image.thumbnail((SHOWN_PX, SHOWN_PX))
    return image


def _outline(image: Image.Image, boxes: Sequence[Box]) -> None:
    width = max(2, min(image.size) // 100)
    draw = ImageDraw.Draw(image)
    for left, top, right, low in boxes:
        draw.rectangle((left, top, right - 1, low - 1), outline=BOX_COLOUR, width=width)


def _strip(image: Image.Image, pictures: Sequence[Image.Image]) -> None:
    """All pictures that came along, numbered in their order, along the lower edge."""
    if not pictures:
        return
    for place, (left, top, side) in enumerate(places_of(image.size, len(pictures))):
        small = pictures[place].copy()
        small.thumbnail((side, side))
        image.paste(_WHITE, (left - 2, top - 2, left + small.width + 2, top + small.height + 2))
        image.paste(small, (left, top))
        write(image, str(place + 1), (left + 2, top + 2), max(10, side // 4))


def places_of(size: tuple[int, int], count: int) -> list[tuple[int, int, int]]:
    """Return left edge, upper edge and side of each place in the strip."""
    width, height = size
    gap = max(4, min(size) // 64)
    side = max(8, min(height // 5, (width - gap) // count - gap))
    return [(gap + place * (side + gap), height - side - gap, side) for place in range(count)]


def _number(image: Image.Image, text: str) -> None:
    side = max(20, min(image.size) // 6)
    write(image, text, (image.width // 2 - side, image.height // 2 - side // 2), side)


def in_palette(image: Image.Image, palette: Sequence[tuple[str, float]]) -> Image.Image:
    """Paint the picture in these colours alone: the darkest gets the darkest pixels, each about its share."""
    grey = image.convert("L")
    colours = sorted(((ImageColor.getrgb(name)[:3], share) for name, share in palette), key=lambda c: sum(c[0]))
    total = grey.width * grey.height
    table: list[tuple[int, ...]] = []
    place, seen, until = 0, 0, colours[0][1]
    for count in grey.histogram()[:_LEVELS]:
        while place < len(colours) - 1 and seen + count / 2 > until * total:
            place += 1
            until += colours[place][1]
        seen += count
        table.append(colours[place][0])
    bands = [grey.point([colour[band] for colour in table]) for band in range(3)]
    return Image.merge("RGB", bands)


def _middle(image: Image.Image, *, watermarked: bool) -> Image.Image:
    """What stays: an oval, the ribbon with its words, and the corner of the watermark."""
    mask = Image.new("L", image.size)
    draw = ImageDraw.Draw(mask)
    width, height = image.size
    draw.ellipse((width // 8, height // 8, width * 7 // 8, height * 7 // 8), fill=255)
    ribbon = max(18, min(image.size) // 15)
    draw.rectangle((0, 0, width, ribbon), fill=255)
    if watermarked:
        draw.rectangle((width * 3 // 4, height - ribbon, width, height), fill=255)
    return mask
