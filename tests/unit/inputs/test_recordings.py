"""Recordings that go in: what is taken, what is refused, how long they last, and how little of them is read."""

from __future__ import annotations

import os
import struct
import sys
import threading
import wave
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.errors import InvalidRequest
from bailian.inputs import bounded, recordings
from bailian.inputs.bounded import BoundedReader
from bailian.inputs.recordings import resolve_recording
from bailian.store.paths import path_of
from bailian.types import Recording
from tests.support.recordings import SECONDS, wav

CODECS = {
    "mp3": ("mp3", "libmp3lame", 16000),
    "flac": ("flac", "flac", 16000),
    "opus": ("ogg", "libopus", 16000),
    "m4a": ("ipod", "aac", 16000),
    "mp4": ("mp4", "aac", 16000),
    "mov": ("mov", "aac", 16000),
    "mkv": ("matroska", "aac", 16000),
    "webm": ("webm", "libopus", 16000),
    "avi": ("avi", "pcm_s16le", 16000),
    "flv": ("flv", "aac", 44100),
    "aac": ("adts", "aac", 16000),
    "amr": ("amr", "libopencore_amrnb", 8000),
    "mpeg": ("mpeg", "mp2", 16000),
}
TIMED = ("mp3", "flac", "opus", "m4a", "mp4", "mov")
ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + struct.pack("<QIBB", 30, 1, 1, 2)
ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a real recording of each format, "a.mp3" and so on."""
    made = tmp_path_factory.mktemp("录音")
    for suffix, how in CODECS.items():
        _encode(made / f"a.{suffix}", *how)
    (made / "a.wav").write_bytes(wav())
    (made / "a.wma").write_bytes(wma(SECONDS))
    return made


def _encode(path: Path, form: str, codec: str, rate_hz: int) -> None:
    import av

    with av.open(str(path), "w", format=form) as out:
        stream = out.add_stream(codec, rate=rate_hz)
        stream.layout = "mono"
        for start in range(0, rate_hz * SECONDS, 1000):
            frame = av.AudioFrame(format="s16", layout="mono", samples=1000)
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
            frame.planes[0].update(bytes(index % 251 for index in range(frame.planes[0].buffer_size)))
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def wma(duration_s: float) -> bytes:
    properties = bytearray(104)
    properties[:24] = ASF_FILE_PROPERTIES + struct.pack("<Q", len(properties))
    struct.pack_into("<Q", properties, 64, int(duration_s * 10_000_000))
    return ASF_HEADER + bytes(properties) + bytes(1000)


def mp4(units: int, units_per_s: int) -> bytes:
    header = bytes(12) + struct.pack(">II", units_per_s, units) + bytes(80)
    movie = struct.pack(">I4s", len(header) + 8, b"mvhd") + header
    return b"\0\0\0\x10ftypisom\0\0\0\0" + struct.pack(">I4s", len(movie) + 8, b"moov") + movie


def look(path: Path) -> Recording:
    found = resolve_recording("file", str(path), path.parent).recording
    assert found is not None
    return found


def saved(path: Path, head: bytes, size_bytes: int | None = None) -> Path:
    """Write a file that is as long as asked, without the room on the disk."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size_bytes or len(head))
    return path


@pytest.mark.few(2)
@pytest.mark.parametrize("suffix", ["wav", "wma", *CODECS])
def test_every_format_of_the_service_is_taken_whatever_its_name(folder: Path, tmp_path: Path, suffix: str) -> None:
    """Bytes tell; a wrong suffix does not matter."""
    data = (folder / f"a.{suffix}").read_bytes()
    other = saved(tmp_path / "会议.dat", data)
    assert look(folder / f"a.{suffix}") == look(other)
    assert look(other).size_bytes == len(data)


@pytest.mark.parametrize("suffix", ["wav", "wma", *TIMED])
def test_durations_are_read_from_headers(folder: Path, suffix: str) -> None:
    """Encoders add a little silence."""
    assert look(folder / f"a.{suffix}").duration_s == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize("suffix", sorted({*CODECS} - {*TIMED}))
def test_a_duration_that_no_header_tells_is_not_known(folder: Path, suffix: str) -> None:
    """Not guessed: a guess would be a wrong price."""
    assert look(folder / f"a.{suffix}").duration_s is None


@pytest.mark.parametrize("suffix", recordings.SUFFIXES)
def test_where_the_first_bytes_tell_nothing_the_suffix_counts(tmp_path: Path, suffix: str) -> None:
    """MP3 may begin in the middle of a frame."""
    path = saved(tmp_path / f"半截.{suffix.upper()}", b"\x07\x80\x01" * 100)
    assert look(path) == Recording(300, None)


@pytest.mark.parametrize("form", ["{0}", "file://{0}", "file://会 议.wav", "./会 议.wav", "会 议.wav"])
def test_every_way_to_name_a_file_leads_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """The reference is absolute: the request may leave from another folder."""
    path = saved(tmp_path / "会 议.wav", wav())
    monkeypatch.chdir(tmp_path)
    found = resolve_recording("file", form.format(path), tmp_path)
    assert found.url.startswith("file:///")
    assert path_of(found.url) == path


def test_links_are_not_looked_into(tmp_path: Path) -> None:
    """What is not on this machine is the service's to judge; its URL is made safe, with a notice."""
    plain = resolve_recording("file", "https://h/a.wav?x=1", tmp_path)
    assert (plain.url, plain.recording, plain.notice) == ("https://h/a.wav?x=1", None, None)
    chinese = resolve_recording("file", "https://h/会 议.wav", tmp_path)
    assert chinese.url == "https://h/%E4%BC%9A%20%E8%AE%AE.wav"
    assert chinese.notice is not None
    assert chinese.notice.code == "url_encoded"
    assert resolve_recording("file", "oss://bucket/会议.wav", tmp_path).url == "oss://bucket/会议.wav"


HTML = b"<!DOCTYPE html><html><body>404</body></html>"
NOT_RECORDINGS = [
    (HTML, "is an HTML page"),
    (b"\n  <HTML>\x00</HTML>", "is an HTML page"),
    (b'{"code": "AccessDenied"}', "is text"),
    ("会议记录：大家好。".encode(), "is text"),
    ("会议记录：大家好。".encode("gbk"), "is text"),
    ("会议记录".encode("utf-16"), "is text"),
    (b"The free software", "is text"),
    (b"RIFFtextWAVE in words", "is text"),
    (PNG, "is a picture"),
    (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "is a picture"),
    (b"RIFF\x10\0\0\0WEBPVP8 ", "is a picture"),
    (b"\0\0\0\x18ftypheic\0\0\0\0", "is HEIC"),
    (b"\0\0\0\x18ftypavif\0\0\0\0", "is AVIF"),
    (b"%PDF-1.7\n\x80\x00", "is PDF"),
    (b"PK\x03\x04\x14\0", "is ZIP"),
    (b"FORM\0\0\1\0AIFFCOMM", "is AIFF"),
    (b"\x02#!SILK_V3\x0c\0" + bytes(range(256)), "is a voice message of WeChat or QQ .*pilk.decode"),
    (b"#!SILK_V3\x0c\0" + bytes(range(256)), "SILK"),
    (bytes(100_000), "is zeros"),
    (b"\0\x05\x16\x07\0\x02\0\0Mac OS X        ", r"AppleDouble\): take the file whose name has no \._"),
]


@pytest.mark.parametrize("data, says", NOT_RECORDINGS, ids=[says + str(data[:12]) for data, says in NOT_RECORDINGS])
def test_what_is_no_recording_is_refused_whatever_its_name(tmp_path: Path, data: bytes, says: str) -> None:
    """A download that was an error page costs no upload."""
    with pytest.raises(InvalidRequest, match=f"{says}.*; taken: aac, .*wmv"):
        look(saved(tmp_path / "会议.wav", data))


@pytest.mark.parametrize("name", ["a.ts", "a.exe", "a", "wav"])
def test_neither_suffix_nor_bytes_of_a_recording_is_refused(tmp_path: Path, name: str) -> None:
    """The answer lists what is taken."""
    with pytest.raises(InvalidRequest, match="is not a recording; taken: aac"):
        look(saved(tmp_path / name, b"\x47\x00\x80\x01" * 50))


@pytest.mark.parametrize(
    "word, says",
    [
        ("没有.wav", "cannot read 没有.wav: No such file"),
        ("file:///no/such/a.wav", "No such file"),
        ("a\0b.wav", "cannot read"),
        ("x" * 300, "cannot read"),
        ("~nobody-of-that-name/a.wav", "cannot read"),
        (".", "is not a file"),
        ("", "is not a file"),
        ("data:audio/wav;base64,UklGRg==", "are not taken as data:"),
        ("https://[h/a.wav", "not a valid URL"),
    ],
)
def test_words_that_lead_to_no_file_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, says: str
) -> None:
    """Each with what to do instead."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidRequest, match=says) as raised:
        resolve_recording("file", word, tmp_path)
    assert [problem.field for problem in raised.value.problems] == ["file"]


def piped(path: Path, data: bytes) -> Path:
    """Make a pipe into which somebody writes once."""
    os.mkfifo(path)
    threading.Thread(target=path.write_bytes, args=(data,), daemon=True).start()
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="no FIFOs")
def test_a_pipe_is_read_once_and_kept(tmp_path: Path) -> None:
    """A second reader would wait for ever, or get nothing."""
    found = resolve_recording("file", str(piped(tmp_path / "a.wav", wav())), tmp_path)
    assert path_of(found.url).read_bytes() == wav()
    assert path_of(found.url).parent == tmp_path / "inputs"
    assert found.recording == Recording(len(wav()), SECONDS, "wav", 16000)


@pytest.mark.skipif(sys.platform == "win32", reason="no FIFOs")
@pytest.mark.parametrize(
    "data, says", [(b"", "is empty"), (HTML, "is an HTML page"), (b"\x07\x80\x01" * 100, "is not a")]
)
def test_what_comes_through_a_pipe_is_judged_by_its_bytes(tmp_path: Path, data: bytes, says: str) -> None:
    """A pipe's suffix says nothing; its name is the one that was given."""
    with pytest.raises(InvalidRequest, match=f"a.wav {says}"):
        look(piped(tmp_path / "a.wav", data))


def test_bytes_that_only_a_suffix_speaks_for_are_said(tmp_path: Path) -> None:
    found = resolve_recording("file", str(saved(tmp_path / "a.mp3", b"\x07\x80\x01" * 100)), tmp_path)
    assert found.notice is not None
    assert found.notice.code == "unknown_bytes"


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    """Nothing to recognise."""
    with pytest.raises(InvalidRequest, match="is empty"):
        look(saved(tmp_path / "a.wav", b""))


def test_two_gigabytes_are_taken_one_byte_more_is_not(tmp_path: Path) -> None:
    """The last size inside the limit passes."""
    path = saved(tmp_path / "a.wav", wav(b"", bytes_per_s=1_000_000, size=0xFFFFFFFF), recordings.MAX_BYTES)
    assert look(path).size_bytes == 2 * 1024**3
    with pytest.raises(InvalidRequest, match=r"has 2\.01 GB, at most 2 GB"):
        look(saved(path, wav(b""), recordings.MAX_BYTES + 1))


def test_twelve_hours_are_taken_one_second_more_is_not(tmp_path: Path) -> None:
    """A WAV of 1,000 bytes a second, its data as long as it should be."""
    head = wav(b"", bytes_per_s=1000, size=0x7FFFFFFF)
    path = saved(tmp_path / "a.wav", head, len(head) + recordings.MAX_S * 1000)
    assert look(path).duration_s == recordings.MAX_S
    with pytest.raises(InvalidRequest, match=r"lasts 12\.01 hours, at most 12"):
        look(saved(path, head, len(head) + (recordings.MAX_S + 1) * 1000))


@pytest.mark.parametrize("size", [0, 0x7FFFFF9B, 0x7FFFFFFF, 0xFFFFFFFF])
def test_the_sizes_in_a_wav_that_was_streamed_are_not_believed(tmp_path: Path, size: int) -> None:
    """Placeholders of writers who did not know the end yet: what the file holds counts."""
    assert look(saved(tmp_path / "a.wav", wav(bytes(32000), size=size))).duration_s == 1.0


def test_telephone_codings_have_durations_too(tmp_path: Path) -> None:
    """A-law at 8 kHz, with a chunk of odd length before the data."""
    data = wav(bytes(16000), coding=6, bytes_per_s=8000)
    assert look(saved(tmp_path / "a.wav", data)).duration_s == 2.0
    data = data.replace(b"data", b"LIST\3\0\0\0abc\0data")
    assert look(saved(tmp_path / "b.wav", data)).duration_s == 2.0


def test_wavs_of_the_standard_library_agree(tmp_path: Path) -> None:
    """An independent writer."""
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(bytes(44100 * 4 * 3))
    assert look(tmp_path / "a.wav").duration_s == 3.0


@pytest.mark.parametrize(
    "data",
    [
        wav(bytes_per_s=0).replace(struct.pack("<IIH", 16000, 0, 2), bytes(10)),
        wav(bytes_per_s=1),
        wav()[:30],
        b"RIFF\0\0\0\0WAVE" + b"JUNK\0\0\0\0" * 2000,
        b"fLaC\0\0\0\x22" + bytes(34),
        b"OggS\0\2" + bytes(50),
        mp4(0, 1000) + bytes(1000),
        mp4(0xFFFFFFFF, 90_000) + bytes(10_000_000),
        mp4(0xFFFFFFFF, 1000) + bytes(1000),
        mp4(1, 0),
        b"ID3\4\0\0\0\0\0\0\xff\xf1\x60\x40" + bytes(100),
        b"ID3\4\0\0\x7f\x7f\x7f\x7f",
        wma(0),
    ],
)
def test_nonsense_in_headers_leaves_the_duration_open(tmp_path: Path, data: bytes) -> None:
    """The file may be good all the same: no refusal, and no price that is wrong."""
    found = look(saved(tmp_path / "a.bin", data))
    assert (found.size_bytes, found.duration_s) == (len(data), None)


def test_a_film_of_fifteen_seconds_is_one(tmp_path: Path) -> None:
    """Its duration divides "not known" without a rest, like some others'; and 13 hours are too long."""
    assert look(saved(tmp_path / "a.mp4", mp4(15_000, 1000) + bytes(2000))).duration_s == 15.0
    with pytest.raises(InvalidRequest, match=r"lasts 13\.00 hours"):
        look(saved(tmp_path / "a.mp4", mp4(13 * 3_600_000, 1000), 5_000_000))


@pytest.mark.parametrize(
    "head",
    [
        wav(b"", bytes_per_s=1_000_000, size=0xFFFFFFFF),
        mp4(5000, 1000),
        b"\0\0\0\x10ftypisom\0\0\0\0\x70\0\0\0moov\x6f\0\0\0mvhd",
        b"fLaC\0\0\0\x22" + bytes(34),
        b"ID3\4\0\0\0\0\0\0",
        b"OggS\0\2" + bytes(20) + b"\xff" + b"\xff" * 255,
    ],
)
def test_a_large_file_is_judged_by_a_little_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    """Whatever its headers say: 2 GB are not read to be told their length."""
    monkeypatch.setattr(bounded, "READS_MAX", 200)
    seen = []
    read = BoundedReader.read

    def noted(self: BoundedReader, size: int | None = -1, /) -> bytes:
        data = read(self, size)
        seen.append(len(data))
        return data

    monkeypatch.setattr(BoundedReader, "read", noted)
    assert look(saved(tmp_path / "a.wav", head, 1_900_000_000)).size_bytes == 1_900_000_000
    assert 0 < sum(seen) < 100_000


def test_the_sound_in_an_ogg_file_is_skipped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pages are counted, not read: the last one tells the time."""
    monkeypatch.setattr(bounded, "READ_BYTES_MAX", 5_000)
    assert look(folder / "a.opus").size_bytes > 20_000
    assert look(folder / "a.opus").duration_s == pytest.approx(SECONDS, abs=0.1)


HEADS = (
    "RIFF0000WAVE",
    "fLaC",
    "OggS\0",
    "#!AMR\n",
    "\0\0\0\x18ftypisom",
    "0&²u\x8efÏ\x11",
    "ID3\4",
    "ÿû\x90",
    "FLV\1",
    "",
)


@given(st.sampled_from([head.encode("latin-1") for head in HEADS]), st.binary(max_size=400))
def test_any_bytes_are_judged(tmp_path_factory: pytest.TempPathFactory, head: bytes, rest: bytes) -> None:
    """Taken or refused, never a bug; a duration that is told is one."""
    path = saved(tmp_path_factory.getbasetemp() / "any.wav", head + rest)
    try:
        found = look(path)
    except InvalidRequest:
        return
    assert found.duration_s is None or 0 < found.duration_s <= len(head + rest)
