"""Vectors as the journal keeps them: base64 of 32-bit floats, as OpenAI's `encoding_format: base64` has them. Pure.

The service prints 32-bit floats with the digits of 64: nothing is lost, and a vector needs a quarter of the room.
"""

from __future__ import annotations

import base64
import binascii
import math
import sys
from array import array
from collections.abc import Sequence

FLOAT_BYTES = 4
MOST_DIMENSIONS = 100_000


def packed(numbers: Sequence[object]) -> str | None:
    """Return numbers as text; None where one of them is no number that 32 bits hold."""
    if not numbers or len(numbers) > MOST_DIMENSIONS:
        return None
    known = [number for number in numbers if isinstance(number, int | float) and not isinstance(number, bool)]
    try:
        floats = array("f", known)
    except OverflowError:
        return None
    if len(known) != len(numbers) or not all(map(math.isfinite, floats)):
        return None
    return base64.b64encode(little_endian(floats)).decode("ascii")


def unpacked(text: object) -> array[float] | None:
    """Return the numbers of a packed vector; None where it is none."""
    if not isinstance(text, str):
        return None
    floats = array("f")
    try:
        floats.frombytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return None
    if sys.byteorder == "big":
        floats.byteswap()
    return floats or None


def little_endian(floats: array[float]) -> bytes:
    """Return the bytes of numbers as files have them, on every machine."""
    if sys.byteorder == "big":
        floats = floats[:]
        floats.byteswap()
    return floats.tobytes()


def json_numbers(floats: array[float]) -> str:
    """Return numbers as JSON, with the nine digits that tell any two of 32 bits apart."""
    return "[" + ", ".join(["%.9g"] * len(floats)) % tuple(floats) + "]"
