"""Pictures made of nothing: the smallest PNG, and one with something to see."""

from __future__ import annotations

import base64
import io
import struct
import zlib

from PIL import Image, ImageDraw

from bailian.files import png

Colour = tuple[int, int, int]


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def picture(width: int = 3, height: int = 2, *extra: bytes) -> bytes:
    """Return a real PNG of grey pixels, with extra chunks before the pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + b"\x80" * width) * height))
    return png.SIGNATURE + header + b"".join(extra) + pixels + chunk(b"IEND", b"")


PICTURE = picture()


def drawn(size: tuple[int, int] = (640, 512), ground: Colour = (200, 210, 190)) -> Image.Image:
    image = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(image)
    draw.rectangle((size[0] // 3, size[1] // 3, size[0] // 2, size[1] // 2), fill=(20, 90, 160))
    draw.ellipse((size[0] // 2, size[1] // 2, size[0] - 40, size[1] - 40), fill=(180, 40, 60))
    return image


def bytes_of(image: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def uri(image: Image.Image, kind: str = "PNG") -> str:
    return f"data:image/{kind.lower()};base64,{base64.b64encode(bytes_of(image, kind)).decode()}"
