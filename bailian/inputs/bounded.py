"""A file of a stranger, read by its headers: one that leads here and there for ever is given up."""

from __future__ import annotations

import io

READS_MAX = 1_000_000
READ_BYTES_MAX = 64 * 1024**2


class BoundedReader(io.BufferedReader):
    """A file that refuses to be read for ever, or as a whole."""

    def __init__(self, raw: io.RawIOBase, reads_max: int | None = None) -> None:
        super().__init__(raw)
        self.reads_left = reads_max or READS_MAX
        self.bytes_left = READ_BYTES_MAX

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= self.bytes_left or not self.reads_left:
            raise ValueError("too much to read")
        self.reads_left -= 1
        self.bytes_left -= size
        return super().read(size)
