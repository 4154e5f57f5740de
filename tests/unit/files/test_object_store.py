"""What is put into storage, with a store in memory: whole, under a free name, known again."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bailian.errors import InvalidRequest
from bailian.files.storage import object_store
from bailian.files.storage.local_digests import digests_of
from bailian.files.storage.object_store import StorageError, create, holds
from bailian.files.storage.put_results import check_prefix, put_before, put_first
from bailian.inputs.lookup import input_of
from bailian.text.storage_path import StoragePath

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def folder() -> Iterator[StoragePath]:
    found = StoragePath.parse(f"memory://{uuid4().hex}/pets")
    assert found is not None
    yield found
    object_store.let_go()


def file(tmp_path: Path, text: str = "a cat") -> Path:
    path = tmp_path / uuid4().hex
    path.write_text(text, encoding="utf-8")
    return path


def put(path: Path, target: StoragePath, *, mine: bool = False, resumed: bool = False) -> str:
    return str(put_first(path, target, digests_of(path), lambda _place: mine, resumed=resumed))


def content(place: StoragePath) -> str:
    return str(fsspec.filesystem("memory").cat_file(f"/{place.key}").decode())


def test_an_object_is_never_replaced(folder: StoragePath, tmp_path: Path) -> None:
    cat = folder / "cat.png"
    names = [put(file(tmp_path, f"cat {number}"), cat) for number in range(3)]
    assert names == [f"{folder}/{name}" for name in ("cat.png", "cat-2.png", "cat-3.png")]
    assert content(cat) == "cat 0"
    assert content(folder / "cat-3.png") == "cat 2"


def test_results_that_are_alike_have_an_object_each(folder: StoragePath, tmp_path: Path) -> None:
    cat = folder / "cat.txt"
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda _number: put(file(tmp_path, "yes"), cat, mine=True), range(20)))
    assert len(set(names)) == 20


def test_what_a_killed_process_has_put_is_known_again(folder: StoragePath, tmp_path: Path) -> None:
    cat, path = folder / "cat.png", file(tmp_path)
    put(file(tmp_path, "another's"), cat)
    assert create(path, folder / "cat-2.png", digests_of(path))
    assert put(path, cat, mine=True, resumed=True) == f"{folder}/cat-2.png"
    found = put_before(cat, digests_of(path).sha256, lambda _place: True)
    assert str(found) == f"{folder}/cat-2.png", "the file is gone, and the object tells it"
    assert put_before(cat, digests_of(path).sha256, lambda _place: False) is None


class _Lying:
    """A store that keeps half of what it is given."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def pipe_file(self, path: str, data: bytes, mode: str = "overwrite") -> None:
        self._real.pipe_file(path, data[: len(data) // 2], mode=mode)


class _Simple(_Lying):
    """A store whose library knows of no conditional put."""

    def pipe_file(self, path: str, data: bytes, **_more: Any) -> None:  # type: ignore[override]
        self._real.pipe_file(path, data)


def through(monkeypatch: pytest.MonkeyPatch, kind: type[_Lying]) -> None:
    real = kind(fsspec.filesystem("memory"))
    monkeypatch.setattr("fsspec.core.url_to_fs", lambda *_words, **_more: (real, ""))


def test_half_an_object_is_none(folder: StoragePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    through(monkeypatch, _Lying)
    path = file(tmp_path)
    with pytest.raises(StorageError, match="not whole") as broken:
        create(path, folder / "cat.png", digests_of(path))
    assert broken.value.passing
    assert not object_store.is_there(folder / "cat.png")


def test_without_conditional_puts_a_look_decides(
    folder: StoragePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    through(monkeypatch, _Simple)
    names = [put(file(tmp_path, f"cat {number}"), folder / "cat.png") for number in range(2)]
    assert names == [f"{folder}/cat.png", f"{folder}/cat-2.png"]
    assert content(folder / "cat.png") == "cat 0"


def test_content_is_known_without_a_checksum_of_the_store(folder: StoragePath, tmp_path: Path) -> None:
    path = file(tmp_path)
    create(path, folder / "cat.png", digests_of(path))
    assert holds(folder / "cat.png", digests_of(path).sha256)
    assert not holds(folder / "cat.png", digests_of(file(tmp_path, "a dog")).sha256)
    assert not holds(folder / "none.png", digests_of(path).sha256)


def test_the_probe_leaves_nothing(folder: StoragePath) -> None:
    check_prefix("output", folder)
    assert object_store.names_below(folder) == set()


def test_a_library_that_is_missing_is_told_with_the_line_that_adds_it() -> None:
    place = StoragePath.parse("gs://bucket/pets")
    assert place is not None
    with pytest.raises(InvalidRequest) as refused:
        check_prefix("output", place)
    assert "gs:// needs a library that is missing: gcsfs" in str(refused.value)
    assert refused.value.advice == "install the toolkit with its extra [cluster] and gcsfs"


def test_a_storage_that_nobody_knows_is_refused() -> None:
    place = StoragePath.parse("nowhere://bucket/pets")
    assert place is not None
    with pytest.raises(InvalidRequest, match="nowhere:// is no storage that is known"):
        check_prefix("output", place)


def test_no_password_of_a_library_is_shown(folder: StoragePath) -> None:
    error = StorageError(folder, OSError('Could not connect to the endpoint URL: "http://me:secret@host/bucket"'))
    assert "secret" not in str(error)
    assert "http://host/bucket" in str(error)


def test_an_input_is_bounded_and_told_by_its_own_name(folder: StoragePath, tmp_path: Path) -> None:
    put(file(tmp_path, "no picture"), folder / "cat.png")
    with pytest.raises(InvalidRequest, match=f"{folder}/cat.png is text"):
        input_of("image", f"{folder}/cat.png", tmp_path)
    with pytest.raises(InvalidRequest, match=f"cannot read {folder}/none.png: No such file or directory"):
        input_of("image", f"{folder}/none.png", tmp_path)
    copy = tmp_path / "copy"
    assert not object_store.fetch(folder / "cat.png", copy, 4)
    assert copy.stat().st_size == 5


def test_the_services_own_link_is_passed_on(tmp_path: Path) -> None:
    url = "oss://dashscope-instant/a/b.png"
    assert input_of("image", url, tmp_path).url == url
