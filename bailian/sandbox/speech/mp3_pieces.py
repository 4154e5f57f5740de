"""MP3 bit by bit, with the words of each sentence in silent frames before it.

A tag may only stand before a file, and the words of later sentences are not known then. What a frame does not use for
sound may hold anything (ISO 11172-3, ancillary data). Importing this needs nothing; using it needs `av`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

_FRAMES = {
    # sample rate: the head of the largest frame, its bytes, and where its sound would begin (ISO 11172-3, 13818-3)
    48000: (b"\xff\xfb\xe4\xc0", 960, 21),
    44100: (b"\xff\xfb\xe0\xc0", 1044, 21),
    24000: (b"\xff\xf3\xe4\xc0", 480, 13),
    22050: (b"\xff\xf3\xe0\xc0", 522, 13),
    16000: (b"\xff\xf3\xe8\xc0", 720, 13),
    8000: (b"\xff\xe3\x88\xc0", 576, 13),
}
_KBPS = {
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""What the format has, from 32 kHz up and below."""


class Mp3Encoder:
    """Samples in, frames out. No frame borrows from the one before, so that others can stand between them."""

    def __init__(self, sample_rate: int, bit_rate_kbps: int) -> None:
        import av

        self._av: Any = av
        self._sample_rate = sample_rate
        self._samples = 0
        allowed: tuple[int, ...] = _KBPS[sample_rate >= 32000]
        allowed = allowed if sample_rate > 8000 else allowed[:8]
        self._codec: Any = av.CodecContext.create("libmp3lame", "w")
        self._codec.sample_rate = sample_rate
        self._codec.layout = "mono"
        self._codec.format = "s16p"
        self._codec.bit_rate = 1000 * min(allowed, key=lambda rate: abs(rate - bit_rate_kbps))
        self._codec.time_base = Fraction(1, sample_rate)
        self._codec.options = {"reservoir": "0"}
        self._resampler: Any = av.AudioResampler("s16p", "mono", sample_rate, frame_size=self._frame_size())

    def _frame_size(self) -> int:
        return 1152 if self._sample_rate >= 32000 else 576

    def encode(self, samples: bytes) -> bytes:
        if not samples:
            return b""
        frame = self._av.AudioFrame(format="s16p", layout="mono", samples=len(samples) // 2)
        frame.planes[0].update(samples)
        frame.sample_rate = self._sample_rate
        frame.pts, frame.time_base = self._samples, Fraction(1, self._sample_rate)
        self._samples += frame.samples
        return self._encoded(frame)

    def end(self) -> bytes:
        return self._encoded(None) + b"".join(bytes(packet) for packet in self._codec.encode(None))

    def _encoded(self, frame: Any) -> bytes:
        packets = [packet for one in self._resampler.resample(frame) for packet in self._codec.encode(one)]
        return b"".join(map(bytes, packets))


def silent_frames(sample_rate: int, chunks: list[bytes]) -> bytes:
    """Return a silent frame for each chunk, which must fit (`room_in`)."""
    head, size, begin = _FRAMES[sample_rate]
    return b"".join((head.ljust(begin, b"\0") + chunk).ljust(size, b"\0") for chunk in chunks)


def room_in(sample_rate: int) -> int:
    _, size, begin = _FRAMES[sample_rate]
    return size - begin
