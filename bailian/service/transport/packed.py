"""Bodies that came packed though nobody asked: unpacked piece by piece, so that a bomb is met before it is in memory.

Pure: bytes in, bytes out.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

PIECE_BYTES = 64 * 1024
# An answer of the service: its largest, a list of results of many thousand words, has a few megabytes (our guess).
MOST_ANSWER_BYTES = 64 * 1024 * 1024
_GZIP_BITS, _ZLIB_BITS, _RAW_BITS = 31, 15, -15
_GZIP_BEGIN = b"\x1f\x8b"


class TooLong(ValueError):
    """More came than there can be."""


class BadPacking(ValueError):
    """It says that it is packed, and cannot be unpacked."""


class Unpacker:
    """Unpacks gzip and deflate; what is named otherwise, or not at all, is passed on as it is."""

    def __init__(self, content_encoding: str | None) -> None:
        names = [name.strip().lower() for name in (content_encoding or "").split(",")]
        known = [name for name in names if name not in ("", "identity")]
        self._name = known[0].removeprefix("x-") if len(known) == 1 else ""
        self._stream: zlib._Decompress | None = None
        self._held = b""

    @property
    def is_needed(self) -> bool:
        return self._name in ("gzip", "deflate")

    def pieces(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the body, no piece much larger than the chunk it came in.

        Raises:
            BadPacking: it is no such packing, or its end is missing.
        """
        if not self.is_needed:
            yield from chunks
            return
        try:
            for chunk in chunks:
                yield from self._unpacked(chunk)
        except zlib.error as error:
            raise BadPacking(f"{self._name}: {error}") from None
        if self._held or (self._stream is not None and not self._stream.eof):
            raise BadPacking(f"{self._name}: its end is missing")

    def _unpacked(self, data: bytes) -> Iterator[bytes]:
        data, self._held = self._held + data, b""
        if self._stream is None:
            if len(data) < 2:  # which of the two kinds of deflate it is shows in two bytes
                self._held = data
                return
            self._stream = zlib.decompressobj(self._bits(data))
        while True:
            chunk = self._stream.decompress(data, PIECE_BYTES)
            if chunk:
                yield chunk
            data = self._stream.unconsumed_tail
            if self._stream.eof:
                data = self._stream.unused_data
                if self._name != "gzip" or not data.startswith(_GZIP_BEGIN):
                    return  # what follows the end belongs to nothing
                self._stream = zlib.decompressobj(_GZIP_BITS)
            elif not data and len(chunk) < PIECE_BYTES:
                return

    def _bits(self, begin: bytes) -> int:
        if self._name == "gzip":
            return _GZIP_BITS
        has_head = begin[0] & 0x0F == 8 and int.from_bytes(begin[:2], "big") % 31 == 0
        return _ZLIB_BITS if has_head else _RAW_BITS


def limited(pieces: Iterable[bytes], most_bytes: int = MOST_ANSWER_BYTES) -> Iterator[bytes]:
    """Yield the pieces.

    Raises:
        TooLong: together they have more bytes than that.
    """
    left_bytes = most_bytes
    for chunk in pieces:
        left_bytes -= len(chunk)
        if left_bytes < 0:
            raise TooLong(f"more than {most_bytes} bytes")
        yield chunk


def unpacked(body: bytes, content_encoding: str | None) -> bytes:
    """Return a whole body as it is meant; BadPacking or TooLong if there is none."""
    unpacker = Unpacker(content_encoding)
    return b"".join(limited(unpacker.pieces([body]))) if unpacker.is_needed else body
