"""A path as text that any table, file and locale can hold: a name need not be UTF-8 (a zip from a Chinese Windows)."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

BY_BYTES = "bytes:"


def stored(path: Path) -> str:
    """Return a path as text; one that is no UTF-8 by its bytes."""
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return BY_BYTES + quote_from_bytes(os.fsencode(text))
    return text


def restored(text: str) -> Path:
    """Return the path that was stored so."""
    if text.startswith(BY_BYTES):
        return Path(os.fsdecode(unquote_to_bytes(text.removeprefix(BY_BYTES))))
    return Path(text)
