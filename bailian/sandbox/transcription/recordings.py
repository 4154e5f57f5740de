"""Recordings to be recognised: fetched from this computer only, and read as far as a WAV goes."""

from __future__ import annotations

import array
import http.client
import struct
import sys
from dataclasses import dataclass
from urllib.parse import urlsplit

from bailian.sandbox.http.refusals import Failure
from bailian.sandbox.speech.audio_watermark import (
    RecognizedSentence,
    find_chunked_watermarks,
    find_id3_watermarks,
    find_packed_watermarks,
    find_watermarks,
)
from bailian.sandbox.storage.input_fetcher import asked, is_loopback

MAX_BYTES = 2 * 1024**3
"""PF-REST: 2 GB a file."""

MAX_MS = 12 * 3600 * 1000
"""PF-REST: 12 hours a file."""

SILENT_PEAK = 64
"""Nothing louder than this: no speech (a guess; of 32767)."""

PACKED_BYTES_A_SECOND = 16000
"""What a compressed file's duration is guessed from."""

FOREIGN_MS = 3834
"""A recording of another computer, which is never asked, is taken for one as long as PF-REST's."""

_KINDS = (
    # where, first bytes, name: PF-REST's list of formats
    (0, b"ID3", "mp3"), (0, b"\xff\xfb", "mp3"), (0, b"\xff\xf3", "mp3"), (0, b"\xff\xf2", "mp3"),
    (0, b"\xff\xe3", "mp3"), (0, b"\xff\xf1", "aac"), (0, b"\xff\xf9", "aac"), (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"), (0, b"#!AMR", "amr"), (0, b"FLV", "flv"), (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b"0&\xb2u", "wma"), (0, b"\0\0\1\xba", "mpeg"), (4, b"ftyp", "mp4"), (8, b"AVI ", "avi"),
)  # fmt: skip


class FileFailure(Failure):
    """One file cannot be recognised: what its result says (PF-REST, ERR)."""


@dataclass(frozen=True)
class Recording:
    """One file as the recogniser sees it."""

    audio_format: str
    sample_rate: int
    duration_ms: int
    channels: tuple[bytes, ...] = ()
    """16-bit samples of each channel; empty: not looked into."""
    recognized: tuple[RecognizedSentence, ...] = ()
    """The sentences in the tags of a compressed file."""

    def sentences(self, channel: int) -> list[RecognizedSentence]:
        """Return the sandbox's own sentences in a channel; none: the recording is somebody else's."""
        if channel < len(self.channels):
            return find_watermarks(self.channels[channel], self.sample_rate)
        return list(self.recognized)

    def is_silent(self, channel: int) -> bool:
        if channel >= len(self.channels):
            return bool(self.channels)  # a channel that is not there
        samples = _samples(self.channels[channel])
        return not samples or max(max(samples), -min(samples)) <= SILENT_PEAK


def fetch_recording(url: str) -> bytes:
    """Get a file by HTTP, without proxies and redirects.

    Raises:
        FileFailure: with the documented code.
    """
    parts = urlsplit(url)
    if not url.isascii() or any(character.isspace() for character in url):
        raise not_downloaded()  # PF-REST: such addresses must be escaped
    if not is_loopback(parts.hostname or ""):
        raise not_downloaded()
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    try:
        with asked(parts.scheme.lower(), parts.hostname or "", parts.port, target) as answer:
            return _read(answer)
    except (OSError, ValueError, http.client.HTTPException):
        raise not_downloaded() from None


def _read(answer: http.client.HTTPResponse) -> bytes:
    if answer.status == http.client.FORBIDDEN:
        raise FileFailure("FILE_403_FORBIDDEN", "The audio file cannot be downloaded: 403.")
    if answer.status == http.client.NOT_FOUND:
        raise FileFailure("FILE_404_NOT_FOUND", "The audio file cannot be downloaded: 404.")
    if answer.status >= http.client.INTERNAL_SERVER_ERROR:
        raise FileFailure("FILE_SERVER_ERROR", f"The audio file cannot be downloaded: {answer.status}.")
    if answer.status != http.client.OK:
        raise not_downloaded()
    if int(answer.headers.get("content-length") or 0) > MAX_BYTES:
        raise FileFailure("FILE_TOO_LARGE", "The audio file is larger than 2 GB.")
    return answer.read()


def not_downloaded() -> FileFailure:
    return FileFailure("InvalidFile.DownloadFailed", "The audio file cannot be downloaded.")  # PF-REST


def read_recording(data: bytes) -> Recording:
    """Look into a file.

    Raises:
        FileFailure: with the documented code; the words are the sandbox's.
    """
    if not data:
        raise FileFailure("FILE_CHECK_FAILED", "The audio file is empty.")
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        recording = _wav(data)
    else:
        names = [name for place, start, name in _KINDS if data.startswith(start, place)]
        if not names:
            raise FileFailure("UNSUPPORTED_FORMAT", "The audio format is not supported.")
        recognized = _words_in(names[0], data)
        duration_ms = recognized[-1].end if recognized else len(data) * 1000 // PACKED_BYTES_A_SECOND
        recording = Recording(names[0], 16000, duration_ms, (), tuple(recognized))
    if recording.duration_ms > MAX_MS:
        raise FileFailure("AUDIO_DURATION_TOO_LONG", "The audio is longer than 12 hours.")
    return recording


def _words_in(audio_format: str, data: bytes) -> list[RecognizedSentence]:
    """Return what the sandbox itself has said in a compressed file."""
    if audio_format == "mp3":
        return find_id3_watermarks(data) or find_chunked_watermarks(data)
    return find_packed_watermarks(data) if audio_format == "ogg" else []


def _wav(data: bytes) -> Recording:
    """Sizes are not trusted: those of a stream are placeholders."""
    place, form = 12, b""
    while place + 8 <= len(data):
        name, size = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        content = data[place + 8 : place + 8 + size]
        if name == b"fmt ":
            form = content
        elif name == b"data" and len(form) >= 16:
            return _pcm(form, content)
        place += 8 + size + size % 2
    raise FileFailure("DECODE_ERROR", "The audio file cannot be decoded.")


def _pcm(form: bytes, content: bytes) -> Recording:
    coding, count, rate, bytes_a_second, _, bits = struct.unpack("<HHIIHH", form[:16])
    if not count or not rate or not bytes_a_second:
        raise FileFailure("DECODE_ERROR", "The audio file cannot be decoded.")
    duration_ms = len(content) * 1000 // bytes_a_second
    if bits != 16 or coding not in (1, 0xFFFE):
        return Recording(f"wav_{coding}_{bits}", rate, duration_ms)
    samples = _samples(content[: len(content) // (2 * count) * 2 * count])
    return Recording("pcm_s16le", rate, duration_ms, tuple(_bytes(samples[channel::count]) for channel in range(count)))


def _samples(data: bytes) -> array.array[int]:
    samples = array.array("h", data[: len(data) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _bytes(samples: array.array[int]) -> bytes:
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
