"""How likely the words of an answer were: made up, always the same for the same word (API; CAP …-message-logprobs-nosse)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

_OTHERS = ("的", "the", "是", "of", "，")


def logprobs_of(tokens: Sequence[str], others: int) -> dict[str, Any]:
    """Return the probabilities of these tokens, each with so many words that could have stood there."""
    return {"content": [_told(token, others) for token in tokens]}


def _told(token: str, others: int) -> dict[str, Any]:
    own = _entry(token, -int.from_bytes(hashlib.sha256(token.encode()).digest()[:1], "big") / 1000)
    more = [_entry(word, own["logprob"] - 2.0 - number) for number, word in enumerate(_OTHERS) if word != token]
    return {"top_logprobs": [own, *more][:others], **own}


def _entry(token: str, logprob: float) -> dict[str, Any]:
    return {"logprob": logprob, "bytes": list(token.encode("utf-8", "surrogatepass")), "token": token}
