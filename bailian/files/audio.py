"""Sound files of one or several pieces, as they came over the socket: true headers, one file, how long it plays.

A streamed WAV does not know its length when its header is sent, so the sizes there are placeholders (docs/wire.md
"Speech"). Formats: RIFF/WAVE (Multimedia Programming Interface 1.0, 1991), ID3v2.4 §3.1, ISO 11172-3 §2.4.2.3.
Nothing is decoded, and a file of any length passes in small pieces.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from bailian.i18n import tr

HEADER_BYTES = 44
COPY_BYTES = 1024 * 1024
PCM, EXTENSIBLE = 1, 0xFFFE
# More than any recording has, and the bytes a second of that fit into a header's 32 bits.
MOST_CHANNELS, MOST_RATE_HZ = 256, 1_000_000
MOST_CHUNKS = 1000
# What a header's 32 bits can say, less the header itself.
MOST_BYTES = 0xFFFF_FFFF - HEADER_BYTES
# Raw PCM of the service: one channel, 16 bits.
PCM_SAMPLE_BYTES = 2


@dataclass(frozen=True)
class WavShape:
    """What the samples of a WAV file are, and where in the file they begin (bytes)."""

    channels: int
    sample_rate_hz: int
    sample_bits: int
    data_offset: int

    @property
    def frame_bytes(self) -> int:
        """The bytes of one moment: a sample of each channel."""
        return self.channels * (self.sample_bits // 8)


@dataclass(frozen=True)
class _Sound:
    """Which bytes of a file are sound."""

    path: Path
    begin: int
    length: int
    shape: WavShape | None = None


def finish_sound(parts: Sequence[Path], target: Path, format: str, sample_rate_hz: int | None = None) -> float | None:
    """Write one valid file of the parts, in their order, and bring it to the disk.

    Args:
        parts: files as they came over the socket; `target` must be none of them.
        target: is overwritten, and only once all parts are known to be good.
        format: "wav", "mp3", "opus" (in Ogg, where one stream may follow another: RFC 3533) or "pcm" (16 bits, one
            channel, no header).
        sample_rate_hz: of PCM, which does not tell it.

    Returns:
        How long it plays in seconds; None for MP3 and Opus, and for PCM without a rate.

    Raises:
        ValueError: there is no part, a part is not what its format says or has no sound, or two parts differ in
            rate, channels or sample size.
        OSError: a part cannot be read or the target not written; then there is no target.
    """
    sounds = [_find_sound(part, format) for part in parts]
    if not sounds:
        raise ValueError(tr("there is no sound to write", "没有可写入的音频"))
    total_bytes = sum(sound.length for sound in sounds)
    shape = _common_shape(sounds)
    if shape is not None and total_bytes > MOST_BYTES:
        raise ValueError(tr("the sound is too long for a WAV file", "音频过长，超出 WAV 文件上限"))
    if format == "mp3":
        sounds[0] = replace(sounds[0], begin=0, length=sounds[0].begin + sounds[0].length)
    try:
        with target.open("wb") as file:
            if shape is not None:
                file.write(_header(shape, total_bytes))
            for sound in sounds:
                _copy(sound, file)
            if shape is not None and total_bytes % 2:
                file.write(b"\0")
            file.flush()
            os.fsync(file.fileno())
    except (OSError, ValueError):
        target.unlink(missing_ok=True)
        raise
    return _seconds(total_bytes, shape, format, sample_rate_hz)


def duration_ms(path: Path, format: str, sample_rate_hz: int | None = None) -> int | None:
    """Return how long a part plays in milliseconds, or None where only decoding would tell (MP3).

    Raises:
        ValueError: it is not what its format says, or has no sound.
    """
    sound = _find_sound(path, format)
    seconds = _seconds(sound.length, sound.shape, format, sample_rate_hz)
    return None if seconds is None else round(seconds * 1000)


def _seconds(length: int, shape: WavShape | None, format: str, sample_rate_hz: int | None) -> float | None:
    if shape is not None:
        return length / shape.frame_bytes / shape.sample_rate_hz
    if format == "pcm" and sample_rate_hz:
        return length / PCM_SAMPLE_BYTES / sample_rate_hz
    return None


def _common_shape(sounds: Sequence[_Sound]) -> WavShape | None:
    first = sounds[0].shape
    for sound in sounds[1:]:
        if first and sound.shape and replace(sound.shape, data_offset=first.data_offset) != first:
            raise ValueError(
                tr(
                    f"the parts differ: {_shown(first)} and {_shown(sound.shape)}",
                    f"各段音频格式不一致：{_shown(first)} 与 {_shown(sound.shape)}",
                )
            )
    return first


def _shown(shape: WavShape) -> str:
    return f"{shape.sample_rate_hz} Hz × {shape.channels} × {shape.sample_bits} bit"


def _find_sound(path: Path, format: str) -> _Sound:
    size = path.stat().st_size
    with path.open("rb") as file:
        if format == "wav":
            shape, length = _read_wav(file, size, path.name)
            sound = _Sound(path, shape.data_offset, length - length % shape.frame_bytes, shape)
        elif format == "mp3":
            begin = _mp3_begin(file, size, path.name)
            sound = _Sound(path, begin, size - begin)
        elif format == "pcm":
            sound = _Sound(path, 0, size - size % PCM_SAMPLE_BYTES)
        elif format == "opus":
            if file.read(4) != b"OggS":
                raise ValueError(tr(f"{path.name} is no Ogg file", f"{path.name} 不是 Ogg 文件"))
            sound = _Sound(path, 0, size)
        else:
            raise ValueError(tr(f"{format!r} is not wav, mp3, pcm or opus", f"{format!r} 不是 wav、mp3、pcm 或 opus"))
    if sound.length <= 0:
        raise ValueError(tr(f"{path.name} has no sound", f"{path.name} 中没有音频"))
    return sound


def _read_wav(file: BinaryIO, size: int, name: str) -> tuple[WavShape, int]:
    """Return what the samples are, and how many bytes of them there are."""
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise ValueError(tr(f"{name} is no WAV file", f"{name} 不是 WAV 文件"))
    known: tuple[int, int, int] | None = None
    at = len(head)
    for _ in range(MOST_CHUNKS):
        if at + 8 > size:
            break
        kind, length = _chunk(file, at)
        if kind == b"data" and known is not None:
            return WavShape(*known, at + 8), _data_bytes(file, at + 8, length, size)
        if kind == b"fmt ":
            known = _sample_format(file.read(min(length, 40)), name)
        at = _after(file, at + 8 + length, size)
    raise ValueError(tr(f"{name} is a WAV file without samples", f"{name} 是没有采样数据的 WAV 文件"))


def _chunk(file: BinaryIO, at: int) -> tuple[bytes, int]:
    file.seek(at)
    head = file.read(8)
    return head[:4], int.from_bytes(head[4:8], "little")


def _after(file: BinaryIO, end: int, size: int) -> int:
    """Return where the next chunk begins: behind a byte of padding after an odd length, which some writers forget."""
    if end % 2 and not (_is_chunk(file, end, size) and not _is_chunk(file, end + 1, size)):
        return end + 1
    return end


def _is_chunk(file: BinaryIO, at: int, size: int) -> bool:
    """A name of four letters, and either a length that fits or the samples (whose length may be a placeholder)."""
    if at + 8 > size:
        return False
    kind, length = _chunk(file, at)
    return kind.isascii() and kind.decode("ascii").isprintable() and (kind == b"data" or at + 8 + length <= size)


def _sample_format(content: bytes, name: str) -> tuple[int, int, int]:
    """Return channels, rate and bits of PCM."""
    if len(content) >= 16:
        tag, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", content[:16])
        if tag == EXTENSIBLE and len(content) >= 26:
            tag = int.from_bytes(content[24:26], "little")
        if tag == PCM and 0 < channels <= MOST_CHANNELS and 0 < rate_hz <= MOST_RATE_HZ and bits in (8, 16, 24, 32):
            return channels, rate_hz, bits
    raise ValueError(tr(f"{name} is a WAV file, but not plain PCM", f"{name} 是 WAV 文件，但不是 PCM 编码"))


def _data_bytes(file: BinaryIO, begin: int, told: int, size: int) -> int:
    """Return how many bytes of samples there are: as told, unless that is a placeholder (0, or beyond the end)."""
    end = begin + told
    if told == 0 or end > size:
        return size - begin
    ends_there = size - end <= 1 or _is_chunk(file, end + told % 2, size) or _is_chunk(file, end, size)
    return told if ends_there else size - begin


def _mp3_begin(file: BinaryIO, size: int, name: str) -> int:
    """Return where the first frame begins: behind an ID3v2 tag, if there is one."""
    head = file.read(10)
    begin = 0
    if head[:3] == b"ID3" and len(head) == 10:
        # Four times seven bits; a flag says that a footer as long as the header follows.
        length = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        begin = 10 + length + (10 if head[5] & 0x10 else 0)
    file.seek(begin)
    first = file.read(2)
    # Eleven bits of sync; layer 00 is reserved.
    good = len(first) == 2 and first[0] == 0xFF and first[1] & 0xE0 == 0xE0 and first[1] & 0x06 != 0
    if size and not good and not 0 < begin < size:
        raise ValueError(tr(f"{name} is no MP3 file", f"{name} 不是 MP3 文件"))
    return begin


def _header(shape: WavShape, data_bytes: int) -> bytes:
    rate_bytes = shape.sample_rate_hz * shape.frame_bytes
    riff_bytes = HEADER_BYTES - 8 + data_bytes + data_bytes % 2
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", riff_bytes, b"WAVE", b"fmt ", 16, PCM, shape.channels, shape.sample_rate_hz),
        *(rate_bytes, shape.frame_bytes, shape.sample_bits, b"data", data_bytes),
    )


def _copy(sound: _Sound, target: BinaryIO) -> None:
    with sound.path.open("rb") as file:
        file.seek(sound.begin)
        left = sound.length
        while left:
            data = file.read(min(left, COPY_BYTES))
            if not data:
                raise ValueError(tr(f"{sound.path.name} became shorter", f"{sound.path.name} 变短了"))
            target.write(data)
            left -= len(data)
