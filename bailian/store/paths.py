"""A path as text that any table, file and locale can hold: a name need not be UTF-8 (a zip from a Chinese Windows)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from bailian.text.storage_path import ResultPath, StoragePath, is_storage

BY_BYTES = "bytes:"


def stored(path: ResultPath) -> str:
    """Return a path as text; one that is no UTF-8 by its bytes, one in storage by its URL."""
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return BY_BYTES + quote_from_bytes(os.fsencode(text))
    return text


def restored(text: str) -> ResultPath:
    """Return the path that was stored so. No path of a disk has two slashes behind a colon: `pathlib` makes them one."""
    if text.startswith(BY_BYTES):
        return Path(os.fsdecode(unquote_to_bytes(text.removeprefix(BY_BYTES))))
    return StoragePath.parse(text) or Path(text)


def leads_to_file(path: Path) -> bool:
    """Return whether a path leads to a file; a name that the system refuses (too long, a NUL) leads nowhere."""
    return os.path.isfile(path)  # noqa: PTH113 - that of pathlib raises on such a name


def leads_to_folder(path: Path) -> bool:
    """Return whether a path leads to a folder, see `leads_to_file`."""
    return os.path.isdir(path)  # noqa: PTH112


def leads_somewhere(path: Path) -> bool:
    """Return whether something has this name, see `leads_to_file`."""
    return os.path.exists(path)  # noqa: PTH110


def is_local(text: str) -> bool:
    """Return whether a user's word is the path of a file."""
    return text != "-" and not text.startswith(("http://", "https://", "oss://", "data:")) and not is_storage(text)


def local_path(text: str) -> Path:
    """Return the path of a plain path or a `file://` URL, absolute or relative, of Windows or not.

    The seed document allows `file://relative`, and `file://C:/…`: what stands where a host would is part of the path.
    """
    if not text.startswith("file://"):
        return _expanded(text)
    # By bytes: a name need not be UTF-8 (a zip from a Chinese Windows).
    try:
        path = os.fsdecode(unquote_to_bytes(os.fsencode(text.removeprefix("file://"))))
    except UnicodeError:  # no name on this machine, which opening it tells
        path = text.removeprefix("file://")
    return Path(path[1:] if re.match(r"/[A-Za-z]:", path) else path)


def _expanded(text: str) -> Path:
    """Put the home folder in place of "~". Where there is none, or no such user, it is a name, as in a shell."""
    try:
        return Path(text).expanduser()
    except (RuntimeError, ValueError):  # ValueError: a NUL in it, which opening the file tells
        return Path(text)


def path_of(url: str) -> Path:
    """Return the path of a `file:///…` URL made by `resolve`."""
    return local_path(url)
