"""Boxes and palettes as people write them → as the service does (wan2.7-image page, 2026-05).

A box is `N:X,Y,X,Y`: two corners in pixels of picture N, counted from 1. A palette is `#RRGGBB:SHARE%,…`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from bailian.errors import Problem
from bailian.i18n import tr
from bailian.types import Input

BOXES_A_PICTURE = 2
COLORS_MIN, COLORS_MAX = 3, 10
_BOX = re.compile(r"\s*([0-9]{1,3})\s*:" + r"\s*,".join([r"\s*([0-9]{1,6})"] * 4) + r"\s*")
_COLOR = re.compile(r"\s*(#[0-9A-Fa-f]{6})\s*:\s*([0-9]{1,3}(?:\.[0-9]{1,2})?)\s*%\s*")

Box = tuple[int, int, int, int]


def parse_box(text: str) -> tuple[int, Box] | None:
    """Return the picture's number and the corners of `N:X,Y,X,Y`, or None if it is not written so."""
    found = _BOX.fullmatch(text)
    if found is None:
        return None
    number, left, top, right, bottom = (int(part) for part in found.groups())
    return number, (left, top, right, bottom)


def box_problems(boxes: Sequence[str], pictures: Sequence[Input]) -> list[Problem]:
    """Check each box against its picture, as far as that is on this machine."""
    problems = []
    counts: dict[int, int] = {}
    for text in boxes:
        found = parse_box(text)
        wrong = _unreadable(text) if found is None else _box_problem(text, *found, pictures)
        if found is not None and wrong is None:
            counts[found[0]] = counts.get(found[0], 0) + 1
        problems += [] if wrong is None else [Problem("box", wrong)]
    problems += [
        Problem(
            "box",
            tr(
                f"picture {number} has {count} boxes, at most {BOXES_A_PICTURE} are taken",
                f"第 {number} 张图片有 {count} 个框，最多 {BOXES_A_PICTURE} 个",
            ),
        )
        for number, count in counts.items()
        if count > BOXES_A_PICTURE
    ]
    return problems


def _unreadable(text: str) -> str:
    return tr(
        f"{text!r} is not N:X,Y,X,Y (picture, two corners in px), such as 1:10,20,300,400",
        f"{text!r} 的格式应为 N:X,Y,X,Y（第几张图片、两个角的像素坐标），例如 1:10,20,300,400",
    )


def _box_problem(text: str, number: int, box: Box, pictures: Sequence[Input]) -> str | None:
    if not 1 <= number <= len(pictures):
        return tr(
            f"{text!r}: there is no picture {number}, {len(pictures)} are given",
            f"{text!r}：没有第 {number} 张图片，共给出 {len(pictures)} 张",
        )
    left, top, right, bottom = box
    if left >= right or top >= bottom:
        return tr(
            f"{text!r}: the first corner must be above and left of the second",
            f"{text!r}：第一个角须在第二个角的左上方",
        )
    probe = pictures[number - 1].probe
    if probe is not None and (right > probe.width_px or bottom > probe.height_px):
        shown = f"{probe.width_px}*{probe.height_px}"
        return tr(
            f"{text!r} is outside of picture {number}, which is {shown}",
            f"{text!r} 超出第 {number} 张图片（{shown}）",
        )
    return None


def wire_boxes(boxes: Sequence[str], pictures: int) -> list[list[list[int]]]:
    """Return one list a picture, an empty one for a picture without boxes; `boxes` were checked."""
    found = [one for text in boxes if (one := parse_box(text)) is not None]
    return [[list(box) for number, box in found if number == picture] for picture in range(1, pictures + 1)]


def parse_palette(text: str) -> list[tuple[str, Decimal]] | None:
    """Return the colours and their shares, or None if it is not written so."""
    found = [_COLOR.fullmatch(part) for part in text.split(",")]
    return [(one[1], Decimal(one[2])) for one in found if one is not None] if all(found) else None


def palette_problems(text: str) -> list[Problem]:
    """Check how many colours there are, and that their shares are all of the picture."""
    colors = parse_palette(text)
    if colors is None:
        wrong = tr(
            f"{text!r} is not #RRGGBB:SHARE%,… such as #C2D1E6:25%,#CDD8E9:25%,#B5C8DB:50%",
            f"{text!r} 的格式应为 #RRGGBB:占比%,…，例如 #C2D1E6:25%,#CDD8E9:25%,#B5C8DB:50%",
        )
    elif not COLORS_MIN <= len(colors) <= COLORS_MAX:
        wrong = tr(
            f"has {len(colors)} colours; {COLORS_MIN} to {COLORS_MAX} are taken",
            f"有 {len(colors)} 种颜色，应为 {COLORS_MIN} 到 {COLORS_MAX} 种",
        )
    elif (total := sum(share for _, share in colors)) != 100:
        wrong = tr(f"the shares make {total} %, not 100 %", f"占比之和为 {total}%，应为 100%")
    else:
        return []
    return [Problem("palette", wrong)]


def wire_palette(text: str) -> list[dict[str, str]]:
    """Return a palette that was checked as the service writes it."""
    return [{"hex": color, "ratio": f"{share:.2f}%"} for color, share in parse_palette(text) or []]


def boxes_of(lists: Any) -> Any:
    """Return the service's lists of boxes as ours; anything else as it is."""
    if not isinstance(lists, list) or not all(isinstance(own, list) for own in lists):
        return lists
    return [
        f"{number}:{','.join(map(str, box))}" if isinstance(box, list) else box
        for number, own in enumerate(lists, 1)
        for box in own
    ]


def palette_of(colors: Any) -> Any:
    """Return the service's list of colours as ours; anything else as it is."""
    if not isinstance(colors, list) or not all(isinstance(one, dict) for one in colors):
        return colors
    return ",".join(f"{one.get('hex')}:{one.get('ratio')}" for one in colors)
