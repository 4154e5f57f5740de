"""Sounds and films that go in to be recognised: a path, `file://…` or a URL → what they are, judged by their bytes.

Nothing is sent and nothing is decoded here; a recording of 2 GB is judged by a few kilobytes of it.
Formats and limits: docs/wire.md "Recognition" (PF-REST, 2026).
"""

from __future__ import annotations

import math
import stat
import struct
import sys
from pathlib import Path
from typing import BinaryIO

from bailian.errors import BailianError, InvalidRequest
from bailian.files import formats
from bailian.i18n import tr
from bailian.inputs import foreign, once
from bailian.inputs.bounded import BoundedReader
from bailian.inputs.resolve import remote
from bailian.store.paths import leads_somewhere, leads_to_folder, local_path
from bailian.types import Input, Notice, Recording

MAX_BYTES = 2 * 1024**3
MAX_S = 12 * 3600
SUFFIXES = (
    "aac", "amr", "avi", "flac", "flv", "m4a", "mkv", "mov", "mp3", "mp4", "mpeg", "ogg", "opus", "wav", "webm", "wma", "wmv",
)  # fmt: skip
HEAD_BYTES = foreign.HEAD_BYTES
# An MP3 may begin with silence made of zeros, but not with so much of it.
ZEROS_BYTES = 64 * 1024
COPY_SUFFIX = "recording"
WAV_CHUNKS_MAX = 1000
# Below this a header's duration is a placeholder: silence in the thriftiest format takes more.
CREDIBLE_BYTES_PER_S = 100
RATES_HZ = (1_000, 400_000)
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
_RIFF = (b"RIFF", b"RIFX", b"RF64")
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
            tr(
                "recordings are not taken as data: (Base64): give a file or a URL",
                "录音不支持 data:（Base64）：请给出文件或链接",
            ),
        )
    try:
        return _resolved(field, text, home)
    except BailianError:
        raise
    except Exception as error:  # noqa: BLE001 - a NUL in the name, odd headers: it is said about this field
        raise InvalidRequest.unreadable(field, text, error, advice=tr("check the path", "请检查路径")) from None


def _resolved(field: str, text: str, home: Path) -> Input:
    """Judge a recording where it stands; one that comes through a pipe is copied first, since it comes once."""
    path = once.lasting(local_path(text).absolute())
    is_stdin = text == "-"
    if not is_stdin and (once.lasts(path) or not leads_somewhere(path) or leads_to_folder(path)):
        recording = look_at(field, path, str(path))
        return Input(path.as_uri(), recording=recording, notice=None if recording.format else _unknown(path))
    name = tr("the recording on stdin", "标准输入中的录音") if is_stdin else text
    with sys.stdin.buffer if is_stdin else path.open("rb") as source:
        copy = _copied(field, source, name, home)
    recording = look_at(field, copy, name)
    if not recording.format:
        copy.unlink()
        raise _not_taken(field, tr(f"{name} is not a recording", f"{name} 不是录音"))
    return Input(copy.as_uri(), recording=recording)


def _copied(field: str, source: BinaryIO, name: str, home: Path) -> Path:
    """Copy what has no name with a suffix that speaks for it."""
    try:
        return once.copied(source, COPY_SUFFIX, home, MAX_BYTES)
    except once.TooLarge:
        raise InvalidRequest.one(field, tr(f"{name} has more than 2 GB", f"{name} 超过 2 GB"), advice=_cut()) from None


def _unknown(path: Path) -> Notice:
    return Notice(
        "unknown_bytes",
        tr(
            f"{path.name}: nothing in its first bytes says that it is a recording; it is sent as {path.suffix}",
            f"{path.name} 的开头不像任何录音格式；仍按 {path.suffix} 发送",
        ),
    )


def look_at(field: str, path: Path, name: str) -> Recording:
    """Return what a recording is; its format is "" where only its suffix speaks for it.

    Raises:
        InvalidRequest: no recording, or larger or longer than any that the service takes.
        OSError: it cannot be read.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise InvalidRequest.one(field, tr(f"{name} is not a file", f"{name} 不是文件"))
    if not found.st_size:
        raise InvalidRequest.one(field, tr(f"{name} is empty", f"{name} 是空文件"))
    if found.st_size > MAX_BYTES:
        size_gb = math.ceil(found.st_size / 1024**3 * 100) / 100  # upwards: "2.00 GB, at most 2 GB" would be odd
        raise InvalidRequest.one(
            field,
            tr(f"{name} has {size_gb:.2f} GB, at most 2 GB are taken", f"{name} 有 {size_gb:.2f} GB，最多 2 GB"),
            advice=_cut(),
        )
    with path.open("rb", buffering=0) as raw, BoundedReader(raw) as file:
        kind = _kind(field, path, name, file)
        duration_s, rate_hz = _told_by_headers(file, kind, found.st_size)
    if duration_s is not None and duration_s > MAX_S:
        hours = math.ceil(duration_s / 36) / 100
        raise InvalidRequest.one(
            field,
            tr(f"{name} lasts {hours:.2f} hours, at most 12 are taken", f"{name} 时长 {hours:.2f} 小时，最多 12 小时"),
            advice=_cut(),
        )
    return Recording(found.st_size, duration_s, kind, rate_hz)


def _cut() -> str:
    command = "ffmpeg -i IN -f segment -segment_time 3600 OUT%d.mp3"
    return tr(f"cut it into pieces: {command}", f"请切分为多段：{command}")


def _kind(field: str, path: Path, name: str, file: BinaryIO) -> str:
    """Return the kind of recording by its first bytes, or "" where only the suffix speaks for it."""
    head = file.read(HEAD_BYTES)
    if formats.suffix_of(head) in formats.PICTURES:
        what = tr("a picture", "图片")
        raise _not_taken(field, tr(f"{name} is {what}, not a recording", f"{name} 是{what}，不是录音"))
    known = foreign.name_of(head, name)
    if known and (any(head) or not any(file.read(ZEROS_BYTES))):
        raise _not_taken(field, tr(f"{name} is {known}", f"{name} 是 {known}"), "" if "(" in known else None)
    kind = by_magic(head)
    if head.startswith(b"ID3"):
        file.seek(10 + _id3_bytes(head))
        kind = by_magic(file.read(HEAD_BYTES)) or "mp3"
    if not kind and path.suffix.lower().removeprefix(".") not in (*SUFFIXES, COPY_SUFFIX):
        raise _not_taken(field, tr(f"{name} is not a recording", f"{name} 不是录音"))
    return kind


def _not_taken(field: str, text: str, advice: str | None = None) -> InvalidRequest:
    if advice is None:
        advice = tr("convert it: ffmpeg -i IN OUT.wav", "请转换格式：ffmpeg -i 输入文件 输出.wav")
    return InvalidRequest.one(field, text + tr("; taken: ", "；支持 ") + ", ".join(SUFFIXES), advice=advice)


def by_magic(head: bytes) -> str:
    """Return the kind of recording that starts so ("wav", "mp4", …), or "" if it is none we know."""
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


def _told_by_headers(file: BinaryIO, kind: str, size_bytes: int) -> tuple[float | None, int | None]:
    """Return the seconds, and the samples a second, that the headers tell; odd files are the service's to judge."""
    file.seek(0)
    try:
        duration_s, rate_hz = _of_wav(file, size_bytes) if kind == "wav" else _of_tags(file, kind)
    except Exception:  # noqa: BLE001 - whatever a parser stumbles over, it is just not known
        return None, None
    rate_hz = rate_hz if rate_hz is not None and RATES_HZ[0] <= rate_hz <= RATES_HZ[1] else None
    if duration_s is None or not 0 < duration_s <= size_bytes / CREDIBLE_BYTES_PER_S:
        return None, rate_hz
    return None if kind == "mp4" and _is_placeholder(duration_s) else duration_s, rate_hz


def _is_placeholder(duration_s: float) -> bool:
    units_per_s = MP4_UNKNOWN / duration_s
    return duration_s > MAX_S and math.isclose(units_per_s, round(units_per_s), rel_tol=1e-12)


def _of_wav(file: BinaryIO, size_bytes: int) -> tuple[float | None, int | None]:
    """Read fmt and data chunk. Not by the library `wave`: it refuses telephone codings (A-law, ADPCM).

    The data chunk's size is a placeholder in files that were written as a stream (0, 0x7FFFFFFF, 0xFFFFFFFF): what
    the file really holds counts.
    """
    place, bytes_per_s, rate_hz = 12, 0, None
    for _ in range(WAV_CHUNKS_MAX):
        file.seek(place)
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"fmt ":
            _, _, rate_hz, bytes_per_s, block_bytes, _ = struct.unpack("<HHIIHH", file.read(16))
            bytes_per_s = bytes_per_s or rate_hz * block_bytes
        if name == b"data":
            rest_bytes = size_bytes - place - 8
            return (min(length, rest_bytes) or rest_bytes) / bytes_per_s if bytes_per_s else None, rate_hz
        place += 8 + length + length % 2
    return None, rate_hz


def _of_tags(file: BinaryIO, kind: str) -> tuple[float | None, int | None]:
    if kind not in _TINYTAG_READS:
        return None, None
    from tinytag import TinyTag

    # An Ogg file's pages are skipped only once its tags are read; the name chooses the parser, it is not opened.
    tags = TinyTag.get(filename=f"recording.{kind}", file_obj=file, tags=kind == "ogg")
    return tags.duration, int(tags.samplerate) if tags.samplerate else None
