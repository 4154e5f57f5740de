"""Ogg Opus bit by bit, with the words of each sentence in its first packet.

Importing this needs nothing; using it needs `av`.
"""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

_RATES = (8000, 12000, 16000, 24000, 48000)
_ONE_FRAME_PADDED = 0x41
"""RFC 6716, 3.2.5: of the packets with a count of frames, one frame and padding behind it."""


class OpusEncoder:
    """Samples in, pages out. The padding of a packet may hold anything: players skip it."""

    def __init__(self, sample_rate: int, bit_rate_kbps: int) -> None:
        import av

        self._av: Any = av
        self._sample_rate = sample_rate
        self._file = io.BytesIO()
        # A page for each packet: what is hidden in one must not be cut by the head of a page.
        self._container: Any = av.open(self._file, "w", format="ogg", options={"page_duration": "1"})
        self._stream: Any = self._container.add_stream("libopus", rate=min(r for r in _RATES if r >= sample_rate))
        self._stream.layout = "mono"
        self._stream.bit_rate = 1000 * bit_rate_kbps
        self._resampler: Any = av.AudioResampler("s16", "mono", self._stream.rate)
        self._samples = 0
        self._sent = 0

    def encode(self, samples: bytes, hidden: bytes) -> bytes:
        if not samples:
            return b""
        frame = self._av.AudioFrame(format="s16", layout="mono", samples=len(samples) // 2)
        frame.planes[0].update(samples)
        frame.sample_rate = self._sample_rate
        frame.pts, frame.time_base = self._samples, Fraction(1, self._sample_rate)
        self._samples += frame.samples
        for one in self._resampler.resample(frame):
            for packet in self._stream.encode(one):
                self._container.mux(self._with_hidden(packet, hidden) if hidden else packet)
                hidden = b""
        return self._new_bytes()

    def end(self) -> bytes:
        for packet in self._stream.encode(None):
            self._container.mux(packet)
        self._container.close()
        return self._new_bytes()

    def _new_bytes(self) -> bytes:
        whole = self._file.getvalue()
        new, self._sent = whole[self._sent :], len(whole)
        return new

    def _with_hidden(self, packet: Any, hidden: bytes) -> Any:
        data = bytes(packet)
        if data[0] & 3:  # more than one frame: libopus makes none of these here
            return packet
        more, last = divmod(len(hidden), 254)
        length = b"\xff" * more + bytes((last,))
        head = bytes((data[0] | 3, _ONE_FRAME_PADDED))
        padded = self._av.Packet(head + length + data[1:] + hidden)
        padded.pts, padded.dts, padded.duration = packet.pts, packet.dts, packet.duration
        padded.time_base, padded.stream = packet.time_base, packet.stream
        return padded
