"""Addresses in storage, as values: nothing is read or loaded for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bailian.errors import InvalidRequest
from bailian.files.outputs import place_of, result_path, row_place
from bailian.store.paths import restored, stored
from bailian.text.storage_path import StoragePath, holds_password, is_storage, link_from


def place(word: str) -> StoragePath:
    found = StoragePath.parse(word)
    assert found is not None
    return found


def test_an_address_keeps_both_its_slashes() -> None:
    cat = place("s3://bucket/pets/cat.png")
    assert str(cat) == "s3://bucket/pets/cat.png"
    assert (cat.name, cat.stem, cat.suffix, cat.bucket) == ("cat.png", "cat", ".png", "bucket")
    assert str(cat.parent / "dog.tar.gz") == "s3://bucket/pets/dog.tar.gz"
    assert str(cat.with_name("猫.png")) == "s3://bucket/pets/猫.png"
    assert str(cat.with_suffix("")) == "s3://bucket/pets/cat"
    assert Path("outputs") / cat == cat.absolute() == cat
    assert str(cat.root) == "s3://bucket"


@pytest.mark.parametrize(
    "word",
    ["cat.png", "/a/b", "C:\\a", "C:/a", "-", "https://h/a.png", "http://h", "file:///a", "data:image/png;base64,"],
)
def test_what_is_no_address_in_storage(word: str) -> None:
    assert StoragePath.parse(word) is None
    assert not is_storage(word)


def test_a_path_of_this_machine_is_never_taken_for_one() -> None:
    """`pathlib` makes one slash of two, so what the journal holds means one thing."""
    assert restored(stored(Path("s3://bucket/cat.png"))) == Path("s3:/bucket/cat.png")
    assert restored(stored(place("s3://bucket/cat.png"))) == place("s3://bucket/cat.png")


def test_it_cannot_be_opened_as_a_file_of_this_machine() -> None:
    with pytest.raises(TypeError):
        open(place("s3://bucket/cat.png"))  # type: ignore[call-overload]  # noqa: PTH123, SIM115


@pytest.mark.parametrize(
    "word, folder, name",
    [
        ("s3://bucket", "s3://bucket", None),
        ("s3://bucket/", "s3://bucket", None),
        ("s3://bucket.png", "s3://bucket.png", None),
        ("s3://bucket/pets", "s3://bucket/pets", None),
        ("s3://bucket/v1.5", "s3://bucket/v1.5", None),
        ("s3://bucket/cat.png/", "s3://bucket/cat.png", None),
        ("s3://bucket/pets/cat.png", "s3://bucket/pets", "cat"),
        ("memory://pets/cat.PNG", "memory://pets", "cat"),
    ],
)
def test_a_word_means_a_prefix_or_a_file_as_on_a_disk(word: str, folder: str, name: str | None) -> None:
    found = place_of(word, ("png",))
    assert (str(found.folder), found.stem) == (folder, name)


def test_a_file_address_is_a_path_of_this_machine() -> None:
    assert result_path("file:///shared/results") == Path("/shared/results")


@pytest.mark.parametrize(
    "word, says",
    [
        ("s3://me:secret@bucket/", "has a password in it"),
        ("s3://", "names no bucket"),
        ("https://h/results/", "cannot be put under a link"),
        ("oss://dashscope-instant/a/", "the service's own temporary storage"),
        ("s3://bucket/cat.txt", "a file ends in png, not in txt"),
    ],
)
def test_where_nothing_can_be_put_is_refused(word: str, says: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        place_of(word, ("png",))
    assert says in str(refused.value)
    assert "secret" not in f"{refused.value} {refused.value.advice}"


def test_an_account_in_an_address_is_no_password() -> None:
    assert not holds_password("abfs://container@account.dfs.core/a:b@c")


def test_a_link_is_relative_where_both_are_in_one_bucket() -> None:
    folder = place("s3://bucket/texts")
    assert link_from(folder, place("s3://bucket/pictures/1.png")) == "../pictures/1.png"
    assert link_from(folder, place("s3://other/1.png")) == "s3://other/1.png"
    assert link_from(Path("/a/b"), Path("/a/c/1.png")) == "../c/1.png"


def test_a_rows_place_below_a_prefix() -> None:
    below = row_place("pets/cat.png", ("png",)).folder
    assert below is not None
    assert str(place("s3://bucket/batch") / str(below)) == "s3://bucket/batch/pets"


@pytest.mark.slow
def test_nothing_is_loaded_for_results_on_a_disk() -> None:
    code = (
        "import sys, bailian.engine.engine, bailian.cli.scripts.request, bailian.batch.output.gallery_card\n"
        "from bailian.files.outputs import place_of\n"
        "place_of('s3://bucket/cat.png', ('png',))\n"
        "print([name for name in ('fsspec', 's3fs', 'botocore') if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_half_an_address_is_no_folder() -> None:
    with pytest.raises(InvalidRequest) as refused:
        place_of("s3:/shop/pictures/", ())
    assert "-o s3://shop/pictures/" in refused.value.advice
    assert str(place_of("./s3:/shop/", ()).folder) == "s3:/shop"
    assert str(place_of("C:/shop/", ()).folder) in ("C:/shop", "C:\\shop")
