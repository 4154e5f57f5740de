"""How the service counts a text: of some models a Han character is two, everything else one (docs/wire.md "Speech")."""

from __future__ import annotations

import re

# Unified ideographs with their extensions, and those for compatibility (Unicode 16, chapter 18).
HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def counted(text: str, han_counts: int = 1) -> int:
    """Return the length of a text where one Han character counts so much."""
    return len(text) + (han_counts - 1) * len(HAN.findall(text)) if han_counts > 1 else len(text)


def longest(text: str, start: int, limit: int, han_counts: int = 1) -> int:
    """Return where the longest piece from `start` ends that counts at most `limit`; it has one character at least."""
    if han_counts == 1:
        return min(len(text), start + limit)
    end, left = start, limit
    while end < len(text):
        left -= han_counts if HAN.match(text, end) else 1
        if left < 0 and end > start:
            break
        end += 1
    return end
