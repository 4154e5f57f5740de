"""What each field of a film's request holds: pictures, films, sounds and documents told apart by their bytes."""

from __future__ import annotations

import base64
import io
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.errors import InvalidRequest
from bailian.inputs.media import SORTS, resolve_media
from bailian.store.paths import path_of
from bailian.types import Input
from tests.support.films import FPS, HEIGHT_PX, WIDTH_PX, film
from tests.support.pictures import bytes_of, drawn
from tests.support.recordings import SECONDS, wav

GOOD = {"picture": "a.png", "film": "a.mp4", "sound": "a.wav", "document": "a.pdf"}
DOORS = ("path", "file:", "copy without suffix", "stdin", *(() if sys.platform == "win32" else ("pipe",)))
LOCAL = sorted(set(SORTS) - {"link"})


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("素材")
    (folder / "a.png").write_bytes(bytes_of(drawn((300, 400))))
    film(folder / "a.mp4", seconds=0.5)
    film(folder / "a.mov", form="mov", seconds=0.5)
    (folder / "a.wav").write_bytes(wav())
    (folder / "a.pdf").write_bytes(b"%PDF-1.4 " + bytes(100))
    return folder


def named(door: str, path: Path, folder: Path, patch: pytest.MonkeyPatch) -> str:
    """Return the word that leads to the bytes of a file through a door."""
    if door == "path":
        return str(path)
    if door == "file:":
        return f"file://{path}"
    if door == "copy without suffix":
        (folder / "片").write_bytes(path.read_bytes())
        return str(folder / "片")
    if door == "pipe":
        pipe = folder / f"pipe-{path.name}"
        os.mkfifo(pipe)
        threading.Thread(target=pipe.write_bytes, args=(path.read_bytes(),), daemon=True).start()
        return str(pipe)
    patch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(path.read_bytes())))
    return "-"


def sort_of(found: Input) -> str:
    if found.film is not None:
        return "film"
    if found.probe is not None:
        return "picture"
    return "sound"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("field", [field for field in LOCAL if field != "document"])
def test_each_field_takes_its_own_sorts_and_says_where_the_others_go(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, door: str
) -> None:
    for sort in ("picture", "film", "sound"):
        word = named(door, files / GOOD[sort], tmp_path, monkeypatch)
        if sort in SORTS[field]:
            found = resolve_media(field, word, tmp_path)
            assert sort_of(found) == sort
            assert path_of(found.url).read_bytes() == (files / GOOD[sort]).read_bytes()
        else:
            with pytest.raises(InvalidRequest, match=f"is a {sort}: --"):
                resolve_media(field, word, tmp_path)


def test_a_film_in_the_place_of_a_picture_is_told_its_own(files: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as refused:
        resolve_media("image", str(files / "a.mp4"), tmp_path)
    assert (
        str(refused.value)
        == f"image: {files / 'a.mp4'} is a film: --continue or --video takes films (as a reference: --reference)"
    )


def test_what_is_found_is_told(files: Path, tmp_path: Path) -> None:
    shown = resolve_media("video", str(files / "a.mov"), tmp_path).film
    assert shown is not None
    assert (shown.format, shown.width_px, shown.height_px, shown.fps) == ("mov", WIDTH_PX, HEIGHT_PX, FPS)
    heard = resolve_media("audio", str(files / "a.wav"), tmp_path).recording
    assert heard is not None
    assert (heard.format, heard.duration_s) == ("wav", SECONDS)
    paper = resolve_media("document", str(files / "a.pdf"), tmp_path).recording
    assert paper is not None
    assert (paper.format, paper.size_bytes) == ("pdf", 109)
    mask = resolve_media("mask", str(files / "a.png"), tmp_path)
    assert mask.mask is not None


def test_what_came_through_stdin_has_the_suffix_of_its_bytes(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service goes by the name of an upload."""
    for name in ("a.mp4", "a.mov", "a.wav"):
        word = named("stdin", files / name, tmp_path, monkeypatch)
        assert resolve_media("references" if name != "a.mov" else "video", word, tmp_path).url.endswith(name[1:])


@pytest.mark.parametrize(
    ("field", "link", "told"),
    [
        ("references", "https://h/a.jpg?Expires=1", ""),
        ("references", "https://h/a.MP4", ""),
        ("references", "oss://bucket/a.wav", ""),
        ("references", "https://h/show?id=7", ""),
        ("references", "https://h/a.mp4/latest", ""),
        ("references", "https://h/猫.jpg", "url_encoded"),
        ("image", "https://h/show?id=7", ""),
        ("video", "https://h/show?id=7", ""),
        ("link", "https://h/page.html", ""),
        ("document", "https://h/a.pdf", ""),
        ("document", "https://h/a.mp4", ""),
    ],
)
def test_links_are_told_apart_by_their_suffix(tmp_path: Path, field: str, link: str, told: str) -> None:
    found = resolve_media(field, link, tmp_path)
    assert (found.notice.code if found.notice else "") == told
    assert (found.probe, found.film, found.recording) == (None, None, None)


def test_pictures_may_be_data(files: Path, tmp_path: Path) -> None:
    word = "data:image/png;base64," + base64.b64encode((files / "a.png").read_bytes()).decode()
    assert resolve_media("references", word, tmp_path).probe is not None


REFUSED = {
    "a film as data": ("video", "data:video/mp4;base64,AAAA", "only pictures are taken as data"),
    "a sound as data": ("references", "data:audio/wav;base64,AAAA", "only pictures are taken as data"),
    "a link to a film": ("image", "https://h/a.mp4", "is a film: --continue or --video"),
    "a link to a picture": ("video", "oss://h/a.png", "is a picture: --image"),
    "no link": ("link", "a.html", "is not a link"),
    "no file": ("video", "没有.mp4", "cannot read"),
    "a folder": ("references", ".", "cannot read|is not a file"),
    "a name with a NUL": ("audio", "a\0b", "cannot read|is no picture"),
    "no document": ("document", "没有.pdf", "cannot read"),
    "a document on stdin": ("document", "-", "is told by its name"),
}


@pytest.mark.parametrize(("field", "word", "said"), REFUSED.values(), ids=REFUSED)
def test_what_a_field_cannot_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, word: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidRequest, match=said) as refused:
        resolve_media(field, word, tmp_path)
    assert [problem.field for problem in refused.value.problems] == [field]


BYTES = {
    "empty": (b"", "is empty"),
    "text": (b"hello, world", "is text"),
    "PDF": (b"%PDF-1.4 " + bytes(100), "is PDF"),
    "GIF": (b"GIF89a" + bytes(100), "is GIF"),
    "MKV": (b"\x1aE\xdf\xa3" + bytes(100), r"is MKV; films are taken as MP4 or MOV .*ffmpeg"),
    "AVI": (b"RIFF\0\0\0\0AVI " + bytes(100), "is AVI"),
    "a cut film": (b"\0\0\0\x18ftypisom" + bytes(12) + b"\0\0\1\0mdat" + bytes(9), "is damaged: it ends too early"),
    "noise": (b"\x07\x80\x01" * 100, "."),
}


@pytest.mark.parametrize(("data", "said"), BYTES.values(), ids=BYTES)
@pytest.mark.parametrize("field", ["references", "video", "image"])
def test_bytes_that_are_nothing_for_a_film_say_what_they_are(
    tmp_path: Path, field: str, data: bytes, said: str
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    with pytest.raises(InvalidRequest, match=said):
        resolve_media(field, str(path), tmp_path)


@given(
    field=st.sampled_from(sorted(SORTS)),
    text=st.text(max_size=30),
    start=st.sampled_from(["", "http://", "https://", "oss://", "file://", "~", "data:image/png;base64,", "http://["]),
)
def test_any_word_is_an_input_or_a_refusal(field: str, text: str, start: str) -> None:
    word = start + text
    if word == "-":
        return
    with suppress(InvalidRequest):
        resolve_media(field, word, Path("bailian"))
