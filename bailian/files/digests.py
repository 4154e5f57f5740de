"""Whether a file is what was written: by its SHA-256, never by its name. It is on this machine's disk, or in storage."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bailian.i18n import reason_of, tr
from bailian.text.storage_path import ResultPath

CHUNK_BYTES = 1 << 20


def sha256_of(path: ResultPath) -> str:
    """Return the hexadecimal SHA-256 of a file, read in pieces.

    Raises:
        OSError: it cannot be read.
    """
    if not isinstance(path, Path):
        from bailian.files.storage.object_store import digest_at

        return digest_at(path)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def has_digest(path: ResultPath, sha256: str | None) -> bool:
    """Return whether the file is there and has this digest."""
    try:
        return sha256 is not None and sha256_of(path) == sha256
    except (OSError, UnicodeEncodeError):  # the second: a name of another locale
        return False


def changed(path: ResultPath, sha256: str) -> str:
    """Return what became of a file that was saved; "" if it is as it was."""
    try:
        if sha256_of(path) == sha256:
            return ""
    except OSError as error:
        reason = reason_of(error)
        return tr(f"{path} cannot be read: {reason}", f"无法读取 {path}：{reason}")
    return tr(f"{path} was changed since it was saved", f"{path} 在保存后被改动")
