"""Which rows of a batch have ended since one looked last, whoever has brought them to their end."""

from __future__ import annotations

from collections.abc import Iterator

from bailian.store.backends.dialects import packed
from bailian.store.job_rows import job_row
from bailian.store.jobs import Journal
from bailian.store.schema import JobRow
from bailian.store.states import FINAL_STATES, OPEN_STATES

# So many numbers, and so many rows, are read at once.
PAGE_NUMBERS, PAGE_ROWS = 5000, 200
_OF_RUN = "account = ? AND run = ? AND kind = COALESCE(?, kind)"
_OVER = "state IN ('{}')".format("', '".join(FINAL_STATES))
_OPEN = "state IN ('{}')".format("', '".join(OPEN_STATES))


class EndedRows:
    """Of one batch. A row that has ended before the first look is none of them.

    In memory is a byte a row, and only rows from the first open one on are looked at: they end about in their order.
    """

    def __init__(self, journal: Journal, account: str, run: str, kind: str | None = None) -> None:
        self._database = journal.database
        self._of = (account, run, kind)
        self._first = self._first_open()
        self._base = self._first or 0
        self._told = bytearray()
        for numbers in self._ended():
            self._tell(numbers)

    def any_open(self) -> bool:
        """Return whether a row waits, or is under way."""
        return bool(self._database.read(f"SELECT 1 FROM jobs WHERE {_OF_RUN} AND {_OPEN} LIMIT 1", self._of))  # noqa: S608

    def look(self) -> Iterator[JobRow]:
        """Yield the rows that have ended since the last look, in the order of the file."""
        if self._first is None:
            return
        first = self._first_open()  # asked first: what ends meanwhile is found by this look, or by the next one
        for numbers in self._ended():
            fresh = [number for number in numbers if not self._is_told(number)]
            for begin in range(0, len(fresh), PAGE_ROWS):
                some = fresh[begin : begin + PAGE_ROWS]
                self._tell(some)
                yield from self._rows(some)
        self._first = self._first if first is None else first

    def _first_open(self) -> int | None:
        (row,) = self._database.read(f"SELECT MIN(rowid) AS number FROM jobs WHERE {_OF_RUN} AND {_OPEN}", self._of)  # noqa: S608
        return None if row["number"] is None else int(row["number"])

    def _ended(self) -> Iterator[list[int]]:
        last = (self._first or 0) - 1
        while found := self._database.read(
            f"SELECT rowid AS number FROM jobs WHERE {_OF_RUN} AND {_OVER} AND rowid > ? ORDER BY rowid LIMIT ?",  # noqa: S608
            (*self._of, last, PAGE_NUMBERS),
        ):
            last = int(found[-1]["number"])
            yield [int(row["number"]) for row in found]

    def _rows(self, numbers: list[int]) -> list[JobRow]:
        chosen = self._database.dialect.chosen_numbers
        found = self._database.read(
            f"SELECT * FROM jobs WHERE rowid IN ({chosen}) ORDER BY rowid",  # noqa: S608
            (packed(numbers),),
        )
        return [job_row(row) for row in found]

    def _tell(self, numbers: list[int]) -> None:
        for number in numbers:
            place = number - self._base
            if place >= len(self._told):
                self._told.extend(bytes(place + 1 - len(self._told) + PAGE_NUMBERS))
            self._told[place] = 1

    def _is_told(self, number: int) -> bool:
        place = number - self._base
        return place < len(self._told) and self._told[place] == 1
