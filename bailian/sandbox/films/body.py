"""Which inputs a body names, and in which roles: by fields, as a list of media, or as a list of references (FILM)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.films.rules import FilmModel
from bailian.sandbox.http.refusals import field_required, invalid, invalid_url

REFERENCE = "reference"
"""The role of what is told apart only when it is fetched: picture or film."""

VOICE = "reference_voice"
"""No type of its own: it stands beside a reference."""

_FRAMES = frozenset({"first_frame", "last_frame"})
_TWO_MODES = (
    "The two modes are mutually exclusive. Do not pass reference_xx and first_frame/last_frame at the same time."
)


@dataclass(frozen=True)
class NamedInput:
    """One input that a body names."""

    role: str
    url: str
    voice: str = ""
    """The address of the sound that belongs to it."""


def read_inputs(model: FilmModel, inputs: Mapping[str, Any]) -> list[NamedInput]:
    """Return the inputs in their order.

    Raises:
        Refusal: something is missing, unknown, too much, or does not go together.
    """
    readers = {"fields": _by_fields, "media": _by_media, "reference_urls": _by_references}
    named = readers[model.dialect](model, inputs)
    if model.dialect != "reference_urls":  # those are told apart when they are fetched
        check_counts(model, [one.role for one in named])
    return named


def _by_fields(model: FilmModel, inputs: Mapping[str, Any]) -> list[NamedInput]:
    for name in sorted(model.required):
        if not inputs.get(name):
            raise field_required(f"input.{name}")
    named = [NamedInput(role, _url(inputs[name])) for name, role in model.fields.items() if inputs.get(name)]
    if inputs.get("media"):
        raise invalid("input.media is not supported by this model")
    return named


def _url(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise invalid_url()
    return value


def _by_media(model: FilmModel, inputs: Mapping[str, Any]) -> list[NamedInput]:
    media = inputs.get("media")
    if media is None:
        if model.bills != "wan3":
            raise field_required("input.media")
        return []
    if not isinstance(media, list):
        raise invalid("Input should be a valid list: input.media")
    return [_medium(model, place, item) for place, item in enumerate(media)]


def _medium(model: FilmModel, place: int, item: Any) -> NamedInput:
    where = f"input.media.{place}"
    if not isinstance(item, dict):
        raise invalid(f"Input should be a valid dictionary: {where}")
    for name in ("type", "url"):
        if item.get(name) is None:
            raise field_required(f"{where}.{name}")
    types = [role for role in model.roles if role != VOICE]
    if item["type"] not in types:
        raise invalid(f"{where}.type: {item['type']} is not supported; allowed types are {', '.join(types)}")
    voice = item.get(VOICE) or ""
    if not isinstance(item["url"], str) or not isinstance(voice, str):
        raise invalid(f"Input should be a valid string: {where}.url")
    return NamedInput(str(item["type"]), item["url"], voice if VOICE in model.roles else "")


def _by_references(model: FilmModel, inputs: Mapping[str, Any]) -> list[NamedInput]:
    """`reference_video_urls` is the older name, for films alone."""
    mixed, films = inputs.get("reference_urls"), inputs.get("reference_video_urls")
    if not mixed and not films:
        raise field_required("input.reference_urls")
    named: list[NamedInput] = []
    for urls, role in ((mixed, REFERENCE), (films, "reference_video")):
        if urls is not None and not isinstance(urls, list):
            raise invalid("Input should be a valid list: input.reference_urls")
        named += [NamedInput(role, _url(url)) for url in urls or ()]
    return named


def check_counts(model: FilmModel, roles: Sequence[str]) -> None:
    """Check how many inputs there are of each role, and which roles go together.

    Raises:
        Refusal: with what is allowed.
    """
    counts = Counter(roles)
    if model.bills == "wan3":
        _check_modes(counts)
    for role, count in counts.items():
        most = model.roles[role].most
        if count > most:
            raise invalid(f"input.media: at most {most} {role} is allowed, got {count}")
    if model.sets and frozenset(counts) not in model.sets:
        allowed = "; ".join("+".join(sorted(one)) for one in model.sets)
        got = "+".join(sorted(counts)) or "none"
        raise invalid(f"input.media: the combination {got} is not supported; allowed are {allowed}")
    if model.together is not None:
        of, least, most = model.together
        total = sum(counts[role] for role in of)
        if not least <= total <= most:
            raise invalid(f"input.media: {' and '.join(sorted(of))} must be {least} to {most} together, got {total}")


def _check_modes(counts: Mapping[str, int]) -> None:
    """WAN3: frames exclude everything else; that a last frame needs a first one is likely."""
    frames = _FRAMES & set(counts)
    if frames and set(counts) - _FRAMES:
        raise invalid(_TWO_MODES)
    if frames == {"last_frame"}:
        raise invalid("input.media: last_frame must be used with first_frame")
    if "file" in counts and "link" in counts:
        raise invalid("input.media: file and link are mutually exclusive")
