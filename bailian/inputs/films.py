"""What a film on this machine is, by the boxes of its file (ISO 14496-12; Apple's QuickTime File Format).

Only headers are read, nothing is decoded. `tinytag`, a dependency, reads durations alone; what reads sides and frames
(`construct`, `av`) weighs more than the toolkit. Edit lists are ignored: the service counts what the file holds.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bailian.i18n import tr
from bailian.inputs.bounded import BoundedReader
from bailian.types import Film

# A film of a day in fragments of a second has a tenth of these.
READS_MAX = 200_000
CREDIBLE_S = 24 * 3600
CREDIBLE_FPS = 1000
CREDIBLE_SIDE_PX = 32_768
_SMALL = {b"3gp", b"3g2", b"3ge", b"3gg"}
# Flags of `tfhd` and `trun`: which fields stand in front of the one that is looked for, and how long they are.
_TFHD_BEFORE = ((0x1, 8), (0x2, 4))
_TFHD_DURATION = 0x8
_TRUN_BEFORE = ((0x1, 4), (0x4, 4))
_TRUN_SAMPLE = (0x100, 0x200, 0x400, 0x800)
_TRUN_DURATION = 0x100


class DamagedFilm(ValueError):
    """A file that no player shows."""


@dataclass(frozen=True)
class _Box:
    name: bytes
    start: int
    """Where its content begins."""
    end: int


@dataclass
class _Track:
    """What the boxes of one track say. 0 and b"" where they do not."""

    id: int = 0
    handler: bytes = b""
    shown_px: tuple[int, int] = (0, 0)
    stored_px: tuple[int, int] = (0, 0)
    is_turned: bool = False
    timescale: int = 0
    duration: int = 0
    frames: int = 0
    default_duration: int = 0
    """Of a frame in a fragment that does not say."""


def probe_film(path: Path) -> Film | None:
    """Look at a film's headers, wherever in the file they stand; None: it has no pictures, it is a sound (M4A).

    Raises:
        DamagedFilm: there is no header, it was cut, or its boxes lead nowhere.
        OSError: it cannot be read.
    """
    size_bytes = path.stat().st_size
    with path.open("rb", buffering=0) as raw, BoundedReader(raw, READS_MAX) as file:
        try:
            return _probed(file, size_bytes)
        except DamagedFilm:
            raise
        except (ValueError, struct.error):  # too much to read; a box that ends before its fields
            raise DamagedFilm(_nonsense()) from None


def _probed(file: BinaryIO, size_bytes: int) -> Film | None:
    film_format, movie, fragments = "mov", None, []
    for box in _top_boxes(file, size_bytes):
        if box.name == b"ftyp":
            film_format = _format(_read(file, box.start, 4))
        elif box.name == b"moov" and movie is None:
            movie = box
        elif box.name == b"moof":
            fragments.append(box)
    if movie is None:
        raise DamagedFilm(tr("it has no header (moov): it was never finished", "缺少 moov 文件头：录制或下载未完成"))
    tracks = _tracks(file, movie)
    shown = next((track for track in tracks if track.handler == b"vide"), None)
    if shown is None:
        return None
    for fragment in fragments:
        _add_fragment(file, fragment, shown)
    return _film(shown, film_format, size_bytes, sound=any(track.handler == b"soun" for track in tracks))


def _film(track: _Track, film_format: str, size_bytes: int, *, sound: bool) -> Film:
    pixels = track.stored_px if all(track.stored_px) else track.shown_px
    width_px, height_px = pixels[::-1] if track.is_turned else pixels
    duration_s = _credible(track.duration / track.timescale if track.timescale else 0, CREDIBLE_S)
    return Film(
        format=film_format,
        size_bytes=size_bytes,
        width_px=width_px if 0 < width_px <= CREDIBLE_SIDE_PX else None,
        height_px=height_px if 0 < height_px <= CREDIBLE_SIDE_PX else None,
        duration_s=duration_s,
        fps=_credible(track.frames / duration_s if duration_s else 0, CREDIBLE_FPS),
        sound=sound,
    )


def _credible(value: float, most: float) -> float | None:
    return round(value, 3) if 0 < round(value, 3) <= most else None


def _format(brand: bytes) -> str:
    """Return "mp4" or "mov"; "3gp" for a phone's small films, which are neither."""
    return "mov" if brand == b"qt  " else "3gp" if brand[:3] in _SMALL else "mp4"


def _read(file: BinaryIO, start: int, count: int) -> bytes:
    file.seek(start)
    data = file.read(count)
    if len(data) < count:
        raise DamagedFilm(_cut())
    return data


def _within(file: BinaryIO, box: _Box, start: int, count: int) -> bytes:
    """Return bytes of a box whose number stands in the box itself."""
    if start + count > box.end:
        raise DamagedFilm(_nonsense())
    return _read(file, start, count)


def _nonsense() -> str:
    return tr("its headers are damaged", "文件头已损坏")


def _cut() -> str:
    return tr("it ends too early (a download that broke off?)", "文件不完整（下载可能中断）")


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[_Box]:
    """Yield the boxes that lie between two places.

    Raises:
        DamagedFilm: one of them reaches beyond the end.
    """
    while end - start >= 8:
        length, name = struct.unpack(">I4s", _read(file, start, 8))
        head = 8
        if length == 1:
            (length,), head = struct.unpack(">Q", _read(file, start + 8, 8)), 16
        elif length == 0:
            length = end - start  # up to the end of what holds it
        if length < head or start + length > end:
            raise DamagedFilm(_cut())
        yield _Box(name, start + head, start + length)
        start += length


def _top_boxes(file: BinaryIO, size_bytes: int) -> Iterator[_Box]:
    """Yield the boxes of a file. What follows a whole film is none of its own; a live recording may lack its last fragment."""
    seen: set[bytes] = set()
    try:
        for box in _boxes(file, 0, size_bytes):
            seen.add(box.name)
            yield box
    except DamagedFilm:
        is_whole = {b"moov", b"mdat"} <= seen
        if not is_whole:
            raise


def _inside(file: BinaryIO, box: _Box, *path: bytes) -> Iterator[_Box]:
    """Yield the boxes at this path inside a box."""
    for inner in _boxes(file, box.start, box.end):
        if inner.name == path[0]:
            yield from _inside(file, inner, *path[1:]) if path[1:] else (inner,)


def _tracks(file: BinaryIO, movie: _Box) -> list[_Track]:
    tracks = [_track(file, box) for box in _inside(file, movie, b"trak")]
    for box in _inside(file, movie, b"mvex", b"trex"):
        track_id, _, default = struct.unpack(">III", _read(file, box.start + 4, 12))
        for track in tracks:
            if track.id == track_id:
                track.default_duration = default
    return tracks


def _track(file: BinaryIO, box: _Box) -> _Track:
    track = _Track()
    for inner in _boxes(file, box.start, box.end):
        if inner.name == b"tkhd":
            _read_track_header(file, inner, track)
        elif inner.name == b"mdia":
            _read_media(file, inner, track)
    return track


def _read_track_header(file: BinaryIO, box: _Box, track: _Track) -> None:
    """Read `tkhd`: the id, the matrix that turns the pictures, the sides before that (16.16 fixed point)."""
    is_long = _read(file, box.start, 1) == b"\1"
    (track.id,) = struct.unpack(">I", _read(file, box.start + (20 if is_long else 12), 4))
    matrix = struct.unpack(">9i2I", _read(file, box.start + (52 if is_long else 40), 44))
    a, b, _, c, d = matrix[:5]
    track.is_turned = abs(b) > abs(a) and abs(c) > abs(d)
    track.shown_px = (matrix[9] >> 16, matrix[10] >> 16)


def _read_media(file: BinaryIO, box: _Box, track: _Track) -> None:
    for inner in _boxes(file, box.start, box.end):
        if inner.name == b"mdhd":
            is_long = _read(file, inner.start, 1) == b"\1"
            form, place = (">IQ", 20) if is_long else (">II", 12)
            track.timescale, track.duration = struct.unpack(
                form, _read(file, inner.start + place, struct.calcsize(form))
            )
            if track.duration in (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF):  # not known
                track.duration = 0
        elif inner.name == b"hdlr":
            track.handler = track.handler or _read(file, inner.start + 8, 4)
    if track.handler == b"vide":
        _read_samples(file, box, track)


def _read_samples(file: BinaryIO, media: _Box, track: _Track) -> None:
    """Read the sides from the first description of a picture (`stsd`), and how many frames there are (`stts`)."""
    for box in _inside(file, media, b"minf", b"stbl"):
        for inner in _boxes(file, box.start, box.end):
            if inner.name == b"stsd" and inner.end - inner.start >= 44:
                track.stored_px = struct.unpack(">HH", _read(file, inner.start + 40, 4))
            elif inner.name == b"stts":
                _read_times(file, inner, track)


def _read_times(file: BinaryIO, box: _Box, track: _Track) -> None:
    """Add up `stts`: so many frames, each so long."""
    (count,) = struct.unpack(">I", _read(file, box.start + 4, 4))
    times = list(struct.iter_unpack(">II", _within(file, box, box.start + 8, count * 8)))
    track.frames += sum(frames for frames, _ in times)
    track.duration = track.duration or sum(frames * duration for frames, duration in times)


def _add_fragment(file: BinaryIO, fragment: _Box, track: _Track) -> None:
    """Add the frames of a fragment (`moof`) to those of the header, which often has none."""
    for box in _inside(file, fragment, b"traf"):
        default = track.default_duration
        for inner in _boxes(file, box.start, box.end):
            if inner.name == b"tfhd":
                flags, track_id = struct.unpack(">II", _read(file, inner.start, 8))
                if track_id != track.id:
                    break
                if flags & _TFHD_DURATION:
                    place = inner.start + 8 + _length_of(flags, _TFHD_BEFORE)
                    (default,) = struct.unpack(">I", _read(file, place, 4))
            elif inner.name == b"trun":
                _add_run(file, inner, track, default)


def _add_run(file: BinaryIO, box: _Box, track: _Track, default: int) -> None:
    flags, count = struct.unpack(">II", _read(file, box.start, 8))
    track.frames += count
    if not flags & _TRUN_DURATION:
        track.duration += count * default
        return
    words = sum(1 for flag in _TRUN_SAMPLE if flags & flag)
    place = box.start + 8 + _length_of(flags, _TRUN_BEFORE)
    data = _within(file, box, place, count * words * 4)
    track.duration += sum(duration for duration, *_ in struct.iter_unpack(f">{words}I", data))


def _length_of(flags: int, fields: tuple[tuple[int, int], ...]) -> int:
    return sum(length for flag, length in fields if flags & flag)
