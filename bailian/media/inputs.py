"""Pictures that go in: a path, `file://…`, a URL, `data:…` or stdin → what they are, judged by their bytes.

Nothing is sent from here. A local picture stays a `file://` reference until its request leaves; what came as
`data:` or from stdin is kept as a file in the home folder, so that the journal holds references, not megabytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
import sys
import warnings
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from bailian.errors import InvalidRequest
from bailian.language import say
from bailian.modalities.shapes import Input, Notice, Probe

FORMATS = {"JPEG": "jpg", "PNG": "png", "BMP": "bmp", "TIFF": "tiff", "WEBP": "webp"}
FORMAT_NAMES = "JPG, PNG, BMP, TIFF, WEBP"
# The service's names for what goes in, and ours. Only there is an address one: a prompt may look like a file.
WIRE_FIELDS = {"image": "image", "base_image_url": "image", "mask_image_url": "mask", "file_urls": "file"}
# Larger than any limit of the service: such a picture is refused by its header, never decoded.
LARGEST_SIDE_PX = 12_000
EXIF_ORIENTATION = 0x0112
TURNED = (5, 6, 7, 8)


def resolve(field: str, text: str, home: Path) -> Input:
    """Return the picture that a user's word means.

    Raises:
        InvalidRequest: no such file, no picture, cut short, or of a format the service does not take.
    """
    if text.startswith(("http://", "https://")):
        return remote(text)
    if text.startswith("oss://"):
        return Input(text)
    if text == "-":
        return _kept(field, sys.stdin.buffer.read(), home)
    if text.startswith("data:"):
        return _kept(field, _decoded(field, text), home)
    path = local_path(text)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidRequest.one(
            field, say(f"cannot read {path}: {error.strerror}", f"无法读取 {path}：{error.strerror}")
        ) from None
    return Input(path.absolute().as_uri(), probe(field, data, str(path)))


def local_path(text: str) -> Path:
    """Return the path of a plain path or a `file://` URL, absolute or relative, of Windows or not.

    The seed document allows `file://relative`, and `file://C:/…`: what stands where a host would is part of the path.
    """
    if not text.startswith("file://"):
        return Path(text).expanduser()
    path = unquote(text.removeprefix("file://"))
    return Path(path[1:] if re.match(r"/[A-Za-z]:", path) else path)


def path_of(url: str) -> Path:
    """Return the path of a `file:///…` URL made by `resolve`."""
    return local_path(url)


def probe(field: str, data: bytes, name: str) -> Probe:
    """Look at a picture's bytes; its name is not evidence.

    Raises:
        InvalidRequest: not a picture the service takes, or damaged.
    """
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise InvalidRequest.one(field, say(f"{name} is empty", f"{name} 是空文件"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                if image.format not in FORMATS:
                    raise InvalidRequest.one(
                        field,
                        say(
                            f"{name} is {image.format}; taken: {FORMAT_NAMES}",
                            f"{name} 是 {image.format}；支持 {FORMAT_NAMES}",
                        ),
                    )
                if max(image.size) <= LARGEST_SIDE_PX:
                    image.load()
                turned = image.getexif().get(EXIF_ORIENTATION) in TURNED
                width_px, height_px = image.size[::-1] if turned else image.size
                return Probe(image.format, width_px, height_px, len(data))
    except UnidentifiedImageError:
        raise InvalidRequest.one(
            field, say(f"{name} is not a picture; taken: {FORMAT_NAMES}", f"{name} 不是图片；支持 {FORMAT_NAMES}")
        ) from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidRequest.one(field, say(f"{name} is damaged: {error}", f"{name} 已损坏：{error}")) from None


def remote(text: str) -> Input:
    """Percent-encode what a URL may not hold: the service refuses Chinese characters and spaces in it."""
    parts = urlsplit(text)
    host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode("ascii")
    safe = "/%:=&?~#+!$,;'@()*[]-._"
    url = urlunsplit((parts.scheme, host, quote(parts.path, safe), quote(parts.query, safe), ""))
    if url == text:
        return Input(url)
    return Input(url, notice=Notice("url_encoded", say(f"the URL is sent as {url}", f"链接以 {url} 发送")))


def _decoded(field: str, text: str) -> bytes:
    head, _, encoded = text.partition(",")
    if not head.endswith(";base64"):
        raise InvalidRequest.one(
            field,
            say("a data: URL must be base64: data:image/png;base64,…", "data: 必须是 base64：data:image/png;base64,…"),
        )
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise InvalidRequest.one(field, say(f"is not valid base64: {error}", f"不是合法的 base64：{error}")) from None


def _kept(field: str, data: bytes, home: Path) -> Input:
    found = probe(field, data, say("the picture", "输入图片"))
    folder = home / "inputs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(data).hexdigest()[:24]}.{FORMATS[found.format]}"
    path.write_bytes(data)
    return Input(path.absolute().as_uri(), found)
