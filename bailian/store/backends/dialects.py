"""Where the SQL of SQLite and of PostgreSQL differ. Everything else in the store's statements is understood by both."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from bailian.store.backends.translation import storable

TEXT, REAL, INTEGER = "TEXT", "REAL", "INTEGER"


class Dialect(Protocol):
    """Returns SQL."""

    chosen: str
    """The values of a JSON list of texts, which is one `?`."""
    chosen_numbers: str
    """The same of whole numbers."""
    claim_number: str
    """The number of a job's row, as rows that nobody has taken are looked up by it."""
    skip_locked: str
    """Ends a choice of rows that are about to be changed: those that another transaction has chosen are left to it."""

    def listed(self, **columns: str) -> str:
        """Return a table `new` of rows that come as one JSON list of lists; `columns` are names and types."""
        ...

    def json_text(self, column: str, *path: str) -> str:
        """Return a value inside a column of JSON, as text; NULL where there is none."""
        ...

    def json_number(self, column: str, *path: str, most: float) -> str:
        """Return a number from 0 to `most` inside a column that may be no JSON; anything else is NULL."""
        ...

    def truncated(self, number: str) -> str:
        """Return the whole number towards zero."""
        ...

    def rounded(self, number: str) -> str:
        """Return the nearest whole number."""
        ...

    def same(self, one: str, other: str) -> str:
        """Return whether two values are the same; NULL is the same as NULL."""
        ...

    def unindexed(self, column: str) -> str:
        """Return a column that no index is looked up by: other conditions name fewer rows."""
        ...


class SqliteDialect:
    """SQLite from 3.33 (2020-08) on."""

    chosen = chosen_numbers = "SELECT value FROM json_each(?)"
    claim_number = "rowid"
    skip_locked = ""  # a file has room for one writer

    def listed(self, **columns: str) -> str:
        values = ", ".join(f"json_extract(value, '$[{number}]') AS {name}" for number, name in enumerate(columns))
        return f"(SELECT {values} FROM json_each(?)) AS new"  # noqa: S608

    def json_text(self, column: str, *path: str) -> str:
        return f"json_extract({column}, '$.{'.'.join(path)}')"

    def json_number(self, column: str, *path: str, most: float) -> str:
        # An older version kept NaN as it came, which SQLite calls malformed. Text compares as more than any number.
        value = self.json_text(column, *path)
        return f"CASE WHEN json_valid({column}) AND {value} BETWEEN 0 AND {most} THEN {value} END"

    def truncated(self, number: str) -> str:
        return f"CAST({number} AS INTEGER)"

    def rounded(self, number: str) -> str:
        return f"CAST(ROUND({number}) AS INTEGER)"

    def same(self, one: str, other: str) -> str:
        return f"{one} IS {other}"

    def unindexed(self, column: str) -> str:
        return f"+{column}"


class PostgresDialect:
    """PostgreSQL from 12 on."""

    chosen = "SELECT json_array_elements_text(CAST(? AS JSON))"
    chosen_numbers = "SELECT CAST(json_array_elements_text(CAST(? AS JSON)) AS BIGINT)"
    # As an index has it that holds such rows alone: by the number itself the planner walks past all that are taken.
    claim_number = "(rowid + 0)"
    skip_locked = "FOR UPDATE SKIP LOCKED"
    types: Mapping[str, str] = {TEXT: "TEXT", REAL: "DOUBLE PRECISION", INTEGER: "BIGINT"}

    def listed(self, **columns: str) -> str:
        values = ", ".join(
            f"CAST(value ->> {number} AS {self.types[type_name]}) AS {name}"
            for number, (name, type_name) in enumerate(columns.items())
        )
        return f"(SELECT {values} FROM json_array_elements(CAST(? AS JSON)) AS value) AS new"  # noqa: S608

    def json_text(self, column: str, *path: str) -> str:
        # What others have sent may have a NUL in it, as an escape: it is stored, and cannot be read as text.
        return f"CAST(REPLACE({column}, '\\u0000', '\\ufffd') AS JSON) #>> {_array(path)}"

    def json_number(self, column: str, *path: str, most: float) -> str:
        return f"number_in({column}, {_array(path)}, {most})"  # a function of ours, see `server_schema`

    def truncated(self, number: str) -> str:
        return f"CAST(TRUNC(CAST({number} AS NUMERIC)) AS BIGINT)"

    def rounded(self, number: str) -> str:
        return f"CAST(ROUND(CAST({number} AS NUMERIC)) AS BIGINT)"

    def same(self, one: str, other: str) -> str:
        return f"{one} IS NOT DISTINCT FROM {other}"

    def unindexed(self, column: str) -> str:
        return f"({column} || '')"  # the planner knows nothing of a young table, and would look through a whole state


def _array(path: Sequence[str]) -> str:
    return f"ARRAY[{', '.join(repr(one) for one in path)}]"


SQLITE = SqliteDialect()
POSTGRESQL = PostgresDialect()


def packed(values: Iterable[Any]) -> str:
    """Return values as the one JSON list that `chosen` and `listed` take apart. No text of a database has a NUL in it."""
    listed = list(values)
    text = json.dumps(listed)
    # Looking at each value of thousands that have none took longer than the statement itself.
    return json.dumps(_without_nul(listed)) if "\\u0000" in text else text


def _without_nul(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without_nul(one) for one in value]
    return storable(value)
