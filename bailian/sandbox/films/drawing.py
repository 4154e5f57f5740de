"""Draws the films: what came along can be seen in them. Importing this needs Pillow; drawing needs PyAV.

A given first frame is the first frame, a given last frame is the last one: nothing is written over them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from PIL import Image, ImageDraw

from bailian.sandbox.films.film import Film, Load
from bailian.sandbox.films.scenes import Scene, scene_of, title_of
from bailian.sandbox.images.drawing import DRAWN_BY, label, watermark
from bailian.sandbox.video.clips import samples_of
from bailian.sandbox.video.encoding import counts, even, write_film
from bailian.sandbox.video.tones import tone

STEPS_PER_S = 2
STEPS = (4, 30)
"""A film has so many different images, however short or long it is."""

_RED = (200, 30, 40)


def draw_film(film: Film, load: Load) -> bytes:
    """Return the MP4's bytes; the same film gives the same bytes."""
    size = even(film.picture.width, film.picture.height)
    film = replace(film, picture=replace(film.picture, width=size[0], height=size[1]))
    frames = max(1, round(film.film_s * film.fps))
    comment = DRAWN_BY + film.picture.model
    images, prompt = _images(film, load, frames), film.picture.prompt
    return write_film(images, size, film.fps, comment=comment, prompt=prompt, sound=_sound(film, load))


def _images(film: Film, load: Load, frames: int) -> Iterator[tuple[Image.Image, int]]:
    steps = min(frames, max(STEPS[0], min(STEPS[1], round(film.film_s * STEPS_PER_S))))
    scene = scene_of(film, load, steps)
    words = Image.new("RGBA", (film.picture.width, film.picture.height), (0, 0, 0, 0))
    label(replace(film.picture, model=title_of(film)), words)
    for step, count in enumerate(counts(frames, steps)):
        image = scene.image(step)
        if step in scene.untouched:
            watermark(film.picture, image)
        else:
            _finish(image, scene, words, (step + 1) / steps)
        yield image, count


def _finish(image: Image.Image, scene: Scene, words: Image.Image, share: float) -> None:
    """Add the references, the words, and a bar that shows the time."""
    scene.add_strip(image)
    image.paste(words, mask=words)
    bar = max(2, image.height // 120)
    box = (0, image.height - bar, int(image.width * share), image.height)
    ImageDraw.Draw(image).rectangle(box, fill=_RED)


def _sound(film: Film, load: Load) -> bytes:
    how, digest = film.sound
    if how == "none":
        return b""
    return tone(film.picture.prompt, film.film_s) if how == "tone" else samples_of(load(digest), film.film_s)
