"""Pictures as cameras, scanners and printers write them: taken, turned without growing, scaled and not clipped."""

from __future__ import annotations

import io
import os
import struct
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat

from bailian.errors import InvalidRequest
from bailian.files import pictures
from bailian.inputs import resolve as inputs
from bailian.inputs.resolve import resolve
from bailian.store.paths import path_of
from bailian.types import Input

SIDEWAYS = Image.Exif()
SIDEWAYS[pictures.EXIF_ORIENTATION] = 6


def photo(mode: str = "RGB", size: tuple[int, int] = (640, 480)) -> Image.Image:
    light = Image.effect_noise((size[0] // 4, size[1] // 4), 60).resize(size)
    color = Image.merge("RGB", [Image.linear_gradient("L").rotate(90 * i).resize(size) for i in range(3)])
    return Image.blend(color, light.convert("RGB"), 0.6).convert(mode)


def file_of(image: Image.Image, form: str, **how: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **how)
    return buffer.getvalue()


def look(tmp_path: Path, data: bytes, field: str = "image") -> Input:
    path = tmp_path / "照 片.bin"
    path.write_bytes(data)
    return resolve(field, str(path), tmp_path / "home")


def test_a_jpeg_with_a_second_picture_is_a_jpeg(tmp_path: Path) -> None:
    """Phones and cameras write it; Pillow calls it MPO."""
    data = file_of(photo(), "MPO", save_all=True, append_images=[photo(size=(64, 48))])
    found = look(tmp_path, data)
    assert found.probe is not None
    assert (found.probe.format, found.probe.width_px) == ("JPEG", 640)
    assert path_of(found.url).read_bytes() == data


TURNED: dict[str, Callable[[], bytes]] = {
    "a photo": lambda: file_of(photo(), "JPEG", quality=92, exif=SIDEWAYS),
    "a progressive one": lambda: file_of(photo(), "JPEG", quality=80, progressive=True, exif=SIDEWAYS),
    "with half the colours across": lambda: file_of(photo(), "JPEG", quality=85, subsampling=1, exif=SIDEWAYS),
    "with all the colours": lambda: file_of(photo(), "JPEG", quality=97, subsampling=0, exif=SIDEWAYS),
    "grey": lambda: file_of(photo("L"), "JPEG", exif=SIDEWAYS),
    "CMYK": lambda: file_of(photo("CMYK"), "JPEG", exif=SIDEWAYS),
    "two pictures": lambda: file_of(photo(), "MPO", save_all=True, append_images=[photo()], exif=SIDEWAYS),
    "a JPEG in TIFF": lambda: file_of(photo(), "TIFF", compression="jpeg", exif=SIDEWAYS),
    "WEBP": lambda: file_of(photo(), "WEBP", exif=SIDEWAYS),
    "WEBP without loss": lambda: file_of(photo(), "WEBP", lossless=True, exif=SIDEWAYS),
    "PNG": lambda: file_of(photo(), "PNG", optimize=True, exif=SIDEWAYS),
}


@pytest.mark.few(2)
@pytest.mark.parametrize("make", TURNED.values(), ids=TURNED)
def test_a_turned_picture_goes_upright_and_does_not_grow(make: Callable[[], bytes]) -> None:
    data = make()
    upright, suffix = pictures.upright(data)
    assert len(upright) <= len(data) * 1.05
    with pictures.opened(data) as stored, pictures.opened(upright) as turned:
        assert turned.size == (480, 640)
        assert pictures.orientation(turned) == 1
        assert inputs.FORMATS[turned.format or ""] == suffix
        wanted = ImageOps.exif_transpose(stored).convert("RGB")
        assert max(ImageStat.Stat(ImageChops.difference(wanted, turned.convert("RGB"))).mean) < 3


def sixteen_bits(low: int, high: int, form: str = "PNG") -> bytes:
    row = struct.pack("<64H", *[high] * 32, *[low] * 32)
    return file_of(Image.frombytes("I;16", (64, 64), row * 64), form)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    "low, high, pure",
    [(0, 65535, True), (300, 65535, False), (0, 20_000, False), (0, 65_500, False), (90, 65535, False)],
)
def test_deep_greys_are_scaled_and_none_passes_for_black_or_white(
    tmp_path: Path, low: int, high: int, pure: bool, form: str
) -> None:
    data = sixteen_bits(low, high, form)
    mask = look(tmp_path, data, "mask").mask
    assert mask is not None
    assert mask.pure is pure
    shown = pictures.as_seen(data)
    assert shown.getpixel((63, 0)) == round(low / 257)
    assert shown.getpixel((0, 0)) == round(high / 257)


def with_chunk(kind: bytes, content: bytes) -> bytes:
    data = file_of(photo(), "PNG")
    chunk = struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return data[:33] + chunk + data[33:]


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "kind, content",
    [
        (b"iCCP", b"huge\0\0" + zlib.compress(bytes(1_500_000))),
        (b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * 2_000_000)),
        (b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(b"x" * 3_000_000)),
    ],
)
def test_megabytes_of_profile_or_text_are_no_damage(tmp_path: Path, kind: bytes, content: bytes) -> None:
    assert look(tmp_path, with_chunk(kind, content)).probe is not None


@pytest.mark.slow
@pytest.mark.parametrize("form, cut_bytes", [("JPEG", 1), ("JPEG", 2), ("PNG", 4), ("PNG", 12)])
def test_a_picture_that_lacks_only_its_end_mark_is_sent_with_one(tmp_path: Path, form: str, cut_bytes: int) -> None:
    """All pixels are there; whether the service takes it without is not known, and need not be."""
    data = file_of(photo(), form)
    found = look(tmp_path, data[:-cut_bytes])
    assert found.notice is not None
    assert found.notice.code == "end_added"
    sent = path_of(found.url).read_bytes()
    assert not pictures.end_is_missing(sent, form)
    with pictures.opened(sent) as one, pictures.opened(data) as other:
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("form, cut_bytes", [("JPEG", 400), ("PNG", 400), ("WEBP", 40), ("BMP", 9), ("TIFF", 2000)])
def test_a_picture_that_lacks_pixels_is_refused(tmp_path: Path, form: str, cut_bytes: int) -> None:
    with pytest.raises(InvalidRequest, match="damaged"):
        look(tmp_path, file_of(photo(), form)[:-cut_bytes])


def test_what_stands_behind_the_end_mark_does_not_matter(tmp_path: Path) -> None:
    """Phones hang films behind their photos."""
    for form in ("JPEG", "PNG"):
        assert look(tmp_path, file_of(photo(), form) + bytes(5000)).notice is None


FOREIGN = {
    "HEIC of an iPhone": (b"\0\0\0\x24ftypheic\0\0\0\0mif1heic", "is HEIC, a photo of an iPhone .*heif-convert"),
    "AVIF": (b"\0\0\0\x20ftypavif\0\0\0\0avif", "is AVIF .*avifdec"),
    "Photoshop": (b"8BPS\0\1" + bytes(40), "is PSD .*magick"),
    "JPEG XL": (b"\xff\x0a" + bytes(range(99)), "is JPEG XL .*djxl"),
    "SVG": (b'<?xml version="1.0"?><svg/>', "is SVG .*magick"),
    "GIF": (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "is GIF .*magick"),
    "PDF": (b"%PDF-1.7\n\x80\x00", "is PDF"),
    "a login page": (b"<html><body>sign in</body></html>", "is an HTML page"),
    "what macOS leaves on a stick": (b"\0\x05\x16\x07\0\x02\0\0Mac OS X", r"whose name has no \._"),
    "zeros": (bytes(2000), "is zeros"),
    "a voice message": (b"\x02#!SILK_V3\x0c\0", "SILK"),
}  # fmt: skip


@pytest.mark.parametrize("field", ["image", "mask", "mask_diff"])
@pytest.mark.parametrize("data, says", FOREIGN.values(), ids=FOREIGN)
def test_what_is_not_taken_is_named_with_its_cure(tmp_path: Path, data: bytes, says: str, field: str) -> None:
    """Whatever its name: the bytes tell."""
    with pytest.raises(InvalidRequest, match=f"{says}.*; taken: JPG") as refused:
        look(tmp_path, data, field)
    assert [problem.field for problem in refused.value.problems] == [field]


@pytest.mark.skipif(sys.platform == "win32", reason="no FIFOs")
@pytest.mark.parametrize("field", ["image", "mask", "mask_diff"])
def test_a_pipe_is_read_once_and_kept(tmp_path: Path, field: str) -> None:
    data = file_of(photo("1"), "PNG")
    os.mkfifo(tmp_path / "p")
    threading.Thread(target=(tmp_path / "p").write_bytes, args=(data,), daemon=True).start()
    found = resolve(field, str(tmp_path / "p"), tmp_path / "home")
    assert path_of(found.url).read_bytes() == data
    assert path_of(found.url).parent == tmp_path / "home" / "inputs"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device")
def test_a_device_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "PICTURE_MAX_BYTES", 1 << 20)
    with pytest.raises(InvalidRequest, match="/dev/zero has more than"):
        resolve("image", "/dev/zero", tmp_path)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are Unicode there")
def test_a_name_that_is_not_utf8_comes_back_from_its_url(tmp_path: Path) -> None:
    """Unpacked from a zip of a Chinese Windows."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + "照片 %41.png".encode("gbk")))
    path.write_bytes(file_of(photo(), "PNG"))
    found = resolve("image", str(path), tmp_path)
    assert found.url.isascii()
    assert path_of(found.url) == path
    assert resolve("image", found.url, tmp_path) == found
