"""Films that go in: what their headers say, read by our own parser and made by an encoder that is not ours."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.inputs import films
from bailian.inputs.films import DamagedFilm, probe_film
from bailian.types import Film
from tests.support.films import HEIGHT_PX, WIDTH_PX, film

FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}
WAYS: dict[str, dict[str, Any]] = {
    "header at the end": {},
    "header in front": {"options": {"movflags": "faststart"}},
    "fragmented": {"options": FRAGMENTED},
    "fragmented, with defaults in the fragments": {
        "options": {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    },
    "dash": {"options": {"movflags": "dash+frag_keyframe+empty_moov"}},
    "mov": {"form": "mov"},
    "fragmented mov": {"form": "mov", "options": FRAGMENTED},
    "silent": {"sound": False},
    "ntsc": {"fps": Fraction(30000, 1001)},
    "no edit list": {"options": {"use_editlist": "0"}},
    "small": {"form": "3gp", "sound": False},
}


@pytest.mark.few(4)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_an_encoder_wrote_is_read(tmp_path: Path, way: dict[str, Any]) -> None:
    """As FFmpeg's own reader finds it: without an edit list a sound's delay counts as the first frame's."""
    path = film(tmp_path / "片子", **way)
    found = probe_film(path)
    assert found is not None
    assert found.format == way.get("form", "mp4")
    assert (found.width_px, found.height_px) == (WIDTH_PX, HEIGHT_PX)
    assert found.size_bytes == path.stat().st_size
    with av.open(str(path)) as known:
        shown = known.streams.video[0]
        assert found.duration_s == pytest.approx(float((shown.duration or 0) * shown.time_base), abs=0.001)
        assert found.fps == pytest.approx(float(shown.average_rate or 0), abs=0.2)
    assert found.duration_s == pytest.approx(2, abs=0.1)
    assert found.sound is way.get("sound", True)


def test_a_film_of_a_phone_that_was_held_upright_is_upright(tmp_path: Path) -> None:
    found = probe_film(film(tmp_path / "a.mp4", turned=True))
    assert found is not None
    assert (found.width_px, found.height_px) == (HEIGHT_PX, WIDTH_PX)


def test_a_sound_in_an_mp4_is_no_film(tmp_path: Path) -> None:
    data = film(tmp_path / "a.mp4").read_bytes()
    assert probe_film(saved(tmp_path, data.replace(b"vide", b"hint"))) is None


def box(name: bytes, *content: bytes, long: bool = False) -> bytes:
    inner = b"".join(content)
    if long:
        return struct.pack(">I4sQ", 1, name, len(inner) + 16) + inner
    return struct.pack(">I4s", len(inner) + 8, name) + inner


def header(*, long: bool = False, timescale: int = 1000, duration: int = 2000, frames: int = 50) -> bytes:
    """Return a `moov` of one track without sample descriptions; `long`: its figures have 64 bits."""
    times = (">QQIQ" if long else ">IIII", bytes([int(long), 0, 0, 0]))
    matrix = struct.pack(">9iII", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000, 640 << 16, 360 << 16)
    ids = struct.pack(">QQIIQ" if long else ">IIIII", 0, 0, 7, 0, 0)
    track_header = box(b"tkhd", times[1], ids, bytes(16), matrix)
    media_header = box(b"mdhd", times[1], struct.pack(times[0], 0, 0, timescale, duration), bytes(4))
    samples = box(b"stbl", box(b"stts", struct.pack(">IIII", 0, 1, frames, 40)))
    media = box(b"mdia", media_header, box(b"hdlr", bytes(8), b"vide", bytes(12)), box(b"minf", samples))
    return box(b"moov", box(b"trak", track_header, media), long=long)


def saved(folder: Path, data: bytes) -> Path:
    path = folder / "a.mp4"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("long", [False, True])
def test_figures_of_64_bits_are_read(tmp_path: Path, long: bool) -> None:
    """What some cameras write whatever the length."""
    data = box(b"ftyp", b"isom", bytes(4)) + box(b"mdat", bytes(100), long=long) + header(long=long)
    assert probe_film(saved(tmp_path, data)) == Film("mp4", len(data), 640, 360, 2.0, 25.0, False)


def test_a_film_without_a_brand_is_a_mov(tmp_path: Path) -> None:
    """QuickTime's own files had no `ftyp` for ten years."""
    found = probe_film(saved(tmp_path, box(b"wide") + header()))
    assert found is not None
    assert found.format == "mov"


@pytest.mark.parametrize(
    "figures",
    [
        {"timescale": 0},
        {"duration": 0xFFFFFFFF},
        {"duration": 0xFFFFFFFE, "timescale": 1},
        {"duration": 0, "frames": 0},
    ],
)
def test_a_duration_that_the_header_does_not_know_is_not_known(tmp_path: Path, figures: dict[str, int]) -> None:
    """A guess would be a wrong price."""
    found = probe_film(saved(tmp_path, header(**{"frames": 0, **figures})))
    assert found is not None
    assert (found.duration_s, found.fps) == (None, None)


def endless(count: int) -> bytes:
    return box(b"moov", *[box(b"free")] * count)


DAMAGED = {
    "empty": b"",
    "text": b"not a film at all, and longer than a header",
    "no header": box(b"ftyp", b"isom", bytes(4)) + box(b"mdat", bytes(100)),
    "cut pictures": header() + box(b"mdat", bytes(100))[:-1],
    "cut header": header()[:-9],
    "box shorter than its head": struct.pack(">I4s", 7, b"moov") + bytes(100),
    "box longer than any disk": struct.pack(">I4sQ", 1, b"moov", 2**64 - 1) + bytes(100),
    "a child longer than its parent": box(b"moov", struct.pack(">I4s", 1000, b"trak")) + bytes(1000),
    "more times than bytes": header().replace(struct.pack(">II", 0, 1), struct.pack(">II", 0, 2**31)),
    "header without fields": box(b"moov", box(b"trak", box(b"tkhd"))),
    "boxes without end": endless(films.READS_MAX),
}


@pytest.mark.few(1)
@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_what_is_damaged_says_so(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DamagedFilm, match=r"\w"):
        probe_film(saved(tmp_path, data))


def test_what_follows_a_whole_film_does_not_matter(tmp_path: Path) -> None:
    """Cameras pad their files, live recordings lack their last fragment."""
    whole = header() + box(b"mdat", bytes(100))
    found = probe_film(saved(tmp_path, whole + b"\xff" * 100))
    assert found is not None
    assert found.duration_s == 2.0


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("films")
    return [film(folder / "a", seconds=0.5, **way).read_bytes() for way in WAYS.values()]


@given(data=st.data())
def test_a_film_cut_anywhere_is_read_or_refused(good: list[bytes], tmp_path_factory: Any, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(good))
    at = data.draw(st.integers(0, len(whole)))
    path = tmp_path_factory.getbasetemp() / "cut.mp4"
    path.write_bytes(whole[:at])
    try:
        found = probe_film(path)
    except DamagedFilm:
        return
    assert found is None or 0 < (found.duration_s or 1) <= films.CREDIBLE_S
