"""Pictures and films that a text model looks at: their limits, their parts of a message, and what they cost in tokens.

Facts: docs/wire.md "Texts of today" (the vendor's vision page, autumn 2026).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bailian.catalog import Model
from bailian.errors import Problem
from bailian.i18n import tr
from bailian.modalities.rules import fields
from bailian.modalities.rules.picture_inputs import check_input
from bailian.modalities.text import ocr
from bailian.modalities.text.text_request import TextRequest
from bailian.types import Film, Input, Probe

PATCH_PX = 32
TOKENS_BESIDE = 2
"""A picture has this many tokens beside those of its patches."""
SIGHT_MIN_PX = 65_536
"""Smaller pictures are enlarged to this (page of the 3-VL models; OCR says its own)."""
SIGHT_MAX_PX = 2_621_440
"""Larger pictures are scaled down to this, where the catalog names no other area."""
IMAGE_TOKENS = (66, 16_384)
FPS = 2
"""Frames a second that are looked at: the page's own default, sent so that the price is known."""
FOUR_K_PX, EIGHT_K_PX = 3840 * 2160, 7680 * 4320
TO_EIGHT_K = ("JPEG", "PNG")
FILM_MAX_BYTES = 2_000_000_000
# The old host takes bodies of 16 MiB, base64 makes 4 bytes of 3, and some room is the rest of the body's.
INLINE_MAX_BYTES = 11_000_000
INLINE_MAX = 250


def problems(
    request: TextRequest, model: Model, inputs: Mapping[str, Input], able: Callable[[str], str]
) -> list[Problem]:
    """Check what the model is to look at; `able` names for a field the models that see it."""
    found = _count_problems(request, model, able)
    for url in request.image:
        given = inputs.get(url, Input(url))
        found += [*check_input("image", given, model), *_resolution_problems(given.probe)]
    for url in request.video:
        film = inputs.get(url, Input(url)).film
        found += _film_problems(film, model) if film else []
    if request.image_max_tokens is not None:
        found += fields.check_range("image_max_tokens", request.image_max_tokens, *IMAGE_TOKENS)
        if not request.image:
            found.append(Problem("image_max_tokens", tr("belongs to pictures: --image X", "只用于图片：--image X")))
    return found


def _count_problems(request: TextRequest, model: Model, able: Callable[[str], str]) -> list[Problem]:
    given = {"image": (len(request.image), model.images_max), "video": (len(request.video), model.films_max)}
    found = []
    for name, (count, most) in given.items():
        if count and not most:
            what = tr("pictures", "图片") if name == "image" else tr("films", "视频")
            others = able(name)
            text = tr(f"{model.name} takes no {what}; {others} do", f"{model.name} 不支持{what}输入；可用 {others}")
            found.append(Problem(name, text))
        elif count > most:
            found.append(
                Problem(
                    name,
                    tr(
                        f"{count} are given, {model.name} takes {most}", f"给出 {count} 个，{model.name} 最多 {most} 个"
                    ),
                )
            )
    if "ocr" in model.abilities and not request.image and not request.ocr and not request.messages:
        found.append(
            Problem("image", tr(f"{model.name} reads pictures: --image X", f"{model.name} 用于识图：--image X"))
        )
    return found


def _resolution_problems(probe: Probe | None) -> list[Problem]:
    if probe is None:
        return []
    most = EIGHT_K_PX if probe.format in TO_EIGHT_K else FOUR_K_PX
    if probe.width_px * probe.height_px <= most:
        return []
    limit, others = ("8K", "") if most == EIGHT_K_PX else ("4K", f"; {', '.join(TO_EIGHT_K)}: 8K")
    text = tr(
        f"is {probe.width_px}*{probe.height_px}; {probe.format} is taken up to {limit} ({most:,} pixels){others}",
        f"尺寸为 {probe.width_px}*{probe.height_px}；{probe.format} 最大 {limit}（{most:,} 像素）{others}",
    )
    return [Problem("image", text)]


def _film_problems(film: Film, model: Model) -> list[Problem]:
    found = []
    if film.size_bytes > FILM_MAX_BYTES:
        found.append(Problem("video", tr("has more than 2 GB", "超过 2 GB")))
    if film.duration_s is not None and model.film_s and not model.film_s[0] <= film.duration_s <= model.film_s[1]:
        low, high = model.film_s
        text = tr(
            f"lasts {film.duration_s:.1f} s; {model.name} takes {low} to {high} s",
            f"时长 {film.duration_s:.1f} 秒；{model.name} 支持 {low} 到 {high} 秒",
        )
        found.append(Problem("video", text))
    return found


def media_of(request: TextRequest, model: Model) -> list[dict[str, Any]]:
    """Return the parts of the message that are looked at: pictures, then films."""
    bounds: dict[str, Any] = {}
    if request.ocr:
        bounds = {"min_pixels": ocr.MIN_PX, "max_pixels": _most_px(request, model), "enable_rotate": False}
    elif request.image_max_tokens is not None:
        bounds = {"max_pixels": _most_px(request, model)}
    pictures = [{"image": url, **bounds} for url in request.image]
    return [*pictures, *({"video": url, "fps": FPS} for url in request.video)]


def _most_px(request: TextRequest, model: Model) -> int:
    """Return how large a picture may be for the service to look at it as it is."""
    if request.image_max_tokens is not None:
        return (request.image_max_tokens - TOKENS_BESIDE) * PATCH_PX**2
    return model.sight_max_px or SIGHT_MAX_PX


def tokens_of(request: TextRequest, model: Model, inputs: Mapping[str, Input]) -> int:
    """Return how many tokens pictures and films have, at most; one that is not on this machine is as large as may be."""
    films = sum(_film_tokens(inputs.get(url, Input(url)).film, model) for url in request.video)
    total = picture_tokens(request, model, inputs) + films
    return min(total, model.max_input_tokens or total)


def picture_tokens(request: TextRequest, model: Model, inputs: Mapping[str, Input]) -> int:
    """Return those of the pictures. Of a film the service takes as many frames as there is room for."""
    most_px = _most_px(request, model)
    least_px = ocr.MIN_PX if request.ocr else min(SIGHT_MIN_PX, most_px)
    return sum(image_tokens(inputs.get(url, Input(url)).probe, least_px, most_px) for url in request.image)


def image_tokens(probe: Probe | None, least_px: int, most_px: int) -> int:
    """Return the tokens of a picture: its sides are rounded to 32 after it is scaled between two areas."""
    if probe is None:
        return most_px // PATCH_PX**2 + TOKENS_BESIDE
    return _patches(probe.width_px, probe.height_px, least_px, most_px) + TOKENS_BESIDE


def _patches(width_px: int, height_px: int, least_px: int, most_px: int) -> int:
    sides = [max(1, round(side / PATCH_PX)) for side in (width_px, height_px)]
    area_px = sides[0] * sides[1] * PATCH_PX**2
    if area_px > most_px:
        scale = math.sqrt(width_px * height_px / most_px)
        sides = [max(1, math.floor(side / scale / PATCH_PX)) for side in (width_px, height_px)]
        # A strip is one patch wide at least; that its length gives way is a guess, the page says the area is kept.
        sides = [
            min(side, max(1, most_px // PATCH_PX**2 // other)) for side, other in zip(sides, sides[::-1], strict=True)
        ]
    elif area_px < least_px:
        scale = math.sqrt(least_px / (width_px * height_px))
        sides = [math.ceil(side * scale / PATCH_PX) for side in (width_px, height_px)]
    return sides[0] * sides[1]


def _film_tokens(film: Film | None, model: Model) -> int:
    """Return the tokens of a film if each frame that is looked at counts alone; the service joins some."""
    most = model.max_input_tokens or 0
    if film is None or film.duration_s is None:
        return most
    frame_px = model.film_frame_max_px or model.sight_max_px or SIGHT_MAX_PX
    a_frame = frame_px // PATCH_PX**2
    if film.width_px and film.height_px:
        a_frame = _patches(film.width_px, film.height_px, 0, frame_px)
    return math.ceil(film.duration_s * FPS) * a_frame + TOKENS_BESIDE


def must_upload(inputs: Iterable[Input]) -> bool:
    """Return whether the files of this machine are too many, or too large together, to stand in the request."""
    sizes = [given.probe.size_bytes for given in inputs if given.probe] + [
        given.film.size_bytes for given in inputs if given.film
    ]
    return len(sizes) > INLINE_MAX or sum(sizes) > INLINE_MAX_BYTES
