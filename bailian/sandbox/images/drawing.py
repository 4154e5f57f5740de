"""Draws the results: a layered landscape, decided by prompt, seed and index, at exactly the asked size."""

from __future__ import annotations

import colorsys
import hashlib
import io
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw, PngImagePlugin

from bailian.sandbox.images.fonts import chinese_font, drawable, font

Colour = tuple[int, int, int]

DRAWN_BY = "Drawn by the sandbox, not by "
"""What a file says about itself, and then the model's name."""

_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
# A font object of Pillow must not be used by two threads at once.
_WORDS = threading.Lock()


@dataclass(frozen=True)
class Picture:
    """Everything a picture depends on."""

    prompt: str
    seed: int
    index: int
    width: int
    height: int
    model: str
    watermark: str = ""
    """The words in the lower right corner, or none."""


class Dice:
    """Numbers in [0, 1) from a digest: the same on every machine and Python."""

    def __init__(self, *parts: object) -> None:
        self._seed = "\n".join(map(str, parts)).encode()
        self._pool: list[int] = []
        self._turn = 0

    def roll(self) -> float:
        if not self._pool:
            self._turn += 1
            digest = hashlib.sha256(self._seed + self._turn.to_bytes(4, "big")).digest()
            self._pool = [int.from_bytes(digest[i : i + 2], "big") for i in range(0, 32, 2)]
        return self._pool.pop() / 65536

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.roll()


def draw_png(picture: Picture) -> bytes:
    """Return the PNG's bytes."""
    image = scene(picture)
    label(picture, image)
    return png_of(image, picture.model, picture.prompt)


def scene(picture: Picture) -> Image.Image:
    """Draw the landscape, without words."""
    dice = Dice(picture.prompt, picture.seed, picture.index)
    hue = dice.roll()
    image = _sky(picture, dice, hue)
    draw = ImageDraw.Draw(image)
    _sun(picture, draw, dice, hue)
    _hills(picture, draw, dice, hue)
    return image


def label(picture: Picture, image: Image.Image) -> None:
    """Write the ribbon, the prompt and the watermark on it."""
    with _WORDS:
        _words(picture, ImageDraw.Draw(image))


def watermark(picture: Picture, image: Image.Image) -> None:
    """Write the watermark alone."""
    with _WORDS:
        _mark(picture, ImageDraw.Draw(image), _unit(picture))


def write(image: Image.Image, text: str, place: tuple[int, int], size_px: int) -> None:
    """Write a short Latin text, white with a dark edge."""
    with _WORDS:
        face = font(size_px, chinese=False)
        edge = max(1, size_px // 12)
        ImageDraw.Draw(image).text(place, text, font=face, fill=_WHITE, stroke_width=edge, stroke_fill=_BLACK)


def png_of(image: Image.Image, model: str, prompt: str = "") -> bytes:
    """Return the PNG's bytes; its texts say where it is from, and for which prompt."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "bailian sandbox")
    info.add_text("Comment", DRAWN_BY + model)
    info.add_itxt("Description", prompt)
    file = io.BytesIO()
    image.save(file, "PNG", pnginfo=info, compress_level=2)
    return file.getvalue()


def colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return int(red * 255), int(green * 255), int(blue * 255)


def _mix(one: Sequence[float], other: Sequence[float], share: float) -> Colour:
    red, green, blue = (int(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _sky(picture: Picture, dice: Dice, hue: float) -> Image.Image:
    """A vertical gradient: one column, widened. Rows of one colour pack small."""
    top = colour(hue + 0.55, dice.between(0.45, 0.8), dice.between(0.25, 0.75))
    bottom = colour(hue + 0.08, dice.between(0.25, 0.55), 0.98)
    height = max(picture.height, 1)
    column = Image.new("RGB", (1, height))
    column.putdata([_mix(top, bottom, min(1.0, row / (0.8 * height))) for row in range(height)])
    return column.resize((picture.width, height))


def _sun(picture: Picture, draw: ImageDraw.ImageDraw, dice: Dice, hue: float) -> None:
    short = min(picture.width, picture.height)
    x, y = dice.between(0.15, 0.85) * picture.width, dice.between(0.15, 0.45) * picture.height
    radius = dice.between(0.06, 0.14) * short
    light = colour(hue + 0.1, 0.25, 1.0)
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=light)
    for _ in range(int(dice.between(10, 40))):
        star_x, star_y = dice.roll() * picture.width, dice.roll() * picture.height * 0.5
        size = dice.between(0.0008, 0.003) * short
        draw.ellipse((star_x - size, star_y - size, star_x + size, star_y + size), fill=light)


def _hills(picture: Picture, draw: ImageDraw.ImageDraw, dice: Dice, hue: float) -> None:
    layers = 4 + int(dice.roll() * 3)
    far, near = colour(hue + 0.5, 0.3, 0.8), colour(hue + 0.45, 0.75, 0.18)
    step = max(2, picture.width // 256)
    for layer in range(layers):
        share = layer / (layers - 1)
        base = (0.5 + 0.42 * share) * picture.height
        swing = (0.12 - 0.07 * share) * picture.height
        waves = [(dice.between(1, 3) * 2**k, dice.roll() * math.tau, swing / 2**k) for k in range(4)]
        ridge = []
        for x in range(0, picture.width + step, step):
            turn = math.tau * x / picture.width
            ridge.append((x, base - sum(high * math.sin(turns * turn + at) for turns, at, high in waves)))
        outline = [(0, picture.height), *ridge, (picture.width, picture.height)]
        draw.polygon(outline, fill=_mix(far, near, share))


def placed_texts(picture: Picture) -> list[tuple[str, tuple[int, int, int, int]]]:
    """Return the lines that stand in a picture, each with its left, top, right and lower edge.

    The prompt is there in full words, also those that no font here can draw.
    """
    with _WORDS:
        return [(line.text, line.box()) for line in _lines(picture, " ".join(picture.prompt.split()))]


@dataclass(frozen=True)
class _Line:
    text: str
    face: Any
    place: tuple[float, float]

    def box(self) -> tuple[int, int, int, int]:
        left, top, right, low = self.face.getbbox(self.text)
        x, y = self.place
        return int(x + left), int(y + top), int(x + right), int(y + low)


def _unit(picture: Picture) -> int:
    return max(10, min(picture.width, picture.height) // 28)


def _lines(picture: Picture, prompt: str) -> list[_Line]:
    unit = _unit(picture)
    title = f"SANDBOX  {picture.model}  {picture.width}*{picture.height}"
    ribbon = font(unit, chinese=False)
    room = (picture.width - 1.2 * unit) / max(1.0, ribbon.getlength(title))
    if room < 1:
        ribbon = font(max(6, int(unit * room)), chinese=False)
    face = font(unit, chinese=True)
    rows = enumerate(_wrap(prompt, face, picture.width - 2 * unit))
    below = [_Line(words, face, (unit, unit * (2.5 + 1.4 * row))) for row, words in rows]
    return [_Line(title, ribbon, (unit * 0.6, unit * 0.3)), *below]


def _words(picture: Picture, draw: ImageDraw.ImageDraw) -> None:
    unit = _unit(picture)
    ribbon, *below = _lines(picture, drawable(picture.prompt))
    draw.rectangle((0, 0, picture.width, unit * 1.8), fill=(200, 30, 40))
    draw.text(ribbon.place, ribbon.text, font=ribbon.face, fill=_WHITE)
    edge = max(1, unit // 12)
    for line in below:
        draw.text(line.place, line.text, font=line.face, fill=_WHITE, stroke_width=edge, stroke_fill=_BLACK)
    _mark(picture, draw, unit)


def _mark(picture: Picture, draw: ImageDraw.ImageDraw, unit: int) -> None:
    if not picture.watermark:
        return
    text = picture.watermark if picture.watermark.isascii() or chinese_font() else "AI"
    mark = font(unit, chinese=not text.isascii())
    width = draw.textlength(text, font=mark)
    corner = (picture.width - width - unit * 1.4, picture.height - unit * 2.1)
    draw.rectangle((*corner, picture.width - unit * 0.4, picture.height - unit * 0.4), fill=_WHITE)
    draw.text((corner[0] + unit * 0.5, corner[1] + unit * 0.25), text, font=mark, fill=(40, 40, 40))


def _wrap(text: str, face: object, width: float, rows: int = 3) -> list[str]:
    """Break between characters: Chinese has no spaces."""
    lines: list[str] = []
    rest = text[:400]
    while rest and len(lines) < rows:
        fits = len(rest)
        while fits > 1 and face.getlength(rest[:fits]) > width:  # type: ignore[attr-defined]
            fits = max(1, int(fits * 0.9))
        lines.append(rest[:fits].strip())
        rest = rest[fits:]
    if rest and lines:
        lines[-1] = lines[-1][:-1] + "…"
    return lines
