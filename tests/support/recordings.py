"""Recordings made of nothing."""

from __future__ import annotations

import struct

SECONDS = 2


def wav(
    data: bytes = b"\1\2" * 16000 * SECONDS, *, coding: int = 1, bytes_per_s: int = 32000, size: int | None = None
) -> bytes:
    """Return a WAV file; `size` is what its headers say of the data."""
    told = len(data) if size is None else size
    form = struct.pack("<HHIIHH", coding, 1, 16000, bytes_per_s, 2, 16)
    return b"RIFF%bWAVEfmt %b%bdata%b%b" % (
        struct.pack("<I", min(told + 36, 0xFFFFFFFF)),
        struct.pack("<I", len(form)),
        form,
        struct.pack("<I", told),
        data,
    )
