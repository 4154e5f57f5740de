"""A batch run as one static page: `gallery.html` and its thumbnails, to be opened from the disk, without a network.

Prompts, answers and file names are untrusted. They stand in the page as JSON that cannot end its own element; the
page's script shows them as text, and the page's policy lets no other script run and no other host be asked.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import stat
import threading
import warnings
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bailian.batch.output.gallery_page import embedded, page, plain
from bailian.batch.output.records import unwritten
from bailian.files.recipe import without_folders

PAGE = "gallery.html"
THUMBS = "gallery/thumbs"
# A browser opens a page of some megabytes; of the rows behind these it says how many there are.
CARDS_MAX = 10_000
THUMB_PX = 400
THUMB_QUALITY = 80
# Decoded, this is 150 MB a thread; a JPEG is decoded at a fraction of its size and counts as that.
LARGEST_PX = 50_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
SHAPES = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"), "picture"),
    **dict.fromkeys((".mp4", ".webm", ".mov"), "film"),
    **dict.fromkeys((".wav", ".mp3", ".opus", ".ogg", ".m4a", ".aac", ".flac"), "sound"),
}
FACTS = ("kind", "where", "label", "state", "text", "prompt", "model", "seed", "cost_cny", "took_s", "created_at_s")
STATES = ("done", "failed", "held", "running", "waiting", "unsent")
# A request may hold a picture as `data:…`; the page shows enough to know it by.
REQUEST_CHARS = 2_000
THREADS = min(4, os.cpu_count() or 1)
AHEAD = 64
EXIF_ORIENTATION = 0x0112
TURNED = (5, 6, 7, 8)

Record = Mapping[str, Any]


@dataclass
class Totals:
    """What the whole run came to. Times are seconds: of all jobs together, and since the epoch."""

    jobs: int = 0
    states: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    cost_cny: float | None = None
    took_s: float = 0.0
    first_at_s: float = math.inf
    last_at_s: float = -math.inf

    def add(self, record: Record) -> None:
        """Count one job in."""
        state = str(record.get("state"))
        self.jobs += 1
        self.states[state] += 1
        if state == "failed":
            self.failed[str((record.get("error") or {}).get("code") or "InternalError")] += 1
        if record.get("cost_cny") is not None:
            self.cost_cny = (self.cost_cny or 0.0) + record["cost_cny"]
        took_s = record.get("took_s") or 0.0
        self.took_s += took_s
        if record.get("created_at_s"):
            self.first_at_s = min(self.first_at_s, record["created_at_s"])
            self.last_at_s = max(self.last_at_s, record["created_at_s"] + took_s)

    def to_json(self) -> dict[str, Any]:
        """Return the totals as the page reads them: states in the order of a job's worry, categories by number."""
        known = [state for state in STATES if state in self.states]
        return {
            "jobs": self.jobs,
            "states": {state: self.states[state] for state in dict.fromkeys([*known, *self.states])},
            "failed": dict(self.failed.most_common()),
            "cost_cny": None if self.cost_cny is None else round(self.cost_cny, 6),
            "took_s": round(self.took_s, 3),
            "first_at_s": self.first_at_s if math.isfinite(self.first_at_s) else None,
            "last_at_s": self.last_at_s if math.isfinite(self.last_at_s) else None,
        }


def write_gallery(folder: Path, records: Iterable[Record], *, title: str) -> Path:
    """Write `folder/gallery.html` and its thumbnails; return the page's path.

    `records` are read once, one job each, in the order of the page. `files` of a record are relative to `folder`, or
    absolute; a file that is missing or damaged is a note on its card. A thumbnail whose picture has not changed is
    kept. From `CARDS_MAX` on records are counted and left out. The page takes the old one's place only when it is whole.

    Raises:
        SaveError: the page cannot be written there; no half of it is left.
    """
    target = folder / PAGE
    part = folder / f".{PAGE}.part"
    head, middle, tail = page(title)
    totals = Totals()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A lone surrogate is no UTF-8; its backslash form is what JSON has for it.
        file = part.open("w", encoding="utf-8", errors="backslashreplace", newline="\n")
        with file, warnings.catch_warnings():
            # Pillow warns of odd metadata and large pictures; what comes of them is seen on the card.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            file.write(head)
            comma = "["
            for card in _cards(folder.absolute(), records, totals):
                file.write(comma + embedded(card))
                comma = ",\n"
            file.write(("]" if totals.jobs else "[]") + middle + embedded(plain(totals.to_json())) + tail)
        part.replace(target)
    except OSError as error:
        raise unwritten(target, error) from None
    finally:
        with suppress(OSError):
            part.unlink()
    return target


def remove_partial_files(folder: Path) -> None:
    """Remove what a killed process has left half written. Only one process at a time writes a gallery into a folder."""
    for left in (*folder.glob(f".{PAGE}.*part"), *(folder / THUMBS).glob(".*.part")):
        left.unlink(missing_ok=True)


def href_of(folder: Path, path: Path) -> str:
    """Return the link from a page in `folder` to a file: relative and percent-encoded, so that it has no scheme."""
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:  # another drive of Windows
        return path.as_uri()
    return quote(os.fsencode(relative.replace(os.sep, "/")))


def _cards(folder: Path, records: Iterable[Record], totals: Totals) -> Iterator[dict[str, Any]]:
    """Yield each record as the page has it, in order; pictures a little ahead are made smaller in threads."""
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="thumbnails")
    waiting: deque[tuple[Record, list[Future[dict[str, Any]]]]] = deque()
    try:
        for record in records:
            totals.add(record)
            if totals.jobs > CARDS_MAX:
                continue
            waiting.append((record, [pool.submit(_file, folder, name) for name in record.get("files") or ()]))
            if len(waiting) > AHEAD:
                yield _card(*waiting.popleft())
        while waiting:
            yield _card(*waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _card(record: Record, files: list[Future[dict[str, Any]]]) -> dict[str, Any]:
    card = {name: plain(record.get(name)) for name in FACTS}
    card["sources"] = ", ".join(_named(source) for source in record.get("sources") or ())
    card["files"] = [file.result() for file in files]
    card["error"] = {name: plain(value) for name, value in (record.get("error") or {}).items() if value is not None}
    card["request"] = {
        name: plain(without_folders(value), REQUEST_CHARS)
        for name, value in (record.get("request") or {}).items()
        if value is not None and (name not in ("prompt", "model") or value != record.get(name))
    }
    return {name: value for name, value in card.items() if value not in (None, "", [], {})}


def _named(source: Mapping[str, Any]) -> str:
    """Return another row's result as a card names it: "hero", "hero (2)"."""
    index = source.get("index", 1)
    return f"{source.get('result_of')} ({index})" if index != 1 else str(source.get("result_of"))


def _file(folder: Path, name: str | os.PathLike[str]) -> dict[str, Any]:
    """Return one file as the page has it; "note" says why it cannot be shown."""
    path = folder / name
    about: dict[str, Any] = {"name": path.name, "shape": SHAPES.get(path.suffix.lower(), "file")}
    try:
        status = path.stat()
    except (OSError, ValueError):
        return {**about, "note": "missing"}
    if not stat.S_ISREG(status.st_mode):
        return {**about, "note": "missing"}
    about |= {"href": href_of(folder, path), "bytes": status.st_size}
    return {**about, **_thumbnail(folder, path, status)} if about["shape"] == "picture" else about


def _thumbnail(folder: Path, path: Path, status: os.stat_result) -> dict[str, Any]:
    """Make the picture's thumbnail, or take the one there is; its comment says what it was made from."""
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:20] + ".jpg"
    thumb = folder / THUMBS / name
    version = f"{status.st_mtime_ns} {status.st_size}"
    try:
        width_px, height_px = _known_size(thumb, version) or _shrink(path, thumb, version)
    except Exception as error:  # noqa: BLE001  # decoders raise anything on damaged bytes; the page goes on
        return {"note": "large" if type(error).__name__ == "DecompressionBombError" else "broken"}
    return {"thumb": f"{THUMBS}/{name}", "width_px": width_px, "height_px": height_px}


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


def _shrink(path: Path, thumb: Path, version: str) -> tuple[int, int]:
    """Write the thumbnail, upright and without transparency; return the picture's own size, upright."""
    from PIL import Image, ImageOps

    with Image.open(path, formats=FORMATS) as image:
        size_px = image.size
        image.draft("RGB", (2 * THUMB_PX, 2 * THUMB_PX))
        if image.width * image.height > LARGEST_PX:
            raise Image.DecompressionBombError
        image.thumbnail((THUMB_PX, THUMB_PX))
        turned = image.getexif().get(EXIF_ORIENTATION) in TURNED
        small = ImageOps.exif_transpose(image)
        if "A" in small.getbands() or "transparency" in small.info:
            small = small.convert("RGBA")
            small = Image.alpha_composite(Image.new("RGBA", small.size, "white"), small)
        small = small.convert("RGB")
    width_px, height_px = size_px[::-1] if turned else size_px
    thumb.parent.mkdir(parents=True, exist_ok=True)
    part = thumb.with_name(f".{thumb.name}.{threading.get_ident()}.part")  # two jobs may name one picture
    try:
        small.save(part, "JPEG", quality=THUMB_QUALITY, comment=f"{version} {width_px}x{height_px}".encode())
        part.replace(thumb)
    finally:
        part.unlink(missing_ok=True)
    return width_px, height_px
