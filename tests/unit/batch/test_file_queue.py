"""Which files a pattern finds, what their rows say, and when a file is read again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bailian.batch.file_queue import known_digests
from bailian.batch.file_queue.files import FoundFiles, NothingFound, find_files, root_of, rows_of
from bailian.batch.file_queue.known_digests import KnownDigests
from bailian.batch.input.row_schema import form_of
from bailian.errors import InvalidRequest

NOWHERE = Path("/nowhere")


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (
        "photos/b.jpg",
        "photos/a.JPG",
        "photos/.hidden.jpg",
        "photos/x/c.png",
        "photos/x/.y/d.png",
        "photos/n.txt",
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name, encoding="utf-8")


def find(pattern: str, kind: str = "image_edit", results: Path = NOWHERE) -> FoundFiles:
    return find_files(pattern, root_of(pattern), form_of(kind), results)


def rows(found: FoundFiles, kind: str = "image_edit", **request: Any) -> list[Any]:
    return list(rows_of(found, form_of(kind), request, KnownDigests(NOWHERE)))


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("photos", ("a.JPG", "b.jpg")),
        ("photos/", ("a.JPG", "b.jpg")),
        ("./photos/*", ("a.JPG", "b.jpg")),
        ("photos/*.jpg", ("b.jpg",)),
        ("photos/**/*.*", ("a.JPG", "b.jpg", "x/c.png")),
        ("photos/b.jpg", ("b.jpg",)),
    ],
)
def test_what_a_pattern_finds(pattern: str, names: tuple[str, ...], tmp_path: Path) -> None:
    """Hidden files are none, as in a shell; what is no picture is counted."""
    for word in (pattern, str(tmp_path / pattern)):
        found = find(word)
        assert (found.root, found.names) == (tmp_path / "photos", names)
    assert find("photos/*").others == ("n.txt",)


def test_brackets_in_a_real_folder_are_no_wildcard(tmp_path: Path) -> None:
    (tmp_path / "照片[1]").mkdir()
    (tmp_path / "照片[1]" / "a.png").touch()
    assert find("照片[1]").names == ("a.png",)
    assert find("照片[1]/a.png").names == ("a.png",)


def test_results_are_no_inputs(tmp_path: Path) -> None:
    """A second run must not pay for what the first has made."""
    assert find("photos/**/*", results=tmp_path / "photos" / "x").names == ("a.JPG", "b.jpg")
    with pytest.raises(InvalidRequest, match=r"-o DIR|be taken as files"):
        find("photos/*", results=tmp_path / "photos")


def test_an_empty_queue_says_what_is_there() -> None:
    with pytest.raises(NothingFound, match=r"photos/\*\.gif.*\.JPG 1, \.jpg 1, \.txt 1"):
        find("photos/*.gif")
    for pattern in ("nothere/*.jpg", "nothere", "photos/nothere.jpg"):
        with pytest.raises(InvalidRequest, match="there is no ") as caught:
            find(pattern)
        assert not isinstance(caught.value, NothingFound)
    with pytest.raises(NothingFound, match="finds no file that goes in here"):
        find("photos/*.jpg", "speech")


@pytest.mark.parametrize(
    ("kind", "name", "field"),
    [
        ("image_edit", "a.webp", "image"),
        ("wanx_edit", "a.png", "image"),
        ("video", "a.png", "image"),
        ("video", "a.mp4", "video"),
        ("text", "a.png", "image"),
        ("text", "a.mov", "video"),
        ("transcription", "a.mp3", "file"),
        ("transcription", "a.mp4", "file"),
        ("speech", "a.txt", "prompt_file"),
        ("image", "a.md", "prompt_file"),
    ],
)
def test_where_a_file_goes(kind: str, name: str, field: str) -> None:
    Path("in").mkdir()
    Path("in", name).write_text("x", encoding="utf-8")
    (row,) = rows(find("in", kind), kind)
    assert row[field] == (name if field == "prompt_file" else [name])


def test_a_row_is_named_after_its_file() -> None:
    Path("photos/b.png").write_text("x", encoding="utf-8")
    Path("photos/c{1}.png").write_text("x", encoding="utf-8")
    found = rows(find("photos/**/*"), prompt="p")
    assert [(row["id"], row.get("output")) for row in found] == [
        ("a", None),
        ("b_jpg", None),
        ("b_png", None),
        ("c{1}", None),
        ("x/c", "x/"),
    ]
    assert {row["prompt"] for row in found} == {"p"}


def test_other_pictures_stand_behind_the_files_own() -> None:
    (row,) = rows(find("photos/b.jpg"), image=["/logo.png"])
    assert row["image"] == ["b.jpg", "/logo.png"]
    with pytest.raises(InvalidRequest, match="leave image out"):
        rows(find("photos/b.jpg", "video"), "video", image=["/logo.png"])


def test_a_file_that_changes_is_another_row_and_one_that_is_touched_is_not() -> None:
    (before,) = rows(find("photos/b.jpg"))
    os.utime("photos/b.jpg", ns=(1, 1))
    (touched,) = rows(find("photos/b.jpg"))
    Path("photos/b.jpg").write_text("other", encoding="utf-8")
    (changed,) = rows(find("photos/b.jpg"))
    assert before == touched != changed


def test_a_moved_folder_is_the_same_rows() -> None:
    before = rows(find("photos/*"))
    Path("photos").rename("elsewhere")
    assert rows(find("elsewhere/*")) == before


def test_a_file_is_read_again_only_if_it_looks_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = KnownDigests(tmp_path)
    digest = first.of(Path("photos/b.jpg"))
    first.keep()
    monkeypatch.setattr(known_digests, "sha256_of", lambda path: f"read {path.name}")
    second = KnownDigests(tmp_path)
    assert second.of(Path("photos/b.jpg")) == digest
    Path("photos/b.jpg").write_text("longer than before", encoding="utf-8")
    assert second.of(Path("photos/b.jpg")) == "read b.jpg"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"x": 1}', "\x00"])
def test_what_is_left_of_the_memory_is_no_trouble(tmp_path: Path, content: str) -> None:
    (tmp_path / known_digests.FILE_NAME).write_text(content, encoding="utf-8")
    known = KnownDigests(tmp_path)
    assert len(known.of(Path("photos/b.jpg"))) == 64
    known.keep()
    assert KnownDigests(tmp_path).of(Path("photos/b.jpg"))
