"""What a file is, by its first bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.files.formats import HEAD_BYTES, suffix_of


@pytest.mark.parametrize(
    "head, suffix",
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "jpg"),
        (b"\xff\xd8\xff\xe1\0\x10Exif\0", "jpg"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "webp"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "wav"),
        (b"BM\x36\0\0\0\0\0", "bmp"),
        (b"II*\0\x08\0\0\0", "tiff"),
        (b"MM\0*\0\0\0\x08", "tiff"),
        (b"GIF87a", "gif"),
        (b"GIF89a", "gif"),
        (b"\0\0\0\x20ftypisom", "mp4"),
        (b"\0\0\0\x18ftypmp42", "mp4"),
        (b"ID3\x04\0\0", "mp3"),
        (b"\xff\xfb\x90\x64", "mp3"),
        (b"\xff\xf3\x44\xc4", "mp3"),
    ],
)
def test_each_format_is_known_by_its_magic_number(head: bytes, suffix: str) -> None:
    """The first bytes decide, and those that are looked at are enough."""
    assert suffix_of(head) == suffix
    assert suffix_of(head[:HEAD_BYTES]) == suffix


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"<!DOCTYPE html><html>",
        b'<?xml version="1.0"?><Error><Code>AccessDenied',
        b'{"code":"InternalError"}',
        b"\x89PNG\n\x1a\n",
        b"RIFF\x24\0\0\0AVI LIST",
        b"plain text",
    ],
)
def test_an_error_page_is_no_file_we_know(head: bytes) -> None:
    """What a storage host says instead of a picture has no suffix."""
    assert suffix_of(head) is None


@given(st.binary(max_size=32))
def test_any_bytes_can_be_asked(head: bytes) -> None:
    """The answer is a plain suffix or None, whatever the bytes."""
    suffix = suffix_of(head)
    assert suffix is None or (suffix.isalnum() and suffix.islower())
