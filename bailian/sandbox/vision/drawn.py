"""Recognises what the sandbox itself has drawn, and what stands in it. Needs Pillow.

Its PNG and MP4 files say for which prompt they are. A picture that was scaled or written anew is compared with the
last ones that were fetched.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from functools import lru_cache

from PIL import Image

from bailian.sandbox.images.drawing import DRAWN_BY, Picture, placed_texts
from bailian.sandbox.vision.sightings import Drawn, Label

SIDE_PX = 16
"""Two pictures are compared as squares of this side."""

DIFFERENCE_MAX = 5.0
"""Mean difference of their values (0 to 255) up to which they are the same picture."""

STRETCH_MAX = 0.03
"""How far the ratios of their sides may differ."""


def drawn_by_texts(texts: Mapping[object, object]) -> Drawn | None:
    """Return what a file's texts say, if they are the sandbox's."""
    named = {str(key).lower(): str(value) for key, value in texts.items()}
    comment = named.get("comment", "")
    if not comment.startswith(DRAWN_BY):
        return None
    return Drawn(named.get("description", ""), comment.removeprefix(DRAWN_BY))


def drawn_like(image: Image.Image, files: Iterable[bytes]) -> Drawn | None:
    """Return what is known of the file that shows the same picture."""
    small, ratio = _small(image), image.width / image.height
    for data in files:
        known = _opened(data)
        if known is None or abs(ratio / known[1] - 1) > STRETCH_MAX:
            continue
        if sum(abs(a - b) for a, b in zip(small, known[0], strict=True)) <= DIFFERENCE_MAX * len(small):
            return known[2]
    return None


@lru_cache(maxsize=32)
def _opened(data: bytes) -> tuple[bytes, float, Drawn] | None:
    try:
        with Image.open(io.BytesIO(data)) as image:
            drawn = drawn_by_texts(image.info)
            return None if drawn is None else (_small(image), image.width / image.height, drawn)
    except (OSError, ValueError):  # a film
        return None


def _small(image: Image.Image) -> bytes:
    return image.convert("RGB").resize((SIDE_PX, SIDE_PX)).tobytes()


def labels_of(drawn: Drawn, width: int, height: int) -> tuple[Label, ...]:
    """Return the texts that stand in a drawn picture of that size."""
    picture = Picture(drawn.prompt, 0, 0, width, height, drawn.model)
    return tuple(Label(text, box) for text, box in placed_texts(picture))
