"""Looks at a film: its size, its length, some of its pictures. Needs PyAV, loaded with the first film, and Pillow."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from bailian.sandbox.vision.colours import dominant_colours
from bailian.sandbox.vision.drawn import drawn_by_texts
from bailian.sandbox.vision.sightings import Drawn

SAMPLES = (0.0, 0.35, 0.7)
"""Where it is looked at, in parts of its length."""

_STRIP_PX = 64


@dataclass(frozen=True)
class Film:
    """What was found in a film's file."""

    width: int
    height: int
    seconds: float
    colours: tuple[str, ...]
    drawn: Drawn | None


def look_at_film(data: bytes) -> Film:
    """Open a film.

    Raises:
        ValueError: it is none that can be played.
    """
    import av

    try:
        with av.open(io.BytesIO(data)) as container:
            stream = container.streams.video[0]
            length_us = container.duration or 0
            images = [_frame(container, int(share * length_us)) for share in SAMPLES]
            size = (stream.codec_context.width, stream.codec_context.height)
            return Film(*size, round(length_us / 1e6, 2), colours_of(images), drawn_by_texts(container.metadata))
    except (av.FFmpegError, IndexError, StopIteration) as error:
        raise ValueError(str(error)) from None


def _frame(container: Any, moment_us: int) -> Image.Image:
    container.seek(moment_us)
    image: Image.Image = next(container.decode(video=0)).to_image()
    return image


def colours_of(images: Sequence[Image.Image]) -> tuple[str, ...]:
    """Return the dominant colours of several pictures together."""
    strip = Image.new("RGB", (_STRIP_PX * len(images), _STRIP_PX))
    for number, image in enumerate(images):
        strip.paste(image.convert("RGB").resize((_STRIP_PX, _STRIP_PX)), (number * _STRIP_PX, 0))
    return dominant_colours(strip)
