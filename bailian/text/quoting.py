"""Words as they are pasted into a shell: a POSIX one, or those of Windows."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable

ON_WINDOWS = os.name == "nt"
_PLAIN = re.compile(r"[\w@%+=:,./\\~-]+")


def quoted(word: str) -> str:
    """Return a word as it is typed. Double quotes are what cmd and PowerShell both read."""
    if not ON_WINDOWS:
        return shlex.quote(word)
    return word if _PLAIN.fullmatch(word) else '"' + word.replace('"', '\\"') + '"'


def line_of(words: Iterable[str]) -> str:
    """Return a whole line."""
    return " ".join(quoted(word) for word in words)
