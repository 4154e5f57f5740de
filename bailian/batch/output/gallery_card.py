"""One record as the page's card has it: what went in, what came out, and which records asked for the same."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from bailian.batch.output import thumbnails
from bailian.batch.output.gallery_page import plain
from bailian.batch.output.own_folder import fetched
from bailian.batch.output.waveforms import waveform
from bailian.files.recipe import without_folders
from bailian.files.storage.local_copies import local_copy
from bailian.files.storage.object_store import fetch, found_at, names_below
from bailian.modalities import MODULES, modality_of
from bailian.store.paths import is_local, local_path
from bailian.text.storage_path import StoragePath, link_from

Record = Mapping[str, Any]
Preview = Callable[[thumbnails.Seen], dict[str, Any]]

SHAPES = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"), "picture"),
    **dict.fromkeys((".mp4", ".webm", ".mov"), "film"),
    **dict.fromkeys((".wav", ".mp3", ".opus", ".ogg", ".m4a", ".aac", ".flac"), "sound"),
}
PREVIEWS: dict[str, Preview] = {"picture": thumbnails.picture, "film": thumbnails.poster, "sound": waveform}
FACTS = (
    "job", "kind", "where", "label", "state", "text", "prompt", "model", "seed", "cost_cny", "took_s", "created_at_s",
)  # fmt: skip
# A request may hold a picture as `data:…`; the page shows enough to know it by.
REQUEST_CHARS = 2_000
PREVIEW_MAX_BYTES = 1 << 20
# Left out, each model has its own: two rows may differ in them though nobody asked for it.
MODEL_FIELDS = ("model", "size", "resolution", "ratio", "duration", "prompt_extend", "sample_rate", "voice", "format")


def card(record: Record, files: list[dict[str, Any]], inputs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a record as the page has it; what is empty is left out. The sandbox's money is none."""
    made = {name: plain(record.get(name)) for name in FACTS}
    if record.get("sandbox"):
        made |= {"sandbox": True, "cost_cny": None}
    made["sources"] = ", ".join(_named(source) for source in record.get("sources") or ())
    made["files"], made["inputs"] = files, inputs
    made["error"] = {name: plain(value) for name, value in (record.get("error") or {}).items() if value is not None}
    made["request"] = {
        name: plain(without_folders(value), REQUEST_CHARS)
        for name, value in (record.get("request") or {}).items()
        if value is not None and (name not in ("prompt", "model") or value != record.get(name))
    }
    made["asked"], made["same"] = _asked(record, MODEL_FIELDS), _asked(record, ("model",))
    return {name: value for name, value in made.items() if value not in (None, "", [], {})}


def _asked(record: Record, without: tuple[str, ...]) -> str:
    """Return what two records share that ask for the same, but for these fields."""
    request = record.get("request") or {}
    asked = {
        name: value
        for name, value in request.items()
        if name not in without and value is not False and value not in (None, "", [])
    }
    text = json.dumps([record.get("kind"), plain(asked)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _named(source: Mapping[str, Any]) -> str:
    """Return another row's result as a card names it: "hero", "hero (2)"."""
    index = source.get("index", 1)
    return f"{source.get('result_of')} ({index})" if index != 1 else str(source.get("result_of"))


def inputs_of(record: Record) -> Iterator[tuple[str, str]]:
    """Yield each file that went in: its field, and the word for it. A result that is not there yet is none."""
    kind, request = record.get("kind"), record.get("request") or {}
    for field in modality_of(str(kind)).INPUT_FIELDS if kind in MODULES else ():
        given = request.get(field)
        for word in given if isinstance(given, list | tuple) else [given]:
            if word and isinstance(word, str):
                yield field, word


def input_file(folder: Path, field: str, word: str) -> dict[str, Any]:
    """Return a file that went in. Its folder is in no page; a link is told by host and name, and asked of nobody."""
    if not is_local(word):
        scheme, host, path, *_ = urlsplit(word)
        name = "" if scheme == "data" else without_folders(f"file://{path}")
        return {"field": field, "name": name, "link": host or scheme}
    about = result_file(folder, local_path(word))
    return {"field": field, **{name: value for name, value in about.items() if name != "href"}}


def result_file(folder: Path, name: str | os.PathLike[str], stored_page: StoredPage | None = None) -> dict[str, Any]:
    """Return one file as the page has it; "note" says why it cannot be shown. `stored_page`: where the page will stand."""
    stored = StoragePath.parse(os.fspath(name))
    if stored is not None:
        return _stored_file(folder, stored, stored_page)
    path = folder / name
    about: dict[str, Any] = {"name": path.name, "shape": SHAPES.get(path.suffix.lower(), "file")}
    try:
        status = path.stat()
    except (OSError, ValueError):
        return {**about, "note": "missing"}
    if not stat.S_ISREG(status.st_mode):
        return {**about, "note": "missing"}
    about["bytes"] = status.st_size
    if stored_page is None:  # from a page in storage nothing leads to a disk
        about["href"] = href_of(folder, path)
    preview = PREVIEWS.get(about["shape"])
    return {**about, **preview(thumbnails.on_disk(folder, path, status))} if preview else about


def _stored_file(folder: Path, place: StoragePath, stored_page: StoredPage | None) -> dict[str, Any]:
    """Return a file in storage as the page has it: it is copied here once, to make its preview."""
    about: dict[str, Any] = {"name": place.name, "shape": SHAPES.get(place.suffix.lower(), "file")}
    try:
        found = found_at(place)
    except OSError:
        found = None
    if found is None:
        return {**about, "note": "missing"}
    about["bytes"] = found.size_bytes
    if stored_page is not None and stored_page.place.root == place.root:
        about["href"] = quote(link_from(stored_page.place, place))
    preview = PREVIEWS.get(about["shape"])
    if preview is None:
        return about
    return {
        **about,
        **preview(
            thumbnails.Seen(
                thumbnails.preview_of(folder, str(place).encode()),
                f"{found.tag or 0} {found.size_bytes}",
                lambda: local_copy(place),
                (lambda name: None) if stored_page is None else (lambda name: stored_page.fetch(folder, name)),
            )
        ),
    }


class StoredPage:
    """The place of a page in storage, and the previews that stand there already."""

    def __init__(self, place: StoragePath) -> None:
        self.place = place
        self._names = names_below(place / thumbnails.THUMBS)

    def fetch(self, folder: Path, name: str) -> None:
        """Bring a preview here; what cannot be had is made anew."""
        if name not in self._names:
            return
        target = folder / thumbnails.THUMBS / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            fetch(self.place / thumbnails.THUMBS / name, target, PREVIEW_MAX_BYTES)
            fetched(target)


def href_of(folder: Path, path: Path) -> str:
    """Return the link from a page in `folder` to a file: relative and percent-encoded, so that it has no scheme."""
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:  # another drive of Windows
        return path.as_uri()
    return quote(os.fsencode(relative.replace(os.sep, "/")))
