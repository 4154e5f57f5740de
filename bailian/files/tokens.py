"""How many tokens a text has: exactly with the vendor's offline tokenizer, or a number it cannot exceed."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

# What the service adds for each message's role and borders: 3 more than the words in captured calls (2024-02).
TOKENS_A_MESSAGE = 4


def ceiling(text: str) -> int:
    """Return a number of tokens the text cannot exceed: every token of a byte-pair encoding has a byte at least.

    The tokenizer composes characters first (NFC), which makes a few of them longer.
    """
    if text.isascii():
        return len(text)
    length = len(text.encode("utf-8", "surrogatepass"))
    if unicodedata.is_normalized("NFC", text):
        return length
    return max(length, len(unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")))


def count_tokens(text: str) -> int | None:
    """Return the tokens by the tokenizer of the official SDK, or None if that is not installed.

    It is the Qwen tokenizer of 2023; newer models need fewer tokens for the same text, not more (guess).
    """
    tokenizer = _tokenizer()
    return None if tokenizer is None else len(tokenizer.encode(text))


@cache
def _tokenizer() -> Any:
    """Load it: half a second for the SDK, half a second for the vocabulary. Only when a number depends on it."""
    try:
        from dashscope.tokenizers import get_tokenizer

        return get_tokenizer("qwen-turbo")
    except (ImportError, RuntimeError):  # the second: it asks for the user's home, and there may be none
        return None
