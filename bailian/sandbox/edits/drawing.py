"""Draws the edits: the input picture, visibly changed by its function. Importing this needs Pillow."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from bailian.sandbox.images.drawing import Dice, Picture, colour, label, png_of, scene

_HUES = {
    0.0: ("红", "red"), 0.08: ("橙", "橘", "orange"), 0.14: ("黄", "金", "yellow", "gold"), 0.33: ("绿", "green"),
    0.5: ("青", "cyan"), 0.6: ("蓝", "blue"), 0.77: ("紫", "purple"), 0.92: ("粉", "pink"),
}  # fmt: skip
_WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Edit:
    """Everything an edited picture depends on."""

    picture: Picture
    """Prompt, seed, index, size of the result, model, watermark."""
    function: str
    """Empty: by instruction (qwen-image-edit)."""
    inputs: tuple[str, ...]
    """Names of the input pictures in the store."""
    mask: str = ""
    options: tuple[tuple[str, float], ...] = ()

    def option(self, name: str) -> float:
        return dict(self.options)[name]


def draw_edit(edit: Edit, load: Callable[[str], bytes]) -> bytes:
    """Return the PNG's bytes; the same edit gives the same bytes."""
    pictures = [opened(load(name)) for name in edit.inputs]
    if edit.mask:
        image = _masked(pictures[0], opened(load(edit.mask)), edit)  # changes nothing else: no ribbon
    else:
        draw = _DRAW_FUNCTIONS[edit.function] if edit.function else instructed
        image = draw(pictures[-1], edit)
        if not edit.function:
            _inset(image, pictures[:-1])
    wanted = (edit.picture.width, edit.picture.height)
    if image.size != wanted:  # only a fault asks for that
        image = image.resize(wanted)
    if not edit.mask:
        # Without its number, two of n edits in a named colour can come out byte for byte the same.
        number = f"#{edit.picture.index + 1}" if edit.picture.index else ""
        title = " ".join(filter(None, (number, edit.picture.model, edit.function)))
        label(replace(edit.picture, model=title), image)
    return png_of(image, edit.picture.model, edit.picture.prompt)


def opened(data: bytes) -> Image.Image:
    """Transparent parts become white."""
    with Image.open(io.BytesIO(data)) as image:
        layer = image.convert("RGBA")
    ground = Image.new("RGB", layer.size, _WHITE)
    ground.paste(layer, mask=layer)
    return ground


def _dice(edit: Edit) -> Dice:
    return Dice(edit.picture.prompt, edit.picture.seed, edit.picture.index, edit.function)


def _hue(edit: Edit) -> float:
    """The first colour that the prompt names, near enough; else any."""
    near = 0.03 * _dice(edit).roll()
    words = edit.picture.prompt.lower()
    named = [(words.find(name), hue) for hue, names in _HUES.items() for name in names if name in words]
    return min(named)[1] + near if named else _dice(edit).roll()


def _recoloured(image: Image.Image, hue: float) -> Image.Image:
    """One colour from dark to light."""
    return ImageOps.colorize(
        image.convert("L"),
        black=colour(hue, 0.9, 0.15),
        mid=colour(hue, 0.75, 0.7),
        white=colour(hue + 0.06, 0.2, 1.0),
    )


def _connections(image: Image.Image) -> Image.Image:
    """Dark lines on white."""
    edges = image.convert("L").filter(ImageFilter.GaussianBlur(1)).filter(ImageFilter.FIND_EDGES)
    return ImageOps.invert(edges.point([min(255, level * 4) for level in range(256)]))


def _unit(image: Image.Image) -> int:
    return max(2, min(image.size) // 64)


def instructed(image: Image.Image, edit: Edit) -> Image.Image:
    resized = image.resize((edit.picture.width, edit.picture.height))
    return Image.blend(resized, _recoloured(resized, _hue(edit)), 0.45)


def _inset(image: Image.Image, others: list[Image.Image]) -> None:
    """The pictures before the last one, small, at the lower edge."""
    side, gap = min(image.size) // 4, _unit(image)
    for place, other in enumerate(others):
        small = ImageOps.expand(ImageOps.contain(other, (side, side)), gap // 2, _WHITE)
        image.paste(small, (gap + place * (side + 2 * gap), image.height - small.height - gap))


def _stylized(image: Image.Image, edit: Edit) -> Image.Image:
    """D-IEG's two styles: gold leaf, else the picture book. The strength says how much of the picture is left."""
    words = edit.picture.prompt.lower()
    if "金箔" in words or "gold" in words:
        styled = _recoloured(image, 0.12 + 0.02 * _dice(edit).roll())
    else:
        flat = ImageOps.posterize(ImageEnhance.Color(image).enhance(1.8), 2)
        styled = ImageChops.multiply(flat, _connections(image).convert("RGB"))
        styled = Image.blend(styled, _recoloured(image, _hue(edit)), 0.2)
    return Image.blend(image, styled, 0.2 + 0.8 * edit.option("strength"))


def _stylized_in_part(image: Image.Image, edit: Edit) -> Image.Image:
    """An oval in the middle."""
    styled = ImageOps.posterize(_recoloured(image, _hue(edit)), 2)
    oval = Image.new("L", image.size)
    left, top = image.width // 5, image.height // 5
    ImageDraw.Draw(oval).ellipse((left, top, image.width - left, image.height - top), fill=255)
    return Image.composite(styled, image, oval.filter(ImageFilter.GaussianBlur(_unit(image))))


def _described(image: Image.Image, edit: Edit) -> Image.Image:
    return Image.blend(image, _recoloured(image, _hue(edit)), 0.2 + 0.6 * edit.option("strength"))


def _masked(image: Image.Image, mask: Image.Image, edit: Edit) -> Image.Image:
    """Something new where the mask is white, the very same pixels elsewhere."""
    where = mask.convert("L")
    box = where.getbbox()
    if box is None:
        return image
    size = {"width": box[2] - box[0], "height": box[3] - box[1]}
    patch = replace(edit.picture, **size, model=f"{edit.picture.model} mask")  # type: ignore[arg-type]
    drawn = scene(patch)
    label(patch, drawn)
    changed = image.copy()
    changed.paste(drawn, box[:2], where.crop(box))
    return changed


def _cleaned(image: Image.Image, edit: Edit) -> Image.Image:
    """Smooth everywhere, and nothing legible left along the edges."""
    unit = _unit(image)
    smooth = image.filter(ImageFilter.GaussianBlur(unit / 4 + 0.5 * _dice(edit).roll()))
    blurred = image.filter(ImageFilter.GaussianBlur(unit * 3))
    middle = Image.new("L", image.size)
    edge = min(image.size) // 6
    ImageDraw.Draw(middle).rectangle((edge, edge, image.width - edge, image.height - edge), fill=255)
    return Image.composite(smooth, blurred, middle.filter(ImageFilter.GaussianBlur(unit)))


def _expanded(image: Image.Image, edit: Edit) -> Image.Image:
    """Each scale widens its half, so all four at 1.5 give 1.5 times the picture (D-IEG)."""
    left = round(image.width * (edit.option("left_scale") - 1) / 2)
    top = round(image.height * (edit.option("top_scale") - 1) / 2)
    wanted = (
        round(image.width * (edit.option("left_scale") + edit.option("right_scale")) / 2),
        round(image.height * (edit.option("top_scale") + edit.option("bottom_scale")) / 2),
    )
    ground = image.resize(wanted).filter(ImageFilter.GaussianBlur(_unit(image) * 2))
    ground = Image.blend(ground, _recoloured(ground, _hue(edit)), 0.5)
    ground.paste(image, (left, top))
    return ground


def _enlarged(image: Image.Image, edit: Edit) -> Image.Image:
    factor = int(edit.option("upscale_factor"))
    larger = image.resize((image.width * factor, image.height * factor), Image.Resampling.BICUBIC)
    return larger.filter(ImageFilter.UnsharpMask(radius=2 * factor, percent=int(_dice(edit).between(120, 180))))


def _coloured(image: Image.Image, edit: Edit) -> Image.Image:
    """Shadows and lights in two colours; the first is the one that the prompt names."""
    hue = _hue(edit)
    return ImageOps.colorize(
        image.convert("L"),
        black=colour(hue + 0.5, 0.8, 0.2),
        mid=colour(hue, 0.8, 0.75),
        white=colour(hue + 0.15, 0.25, 1.0),
    )


def _doodled(image: Image.Image, edit: Edit) -> Image.Image:
    """The picture's lines (or the picture itself, if it is the sketch) over a new one in pale colours."""
    lines = ImageOps.autocontrast(image.convert("L")) if edit.option("is_sketch") else _connections(image)
    paint = scene(replace(edit.picture, width=image.width, height=image.height))
    pale = Image.blend(paint, Image.new("RGB", image.size, _WHITE), 0.35)
    return ImageChops.multiply(pale, lines.convert("RGB"))


def _figure_in_scene(image: Image.Image, edit: Edit) -> Image.Image:
    """The figure of the input, cut out as an oval, in a new landscape."""
    drawn = scene(replace(edit.picture, width=image.width, height=image.height))
    figure = image.resize((image.width // 2, image.height // 2))
    oval = Image.new("L", figure.size)
    ImageDraw.Draw(oval).ellipse((0, 0, figure.width - 1, figure.height - 1), fill=255)
    drawn.paste(figure, (image.width // 4, image.height // 2 - image.height // 16), oval)
    return drawn


_DRAW_FUNCTIONS: Mapping[str, Callable[[Image.Image, Edit], Image.Image]] = {
    "stylization_all": _stylized,
    "stylization_local": _stylized_in_part,
    "description_edit": _described,
    "remove_watermark": _cleaned,
    "expand": _expanded,
    "super_resolution": _enlarged,
    "colorization": _coloured,
    "doodle": _doodled,
    "control_cartoon_feature": _figure_in_scene,
}
