"""Figures of the service that a bill or an index is made of: whole and in range, or none at all. Pure.

An answer may hold anything in the place of a count: text, true, NaN, -1, 10^400. Such a figure is not a bill: the
charge is unknown then, and the estimate stands for it in the ledger.
"""

from __future__ import annotations

NUMBERS = (int, float)
"""What JSON reads a number into; True is of neither type."""
# Each is far more than one request can be billed for: beyond it a figure is rubbish.
MOST_PICTURES = 1_000
MOST_SECONDS = 10_000_000
MOST_CHARACTERS = 1_000_000_000
MOST_TOKENS = 1_000_000_000


def count_of(value: object, most: int) -> int | None:
    """Return a whole number within 0 to `most` (5 and 5.0), or None for anything else."""
    number = amount_of(value, most)
    return int(number) if number is not None and number == int(number) else None


def amount_of(value: object, most: float) -> float | None:
    """Return a number within 0 to `most`, or None for anything else (true and NaN are no numbers)."""
    if type(value) not in NUMBERS:
        return None
    return value if 0 <= value <= most else None  # type: ignore[operator,return-value]
