"""Rows of a server, as SQLite's are: by the names of their columns, or by their places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from psycopg import Cursor


class ServerRow:
    """One row."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: Mapping[str, int], values: Sequence[Any]) -> None:
        self._places, self._values = places, values

    def __getitem__(self, key: Any, /) -> Any:
        return self._values[self._places[key]] if isinstance(key, str) else self._values[key]

    def keys(self) -> list[str]:
        return list(self._places)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def as_rows(cursor: Cursor[Any]) -> Callable[[Sequence[Any]], ServerRow]:
    """Return what makes rows of what the server has sent."""
    places = {column.name: number for number, column in enumerate(cursor.description or ())}
    return lambda values: ServerRow(places, values)
