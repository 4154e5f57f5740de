"""JSON that others sent, read so that everything of ours can take it: finite, shallow, and writable as UTF-8. Pure.

A paid answer is not lost for one bad byte or one absurd number in it. What Python reads and the journal, a file or
`--json` cannot hold (NaN, 10^400, a thousand levels, half a character) becomes null or "\ufffd".
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

# The service's deepest answer (a transcript's words) has eight levels. Copying recurses; SQLite stops at a thousand.
MOST_LEVELS = 64
# Within 64 bits, as SQLite has them.
MOST_DIGITS = 18
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= MOST_DIGITS else None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _null(_constant: str) -> None:
    """Take NaN, Infinity and -Infinity, which are no JSON, for null."""


_DECODER = json.JSONDecoder(strict=False, parse_int=_whole, parse_float=_finite, parse_constant=_null)


def read_json(content: bytes) -> Any:
    """Return the value.

    Raises:
        ValueError: it is not JSON.
    """
    text = _shallow(content.decode("utf-8", "replace").removeprefix("\ufeff"))
    value = _DECODER.decode(text)
    if "\\ud" in text or "\\uD" in text:  # perhaps half a character (a prompt cut inside an emoji)
        whole = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        value = json.loads(whole)
    return value


def json_object(content: bytes) -> dict[str, Any] | None:
    """Return the object, or None if this is not JSON, or not an object."""
    try:
        value = read_json(content)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _shallow(text: str) -> str:
    """Return the text with null in the place of whatever lies deeper than `MOST_LEVELS`."""
    if text.count("[") + text.count("{") <= MOST_LEVELS:
        return text
    kept: list[str] = []
    level = begin = 0
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign in ("[", "{"):
            level += 1
            if level == MOST_LEVELS + 1:
                kept += (text[begin : token.start()], "null")
        elif sign in ("]", "}"):
            if level == MOST_LEVELS + 1:
                begin = token.end()
            level -= 1
    if level > MOST_LEVELS:  # it ends down there
        raise ValueError("unfinished JSON")
    return "".join((*kept, text[begin:]))
