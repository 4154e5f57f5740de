"""What gives its bytes only once: a pipe, `<(…)`, /dev/stdin. It is read once and kept; a file is left where it is.

A request is checked now and sent later, perhaps by another process: both must see the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

from bailian.config.settings import home_folder
from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.store.backends.sqlite import unusable
from bailian.store.paths import leads_somewhere, leads_to_file, leads_to_folder
from bailian.store.private import private_folder

CHUNK_BYTES = 1 << 20
# A million long rows; what has more has no end.
TEXT_MAX_BYTES = 2 * 1024**3
# What stands there belongs to a process: /dev/stdin, /dev/fd/63, /proc/self/fd/0.
_OF_A_PROCESS = ("dev", "proc")


class Readable(Protocol):
    """What gives its bytes piece by piece."""

    def read(self, size: int, /) -> bytes: ...


class TooLarge(Exception):
    """There are more bytes than are taken."""


def lasts(path: Path) -> bool:
    """Return whether a path leads to the same bytes for whoever reads it later, in another process too."""
    return leads_to_file(path) and path.absolute().parts[1:2] not in [(one,) for one in _OF_A_PROCESS]


def lasting(path: Path) -> Path:
    """Return the file behind /dev/stdin and the like (`… < rows.json`), where there is one; else the path."""
    if lasts(path):
        return path
    try:
        behind = path.resolve()
    except (OSError, RuntimeError, ValueError):
        return path
    return behind if lasts(behind) else path


def read_bytes(source: BinaryIO, most_bytes: int) -> bytes:
    """Return all bytes of an open file.

    Raises:
        TooLarge: there are more than `most_bytes`, which are never held at a time.
    """
    data = source.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise TooLarge
    return data


def kept(data: bytes, suffix: str, home: Path) -> Path:
    """Write bytes to a file in the home folder, named by what it holds; return its absolute path.

    Raises:
        JournalError: the folder cannot be written.
    """

    def write(file: BinaryIO) -> str:
        file.write(data)
        return hashlib.sha256(data).hexdigest()

    return _placed(write, suffix, home)


def copied(source: Readable, suffix: str, home: Path, most_bytes: int) -> Path:
    """Copy an open file of any length into the home folder, like `kept`.

    Raises:
        TooLarge: there are more than `most_bytes`; no copy is left.
        JournalError: the folder cannot be written.
    """

    def write(file: BinaryIO) -> str:
        digest, count = hashlib.sha256(), 0
        while chunk := source.read(CHUNK_BYTES):
            count += len(chunk)
            if count > most_bytes:
                raise TooLarge
            digest.update(chunk)
            file.write(chunk)
        return digest.hexdigest()

    return _placed(write, suffix, home)


def lasting_text(field: str, path: Path) -> tuple[Path, bool]:
    """Return a file with the same text that can be read again, and whether it is a copy of what came through a pipe.

    Raises:
        InvalidRequest: it cannot be read, or has no end.
    """
    there = lasting(path)
    is_stdin = str(path) == "-" and not leads_somewhere(path)
    if lasts(there) or not (is_stdin or leads_somewhere(there)) or leads_to_folder(there):
        return there, False  # what is not there is said by whoever reads it
    try:
        with sys.stdin.buffer if is_stdin else there.open("rb") as file:
            return kept(read_bytes(file, TEXT_MAX_BYTES), "txt", home_folder()), True
    except TooLarge:
        size = f"{TEXT_MAX_BYTES // 1024**2} MB"
        raise InvalidRequest.unreadable(field, path, tr(f"it has more than {size}", f"超过 {size}")) from None
    except OSError as error:
        raise InvalidRequest.unreadable(field, path, error) from None


def _placed(write: Callable[[BinaryIO], str], suffix: str, home: Path) -> Path:
    """Write aside, then rename: another process may be reading a copy of the same bytes."""
    folder = (home / "inputs").absolute()
    try:
        private_folder(folder)
        handle, aside = tempfile.mkstemp(prefix=".", dir=folder)
    except OSError as error:
        raise unusable(home, error) from None
    try:
        with os.fdopen(handle, "wb") as file:
            digest = write(file)
        path = folder / f"{digest[:24]}.{suffix}"
        Path(aside).replace(path)
    except OSError as error:
        raise unusable(home, error) from None
    finally:
        Path(aside).unlink(missing_ok=True)
    return path
