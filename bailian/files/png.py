"""PNG bytes: size, wholeness, text chunks. The pixels are never decoded, so nothing changes and nothing is slow.

Format: PNG specification, third edition (W3C 2025-06-24), §5 chunks and §11.3.3 text chunks.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping

SIGNATURE = b"\x89PNG\r\n\x1a\n"
IHDR_END = 8 + 8 + 13 + 4


def size_px(data: bytes) -> tuple[int, int] | None:
    """Return (width, height), or None if this is not a PNG."""
    if len(data) < IHDR_END or not data.startswith(SIGNATURE) or data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", data[16:24])
    return int(width), int(height)


def is_complete(data: bytes) -> bool:
    """Return whether every chunk is there with its checksum, up to the closing IEND."""
    kinds = [kind for kind, _ in chunks(data)]
    return bool(kinds) and kinds[-1] == b"IEND"


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (kind, content) of each chunk; stops at the first one that is cut or damaged."""
    if not data.startswith(SIGNATURE):
        return
    view = memoryview(data)
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", view[at : at + 4])
        end = at + 12 + length
        if end > len(data):
            return
        (checksum,) = struct.unpack(">I", view[end - 4 : end])
        if zlib.crc32(view[at + 4 : end - 4]) != checksum:
            return
        kind = bytes(view[at + 4 : at + 8])
        yield kind, bytes(view[at + 8 : end - 4])
        if kind == b"IEND":
            return
        at = end


def with_text(data: bytes, texts: Mapping[str, str]) -> bytes:
    """Return the PNG with each text as an iTXt chunk (UTF-8, uncompressed) right after the header."""
    added = b"".join(
        _chunk(b"iTXt", key.encode("latin-1") + b"\0\0\0\0\0" + text.encode("utf-8", "replace"))
        for key, text in texts.items()
    )
    return data[:IHDR_END] + added + data[IHDR_END:]


def texts(data: bytes) -> dict[str, str]:
    """Return the text chunks: iTXt without compression, and tEXt."""
    found: dict[str, str] = {}
    for kind, content in chunks(data):
        key, _, rest = content.partition(b"\0")
        if kind == b"tEXt":
            found[key.decode("latin-1")] = rest.decode("latin-1")
        elif kind == b"iTXt" and rest[:1] == b"\0":
            _language, _, rest = rest[2:].partition(b"\0")
            _translated, _, text = rest.partition(b"\0")
            found[key.decode("latin-1")] = text.decode("utf-8", "replace")
    return found


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
