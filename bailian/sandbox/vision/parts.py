"""What a message wants to be looked at, before anything is fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.http.refusals import invalid, off_specification
from bailian.sandbox.tasks.requests import is_integer, is_number
from bailian.sandbox.vision.models import Sight

FPS = (0.1, 10.0)
FPS_DEFAULT = 2.0


@dataclass(frozen=True)
class MediaPart:
    """One picture, or one film: an address, or the list of its frames."""

    kind: str
    """"image" or "video"."""
    urls: tuple[str, ...]
    frames: bool = False
    min_pixels: int | None = None
    max_pixels: int | None = None
    fps: float = FPS_DEFAULT


def read_media(item: Mapping[str, Any]) -> MediaPart | None:
    """Return the picture or film of one item of a content; None: it has neither.

    Raises:
        Refusal: it has one of the wrong type; the words are guesses.
    """
    if "image" in item:
        url = item["image"]
        if not isinstance(url, str) or not url:
            raise invalid("Input should be a valid string: image")
        return MediaPart(
            "image", (url,), min_pixels=_pixels(item, "min_pixels"), max_pixels=_pixels(item, "max_pixels")
        )
    if "video" not in item:
        return None
    given = item["video"]
    frames = isinstance(given, list)
    urls = tuple(given) if isinstance(given, list) else (given,)
    if not urls or not all(isinstance(url, str) and url for url in urls):
        raise invalid("Input should be a valid string or list of strings: video")
    fps = item.get("fps")
    if fps is not None and not is_number(fps, *FPS):
        raise off_specification(f"fps must be between {FPS[0]:g} and {FPS[1]:g}")
    return MediaPart(
        "video", urls, frames, _pixels(item, "min_pixels"), _pixels(item, "max_pixels"), fps or FPS_DEFAULT
    )


def _pixels(item: Mapping[str, Any], name: str) -> int | None:
    value = item.get(name)
    if value is None:
        return None
    if not is_integer(value, 1, 2**31):
        raise off_specification(f"{name} must be a positive integer")
    return int(value)


def check_counts(sight: Sight, parts: tuple[MediaPart, ...]) -> None:
    """Refuse more than a model looks at, and films where it takes none; the words are guesses.

    Raises:
        Refusal: with the limit.
    """
    images = [part for part in parts if part.kind == "image"]
    inline = sum(part.urls[0][:5].lower() == "data:" for part in images)
    if len(images) > sight.images_max:
        raise off_specification(f"at most {sight.images_max} images are supported, got {len(images)}")
    if inline > sight.inline_max:
        raise off_specification(f"at most {sight.inline_max} base64 images are supported, got {inline}")
    videos = [part for part in parts if part.kind == "video"]
    if videos and not sight.video_s[1]:
        raise invalid("This model does not support video input.")
    if len(videos) > sight.videos_max:
        raise off_specification(f"at most {sight.videos_max} videos are supported, got {len(videos)}")
    for part in videos:
        fewest, most = sight.frames
        if part.frames and not fewest <= len(part.urls) <= most:
            raise off_specification(f"a video of frames must have {fewest} to {most} images, got {len(part.urls)}")
