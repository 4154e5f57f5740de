"""Fetches the pictures and films of one call, checks them against the model's rules, and looks at them.

Importing this needs Pillow.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from bailian.sandbox.http.refusals import Refusal, invalid
from bailian.sandbox.settings import Settings
from bailian.sandbox.storage.input_fetcher import FetchFailed, InputFetcher, NotOnLoopback
from bailian.sandbox.storage.uploads import Uploads
from bailian.sandbox.vision.colours import dominant_colours
from bailian.sandbox.vision.drawn import drawn_by_texts, drawn_like, labels_of
from bailian.sandbox.vision.films import colours_of, look_at_film
from bailian.sandbox.vision.models import FORMATS, LARGE_FORMATS, Sight
from bailian.sandbox.vision.parts import MediaPart
from bailian.sandbox.vision.sightings import Sighting
from bailian.sandbox.vision.sizes import image_tokens, video_tokens

_ALGO = "<400> InternalError.Algo.InvalidParameter: "
FRAMES_OPENED_MAX = 8
"""Of a list of frames, so many are fetched; the others are taken to be like them."""

FAR_PICTURE = (1024, 1024)
FAR_FILM = (1280, 720, 5.0)
"""What stands in for a file on another computer."""


class Eyes:
    """Looks at what one call names.

    Args:
        uploads: for `oss://` addresses.
        settings: whether placeholders stand in for what is on other computers.
        model: its name; uploads belong to one.
        sight: what it takes.
        resolves: whether the call has `X-DashScope-OssResourceResolve: enable`.
        drawn: returns the files that the sandbox has drawn last.
    """

    def __init__(
        self, uploads: Uploads, settings: Settings, model: str, sight: Sight, *, resolves: bool,
        drawn: Callable[[], Sequence[bytes]],
    ) -> None:  # fmt: skip
        self._sight = sight
        self._drawn = drawn
        self._pictures = InputFetcher(
            uploads, settings, model, resolves=resolves, max_bytes=sight.image_bytes, max_chars=sight.inline_chars
        )
        self._films = InputFetcher(
            uploads, settings, model, resolves=resolves, max_bytes=sight.video_bytes,
            max_chars=sight.inline_video_chars, media="video",
        )  # fmt: skip

    async def look(self, parts: Sequence[MediaPart], *, high_resolution: bool) -> list[Sighting]:
        """Return what is seen of each.

        Raises:
            Refusal: one cannot be fetched, opened, or is not as the model wants it.
        """
        return [await self._look_at(part, high_resolution) for part in parts]

    async def _look_at(self, part: MediaPart, high_resolution: bool) -> Sighting:
        if part.kind == "image":
            picture = await self._picture(part.urls[0])
            tokens = image_tokens(
                self._sight, part, picture.sighting.width, picture.sighting.height, high_resolution=high_resolution
            )
            return _with_tokens(picture.sighting, tokens)
        return await (self._frames(part) if part.frames else self._film(part))

    async def _picture(self, url: str) -> _Picture:
        try:
            data = await self._pictures.get(url)
        except NotOnLoopback:
            return _Picture(Sighting("image", *FAR_PICTURE, ("grey",), 0, stands_in=url), None)
        except FetchFailed:
            raise _not_fetched() from None
        return await asyncio.to_thread(self._opened, data, self._drawn())

    def _opened(self, data: bytes, drawn_files: Sequence[bytes]) -> _Picture:
        sight = self._sight
        if len(data) > sight.image_bytes:
            raise invalid(f"Multimodal file size is too large, at most {sight.image_bytes} bytes")
        try:
            with Image.open(io.BytesIO(data)) as image:
                (width, height), kind = image.size, str(image.format)
                self._check_sides(width, height, kind)
                image.draft("RGB", (512, 512))  # a JPEG is read at a fraction of its size
                image.load()
                drawn = drawn_by_texts(image.info) or drawn_like(image, drawn_files)
                small = image.convert("RGB").resize((64, 64))
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise _wrong_sides(*FAR_PICTURE, "is too large") from None
        except (OSError, ValueError, SyntaxError):  # what Pillow raises for files it cannot read
            raise _unreadable() from None
        labels = labels_of(drawn, width, height) if drawn is not None else ()
        return _Picture(Sighting("image", width, height, dominant_colours(small), 0, drawn, labels), small)

    def _check_sides(self, width: int, height: int, kind: str) -> None:
        sight = self._sight
        if kind not in FORMATS:
            raise _unreadable()
        if min(width, height) <= sight.least_side_px:
            raise _wrong_sides(width, height, f"must be larger than {sight.least_side_px}")
        ratio = max(width, height) / min(width, height)
        if ratio > sight.ratio_max:
            raise invalid(f"{_ALGO}absolute aspect ratio must be smaller than {sight.ratio_max:g}, got {ratio:g}")
        most = sight.large_resolution_px if kind in LARGE_FORMATS else sight.resolution_px
        if width * height > most:
            raise _wrong_sides(width, height, f"must not have more than {most} pixels together")

    async def _film(self, part: MediaPart) -> Sighting:
        url = part.urls[0]
        try:
            data = await self._films.get(url)
        except NotOnLoopback:
            width, height, seconds = FAR_FILM
            return self._film_seen(part, Sighting("video", width, height, ("grey",), 0, seconds=seconds, stands_in=url))
        except FetchFailed:
            raise _not_fetched() from None
        if len(data) > self._sight.video_bytes:
            raise invalid(f"Multimodal file size is too large, at most {self._sight.video_bytes} bytes")
        try:
            film = await asyncio.to_thread(look_at_film, data)
        except ValueError:
            raise invalid(f"{_ALGO}The video format is illegal and cannot be opened.") from None
        shortest, longest = self._sight.video_s
        if not shortest <= film.seconds <= longest:
            words = f"The video duration must be between {shortest:g}s and {longest:g}s, got {film.seconds:g}s"
            raise invalid(_ALGO + words)
        return self._film_seen(
            part, Sighting("video", film.width, film.height, film.colours, 0, film.drawn, seconds=film.seconds)
        )

    def _film_seen(self, part: MediaPart, film: Sighting) -> Sighting:
        fewest, most = self._sight.frames
        frames = min(most, max(fewest, round(film.seconds * part.fps)))
        return _with_tokens(film, video_tokens(self._sight, part, film.width, film.height, frames), frames)

    async def _frames(self, part: MediaPart) -> Sighting:
        step = max(1, len(part.urls) // FRAMES_OPENED_MAX)
        opened = [await self._picture(url) for url in part.urls[::step]]
        images = [picture.image for picture in opened if picture.image is not None]
        first = opened[0].sighting
        colours = colours_of(images) if images else first.colours
        seconds = round(len(part.urls) / part.fps, 2)
        film = Sighting("video", first.width, first.height, colours, 0, seconds=seconds, stands_in=first.stands_in)
        tokens = video_tokens(self._sight, part, film.width, film.height, len(part.urls))
        return _with_tokens(film, tokens, len(part.urls))


@dataclass(frozen=True)
class _Picture:
    sighting: Sighting
    image: Image.Image | None
    """Small; none for a placeholder."""


def _with_tokens(sighting: Sighting, tokens: int, frames: int = 0) -> Sighting:
    return replace(sighting, tokens=tokens, frames=frames)


def _not_fetched() -> Refusal:
    return invalid("Failed to download multimodal content")


def _unreadable() -> Refusal:
    return invalid(f"{_ALGO}The image format is illegal and cannot be opened, please make sure the image is correct.")


def _wrong_sides(width: int, height: int, rule: str) -> Refusal:
    words = "The image length and width do not meet the model restrictions."
    return invalid(f"{_ALGO}{words} [height:{height} or width:{width} {rule}]")
