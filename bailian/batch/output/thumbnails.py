"""Thumbnails beside the page: of pictures, and of the first frame of films. Each is made once."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bailian.batch.output.partial_files import partial
from bailian.files.film_frames import LARGEST_PX, TooLarge, first_frame

if TYPE_CHECKING:
    from PIL import Image

THUMBS = "gallery/thumbs"
THUMB_PX = 400
THUMB_QUALITY = 80
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
EXIF_ORIENTATION = 0x0112
TURNED = (5, 6, 7, 8)


def version_of(status: os.stat_result) -> str:
    """Return what tells a file from the one that stood there before."""
    return f"{status.st_mtime_ns} {status.st_size}"


class Seen(NamedTuple):
    """A file that is looked at for the page: here, or in storage, from where it is copied if need be."""

    preview: Path
    """Where its preview stands, without suffix."""
    version: str
    """What tells it from the one that stood there before."""
    copy: Callable[[], AbstractContextManager[Path]]
    fetch: Callable[[str], None] = lambda _name: None
    """Brings an earlier preview here, by its name, if there is one elsewhere."""


def on_disk(folder: Path, path: Path, status: os.stat_result) -> Seen:
    return Seen(preview_of(folder, os.fsencode(path)), version_of(status), lambda: nullcontext(path))


def preview_of(folder: Path, name: bytes) -> Path:
    """Return where the preview of a file stands, without suffix."""
    return folder / THUMBS / hashlib.sha256(name).hexdigest()[:20]


def replace_with(target: Path, write: Callable[[Path], object]) -> None:
    """Write a file aside and rename it. Two jobs may name one picture, so each thread has a name of its own."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = partial(target)
    try:
        write(part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def picture(seen: Seen) -> dict[str, Any]:
    """Return the thumbnail of a picture and its size; a `note` says why there is none."""
    return _thumbnail(seen, _shrink)


def poster(seen: Seen) -> dict[str, Any]:
    """Return the first frame of a film and its size; nothing: the browser shows what it can."""
    made = _thumbnail(seen, _first_frame)
    return {} if "note" in made else made


def _thumbnail(seen: Seen, shrink: Callable[[Path], tuple[Image.Image, tuple[int, int]]]) -> dict[str, Any]:
    """Make the thumbnail, or take the one there is; its comment says what it was made from."""
    thumb = seen.preview.with_suffix(".jpg")
    try:
        seen.fetch(thumb.name)
        size_px = _known_size(thumb, seen.version)
        if size_px is None:
            with seen.copy() as copy:
                size_px = _write(thumb, seen.version, *shrink(copy))
        width_px, height_px = size_px
    except Exception as error:  # noqa: BLE001  # decoders raise anything on damaged bytes; the page goes on
        large = isinstance(error, TooLarge) or type(error).__name__ == "DecompressionBombError"
        return {"note": "large" if large else "broken"}
    return {"thumb": f"{THUMBS}/{thumb.name}", "width_px": width_px, "height_px": height_px}


def _known_size(thumb: Path, version: str) -> tuple[int, int] | None:
    """Return the size of the picture behind an up-to-date thumbnail."""
    from PIL import Image

    try:
        with Image.open(thumb, formats=("JPEG",)) as image:
            comment = bytes(image.info.get("comment", b"")).decode("ascii", "replace")
    except (OSError, SyntaxError, ValueError):
        return None
    found = re.fullmatch(rf"{version} (\d+)x(\d+)", comment)
    return (int(found[1]), int(found[2])) if found else None


def _write(thumb: Path, version: str, small: Image.Image, size_px: tuple[int, int]) -> tuple[int, int]:
    comment = f"{version} {size_px[0]}x{size_px[1]}".encode()
    replace_with(thumb, lambda part: small.save(part, "JPEG", quality=THUMB_QUALITY, comment=comment))
    return size_px


def _shrink(path: Path) -> tuple[Image.Image, tuple[int, int]]:
    """Return a picture made small, upright and without transparency, and its own size, upright."""
    from PIL import Image, ImageOps

    with Image.open(path, formats=FORMATS) as image:
        size_px = image.size
        image.draft("RGB", (2 * THUMB_PX, 2 * THUMB_PX))
        if image.width * image.height > LARGEST_PX:  # a JPEG is decoded at a fraction of its size and counts as that
            raise TooLarge
        image.thumbnail((THUMB_PX, THUMB_PX))
        turned = image.getexif().get(EXIF_ORIENTATION) in TURNED
        small = ImageOps.exif_transpose(image)
        if "A" in small.getbands() or "transparency" in small.info:
            small = small.convert("RGBA")
            small = Image.alpha_composite(Image.new("RGBA", small.size, "white"), small)
        return small.convert("RGB"), size_px[::-1] if turned else size_px


def _first_frame(path: Path) -> tuple[Image.Image, tuple[int, int]]:
    """Return the first frame of a film made small, and the film's size."""
    frame = first_frame(path)
    size_px = frame.size
    frame.thumbnail((THUMB_PX, THUMB_PX))
    return frame, size_px
