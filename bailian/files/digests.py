"""Whether a file is what was written: by its SHA-256, never by its name."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bailian.i18n import reason_of, tr

CHUNK_BYTES = 1 << 20


def sha256_of(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def has_digest(path: Path, sha256: str | None) -> bool:
    """Return whether the file is there and has this digest."""
    try:
        return sha256 is not None and sha256_of(path) == sha256
    except (OSError, UnicodeEncodeError):  # the second: a name of another locale
        return False


def changed(path: Path, sha256: str) -> str:
    """Return what became of a file that was saved; "" if it is as it was."""
    try:
        if sha256_of(path) == sha256:
            return ""
    except OSError as error:
        reason = reason_of(error)
        return tr(f"{path} cannot be read: {reason}", f"无法读取 {path}：{reason}")
    return tr(f"{path} was changed since it was saved", f"{path} 在保存后被改动")
