"""A small plot, drawn by Pillow: a few curves over a few places, with a legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIZE_PX = (860, 420)
LEFT_PX, TOP_PX, RIGHT_PX, BOTTOM_PX = 70, 60, 830, 360


@dataclass(frozen=True)
class Curve:
    """A curve: its name, its colour, and a value at each place."""

    name: str
    colour: tuple[int, int, int]
    values: Sequence[float]


def draw(path: Path, title: str, places: Sequence[float], curves: Sequence[Curve]) -> None:
    """Write a PNG; places are spaced evenly, values begin at 0."""
    picture = Image.new("RGB", SIZE_PX, "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size=15)
    most = max(value for curve in curves for value in curve.values) * 1.1
    step = 10 ** (len(str(int(most))) - 1)

    def point(index: int, value: float) -> tuple[float, float]:
        x = LEFT_PX + (RIGHT_PX - LEFT_PX) * index / (len(places) - 1)
        return x, BOTTOM_PX - (BOTTOM_PX - TOP_PX) * value / most

    pen.text((LEFT_PX, 14), title, fill="black", font=font)
    for line in range(0, int(most) + 1, step):
        y = point(0, line)[1]
        pen.line([(LEFT_PX, y), (RIGHT_PX, y)], fill=(230, 230, 230))
        pen.text((LEFT_PX - 12, y), str(line), fill="black", font=font, anchor="rm")
    for index, place in enumerate(places):
        pen.text((point(index, 0)[0], BOTTOM_PX + 10), f"{place:g} s", fill="black", font=font, anchor="mt")
    for number, curve in enumerate(curves):
        points = [point(index, value) for index, value in enumerate(curve.values)]
        pen.line(points, fill=curve.colour, width=3)
        for x, y in points:
            pen.ellipse([x - 4, y - 4, x + 4, y + 4], fill=curve.colour)
        x, y = LEFT_PX + 250 * number, BOTTOM_PX + 46
        pen.ellipse([x, y - 5, x + 10, y + 5], fill=curve.colour)
        pen.text((x + 18, y), curve.name, fill=curve.colour, font=font, anchor="lm")
    picture.save(path, optimize=True)
