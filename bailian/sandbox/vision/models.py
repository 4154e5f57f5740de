"""What the models that see take (VIS, OCR, ERR): counts, sides, bytes, lengths, and the pixels a picture counts for."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1024**2
SIDE_PX = 32
"""Both sides of a picture are rounded to a multiple of this; a token is one such square."""

FORMATS = frozenset({"BMP", "JPEG", "PNG", "TIFF", "WEBP", "HEIF", "MPO"})
"""HEIF is what a reader of HEIC files would say; without such a reader they cannot be opened here."""

LARGE_FORMATS = frozenset({"JPEG", "PNG", "MPO"})
"""Only these may be larger than 4K."""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What one model takes to look at."""

    images_max: int = 256
    """By their addresses."""
    inline_max: int = 250
    """As base64."""
    image_bytes: int = 20 * MB
    inline_chars: int = 20 * MB
    """Of a `data:` address, counted after encoding."""
    least_side_px: int = 10
    """Both sides must be longer."""
    ratio_max: float = 200.0
    resolution_px: int = 3840 * 2160
    large_resolution_px: int = 7680 * 4320
    least_pixels: int = 4 * SIDE_PX**2
    """Smaller pictures are scaled up, unless `min_pixels` says otherwise."""
    most_pixels: int = 2560 * SIDE_PX**2
    """Larger ones are scaled down, unless `max_pixels` says otherwise."""
    most_pixels_high: int = 16384 * SIDE_PX**2
    """With `vl_high_resolution_images`, which ignores `max_pixels`."""
    videos_max: int = 64
    video_bytes: int = 2048 * MB
    inline_video_chars: int = 10 * MB
    video_s: tuple[float, float] = (2.0, 7200.0)
    """(0, 0): the model takes no films."""
    frames: tuple[int, int] = (4, 8000)
    frame_pixels: int = 768 * SIDE_PX**2
    """A frame of a film counts for this much at most."""


WIDE = Sight(images_max=2048)
TODAY = Sight()
VL3 = Sight(video_s=(2.0, 3600.0), frames=(4, 2000), frame_pixels=640 * SIDE_PX**2)
OLD = Sight(
    image_bytes=10 * MB, inline_chars=10485760, most_pixels=1280 * SIDE_PX**2,
    video_s=(2.0, 600.0), frames=(4, 512), frame_pixels=640 * SIDE_PX**2,
)  # fmt: skip
PAPER = Sight(image_bytes=10 * MB, inline_chars=10485760, most_pixels=8192 * SIDE_PX**2, video_s=(0.0, 0.0))
"""The models that read: pictures only; `max_pixels` up to 8,388,608."""
