"""What is seen in the films of the functions: what each did to the given film, step by step (VACE)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PIL import Image, ImageFilter, ImageOps

from bailian.sandbox.edits.drawing import Edit, instructed, opened
from bailian.sandbox.films.film import Film, Load
from bailian.sandbox.images.drawing import scene
from bailian.sandbox.video.clips import frames_at

_HALF = 128


def _frames(film: Film, load: Load, moments: Sequence[float], size: tuple[int, int]) -> list[Image.Image]:
    return frames_at(load(film.of_role("video")[0].digest), moments, size)


def _size(film: Film) -> tuple[int, int]:
    return film.picture.width, film.picture.height


def _depth(image: Image.Image) -> Image.Image:
    return image.convert("L").filter(ImageFilter.GaussianBlur(max(2, min(image.size) // 40))).convert("RGB")


def _scribble(image: Image.Image) -> Image.Image:
    return ImageOps.invert(image.convert("L").filter(ImageFilter.FIND_EDGES)).convert("RGB")


def _pose(image: Image.Image) -> Image.Image:
    return ImageOps.posterize(image, 2)


_CONTROLS = {"depth": _depth, "scribble": _scribble}


def repainted(film: Film, load: Load, moments: Sequence[float]) -> Callable[[int], Image.Image]:
    """What the control keeps of the film, in other colours; the strength says how much is new."""
    frames = _frames(film, load, moments, _size(film))
    options = dict(film.options)
    control = _CONTROLS.get(options.get("control_condition", ""), _pose)
    edit, strength = Edit(film.picture, "", ()), float(options.get("strength", 1))
    return lambda step: Image.blend(frames[step], instructed(control(frames[step]), edit), strength)


def masked(film: Film, load: Load, moments: Sequence[float]) -> Callable[[int], Image.Image]:
    """Something new where the mask is white, the film's own pixels elsewhere."""
    size = _size(film)
    frames = _frames(film, load, moments, size)
    new = scene(film.picture)
    if still := film.of_role("mask_image"):
        masks = [opened(load(still[0].digest)).resize(size)] * len(frames)
    else:
        masks = frames_at(load(film.of_role("mask_video")[0].digest), moments, size)
    where = [mask.convert("L").point([255 if level >= _HALF else 0 for level in range(256)]) for mask in masks]
    return lambda step: Image.composite(new, frames[step], where[step])


def outpainted(film: Film, load: Load, moments: Sequence[float]) -> Callable[[int], Image.Image]:
    """The film in its place, a landscape around it."""
    width, height = _size(film)
    top, bottom, left, right = (
        float(dict(film.options)[f"{side}_scale"]) for side in ("top", "bottom", "left", "right")
    )
    inner = (round(width * 2 / (left + right)), round(height * 2 / (top + bottom)))
    place = (round((width - inner[0]) * _share(left, right)), round((height - inner[1]) * _share(top, bottom)))
    frames = _frames(film, load, moments, inner)
    around = scene(replace(film.picture, width=width, height=height))

    def image(step: int) -> Image.Image:
        made = around.copy()
        made.paste(frames[step], place)
        return made

    return image


def _share(before: float, after: float) -> float:
    """How much of what was added stands before the film."""
    added = before + after - 2
    return (before - 1) / added if added else 0.0
