"""What a file of this machine is, as a store tells it of an object: size, MD5, SHA-256."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Digests:
    """What a local file is, read once."""

    size_bytes: int
    md5: str
    sha256: str


def digests_of(path: Path) -> Digests:
    """Read a file in pieces.

    Raises:
        OSError: it cannot be read.
    """
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            md5.update(piece)
            sha256.update(piece)
            size += len(piece)
    return Digests(size, md5.hexdigest(), sha256.hexdigest())
