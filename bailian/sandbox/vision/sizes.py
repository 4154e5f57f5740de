"""How many tokens a picture or a film counts for (VIS): squares of 32 pixels, after scaling."""

from __future__ import annotations

import math

from bailian.sandbox.vision.models import SIDE_PX, Sight
from bailian.sandbox.vision.parts import MediaPart

EXTRA_TOKENS = 2
"""Begin and end of what is looked at."""


def image_tokens(sight: Sight, part: MediaPart, width: int, height: int, *, high_resolution: bool) -> int:
    """Return what a picture counts for; high resolution ignores `max_pixels`."""
    most = sight.most_pixels_high if high_resolution else part.max_pixels or sight.most_pixels
    wide, high = scaled(width, height, part.min_pixels or sight.least_pixels, min(most, sight.most_pixels_high))
    return wide * high // SIDE_PX**2 + EXTRA_TOKENS


def video_tokens(sight: Sight, part: MediaPart, width: int, height: int, frames: int) -> int:
    """Return what a film counts for: every frame that is looked at (the dear reading; pairs may count once)."""
    most = min(part.max_pixels or sight.frame_pixels, sight.frame_pixels)
    wide, high = scaled(width, height, part.min_pixels or sight.least_pixels, most)
    return frames * (wide * high // SIDE_PX**2) + EXTRA_TOKENS


def scaled(width: int, height: int, least: int, most: int) -> tuple[int, int]:
    """Return the sides as they are looked at: multiples of 32, an area between the two bounds."""
    wide, high = (max(SIDE_PX, round(side / SIDE_PX) * SIDE_PX) for side in (width, height))
    if wide * high > most:
        shrink = math.sqrt(width * height / most)
        wide, high = (max(SIDE_PX, math.floor(side / shrink / SIDE_PX) * SIDE_PX) for side in (width, height))
        # A strip is one square wide at least; that its length gives way is a guess, the page says the area is kept.
        wide = min(wide, max(SIDE_PX, most // high // SIDE_PX * SIDE_PX))
        high = min(high, max(SIDE_PX, most // wide // SIDE_PX * SIDE_PX))
    elif wide * high < least:
        grow = math.sqrt(least / (width * height))
        wide, high = (math.ceil(side * grow / SIDE_PX) * SIDE_PX for side in (width, height))
    return wide, high
