"""PNG bytes: size, wholeness, text chunks; what is added changes nothing else."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.files import png
from tests.support.pictures import PICTURE, chunk, picture
from tests.support.rules import for_every

KEYS = st.text(st.characters(max_codepoint=255, exclude_characters="\0"), min_size=1, max_size=79)
TEXTS = st.dictionaries(KEYS, st.text(), max_size=4)


def test_the_size_is_read_from_the_header() -> None:
    """Width and height, without decoding a pixel."""
    assert png.size_px(picture(1328, 7)) == (1328, 7)


@pytest.mark.parametrize("data", [b"", b"GIF89a", PICTURE[:20], b"\x00" * 100, PICTURE.replace(b"IHDR", b"XXXX")])
def test_what_is_no_png_has_no_size(data: bytes) -> None:
    """Anything else than a PNG's start gives None."""
    assert png.size_px(data) is None


def test_a_whole_picture_is_whole() -> None:
    """All chunks up to IEND are there."""
    assert png.is_complete(PICTURE)


def test_what_comes_after_the_end_does_not_matter() -> None:
    """A PNG ends at IEND."""
    assert png.is_complete(PICTURE + b"\n")


@for_every(range(len(PICTURE)))
def test_a_cut_picture_is_never_whole(end: int) -> None:
    """A download that ended early is found out, wherever it ended."""
    assert not png.is_complete(PICTURE[:end])


@given(st.integers(8, len(PICTURE) - 1), st.integers(1, 255))
def test_a_damaged_picture_is_never_whole(at: int, change: int) -> None:
    """One changed byte is found by its chunk's checksum."""
    damaged = PICTURE[:at] + bytes([PICTURE[at] ^ change]) + PICTURE[at + 1 :]
    assert not png.is_complete(damaged)


@given(st.binary())
def test_any_bytes_can_be_asked(data: bytes) -> None:
    """Untrusted bytes give an answer, never an error."""
    for start in (b"", png.SIGNATURE):
        png.size_px(start + data)
        png.is_complete(start + data)
        png.texts(start + data)


@given(TEXTS)
def test_texts_come_back_as_they_went_in(texts: dict[str, str]) -> None:
    """Every text survives, whatever it holds: Chinese, emoji, line ends, zero characters."""
    written = png.with_text(PICTURE, texts)
    assert png.texts(written) == texts
    assert png.is_complete(written)


@given(TEXTS)
def test_texts_change_nothing_else(texts: dict[str, str]) -> None:
    """Size and pixels stay byte for byte."""
    written = png.with_text(PICTURE, texts)
    assert [part for part in png.chunks(written) if part[0] != b"iTXt"] == list(png.chunks(PICTURE))
    assert png.size_px(written) == (3, 2)


@given(TEXTS, st.data())
def test_a_cut_is_found_after_texts_were_added(texts: dict[str, str], data: st.DataObject) -> None:
    """A file cut while it was written is never taken for whole."""
    written = png.with_text(PICTURE, texts)
    assert not png.is_complete(written[: data.draw(st.integers(0, len(written) - 1))])


def test_other_programs_texts_are_read_too() -> None:
    """tEXt chunks, and iTXt with language and translated key; compressed ones are left alone."""
    data = picture(
        3,
        2,
        chunk(b"tEXt", b"Author\0Ren\xe9"),
        chunk(b"iTXt", "Title\0\0\0zh\0标题\0猫".encode()),
        chunk(b"iTXt", b"Packed\0\1\0\0\0" + zlib.compress(b"x")),
    )
    assert png.texts(data) == {"Author": "René", "Title": "猫"}


def test_the_pictures_own_texts_stay() -> None:
    """Adding ours does not remove the service's."""
    data = picture(3, 2, chunk(b"tEXt", b"Author\0service"))
    assert png.texts(png.with_text(data, {"bailian": "{}"})) == {"Author": "service", "bailian": "{}"}
