"""Vectors of texts: made of the characters that stand together in them, so like texts are near each other.

The same text always has the same vector, of length one. What a text means is not known here.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from typing import Any

GRAMS = (1, 2, 3)
"""How many characters stand together."""

DIGITS = 7
SPARSE_INDICES = 250_000
_WORD = re.compile(r"[a-z0-9]+|[^\W\d_a-z]")


def dense(text: str, dimension: int) -> list[float]:
    """Return a vector of length one."""
    values = [0.0] * dimension
    for gram, count in _grams(text).items():
        number = _number(gram)
        values[(number >> 1) % dimension] += (1 if number & 1 else -1) * math.sqrt(count) * len(gram)
    length = math.sqrt(sum(value * value for value in values))
    if not length:  # nothing but spaces, or all that there is cancels out
        values[0] = length = 1.0
    return [round(value / length, DIGITS) for value in values]


def sparse(text: str) -> list[dict[str, Any]]:
    """Return the words of a text with their weights."""
    words = Counter(_WORD.findall(text.lower()))
    total = math.sqrt(sum(count * count for count in words.values())) or 1.0
    return [
        {"index": _number(word) % SPARSE_INDICES, "value": round(count / total, DIGITS), "token": word}
        for word, count in words.items()
    ]


def _grams(text: str) -> Counter[str]:
    plain = " ".join(text.lower().split())
    return Counter(plain[at : at + length] for length in GRAMS for at in range(len(plain) - length + 1))


def _number(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
