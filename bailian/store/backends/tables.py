"""What one database of the store is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Tables:
    """The tables that are opened together."""

    name: str
    """Of the SQLite file, without its end; and of these tables' version on a server."""
    schema: str
    """SQL of SQLite that makes them."""
    version: int
    migrations: Mapping[int, str] = field(default_factory=dict)
    """SQL of SQLite by the version that it leads to."""
    plain_schema: str = ""
    """The part of `schema` that makes tables and indexes: all but the sums with their triggers. Empty: all of it."""
    durable: bool = True
    """Every commit is on the disk before `transaction()` ends. Without it a power cut may lose the last commits, a killed
    process does not."""

    @property
    def tables_schema(self) -> str:
        return self.plain_schema or self.schema

    @property
    def has_sums(self) -> bool:
        return bool(self.plain_schema)

    @property
    def file_name(self) -> str:
        return f"{self.name}.sqlite3"
