"""Pictures that go in: a path, `file://…`, a URL, `data:…` or stdin → what they are, judged by their bytes.

Nothing is sent from here. A local picture stays a `file://` reference until its request leaves; what came as
`data:`, from stdin or through a pipe is kept as a file in the home folder: it could not be read again, and the journal
holds references, not megabytes.
"""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import BinaryIO
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from bailian.errors import BailianError, InvalidRequest
from bailian.files import pictures
from bailian.i18n import reason_of, tr
from bailian.inputs import foreign, once
from bailian.inputs.once import kept
from bailian.store.paths import local_path
from bailian.types import Input, Mask, Notice, Probe

# MPO: a JPEG that has a second one behind it, as many phones and cameras write it.
FORMATS = {"JPEG": "jpg", "MPO": "jpg", "PNG": "png", "BMP": "bmp", "TIFF": "tiff", "WEBP": "webp"}
FORMAT_NAMES = "JPG, PNG, BMP, TIFF, WEBP"


# Larger than any limit of the service: such a picture is refused by its header, never decoded.
LARGEST_SIDE_PX = 12_000
# Far above what any model takes; a pipe without end, or a film, is not read as a whole.
PICTURE_MAX_BYTES = 256 * 1024**2
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
    if text.startswith("data:"):
        return looked_at(field, _decoded(field, text), None, tr("the picture", "输入图片"), home)
    if text == "-":
        name = tr("the picture on stdin", "标准输入中的图片")
        with reading(field, name):
            return looked_at(field, once.read_bytes(sys.stdin.buffer, PICTURE_MAX_BYTES), None, name, home)
    path = local_path(text)
    there = once.lasting(path)
    with reading(field, path), opened_file(field, there) as file:
        data = once.read_bytes(file, PICTURE_MAX_BYTES)
    return looked_at(field, data, there if once.lasts(there) else None, str(path), home)


def opened_file(field: str, path: Path) -> BinaryIO:
    """Open a file on this machine.

    Raises:
        InvalidRequest: it cannot be read.
    """
    try:
        return path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL, or what this file system has no name for
        raise InvalidRequest.unreadable(field, path, error) from None


def looked_at(field: str, data: bytes, path: Path | None, name: str, home: Path) -> Input:
    """Judge a picture by its bytes; keep a copy unless the file can be read again as it is."""
    found, notice = probe(field, data, name), None
    with reading(field, name):
        if max(found.width_px, found.height_px) <= LARGEST_SIDE_PX and pictures.end_is_missing(data, found.format):
            data, path, notice = _ended(field, data, found.format, name), None, _end_added(name)
            found = probe(field, data, name)
    there = path.absolute() if path else kept(data, FORMATS[found.format], home)
    return Input(there.as_uri(), found, _mask(field, data, found), notice=notice)


def _ended(field: str, data: bytes, format: str, name: str) -> bytes:
    whole = pictures.with_end(data, format)
    if whole is None:
        raise InvalidRequest.one(field, _cut(name))
    return whole


def _end_added(name: str) -> Notice:
    return Notice(
        "end_added",
        tr(
            f"{name} ends without its end mark; all its pixels are there, and a copy with the mark is sent",
            f"{name} 缺少结束标记；像素完整，将发送补上标记的副本",
        ),
    )


def _cut(name: object) -> str:
    return tr(
        f"{name} is damaged: it ends before its last pixels (a download that broke off?)",
        f"{name} 已损坏：末尾的像素缺失（下载可能中断）",
    )


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
        return tr(f"{name} has too many pixels", f"{name} 像素过多") + f" ({error})"
    if isinstance(error, UnidentifiedImageError):
        return tr(f"{name} is not a picture; taken: {FORMAT_NAMES}", f"{name} 不是图片；支持 {FORMAT_NAMES}")
    if isinstance(error, once.TooLarge):
        size = f"{PICTURE_MAX_BYTES // 1024**2} MB"
        return tr(f"{name} has more than {size}, no picture has", f"{name} 超过 {size}，不是可用的图片")
    if isinstance(error, OSError) and error.strerror:
        return tr(f"cannot read {name}: {reason_of(error)}", f"无法读取 {name}：{reason_of(error)}")
    reason = str(error) or type(error).__name__
    if isinstance(error, NotImplementedError):
        return tr(
            f"{name} is of a kind that is not taken ({reason}); taken: {FORMAT_NAMES}",
            f"不支持 {name} 的格式（{reason}）；支持 {FORMAT_NAMES}",
        )
    return tr(f"{name} is damaged: {reason}", f"{name} 已损坏：{reason}")


def probe(field: str, data: bytes, name: str) -> Probe:
    """Look at a picture's bytes; its name is not evidence.

    Raises:
        InvalidRequest: not a picture the service takes, or damaged.
    """
    if not data:
        raise InvalidRequest.one(field, tr(f"{name} is empty", f"{name} 是空文件"))
    known = foreign.name_of(data[: foreign.HEAD_BYTES], name)
    if known:
        raise InvalidRequest.one(
            field,
            tr(
                f"{name} is {known}; taken: {FORMAT_NAMES}",
                f"{name} 是 {known}；支持 {FORMAT_NAMES}",
            ),
            advice="",
        )
    with reading(field, name):
        return _probed(field, data, name)


def _probed(field: str, data: bytes, name: str) -> Probe:
    with pictures.opened(data) as image:
        if image.format not in FORMATS:
            raise InvalidRequest.one(
                field,
                tr(
                    f"{name} is {image.format}; taken: {FORMAT_NAMES} (convert it: magick IN OUT.png)",
                    f"{name} 是 {image.format}；支持 {FORMAT_NAMES}（请转换：magick IN OUT.png）",
                ),
                advice="",
            )
        format = "JPEG" if image.format == "MPO" else image.format
        if max(image.size) <= LARGEST_SIDE_PX and not _lacks_only_its_end(data, format):
            image.load()
        stored = pictures.orientation(image)
        width_px, height_px = image.size[::-1] if stored in pictures.QUARTER_TURNS else image.size
        return Probe(format, width_px, height_px, len(data), stored != 1, pictures.has_alpha(image))


def _lacks_only_its_end(data: bytes, format: str) -> bool:
    """Pillow calls a JPEG cut that has all its pixels and no end mark."""
    return format == "JPEG" and pictures.end_is_missing(data, format)


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
            tr(
                f"{text} is not a valid URL; allowed: https://HOST/PATH, with nothing left in it to be filled in",
                f"{text} 不是合法的链接；应为 https://主机名/路径，占位符须替换为实际内容",
            ),
            advice="",
        )
    if url == text:
        return Input(url)
    return Input(url, notice=Notice("url_encoded", tr(f"the URL is sent as {url}", f"链接以 {url} 发送")))


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
            tr("a data: URL must be base64: data:image/png;base64,…", "data: 必须是 base64：data:image/png;base64,…"),
        )
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:  # also binascii.Error
        raise InvalidRequest.one(field, tr(f"is not valid base64: {error}", f"不是合法的 base64：{error}")) from None


def _mask(field: str, data: bytes, found: Probe) -> Mask | None:
    """Look at a mask's pixels, but for one so large that no model takes it."""
    if field != MASK or max(found.width_px, found.height_px) > LARGEST_SIDE_PX:
        return None
    from bailian.inputs.masks import look

    with reading(field, tr("the mask", "mask 图片")), pictures.opened(data) as image:
        return look(image)
