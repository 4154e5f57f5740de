"""Sound as bytes: WAV headers with and without true sizes, MP3 with and without an encoder."""

from __future__ import annotations

import importlib
import struct
from functools import lru_cache
from typing import Any, Protocol

WAV_HEADER_BYTES = 44
PLACEHOLDERS = (0x7FFFFFBF, 0x7FFFFF9B)
"""Sizes in the header of a streamed WAV: RIFF and data (DIFY-41456; for Sambert not confirmed)."""


def wav_header(sample_rate: int, data_bytes: int | None, *, zero: bool = False) -> bytes:
    """Return a mono header; without `data_bytes` the sizes are placeholders, or zeros."""
    riff, data = (0, 0) if zero else PLACEHOLDERS
    if data_bytes is not None:
        riff, data = data_bytes + WAV_HEADER_BYTES - 8, data_bytes
    head = struct.pack(
        "<4sI4s4sIHHIIHH", b"RIFF", riff, b"WAVE", b"fmt ", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16
    )
    return head + struct.pack("<4sI", b"data", data)


class Mp3(Protocol):
    """Turns samples into MP3 bit by bit."""

    def encode(self, samples: bytes) -> bytes: ...
    def end(self) -> bytes: ...


def mp3_encoder(sample_rate: int) -> Mp3:
    """Return LAME from the package `lameenc`, or what stands in for it: as long, but silent."""
    module = _lameenc()
    return _Lame(module, sample_rate) if module is not None else _Silent(sample_rate)


@lru_cache(maxsize=1)
def _lameenc() -> Any:
    try:
        return importlib.import_module("lameenc")
    except ImportError:
        return None


class _Lame:
    def __init__(self, module: Any, sample_rate: int) -> None:
        self._encoder = module.Encoder()
        self._encoder.set_bit_rate(48)
        self._encoder.set_in_sample_rate(sample_rate)
        self._encoder.set_channels(1)
        self._encoder.set_quality(7)
        self._encoder.silence()

    def encode(self, samples: bytes) -> bytes:
        return bytes(self._encoder.encode(samples))

    def end(self) -> bytes:
        return bytes(self._encoder.flush())


_FRAMES = {
    # sample rate: version and rate bits of the header, samples and bytes a frame (ISO 11172-3, 13818-3)
    48000: (0xFB, 0x14, 1152, 96),
    44100: (0xFB, 0x10, 1152, 104),
    24000: (0xF3, 0x14, 576, 24),
    22050: (0xF3, 0x10, 576, 26),
    16000: (0xF3, 0x18, 576, 36),
    8000: (0xE3, 0x18, 576, 72),
}


class _Silent:
    """Valid frames whose side information says that there is nothing in them."""

    def __init__(self, sample_rate: int) -> None:
        second, third, self._samples, size = _FRAMES[sample_rate]
        self._frame = bytes((0xFF, second, third, 0xC0)).ljust(size, b"\0")
        self._left = 0

    def encode(self, samples: bytes) -> bytes:
        frames, self._left = divmod(self._left + len(samples) // 2, self._samples)
        return self._frame * frames

    def end(self) -> bytes:
        return self._frame if self._left else b""
