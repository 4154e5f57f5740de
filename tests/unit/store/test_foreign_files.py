"""A journal, or a file of places, that is none: said in words, with what to do, and left as it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bailian.errors import BailianError, SetupError
from bailian.store import schema
from bailian.store.jobs import Journal
from bailian.store.pace import limits
from bailian.store.pace.limits import SharedLimits


def other_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE cookies (a)")
        db.execute("PRAGMA user_version=2")


def numbered_only(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE jobs (a)")
        db.execute("CREATE TABLE queues (a)")


FOREIGN: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.touch(),
    "text": lambda path: path.write_text("no database, but long enough for a header of one " * 9, encoding="utf-8"),
    "zeros": lambda path: path.write_bytes(bytes(8192)),
    "another program's": other_program,
    "without a version": numbered_only,
    "cut": lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(50)),
}


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("kind, file", [(Journal, schema.TABLES.file_name), (SharedLimits, limits.TABLES.file_name)])
def test_a_file_that_is_none_of_ours(tmp_path: Path, kind: type, file: str, name: str) -> None:
    path = tmp_path / file
    FOREIGN[name](path)
    before = path.read_bytes()
    with pytest.raises(SetupError) as raised:
        kind(tmp_path)
    assert str(path) in raised.value.message
    assert "is not a file of this toolkit" in raised.value.message
    assert "mv " in raised.value.advice
    assert path.read_bytes() == before


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / schema.TABLES.file_name).mkdir()
    with pytest.raises(BailianError) as raised:
        Journal(tmp_path)
    assert raised.value.exit_code == 5
    assert raised.value.advice
