"""A row of a file, read: what it asks for, where it stands, how it is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from bailian.types import Notice
from bailian.types.result_of import ResultOf


class Source(NamedTuple):
    """Another row's result, where it goes in."""

    field: str
    result: ResultOf
    key: str = ""
    """Of the row that makes it; empty until it is known."""


class BatchRow(NamedTuple):
    """One request of a batch; a single request is a batch of one row, which has no place and no key."""

    kind: str
    fields: dict[str, Any]
    """Under our names, complete with the file's defaults; paths of inputs are absolute."""
    where: str = ""
    """Its place: "image_tasks[3]", "[3]" in a list, "line 12", "request"; the second of a matrix adds "#2"."""
    name: str | None = None
    """Template of its file names, see `files.naming`."""
    output: str | None = None
    """Folder below the output folder, in the words of a template."""
    label: str | None = None
    """The user's `id`."""
    key: str = ""
    """The same for the same content, wherever in the file or on the disk it stands; two equal rows are "…", "…-2"."""
    notices: tuple[Notice, ...] = ()
    """What is to be said about how it was read."""
    sources: tuple[Source, ...] = ()
    """The results of other rows that go in. `key` counts them in only when `chains` has seen those rows."""
    number: int = 0
    """Of a row that a matrix made: which of them, from 1."""
    position: int = 0
    """How many rows stand above it in the file."""
    pattern: int = 0
    """The same number for rows that differ in nothing but their text and id; 0: it was read word for word."""


class RowPosition(NamedTuple):
    """Where a row stands, see `BatchRow`."""

    where: str
    number: int
    position: int


@dataclass(frozen=True)
class RowReading:
    """What a command says of all rows of its file."""

    default_kind: str | None = None
    """That of rows that say nothing of theirs."""
    template: str | None = None
    """Names the files of rows that have no name of their own."""
    models: tuple[str, ...] = ()
    """Each row is run by each of them; none: by its own."""
    placed_by_id: bool = False
    """The file was made for the run: people know its rows by their ids, and not by their lines."""


NOTHING_SAID = RowReading()
