"""Values of JSON that somebody else wrote: of the type that is wanted, or not there."""

from __future__ import annotations

from typing import Any, overload

from bailian.counts import NUMBERS

MOST_NUMBER = 1e15


def object_of(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def objects_of(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def texts_of(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


@overload
def text_of(value: object) -> str: ...
@overload
def text_of(value: object, other: None) -> str | None: ...
def text_of(value: object, other: str | None = "") -> str | None:
    """Return a text; what is none is `other`."""
    return value if isinstance(value, str) else other


def number_of(value: object) -> float | None:
    """Return a number, 5 as 5: JSON is written again as it was. True, NaN and 10^400 are none."""
    good = type(value) in NUMBERS and -MOST_NUMBER < value < MOST_NUMBER  # type: ignore[operator]
    return value if good else None  # type: ignore[return-value]
