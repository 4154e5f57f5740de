"""What can go into a film: roles, in the service's own words, and what a model takes in one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MEDIA_OF_ROLE: Mapping[str, str] = {
    "first_frame": "image",
    "last_frame": "image",
    "driving_audio": "audio",
    "first_clip": "video",
    "last_clip": "video",
    "reference_image": "image",
    "reference_video": "video",
    "reference_audio": "audio",
    "reference_voice": "audio",
    "video": "video",
    "mask_image": "image",
    "mask_video": "video",
    "file": "file",
    "link": "link",
}
"""Role → what it must be."""
ROLES = tuple(MEDIA_OF_ROLE)
FUNCTIONS = ("image_reference", "video_repainting", "video_edit", "video_extension", "video_outpainting")
"""The functions of the models of style "function", each a way of calling."""
FILM_WAYS = (*ROLES, *FUNCTIONS, "template", "continue")
"""Ways of calling a film model: with an input, with a function, with a template, to go on from a clip."""
TRANSPORTS = ("inline", "upload", "public")
"""How an input may reach the service: in the body, by an upload (`oss://`), as a link that everybody can open."""
OPTIONAL_MARK = "?"
"""Behind a role in `input_sets`: with it or without."""


@dataclass(frozen=True, kw_only=True)
class InputLimits:
    """What a model takes in one role. A limit that is absent is not checked."""

    max: int = 1
    """The most inputs of this role."""
    formats: tuple[str, ...] = ()
    """Pictures "JPEG", "PNG", …; films "mp4", "mov"; sounds "wav", "mp3"; documents by their suffix."""
    side_px: tuple[int, int] | None = None
    """The shortest and the longest side taken."""
    aspect: tuple[float, float] | None = None
    """Smallest and largest width / height."""
    max_bytes: int | None = None
    alpha: bool = True
    """False: a picture with transparency is refused."""
    seconds: tuple[float, float] | None = None
    fps: tuple[float, float] | None = None
    transports: tuple[str, ...] = TRANSPORTS
    part_of_film: bool = False
    """Its seconds count in the film's duration: the film goes on from it."""
    billed_s: float | None = None
    """The most seconds of each that are billed beside the film's own; None: none."""
    billed_shared: tuple[str, ...] = ()
    """Roles whose inputs share `billed_s`: it is divided by how many they are."""


def expanded(input_set: tuple[str, ...]) -> list[frozenset[str]]:
    """Return every set of roles that a set with optional ones stands for."""
    sets: list[frozenset[str]] = [frozenset()]
    for word in input_set:
        role = word.removesuffix(OPTIONAL_MARK)
        with_it = [one | {role} for one in sets]
        sets = sets + with_it if word.endswith(OPTIONAL_MARK) else with_it
    return sets
