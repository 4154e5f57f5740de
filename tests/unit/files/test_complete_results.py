"""A result is kept under its name only when it is whole: whichever byte a download breaks off at."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from bailian.files import formats


def noise(seed: int) -> Image.Image:
    return Image.frombytes("RGB", (64, 48), Random(seed).randbytes(64 * 48 * 3))


def picture(form: str, **how: object) -> bytes:
    buffer = io.BytesIO()
    noise(1).save(buffer, form, **how)
    return buffer.getvalue()


def moving(form: str) -> bytes:
    frames = [noise(seed) for seed in (2, 3, 4)]
    return picture(form, save_all=True, append_images=frames)


def film() -> bytes:
    boxes = ((b"ftyp", b"isom\0\0\0\0"), (b"moov", bytes(100)), (b"free", b""), (b"mdat", bytes(500)))
    return b"".join(struct.pack(">I", 8 + len(inside)) + kind + inside for kind, inside in boxes)


RESULTS: dict[str, Callable[[], bytes]] = {
    "jpg": lambda: picture("JPEG"),
    "jpg progressive": lambda: picture("JPEG", progressive=True),
    "webp": lambda: picture("WEBP"),
    "webp moving": lambda: moving("WEBP"),
    "gif": lambda: picture("GIF"),
    "gif moving": lambda: moving("GIF"),
    "bmp": lambda: picture("BMP"),
    "tiff": lambda: picture("TIFF"),
    "mp4": film,
}


@pytest.mark.few(4)
@pytest.mark.parametrize("name", RESULTS)
def test_a_whole_result_is_whole_and_a_cut_one_is_not(tmp_path: Path, name: str) -> None:
    """Only the end mark of a GIF may be missing: everything that is shown is there."""
    path, suffix, data = tmp_path / "r", name.split()[0], RESULTS[name]()
    path.write_bytes(data)
    assert formats.suffix_of(data) == suffix
    assert formats.is_complete(path, suffix)
    taken = []
    for length in sorted({*range(16, len(data), max(1, len(data) // 60)), *range(len(data) - 12, len(data))}):
        path.write_bytes(data[:length])
        if formats.is_complete(path, suffix):
            taken.append(len(data) - length)
    assert all(missing <= (2 if suffix == "gif" else 0) for missing in taken)


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a" + bytes(40),
        b"\xff\xd8\xff\xe0" + bytes(90) + b"\xff\xd9",
        b"RIFF" + struct.pack("<I", 20) + b"WEBPVP8 " + bytes(12),
        b"\0\0\0\x18ftypmp42" + bytes(40),
        b"\0\0\0\x08ftyp" + struct.pack(">I", 8) + b"moov",
        b"BM" + bytes(90),
        b"II*\0" + bytes(90),
    ],
)
def test_a_few_right_bytes_are_no_result(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "r"
    path.write_bytes(data)
    suffix = formats.suffix_of(data)
    assert suffix
    assert not formats.is_complete(path, suffix)


def test_a_film_may_be_longer_than_four_gigabytes_or_open_at_its_end(tmp_path: Path) -> None:
    path, start = tmp_path / "r", film()[:-508]
    path.write_bytes(start + struct.pack(">I4sQ", 1, b"mdat", 16 + 100) + bytes(100))
    assert formats.is_complete(path, "mp4")
    path.write_bytes(start + struct.pack(">I4s", 0, b"mdat") + bytes(100))
    assert formats.is_complete(path, "mp4")
