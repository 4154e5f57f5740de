"""Sound files made whole: WAV with any header, MP3 and PCM, of one part or several."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.files import audio
from bailian.files.audio import duration_ms, finish_sound

MP3_FRAME = b"\xff\xf3\x18\xc4" + bytes(32)
TRUE, PLACEHOLDER, ZERO, ALL_ONES = None, (0x7FFFFFBF, 0x7FFFFF9B), (0, 0), (0xFFFFFFFF, 0xFFFFFFFF)


def chunk(kind: bytes, content: bytes, *, pad: bool = True) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + (b"\0" if pad and len(content) % 2 else b"")


def wav(
    samples: bytes,
    *,
    sizes: tuple[int, int] | None = TRUE,
    rate_hz: int = 8000,
    channels: int = 1,
    bits: int = 16,
    before: bytes = b"",
    after: bytes = b"",
    tag: int = 1,
    more_format: bytes = b"",
) -> bytes:
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * frame, frame, bits) + more_format
    body = b"WAVE" + chunk(b"fmt ", form) + before
    riff_bytes, data_bytes = sizes or (len(body) + 8 + len(samples) + len(after), len(samples))
    return b"RIFF" + struct.pack("<I", riff_bytes) + body + b"data" + struct.pack("<I", data_bytes) + samples + after


def part(folder: Path, data: bytes) -> Path:
    path = folder / f"part-{len(list(folder.iterdir()))}"
    path.write_bytes(data)
    return path


def samples_of(path: Path) -> bytes:
    """Read it as Python's own reader does: by the header, which must be the plain 44 bytes with true sizes."""
    data = path.read_bytes()
    assert struct.unpack("<4sI4s4sI", data[:20])[::4] == (b"RIFF", 16)
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    with wave.open(str(path)) as file:
        return file.readframes(file.getnframes())


@pytest.mark.parametrize("sizes", [TRUE, PLACEHOLDER, ZERO, ALL_ONES, (44, 0x7FFFFFFF), (0, 5_000)])
def test_the_sizes_become_true(tmp_path: Path, sizes: tuple[int, int] | None) -> None:
    one = part(tmp_path, wav(b"\x01\x02" * 4000, sizes=sizes))
    target = tmp_path / "whole.wav"

    assert finish_sound([one], target, "wav") == 0.5
    assert samples_of(target) == b"\x01\x02" * 4000
    assert duration_ms(one, "wav") == 500


@pytest.mark.parametrize(
    "around",
    [
        {"before": chunk(b"LIST", b"INFOISFT....Lavf")},
        {"before": chunk(b"LIST", b"odd")},
        {"before": chunk(b"LIST", b"odd", pad=False)},
        {"before": chunk(b"fact", b"1234") + chunk(b"LIST", b"odd")},
        {"after": chunk(b"LIST", b"INFO behind the sound")},
        {"after": b"\0"},
        {"before": chunk(b"LIST", b"odd", pad=False), "sizes": PLACEHOLDER},
    ],
)
def test_other_chunks_are_no_sound(tmp_path: Path, around: dict[str, bytes]) -> None:
    one = part(tmp_path, wav(b"\x01\x02\x03\x04", **around))  # type: ignore[arg-type]
    finish_sound([one], tmp_path / "whole.wav", "wav")
    assert samples_of(tmp_path / "whole.wav") == b"\x01\x02\x03\x04"


def test_a_length_that_ends_amid_the_sound_is_a_placeholder(tmp_path: Path) -> None:
    """A server that writes the header for its first frame only."""
    one = part(tmp_path, wav(bytes(range(1, 101)), sizes=(1, 20)))
    finish_sound([one], tmp_path / "whole.wav", "wav")
    assert samples_of(tmp_path / "whole.wav") == bytes(range(1, 101))


def test_parts_follow_one_another(tmp_path: Path) -> None:
    parts = [part(tmp_path, wav(bytes([n]) * 1600, sizes=PLACEHOLDER)) for n in (1, 2, 3)]
    assert finish_sound(parts, tmp_path / "whole.wav", "wav") == pytest.approx(0.3)
    assert samples_of(tmp_path / "whole.wav") == b"".join(bytes([n]) * 1600 for n in (1, 2, 3))


def test_half_a_sample_does_not_turn_the_next_part_into_noise(tmp_path: Path) -> None:
    parts = [
        part(tmp_path, wav(b"\x01\x02\x03", sizes=PLACEHOLDER)),
        part(tmp_path, wav(b"\x05\x06", sizes=PLACEHOLDER)),
    ]
    finish_sound(parts, tmp_path / "whole.wav", "wav")
    assert samples_of(tmp_path / "whole.wav") == b"\x01\x02\x05\x06"


def test_an_odd_number_of_bytes_is_padded(tmp_path: Path) -> None:
    finish_sound([part(tmp_path, wav(b"\x80\x81\x82", bits=8))], tmp_path / "whole.wav", "wav")
    assert samples_of(tmp_path / "whole.wav") == b"\x80\x81\x82"
    assert (tmp_path / "whole.wav").stat().st_size == 48


def test_two_channels_and_the_long_form_of_the_format(tmp_path: Path) -> None:
    guid = struct.pack("<HHIH", 22, 16, 3, 1) + bytes(14)
    one = part(tmp_path, wav(bytes(range(8)), channels=2, tag=0xFFFE, more_format=guid))
    finish_sound([one], tmp_path / "whole.wav", "wav")
    assert samples_of(tmp_path / "whole.wav") == bytes(range(8))


@pytest.mark.parametrize("other", [{"rate_hz": 16000}, {"channels": 2}, {"bits": 8}])
def test_parts_that_differ_are_refused(tmp_path: Path, other: dict[str, int]) -> None:
    parts = [part(tmp_path, wav(bytes(8))), part(tmp_path, wav(bytes(8), **other))]  # type: ignore[arg-type]
    target = tmp_path / "whole.wav"
    with pytest.raises(ValueError, match="the parts differ: 8000 Hz × 1 × 16 bit and "):
        finish_sound(parts, target, "wav")
    assert not target.exists()


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "is no WAV file"),
        (b"RIFF", "is no WAV file"),
        (b"ID3\x04" + bytes(40), "is no WAV file"),
        (b"RIFX" + bytes(4) + b"WAVE" + bytes(40), "is no WAV file"),
        (wav(b""), "has no sound"),
        (wav(b"\x01"), "has no sound"),
        (wav(b"")[:36], "without samples"),
        (b"RIFF\0\0\0\0WAVE" + chunk(b"data", b"1234"), "without samples"),
        (wav(bytes(8), before=b"LIST\xff\xff\xff\x7f"), "without samples"),
        (wav(bytes(8), tag=3, bits=32), "not plain PCM"),
        (wav(bytes(8), tag=0xFFFE), "not plain PCM"),
        (wav(bytes(8), channels=0), "not plain PCM"),
        (wav(bytes(8), rate_hz=0), "not plain PCM"),
        (b"RIFF\0\0\0\0WAVE" + chunk(b"fmt ", b"12"), "not plain PCM"),
    ],
)
def test_what_is_no_wav_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    one = part(tmp_path, data)
    with pytest.raises(ValueError, match=reason):
        finish_sound([one], tmp_path / "whole.wav", "wav")
    with pytest.raises(ValueError, match=reason):
        duration_ms(one, "wav")
    assert not (tmp_path / "whole.wav").exists()


def id3(content: bytes, *, footer: bool = False) -> bytes:
    """A tag; its length is written in four times seven bits."""
    length = bytes((len(content) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\0" + (b"\x10" if footer else b"\0") + length + content + (bytes(10) if footer else b"")


def test_mp3_keeps_the_first_tag_only(tmp_path: Path) -> None:
    first, second, third = id3(b"one" * 100), id3(b"two" * 100), id3(b"three", footer=True)
    parts = [part(tmp_path, tag + MP3_FRAME) for tag in (first, second, third, b"")]
    assert finish_sound(parts, tmp_path / "whole.mp3", "mp3") is None
    assert (tmp_path / "whole.mp3").read_bytes() == first + MP3_FRAME * 4
    assert duration_ms(parts[0], "mp3") is None


def test_mp3_with_padding_behind_its_tag(tmp_path: Path) -> None:
    one = part(tmp_path, id3(b"one") + bytes(20) + MP3_FRAME)
    finish_sound([one], tmp_path / "whole.mp3", "mp3")
    assert (tmp_path / "whole.mp3").read_bytes() == one.read_bytes()


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "has no sound"),
        (b"RIFF" + bytes(40), "is no MP3 file"),
        (b"\xff", "is no MP3 file"),
        (b"\xff\xf1" + bytes(40), "is no MP3 file"),
        (id3(b"words"), "is no MP3 file"),
        (id3(b"words")[:12], "is no MP3 file"),
        (b"<html>", "is no MP3 file"),
    ],
)
def test_what_is_no_mp3_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        finish_sound([part(tmp_path, MP3_FRAME), part(tmp_path, data)], tmp_path / "whole.mp3", "mp3")


def test_pcm_is_appended(tmp_path: Path) -> None:
    parts = [part(tmp_path, b"\x01\x02\x03"), part(tmp_path, b"\x05\x06" * 3999)]
    target = tmp_path / "whole.pcm"
    assert finish_sound(parts, target, "pcm", 8000) == 0.5
    assert target.read_bytes() == b"\x01\x02" + b"\x05\x06" * 3999
    assert finish_sound(parts, target, "pcm") is None
    assert (duration_ms(parts[1], "pcm", 8000), duration_ms(parts[1], "pcm")) == (500, None)
    with pytest.raises(ValueError, match="has no sound"):
        finish_sound([part(tmp_path, b"\x01")], target, "pcm")


def test_no_parts_and_no_format(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no sound to write"):
        finish_sound([], tmp_path / "whole.wav", "wav")
    with pytest.raises(ValueError, match="'ogg' is not wav, mp3, pcm or opus"):
        finish_sound([part(tmp_path, b"OggS")], tmp_path / "whole.ogg", "ogg")


def test_what_a_header_cannot_say_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "MOST_BYTES", 7)
    with pytest.raises(ValueError, match="too long for a WAV file"):
        finish_sound([part(tmp_path, wav(bytes(8)))], tmp_path / "whole.wav", "wav")


def test_an_older_target_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "whole.wav"
    target.write_bytes(bytes(1000))
    finish_sound([part(tmp_path, wav(b"\x01\x02"))], target, "wav")
    assert samples_of(target) == b"\x01\x02"


@pytest.mark.parametrize("rate_hz, channels", [(0xFFFFFFFF, 1), (8000, 0xFFFF), (1_000_001, 1), (0, 1), (8000, 0)])
def test_a_header_that_no_sound_has_is_refused(tmp_path: Path, rate_hz: int, channels: int) -> None:
    """A rate of 2^32 - 1 fits into no header of ours: it was a crash, and stopped a whole batch."""
    form = struct.pack("<HHIIHH", 1, channels, rate_hz, 16000, 2, 16)
    data = b"RIFF" + struct.pack("<I", 100) + b"WAVE" + chunk(b"fmt ", form) + chunk(b"data", b"\1\2" * 65535)
    with pytest.raises(ValueError, match="not plain PCM"):
        finish_sound([part(tmp_path, data)], tmp_path / "whole.wav", "wav")


@given(
    sounds_=st.lists(st.binary(min_size=2, max_size=50), min_size=1, max_size=4),
    sizes=st.sampled_from([TRUE, PLACEHOLDER, ZERO, ALL_ONES]),
    before=st.binary(max_size=9),
    copy_bytes=st.integers(1, 8),
)
def test_nothing_is_lost_or_added(
    tmp_path_factory: pytest.TempPathFactory,
    sounds_: list[bytes],
    sizes: tuple[int, int] | None,
    before: bytes,
    copy_bytes: int,
) -> None:
    folder = tmp_path_factory.mktemp("sounds")
    extra = chunk(b"LIST", before) if before else b""
    parts = [part(folder, wav(sound, sizes=sizes, before=extra)) for sound in sounds_]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(audio, "COPY_BYTES", copy_bytes)
        finish_sound(parts, folder / "whole.wav", "wav")
    assert samples_of(folder / "whole.wav") == b"".join(sound[: len(sound) // 2 * 2] for sound in sounds_)


@given(data=st.binary(max_size=80), form=st.sampled_from(["wav", "mp3"]))
def test_any_bytes_are_sound_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes, form: str) -> None:
    one = part(tmp_path_factory.mktemp("sounds"), wav(data)[:12] + data)
    try:
        found = duration_ms(one, form)
    except ValueError as refusal:
        found, reason = None, str(refusal)
    else:
        reason = one.name
    assert (found or 0) >= 0
    assert one.name in reason
