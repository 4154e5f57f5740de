"""Pictures that go in: a path, `file://…`, a URL, `data:…` or stdin → what they are, judged by their bytes.

Nothing is sent from here. A local picture stays a `file://` reference until its request leaves; what came as
`data:` or from stdin is kept as a file in the home folder, so that the journal holds references, not megabytes.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from bailian.database import unusable
from bailian.errors import BailianError, InvalidRequest
from bailian.language import say
from bailian.modalities.shapes import Input, Mask, Notice, Probe
from bailian.private import private_file

FORMATS = {"JPEG": "jpg", "PNG": "png", "BMP": "bmp", "TIFF": "tiff", "WEBP": "webp"}
FORMAT_NAMES = "JPG, PNG, BMP, TIFF, WEBP"
# The service's names for what goes in, and ours. Only there is an address one: a prompt may look like a file.
WIRE_FIELDS = {"image": "image", "base_image_url": "image", "mask_image_url": "mask", "file_urls": "file"}
# Larger than any limit of the service: such a picture is refused by its header, never decoded.
LARGEST_SIDE_PX = 12_000
EXIF_ORIENTATION = 0x0112
ORIENTATIONS = tuple(range(1, 9))
TURNED = (5, 6, 7, 8)
"""Width and height change places."""
MASK = "mask"
"""The field whose pictures are masks, whatever they come through."""
# One part of a host's name, as DNS takes it (RFC 1035, 2.3.1), and the "_" of some internal names.
_LABEL = re.compile(r"\w([\w-]{0,61}\w)?", re.ASCII)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
HOST_MAX_CHARS = 253


def resolve(field: str, text: str, home: Path) -> Input:
    """Return the picture that a user's word means.

    Raises:
        InvalidRequest: no such file, no picture, cut short, or of a format the service does not take.
    """
    if text.startswith(("http://", "https://")):
        return remote(field, text)
    if text.startswith("oss://"):
        return Input(text)
    if text == "-":
        return _kept(field, sys.stdin.buffer.read(), home)
    if text.startswith("data:"):
        return _kept(field, _decoded(field, text), home)
    path = local_path(text)
    data = _bytes_of(field, path)
    found = probe(field, data, str(path))
    return Input(path.absolute().as_uri(), found, _mask(field, data, found))


@contextmanager
def reading(field: str, name: object) -> Iterator[None]:
    """Look at one picture: whatever a library raises meanwhile is said about this field.

    Pillow's readers raise what their authors thought fit: ValueError, NotImplementedError, SyntaxError, struct.error, …

    Raises:
        InvalidRequest: it cannot be read, is no picture, or is damaged.
    """
    try:
        yield
    except BailianError:
        raise
    except Exception as error:  # noqa: BLE001 - no list of what parsers raise was ever complete
        raise InvalidRequest.one(field, _trouble(name, error)) from None


def _trouble(name: object, error: Exception) -> str:
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, Image.DecompressionBombError):
        return say(f"{name} has too many pixels", f"{name} 像素过多") + f" ({error})"
    if isinstance(error, UnidentifiedImageError):
        return say(f"{name} is not a picture; taken: {FORMAT_NAMES}", f"{name} 不是图片；支持 {FORMAT_NAMES}")
    if isinstance(error, OSError) and error.strerror:
        return say(f"cannot read {name}: {error.strerror}", f"无法读取 {name}：{error.strerror}")
    reason = str(error) or type(error).__name__
    if isinstance(error, NotImplementedError):
        return say(
            f"{name} is of a kind that is not taken ({reason}); taken: {FORMAT_NAMES}",
            f"不支持 {name} 的格式（{reason}）；支持 {FORMAT_NAMES}",
        )
    return say(f"{name} is damaged: {reason}", f"{name} 已损坏：{reason}")


def is_local(text: str) -> bool:
    """Return whether a user's word is the path of a file."""
    return text != "-" and not text.startswith(("http://", "https://", "oss://", "data:"))


def local_file(field: str, text: str) -> Path:
    """Return the path of a file on this machine that can be read.

    Raises:
        InvalidRequest: it cannot.
    """
    path = local_path(text)
    try:
        with path.open("rb"):
            return path
    except (OSError, ValueError) as error:
        raise _unreadable(field, path, error) from None


def _bytes_of(field: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise _unreadable(field, path, error) from None


def _unreadable(field: str, path: Path, error: Exception) -> InvalidRequest:
    """ValueError: a NUL in the name, or a character that the file system's encoding has not."""
    reason = getattr(error, "strerror", None) or error
    return InvalidRequest.one(field, say(f"cannot read {path}: {reason}", f"无法读取 {path}：{reason}"))


def local_path(text: str) -> Path:
    """Return the path of a plain path or a `file://` URL, absolute or relative, of Windows or not.

    The seed document allows `file://relative`, and `file://C:/…`: what stands where a host would is part of the path.
    """
    if not text.startswith("file://"):
        return _expanded(text)
    path = unquote(text.removeprefix("file://"))
    return Path(path[1:] if re.match(r"/[A-Za-z]:", path) else path)


def _expanded(text: str) -> Path:
    """Put the home folder in place of "~". Where there is none, or no such user, it is a name, as in a shell."""
    try:
        return Path(text).expanduser()
    except (RuntimeError, ValueError):  # ValueError: a NUL in it, which opening the file tells
        return Path(text)


def path_of(url: str) -> Path:
    """Return the path of a `file:///…` URL made by `resolve`."""
    return local_path(url)


def probe(field: str, data: bytes, name: str) -> Probe:
    """Look at a picture's bytes; its name is not evidence.

    Raises:
        InvalidRequest: not a picture the service takes, or damaged.
    """
    if not data:
        raise InvalidRequest.one(field, say(f"{name} is empty", f"{name} 是空文件"))
    with reading(field, name):
        return _probed(field, data, name)


def _probed(field: str, data: bytes, name: str) -> Probe:
    from PIL import Image

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
            orientation = image.getexif().get(EXIF_ORIENTATION, 1)
            width_px, height_px = image.size[::-1] if orientation in TURNED else image.size
            return Probe(image.format, width_px, height_px, len(data), orientation in ORIENTATIONS[1:])


def remote(field: str, text: str) -> Input:
    """Percent-encode what a URL may not hold: the service refuses Chinese characters and spaces in it.

    Raises:
        InvalidRequest: no URL, or one whose host no name server could find.
    """
    try:
        parts = urlsplit(text)
        host = _ascii_host(parts)
        safe = "/%:=&?~#+!$,;'@()*[]-._"
        url = urlunsplit((parts.scheme, host, quote(parts.path, safe), quote(parts.query, safe), ""))
    except ValueError:  # what urllib and the codec IDNA raise, too
        host = ""
    if not host or _CONTROL.search(text):
        raise InvalidRequest.one(
            field,
            say(
                f"{text} is not a valid URL; allowed: https://HOST/PATH, with nothing left in it to be filled in",
                f"{text} 不是合法的链接；应为 https://主机名/路径，占位符须替换为实际内容",
            ),
            advice="",
        )
    if url == text:
        return Input(url)
    return Input(url, notice=Notice("url_encoded", say(f"the URL is sent as {url}", f"链接以 {url} 发送")))


def _ascii_host(parts: SplitResult) -> str:
    """Return the host with all that stands beside it, in ASCII; "" if its name is none.

    Raises:
        ValueError: a port or an address that is none.
    """
    place = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode("ascii")
    bare = SplitResult("", place, "", "", "")
    name = (bare.hostname or "").removesuffix(".")
    if bare.port == 0:
        return ""
    if ":" in name or "[" in place.rpartition("@")[2]:
        ip_address(name)  # not every Python's urllib looks at what stands in brackets
        return place
    return place if len(name) <= HOST_MAX_CHARS and all(_LABEL.fullmatch(part) for part in name.split(".")) else ""


def _decoded(field: str, text: str) -> bytes:
    head, _, encoded = text.partition(",")
    if not head.endswith(";base64"):
        raise InvalidRequest.one(
            field,
            say("a data: URL must be base64: data:image/png;base64,…", "data: 必须是 base64：data:image/png;base64,…"),
        )
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:  # also binascii.Error
        raise InvalidRequest.one(field, say(f"is not valid base64: {error}", f"不是合法的 base64：{error}")) from None


def _kept(field: str, data: bytes, home: Path) -> Input:
    found = probe(field, data, say("the picture", "输入图片"))
    path = kept(data, FORMATS[found.format], home)
    return Input(path.as_uri(), found, _mask(field, data, found))


def _mask(field: str, data: bytes, found: Probe) -> Mask | None:
    """Look at a mask's pixels, but for one so large that no model takes it."""
    if field != MASK or max(found.width_px, found.height_px) > LARGEST_SIDE_PX:
        return None
    from PIL import Image

    from bailian.media.masks import look

    with reading(field, say("the mask", "mask 图片")), Image.open(io.BytesIO(data)) as image:
        return look(image)


def kept(data: bytes, suffix: str, home: Path) -> Path:
    """Write bytes to a file in the home folder, named by what it holds; return its absolute path.

    Raises:
        JournalError: the folder cannot be written.
    """
    path = (home / "inputs" / f"{hashlib.sha256(data).hexdigest()[:24]}.{suffix}").absolute()
    try:
        private_file(path).write_bytes(data)
    except OSError as error:
        raise unusable(home, error) from None
    return path
