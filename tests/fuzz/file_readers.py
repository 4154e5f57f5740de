"""Readers of files: sounds that came over the socket, pictures behind a link, recordings to send; and the ledger."""

from __future__ import annotations

import io
import math
import os
import shutil
import sqlite3
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from PIL import Image

from bailian.files import formats, pictures, png, recipe
from bailian.files.audio import duration_ms, finish_sound
from bailian.inputs import made_masks
from bailian.inputs import resolve as inputs
from bailian.inputs.films import CREDIBLE_S, DamagedFilm, probe_film
from bailian.inputs.recordings import resolve_recording
from bailian.inputs.resolve import resolve
from bailian.store.budgets import Budget, counted_cny
from bailian.store.job_queries import JobQueries
from bailian.store.schema import SCHEMA
from tests.fuzz import answers
from tests.fuzz.mutations import odd_bytes, odd_json
from tests.fuzz.readers import Reader, is_money
from tests.support.films import film

IN_MEMORY = Path("/dev/shm")


@cache
def folder() -> Path:
    """Return a folder for this process, in memory where there is one: each file is written once and read once."""
    return Path(tempfile.mkdtemp(prefix="bailian-fuzz-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None))


def forget_folder() -> None:
    shutil.rmtree(folder(), ignore_errors=True)
    folder.cache_clear()


def read_sound(data: bytes) -> None:
    """As each format that it may be called; `ValueError` says that it is not."""
    part, target = folder() / "part", folder() / "target"
    part.write_bytes(data)
    for form in ("wav", "mp3", "pcm"):
        try:
            is_money(duration_ms(part, form, 16000))
            with patch.object(os, "fsync"):  # a hundred thousand of them would be the disk's test
                seconds = finish_sound([part, part], target, form, 16000)
        except ValueError:
            continue
        is_money(seconds)
        assert target.stat().st_size > 0
        if form == "wav":
            assert duration_ms(target, "wav") == round((seconds or 0) * 1000)


def read_picture(data: bytes) -> None:
    """What came behind a link: what it is, whether it is whole, its size and texts."""
    path = folder() / "picture.png"
    path.write_bytes(data)
    suffix = formats.suffix_of(data[: formats.HEAD_BYTES])
    assert formats.is_complete(path, suffix or "") in (True, False)
    size_px = png.size_px(data)
    assert size_px is None or all(0 <= side < 2**32 for side in size_px)
    made = recipe.read(path)
    assert made is None or "kind" in made
    if png.is_complete(data):
        assert png.texts(png.with_text(data, {"k": "é\ud83d"}))["k"]


def read_recording(data: bytes) -> None:
    """A user's own file; its duration is a price."""
    for suffix in ("wav", "mp3", "mp4"):
        path = folder() / f"recording.{suffix}"
        path.write_bytes(data)
        found = resolve_recording("file", str(path), folder()).recording
        assert found is not None
        is_money(found.duration_s)


def read_film(data: bytes) -> None:
    """A user's own film; its duration is a price."""
    path = folder() / "film.mp4"
    path.write_bytes(data)
    with suppress(DamagedFilm):
        found = probe_film(path)
        if found is None:
            return
        is_money(found.duration_s)
        assert found.duration_s is None or 0 < found.duration_s <= CREDIBLE_S
        assert all(side is None or side > 0 for side in (found.width_px, found.height_px))


@cache
def own_films() -> list[bytes]:
    """Return small films: with the header at the end, in fragments, and QuickTime's."""
    path = folder() / "made"
    ways: list[dict[str, Any]] = [{}, {"form": "mov"}, {"options": {"movflags": "frag_keyframe+empty_moov"}}]
    return [film(path, size_px=(32, 32), seconds=0.25, **way).read_bytes() for way in ways]


@cache
def own_pictures() -> list[bytes]:
    """Return small pictures of every format that goes in, turned, deep, with profiles, and two in one file."""
    exif = Image.Exif()
    exif[pictures.EXIF_ORIENTATION] = 6
    noise = Image.effect_noise((24, 16), 90).convert("RGB")
    strokes = Image.new("RGBA", (24, 16), (0, 0, 0, 0))
    strokes.paste((255, 255, 255, 255), (0, 0, 9, 9))
    deep = Image.frombytes("I;16", (24, 16), bytes(range(256)) * 3)
    made: list[tuple[Image.Image, str, dict[str, Any]]] = [
        (noise, "JPEG", {"exif": exif}),
        (noise.convert("CMYK"), "JPEG", {"progressive": True, "exif": exif}),
        (noise, "MPO", {"save_all": True, "append_images": [noise], "exif": exif}),
        (noise, "PNG", {"exif": exif, "icc_profile": bytes(300)}),
        (strokes, "PNG", {}),
        (noise.convert("P"), "PNG", {"transparency": 3}),
        (noise.convert("1"), "PNG", {}),
        (deep, "PNG", {}),
        (deep, "TIFF", {"exif": exif}),
        (noise.convert("LAB"), "TIFF", {}),
        (noise, "TIFF", {"compression": "jpeg", "exif": exif}),
        (noise.convert("F"), "TIFF", {"compression": "tiff_lzw"}),
        (noise, "BMP", {}),
        (noise, "WEBP", {"exif": exif}),
        (strokes, "WEBP", {"lossless": True}),
        (noise.convert("P"), "GIF", {}),
    ]
    return [_file_of(*one) for one in made]


def _file_of(image: Image.Image, form: str, how: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **how)
    return buffer.getvalue()


def _own_file(data: bytes) -> str:
    shutil.rmtree(folder() / "inputs", ignore_errors=True)  # copies of the one before
    path = folder() / "own"
    path.write_bytes(data)
    return str(path)


def read_own_picture(data: bytes) -> None:
    """A user's picture, as it goes into an edit; turned, if it is stored turned."""
    found = resolve("image", _own_file(data), folder())
    assert found.probe is not None
    assert found.probe.format in inputs.FORMATS
    if found.probe.turned and max(found.probe.width_px, found.probe.height_px) <= inputs.LARGEST_SIDE_PX:
        made = made_masks.made_of({}, found, None, {}, folder()).image
        assert made is not None
        assert made.probe is not None
        assert not made.probe.turned


def read_mask(data: bytes) -> None:
    """A user's mask, as it is judged, and mended in both ways, for a picture and by one."""
    word = _own_file(data)
    mask, image = resolve("mask", word, folder()), resolve("image", word, folder())
    assert mask.probe is not None
    is_large = max(mask.probe.width_px, mask.probe.height_px) > inputs.LARGEST_SIDE_PX
    assert is_large == (mask.mask is None)
    assert mask.mask is None or all(
        0 <= share <= 1 for share in (mask.mask.white, mask.mask.white_by_alpha, mask.mask.white_by_paint)
    )
    for options in ({"mask_from": "paint"}, {"mask_from": "alpha", "mask_invert": True}, {"mask_color": ["red"]}):
        made = made_masks.made_of({**options, "mask_fix": True}, image, mask, {}, folder()).mask
        assert made is not None
        assert made.mask is not None
        assert made.mask.pure


class _Ledger:
    """A journal's table in memory, of one job."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.row_factory = sqlite3.Row
        self.connection.executescript(SCHEMA)
        names = "id, account, kind, model, wire_model, state, request, prepared, saving, created_at_s, sent_at_s, ended_at_s"
        values = ("j", "me", "image", "m", "m", "done", "{}", '{"units": 2}', "{}", 1e9, 1e9, 1e9)
        self.connection.execute(f"INSERT INTO jobs ({names}, estimate_cny) VALUES ({'?, ' * 12} 0.5)", values)

    def read(self, sql: str, values: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        return self.connection.execute(sql, values).fetchall()


_ledger = cache(_Ledger)


def read_ledger(data: bytes) -> None:
    """`bailian cost` over an answer as an older version may have kept it, and every charge it may have read in it."""
    ledger: Any = _ledger()
    costs = JobQueries()
    costs.database = ledger
    kept = data.decode("utf-8", "replace")
    for charged in (None, 0.2, -140_000.0, math.inf, "many"):
        ledger.connection.execute("UPDATE jobs SET answer = ?, charged_cny = ?", (kept, charged))
        spent = [cny for *_, cny in costs.spent_cny("me")]
        used = costs.used("me")
        maybe = costs.maybe_cny("me")
        counted = counted_cny(ledger.connection, "me", Budget(1.0, "month"), 1e9)
        known = charged == 0.2
        assert (spent, maybe, counted) == (([0.2], (0.0, 0), 0.2) if known else ([], (0.5, 0), 0.5))
        assert list(used) == (["m"] if known else [])
        assert all(math.isfinite(units) and units >= 0 for units in used.values())


READERS: dict[str, Reader] = {
    "own pictures": Reader(read_own_picture, own_pictures(), odd_bytes),
    "masks": Reader(read_mask, own_pictures(), odd_bytes),
    "sounds": Reader(read_sound, answers.SOUND_FILES, odd_bytes),
    "pictures": Reader(read_picture, answers.PICTURE_FILES, odd_bytes),
    "recordings": Reader(read_recording, answers.SOUND_FILES, odd_bytes),
    "films": Reader(read_film, own_films(), odd_bytes),
    "ledger": Reader(read_ledger, [*answers.PICTURES, *answers.TEXTS, *answers.VIDEOS], odd_json),
}
