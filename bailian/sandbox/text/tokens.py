"""How a text is counted.

A token here is one Han character, up to four Latin letters, one digit or one sign. White space belongs to what
follows it. All this is a guess: the real tokenizer is not rebuilt.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\s*(?:[A-Za-z\u00c0-\u024f]{1,4}|\d|\S)|\s+")


def tokens_of(text: str) -> list[str]:
    return _TOKEN.findall(text)


def count_tokens(text: str) -> int:
    return len(tokens_of(text))
