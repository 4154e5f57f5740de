"""Draws the videos: the camera pans over a landscape. H.264 in MP4, of exactly the asked size, length and rate (T2V).

Making one needs PyAV.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw

from bailian.sandbox.images.drawing import DRAWN_BY, Picture, label, scene
from bailian.sandbox.video.encoding import counts, even, write_film

STEPS_PER_S = 6
"""The camera moves this often; the frames between repeat, which costs the encoder next to nothing."""

PAN = 0.25
"""The landscape is wider than the frame by this share."""


@dataclass(frozen=True)
class Video:
    """Everything a video depends on."""

    picture: Picture
    duration_s: int
    fps: int
    sound: bytes = b""
    """Samples, or none (see `write_film`)."""


def draw_video(video: Video) -> bytes:
    """Return the MP4's bytes; the same video gives the same bytes."""
    width, height = even(video.picture.width, video.picture.height)
    picture = replace(video.picture, width=width, height=height)
    images = _images(picture, video.duration_s, video.fps)
    comment = DRAWN_BY + picture.model
    return write_film(images, (width, height), video.fps, comment=comment, prompt=picture.prompt, sound=video.sound)


def _images(picture: Picture, duration_s: int, fps: int) -> Iterator[tuple[Image.Image, int]]:
    words = _words(picture)
    wide = scene(replace(picture, width=int(picture.width * (1 + PAN))))
    steps = duration_s * STEPS_PER_S
    for step, count in enumerate(counts(duration_s * fps, steps)):
        yield _image(wide, words, step, steps), count


def _words(picture: Picture) -> Image.Image:
    layer = Image.new("RGBA", (picture.width, picture.height), (0, 0, 0, 0))
    label(picture, layer)
    return layer


def _image(wide: Image.Image, words: Image.Image, step: int, steps: int) -> Image.Image:
    """Return the landscape at one step, with the words and a bar that shows the time."""
    width, height = words.size
    left = (wide.width - width) * step // max(1, steps - 1)
    image = wide.crop((left, 0, left + width, height))
    image.paste(words, mask=words)
    bar = max(2, height // 120)
    ImageDraw.Draw(image).rectangle((0, height - bar, width * (step + 1) // steps, height), fill=(200, 30, 40))
    return image
