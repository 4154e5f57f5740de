"""What a file name must be everywhere, and file systems that refuse some."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

LONGEST_ENDING = "-999.webp.part"
# Microsoft, "Naming Files, Paths, and Namespaces": these names are devices, with or without a suffix.
DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{digit}" for port in ("COM", "LPT") for digit in "0123456789¹²³")}
ECRYPTFS_MAX_BYTES = 143


def assert_safe(name: str) -> None:
    for part in name.split("/"):
        assert part.strip(" ."), "empty, or one that means another folder"
        assert not re.search(r'[\x00-\x1f\x7f<>:"|?*\\]', part), "a character that some system forbids"
        assert part.split(".")[0].rstrip().upper() not in DEVICES
        assert not part.startswith((".", "-")), "hidden, or taken for an option"
        assert len((part + LONGEST_ENDING).encode()) <= 255


def refusing(real: Callable[..., Any], refuse: Callable[[str], bool], number: int) -> Callable[..., Any]:
    """Return the same system call on a file system that refuses some names."""

    def call(*args: Any, **how: Any) -> Any:
        for word in args[:2]:
            if isinstance(word, str | Path) and any(refuse(part) for part in Path(word).parts):
                raise OSError(number, os.strerror(number), str(word))
        return real(*args, **how)

    return call
