"""Sounds and films that go in to be recognised: a path, `file://…` or a URL → what they are, judged by their bytes.

Nothing is sent and nothing is decoded here; a recording of 2 GB is judged by a few kilobytes of it.
Formats and limits: docs/wire.md "Recognition" (PF-REST, 2026).
"""

from __future__ import annotations

import io
import math
import stat
import struct
from pathlib import Path
from typing import BinaryIO

from bailian.errors import BailianError, InvalidRequest
from bailian.language import say
from bailian.media import kinds
from bailian.media.inputs import local_path, remote
from bailian.modalities.shapes import Input, Recording

MAX_BYTES = 2 * 1024**3
MAX_S = 12 * 3600
SUFFIXES = (
    "aac", "amr", "avi", "flac", "flv", "m4a", "mkv", "mov", "mp3", "mp4", "mpeg", "ogg", "opus", "wav", "webm", "wma", "wmv",
)  # fmt: skip
HEAD_BYTES = 512
# A file whose headers lead here and there for ever is given up: its duration stays unknown.
READS_MAX = 1_000_000
READ_BYTES_MAX = 64 * 1024**2
WAV_CHUNKS_MAX = 1000
# Below this a header's duration is a placeholder: silence in the thriftiest format takes more.
CREDIBLE_BYTES_PER_S = 100
# "Not known" in an MP4's header (ISO 14496-12, `mvhd`), in units of its own.
MP4_UNKNOWN = 0xFFFFFFFF

# Magic numbers of the formats' own specifications: offset, bytes, kind.
_MAGIC = (
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"#!AMR", "amr"),
    (0, b"ADIF", "aac"),
    (0, b"FLV\x01", "flv"),
    (0, b"\x1aE\xdf\xa3", "mkv"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "wma"),
    (0, b"\0\0\1\xba", "mpeg"),
    (0, b"\0\0\1\xb3", "mpeg"),
    *((4, atom, "mp4") for atom in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")),
)
_FOREIGN = (
    (0, b"%PDF", "PDF"),
    (0, b"PK\x03\x04", "ZIP"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"Rar!", "RAR"),
    (0, b"7z\xbc\xaf", "7z"),
    (0, b"FORM", "AIFF"),
    (0, b"caff", "CAF"),
    (0, b".snd", "AU"),
    (0, b"MThd", "MIDI"),
)
_RIFF = (b"RIFF", b"RIFX", b"RF64")
_PICTURE_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
# `tinytag` is asked only about what it can read; it takes the rest for MP3 and finds a duration in noise.
_TINYTAG_READS = ("mp3", "flac", "ogg", "mp4", "wma")


def resolve_recording(field: str, text: str, home: Path) -> Input:
    """Return the recording that a user's word means. Nothing is kept in `home`: recordings stay where they are.

    Raises:
        InvalidRequest: no such file, no recording, or larger or longer than the service takes.
    """
    if text.startswith(("http://", "https://")):
        return remote(field, text)
    if text.startswith("oss://"):
        return Input(text)
    if text.startswith("data:"):
        raise InvalidRequest.one(
            field,
            say(
                "recordings are not taken as data: (Base64): give a file or a URL",
                "录音不支持 data:（Base64）：请给出文件或链接",
            ),
        )
    if text == "-":
        raise InvalidRequest.one(
            field,
            say("recordings are not read from stdin: save it in a file first", "不能从 stdin 读取录音：请先存为文件"),
        )
    try:
        path = local_path(text).absolute()
        return Input(path.as_uri(), recording=_look_at(field, path))
    except BailianError:
        raise
    except Exception as error:  # noqa: BLE001 - a NUL in the name, odd headers: it is said about this field
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise InvalidRequest.one(
            field,
            say(f"cannot read {text}: {reason}", f"无法读取 {text}：{reason}"),
            advice=say("check the path", "请检查路径"),
        ) from None


def _look_at(field: str, path: Path) -> Recording:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise InvalidRequest.one(field, say(f"{path} is not a file", f"{path} 不是文件"))
    if not found.st_size:
        raise InvalidRequest.one(field, say(f"{path} is empty", f"{path} 是空文件"))
    if found.st_size > MAX_BYTES:
        size_gb = math.ceil(found.st_size / 1024**3 * 100) / 100  # upwards: "2.00 GB, at most 2 GB" would be odd
        raise InvalidRequest.one(
            field,
            say(f"{path} has {size_gb:.2f} GB, at most 2 GB are taken", f"{path} 有 {size_gb:.2f} GB，最多 2 GB"),
            advice=_cut(),
        )
    with path.open("rb", buffering=0) as raw, _Sparing(raw) as file:
        kind = _kind(field, path, file)
        duration_s = _duration_s(file, kind, found.st_size)
    if duration_s is not None and duration_s > MAX_S:
        hours = math.ceil(duration_s / 36) / 100
        raise InvalidRequest.one(
            field,
            say(f"{path} lasts {hours:.2f} hours, at most 12 are taken", f"{path} 时长 {hours:.2f} 小时，最多 12 小时"),
            advice=_cut(),
        )
    return Recording(found.st_size, duration_s)


def _cut() -> str:
    command = "ffmpeg -i IN -f segment -segment_time 3600 OUT%d.mp3"
    return say(f"cut it into pieces: {command}", f"请切分为多段：{command}")


class _Sparing(io.BufferedReader):
    """A file that refuses to be read for ever, or as a whole."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__(raw)
        self.reads_left = READS_MAX
        self.bytes_left = READ_BYTES_MAX

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= self.bytes_left or not self.reads_left:
            raise ValueError("too much to read")
        self.reads_left -= 1
        self.bytes_left -= size
        return super().read(size)


def _kind(field: str, path: Path, file: BinaryIO) -> str:
    """Return the kind of recording by its first bytes, or "" where only the suffix speaks for it."""
    head = file.read(HEAD_BYTES)
    foreign = _foreign(head)
    if foreign:
        raise _not_taken(field, say(f"{path} is {foreign}, not a recording", f"{path} 是 {foreign}，不是录音"))
    kind = _by_magic(head)
    if head.startswith(b"ID3"):
        file.seek(10 + _id3_bytes(head))
        kind = _by_magic(file.read(HEAD_BYTES)) or "mp3"
    if not kind and path.suffix.lower().removeprefix(".") not in SUFFIXES:
        raise _not_taken(field, say(f"{path} is not a recording", f"{path} 不是录音"))
    return kind


def _not_taken(field: str, text: str) -> InvalidRequest:
    return InvalidRequest.one(
        field,
        text + say("; taken: ", "；支持 ") + ", ".join(SUFFIXES),
        advice=say("convert it: ffmpeg -i IN OUT.wav", "请转换格式：ffmpeg -i 输入文件 输出.wav"),
    )


def _by_magic(head: bytes) -> str:
    if head[:4] in _RIFF:
        return {b"WAVE": "wav", b"AVI ": "avi"}.get(head[8:12], "")
    for offset, magic, kind in _MAGIC:
        if head.startswith(magic, offset):
            return kind
    if len(head) < 4 or head[0] != 0xFF:
        return ""
    if head[1] & 0xF6 == 0xF0:
        return "aac"  # ADTS: 12 sync bits, layer 0
    is_frame = head[1] & 0xE0 == 0xE0 and head[1] & 0x06 in (0x02, 0x04)  # MPEG audio, layer III or II
    return "mp3" if is_frame and head[2] >> 4 not in (0, 15) and head[2] & 0x0C != 0x0C else ""


def _id3_bytes(head: bytes) -> int:
    """Return the length of an ID3 tag: four times seven bits."""
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return size


def _foreign(head: bytes) -> str:
    """Return what a file is that cannot be a recording whatever its name; "" if it may be one."""
    if kinds.suffix_of(head) in kinds.PICTURES or (head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS):
        return say("a picture", "图片")
    for offset, magic, name in _FOREIGN:
        if head.startswith(magic, offset):
            return name
    return say("text", "文本") if _is_text(head) else ""


def _is_text(head: bytes) -> bool:
    """In any encoding: a recording has control bytes among its first hundreds, a text has none."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return True
    return all(byte >= 0x20 or byte in b"\t\n\r\f" for byte in head)


def _duration_s(file: BinaryIO, kind: str, size_bytes: int) -> float | None:
    """Return the seconds that the headers tell, or None; odd files are the service's to judge."""
    file.seek(0)
    try:
        duration_s = _wav_s(file, size_bytes) if kind == "wav" else _tagged_s(file, kind)
    except Exception:  # noqa: BLE001 - whatever a parser stumbles over, the duration is just not known
        return None
    if duration_s is None or not 0 < duration_s <= size_bytes / CREDIBLE_BYTES_PER_S:
        return None
    return None if kind == "mp4" and _is_placeholder(duration_s) else duration_s


def _is_placeholder(duration_s: float) -> bool:
    units_per_s = MP4_UNKNOWN / duration_s
    return duration_s > MAX_S and math.isclose(units_per_s, round(units_per_s), rel_tol=1e-12)


def _wav_s(file: BinaryIO, size_bytes: int) -> float | None:
    """Read fmt and data chunk. Not by the library `wave`: it refuses telephone codings (A-law, ADPCM).

    The data chunk's size is a placeholder in files that were written as a stream (0, 0x7FFFFFFF, 0xFFFFFFFF): what
    the file really holds counts.
    """
    place, bytes_per_s = 12, 0
    for _ in range(WAV_CHUNKS_MAX):
        file.seek(place)
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"fmt ":
            _, _, rate, bytes_per_s, block_bytes, _ = struct.unpack("<HHIIHH", file.read(16))
            bytes_per_s = bytes_per_s or rate * block_bytes
        if name == b"data":
            rest_bytes = size_bytes - place - 8
            return (min(length, rest_bytes) or rest_bytes) / bytes_per_s if bytes_per_s else None
        place += 8 + length + length % 2
    return None


def _tagged_s(file: BinaryIO, kind: str) -> float | None:
    if kind not in _TINYTAG_READS:
        return None
    from tinytag import TinyTag

    # An Ogg file's pages are skipped only once its tags are read; the name chooses the parser, it is not opened.
    return TinyTag.get(filename=f"recording.{kind}", file_obj=file, tags=kind == "ogg").duration
