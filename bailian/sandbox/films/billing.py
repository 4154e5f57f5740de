"""How long a film is, and how many seconds are billed: those of some inputs count, too (FILM, HORSE, WAN3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bailian.sandbox.films.inputs import TOLERANCE_S, FilmInput
from bailian.sandbox.http.refusals import invalid

REFERENCE_S = 5.0
"""All reference films together count at most so long."""
_EACH_S = {1: 5.0, 2: 2.5, 3: 1.65, 4: 1.25, 5: 1.0}
"""FILM: what each of so many counts at most."""

EDIT_MAX_S = 15.0
"""HORSE: of a longer film, the first 15 seconds are used."""

OPEN_S = 10
"""WAN3: the model decides how long; here always so long."""
WAN3_MAX_S = 30


@dataclass(frozen=True)
class Seconds:
    """Of one film."""

    film: float
    billed_in: float
    billed_out: float


def seconds_of(bills: str, asked: int, inputs: Sequence[FilmInput]) -> Seconds:
    """Return the seconds of a film.

    Args:
        bills: which seconds count.
        asked: 0: as the input film; -1: as the model likes.
        inputs: what the film is made from.

    Raises:
        Refusal: the film and its inputs do not fit together.
    """
    films = [one for one in inputs if one.kind == "video"]
    if bills == "edit":
        length = min(films[0].duration_s, EDIT_MAX_S)
        film = min(float(asked), length) if asked else length
        return Seconds(film, length, film)
    if bills == "first_clip" and films:
        length = films[0].duration_s
        if asked <= length:
            raise invalid(f"duration must be greater than the duration of first_clip ({length:g} s)")
        return Seconds(asked, length, asked - length)
    if bills in ("references", "all_references"):
        pictures = [one for one in inputs if one.role == "reference_image"]
        each = _EACH_S.get(len(films) + (len(pictures) if bills == "all_references" else 0), 1.0)
        return Seconds(asked, sum(min(one.duration_s, each) for one in films), asked)
    if bills == "wan3":
        return _wan3(asked, films, inputs)
    return Seconds(asked, 0, asked)


def _wan3(asked: int, films: Sequence[FilmInput], inputs: Sequence[FilmInput]) -> Seconds:
    length = sum(one.duration_s for one in films)
    heard = sum(one.duration_s for one in inputs if one.kind == "audio")
    film = min(OPEN_S, WAN3_MAX_S - length) if asked < 0 else asked
    if films and length + film > WAN3_MAX_S + TOLERANCE_S:
        raise invalid(f"The total duration of input and output video must not exceed {WAN3_MAX_S} s")
    return Seconds(film, length + heard, film)
