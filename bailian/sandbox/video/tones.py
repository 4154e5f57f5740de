"""The sound of a film that has nobody else's: a soft chord, its height decided by the prompt."""

from __future__ import annotations

import array
import math
import sys

from bailian.sandbox.video.encoding import SOUND_HZ

_LOUD = 5000
_LOWEST_HZ = 220


def tone(words: str, seconds: float) -> bytes:
    """Return 16-bit samples; one second is made and repeated, which whole hertz allow without a click."""
    base = _LOWEST_HZ + sum(words.encode()) % _LOWEST_HZ
    step = 2 * math.pi / SOUND_HZ
    waves = (
        round(_LOUD * (math.sin(step * base * at) + 0.5 * math.sin(step * (base * 3 // 2) * at)))
        for at in range(SOUND_HZ)
    )
    second = array.array("h", waves)
    if sys.byteorder == "big":
        second.byteswap()
    count = round(seconds * SOUND_HZ) * 2
    made = second.tobytes()
    return (made * (count // len(made) + 1))[:count]
