"""Pictures by their bytes: opened, upright, in eight bits, and with their end. Nothing is said here about fields.

Pillow's verdict is not always the file's: its limits and its ways to show a picture are set right in one place.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

EXIF_ORIENTATION = 0x0112
QUARTER_TURNS = (5, 6, 7, 8)
"""Width and height change places."""
# Photoshop and printers write profiles and texts of megabytes; Pillow stops at one.
TEXT_MAX_BYTES = 64 * 1024**2
JPEG_END, JPEG_SCAN = b"\xff\xd9", b"\xff\xda"
_NOISE = bytes(range(1, 120)) * 40
PNG_END = b"IEND\xaeB\x60\x82"
# Coarser and coarser: the first copy that is no larger than the photo is taken.
COARSER = (1.0, 1.1, 1.25, 1.5, 2.0, 3.0)
WEBP_QUALITIES = (95, 90, 80, 70)
DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
"""Greys of more than eight bits. Pillow clips them when it makes eight of them."""
SHORT_MAX = 0xFFFF


@contextmanager
def opened(data: bytes) -> Iterator[Image]:
    """Open a picture; what it is too large for is the caller's to judge."""
    from PIL import Image, PngImagePlugin

    PngImagePlugin.MAX_TEXT_CHUNK = max(PngImagePlugin.MAX_TEXT_CHUNK, TEXT_MAX_BYTES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(data)) as image:
            yield image


def orientation(image: Image) -> int:
    """Return how the pixels are stored, by the EXIF: 1 is upright."""
    found = image.getexif().get(EXIF_ORIENTATION, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def has_alpha(image: Image) -> bool:
    """Return whether a picture has a channel, or a colour, for transparency."""
    return image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info


def as_seen(data: bytes) -> Image:
    """Return a picture as a viewer shows it, upright and in eight bits."""
    from PIL import ImageOps

    with opened(data) as image:
        return in_eight_bits(ImageOps.exif_transpose(image))


def in_eight_bits(image: Image) -> Image:
    """Return deep greys scaled to 0 to 255; every other picture as it is."""
    if image.mode not in DEEP:
        return image
    whole = image.convert("F")
    low, high = whole.getextrema()
    is_short = image.mode.startswith("I;16") or (image.mode == "I" and low >= 0 and high <= SHORT_MAX)  # type: ignore[operator]
    most = SHORT_MAX if is_short else max(abs(float(low)), abs(float(high)), 1.0)  # type: ignore[arg-type]
    scale = 255 / most
    return whole.point(lambda value: value * scale + 0.5).convert("L")


def is_black_and_white(image: Image) -> bool:
    """Return whether deep greys are the darkest and the lightest only, and nothing that is merely near them."""
    most = SHORT_MAX if image.mode.startswith("I;16") else float(image.getextrema()[1])  # type: ignore[arg-type]
    lights = memoryview(image.convert("F").tobytes()).cast("f")
    return most > 0 and set(lights) <= {0.0, float(most)}


def end_is_missing(data: bytes, format: str) -> bool:
    """Return whether a JPEG or PNG does not reach its end mark; what stands behind it does not count."""
    if format == "PNG":
        return PNG_END not in data
    scan = data.find(JPEG_SCAN)
    return format == "JPEG" and data.find(JPEG_END, max(scan, 0)) < 0


def with_end(data: bytes, format: str) -> bytes | None:
    """Return a picture without an end mark with one; None if pixels are missing, too."""
    if format == "PNG":
        return _encoded(_loaded(data), "PNG")
    ended = _loaded(data + JPEG_END)
    if ended.info.get("progressive"):
        return None  # a whole scan may be missing, and nothing would show it
    # A decoder stops behind the last pixel: what follows shows only where pixels are missing.
    gone_on = (_loaded(data + more + JPEG_END) for more in (_NOISE, b"\0" + _NOISE))
    return data + JPEG_END if all(ended.tobytes() == other.tobytes() for other in gone_on) else None


def _loaded(data: bytes) -> Image:
    with opened(data) as image:
        image.load()
        return image


def upright(data: bytes) -> tuple[bytes, str]:
    """Return a turned picture upright and without EXIF, in bytes, and their suffix.

    A photo stays what it is and gets no larger: as PNG it would have six times the bytes.
    """
    from PIL import ImageOps

    with opened(data) as image:
        turned = ImageOps.exif_transpose(image)
        profile = image.info.get("icc_profile")
        turned.info = {"icc_profile": profile} if profile else {}
        if image.format in ("JPEG", "MPO") or image.info.get("compression") in ("jpeg", "tiff_jpeg"):
            return _jpeg(image, turned, len(data)), "jpg"
        if image.format == "WEBP":
            return _webp(turned, len(data), lossless=b"VP8L" in data[:65536]), "webp"
        return _encoded(for_png(turned), "PNG", optimize=True), "png"


def for_png(image: Image) -> Image:
    """Return a picture that can be written as PNG: CMYK and the like become RGB, without their profile."""
    if image.mode in ("1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA"):
        return image
    converted = (in_eight_bits(image) if image.mode in DEEP else image).convert("RGB")
    converted.info.pop("icc_profile", None)
    return converted


def _jpeg(stored: Image, turned: Image, most_bytes: int) -> bytes:
    """Encode with the photo's own tables: the same quality, and about as many bytes."""
    from PIL import JpegImagePlugin

    if turned.mode not in ("L", "RGB", "CMYK"):
        turned = turned.convert("RGB")
    tables: Sequence[Sequence[int]] = list(getattr(stored, "quantization", {}).values())
    how: dict[str, Any] = {"optimize": True, "progressive": bool(stored.info.get("progressive"))}
    if not tables:
        return _encoded(turned, "JPEG", quality=95, **how)
    if orientation(stored) in QUARTER_TURNS:
        tables = [[table[8 * (i % 8) + i // 8] for i in range(64)] for table in tables]
    # Across is down now; half the colours both ways is the only order that stays.
    how["subsampling"] = 2 if JpegImagePlugin.get_sampling(stored) > 0 and turned.mode == "RGB" else 0
    found = b""
    for factor in COARSER:
        coarse = [[min(255, max(1, round(value * factor))) for value in table] for table in tables]
        found = _encoded(turned, "JPEG", qtables=coarse, **how)
        if len(found) <= most_bytes:
            break
    return found


def _webp(turned: Image, most_bytes: int, *, lossless: bool) -> bytes:
    if lossless:
        return _encoded(turned, "WEBP", lossless=True, quality=100)
    found = b""
    for quality in WEBP_QUALITIES:
        found = _encoded(turned, "WEBP", quality=quality)
        if len(found) <= most_bytes:
            break
    return found


def encoded(image: Image, suffix: str) -> bytes:
    """Return a picture as a file of this suffix."""
    from PIL.Image import registered_extensions

    return _encoded(image, registered_extensions()[f".{suffix}"])


def _encoded(image: Image, format: str, **how: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, icc_profile=image.info.get("icc_profile"), **how)
    return buffer.getvalue()
