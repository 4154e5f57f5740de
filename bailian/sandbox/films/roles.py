"""The inputs by role, with the limits that the pages name (FILM, HORSE, WAN3 in README.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bailian.sandbox.films.rules import Role

_FORMATS = frozenset({"JPEG", "MPO", "PNG", "BMP", "WEBP"})
"""MPO is what Pillow calls the JPEGs of some cameras."""

# FILM: 240-8000 px, PNG without transparency; up to wan2.2 10 MB, since 20 MB.
_PICTURE = Role(
    kind="image", side_px=(240, 8000), formats=_FORMATS, takes_alpha=False, max_mb=20, inline=True
)  # fmt: skip
_OLD_PICTURE = replace(_PICTURE, max_mb=10)
_NEW_PICTURE = replace(_PICTURE, aspect_max=8)
_SOUND = Role(kind="audio", max_mb=15, seconds=(3, 30), formats=frozenset({"wav", "mp3"}))
_MP4 = frozenset({"mov"})
_CLIP = Role(kind="video", side_px=(240, 4096), aspect_max=8, max_mb=100, seconds=(2, 10), formats=_MP4)

OLD_FIRST: Mapping[str, Role] = {"first_frame": _OLD_PICTURE}
FIRST_WITH_SOUND: Mapping[str, Role] = {"first_frame": _PICTURE, "driving_audio": _SOUND}
OLD_T2V: Mapping[str, Role] = {"driving_audio": _SOUND}
OLD_FRAMES: Mapping[str, Role] = {"first_frame": _OLD_PICTURE, "last_frame": _OLD_PICTURE}

I2V: Mapping[str, Role] = {
    "first_frame": _NEW_PICTURE,
    "last_frame": _NEW_PICTURE,
    "driving_audio": replace(_SOUND, seconds=(2, 30)),
    "first_clip": _CLIP,
}
I2V_SETS = tuple(
    map(
        frozenset,
        (
            ("first_frame",),
            ("first_frame", "driving_audio"),
            ("first_frame", "last_frame"),
            ("first_frame", "last_frame", "driving_audio"),
            ("first_clip",),
            ("first_clip", "last_frame"),
        ),
    )
)
T2V: Mapping[str, Role] = {"driving_audio": replace(_SOUND, seconds=(2, 30))}

_REFERENCE_CLIP = replace(_CLIP, seconds=(1, 30))
OLD_REFERENCES: Mapping[str, Role] = {
    "reference_image": replace(_PICTURE, most=5, inline=False),
    "reference_video": replace(_REFERENCE_CLIP, most=3, side_px=None, aspect_max=None),
}
REFERENCES: Mapping[str, Role] = {
    "reference_image": replace(_NEW_PICTURE, most=5),
    "reference_video": replace(_REFERENCE_CLIP, most=5),
    "first_frame": _NEW_PICTURE,
    "reference_voice": replace(_SOUND, most=5, seconds=(1, 10)),
}
EDIT: Mapping[str, Role] = {"video": _CLIP, "reference_image": replace(_NEW_PICTURE, most=4)}

# HORSE: no upload is named, films are public addresses; pictures may be inline.
_HORSE_PICTURE = Role(
    kind="image",
    side_px=(300, 100_000),
    aspect_max=2.5,
    formats=frozenset({"JPEG", "MPO", "PNG", "WEBP"}),
    max_mb=20,
    inline=True,
    uploads=False,
)
_HORSE_REFERENCE = replace(_HORSE_PICTURE, side_px=(400, 100_000), aspect_max=None)
HORSE_I2V: Mapping[str, Role] = {"first_frame": _HORSE_PICTURE}
HORSE_R2V: Mapping[str, Role] = {"reference_image": replace(_HORSE_REFERENCE, most=9)}
HORSE_EDIT: Mapping[str, Role] = {
    "video": Role(
        kind="video",
        side_px=(360, 4096),
        max_mb=100,
        seconds=(3, 60),
        fps=(8, 1000),
        formats=_MP4,
        uploads=False,
    ),
    "reference_image": replace(_HORSE_REFERENCE, most=5),
}

WAN3: Mapping[str, Role] = {
    "first_frame": _NEW_PICTURE,
    "last_frame": _NEW_PICTURE,
    "reference_image": replace(_NEW_PICTURE, most=10),
    "reference_video": Role(
        kind="video", side_px=(240, 4096), max_mb=100, formats=_MP4, most=5, seconds=(1, 15), together_s=15
    ),
    "reference_audio": replace(_SOUND, most=5, seconds=(1, 15), together_s=15),
    "file": Role(kind="document", max_mb=100),
    "link": Role(kind="link"),
}

# VACE: public addresses or uploads; films MP4 from 16 frames a second.
_VACE_PICTURE = Role(kind="image", side_px=(360, 2000), formats=_FORMATS, max_mb=10)
_VACE_CLIP = Role(kind="video", max_mb=50, fps=(16, 1000), formats=_MP4)
VACE: Mapping[str, Role] = {
    "reference_image": replace(_VACE_PICTURE, most=3),
    "first_frame": _VACE_PICTURE,
    "last_frame": _VACE_PICTURE,
    "video": _VACE_CLIP,
    "first_clip": replace(_VACE_CLIP, seconds=(0, 3)),
    "last_clip": replace(_VACE_CLIP, seconds=(0, 3)),
    "mask_image": Role(kind="image", formats=_FORMATS, max_mb=10),
    "mask_video": _VACE_CLIP,
}
