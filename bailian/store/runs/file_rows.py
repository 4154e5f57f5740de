"""What must be remembered of the rows of a file while it is run: which are alike, where each stands, which are left.

A million rows need no more memory than ten thousand: what is older is on the disk.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bailian.store.runs.scratch import Scratch

# So many rows are in memory, and read or written at once.
FRESH_ROWS = 5_000
PAGE_ROWS = 500
# A filter of 4 MB that says of most keys that they are new. Of a million rows, 4 in 1,000 are looked up in vain.
_FILTER_BITS = 1 << 25
_SCHEMA = (
    "CREATE TABLE alike (key TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE places (position INTEGER PRIMARY KEY, key TEXT NOT NULL, place TEXT NOT NULL)",
    "CREATE TABLE lefts (key TEXT PRIMARY KEY) WITHOUT ROWID",
)


class FileRows:
    """The rows of one file."""

    def __init__(self, scratch: Scratch | None = None) -> None:
        self._scratch = scratch or Scratch()
        self._made = False
        self._fresh: dict[str, int] = {}
        """How many rows there are of each key, where that is not on the disk yet."""
        self._filter = bytearray()
        self._places: list[tuple[int, str, str]] = []
        self._lefts: set[str] = set()
        self._more_left = False

    def number_of(self, key: str) -> int:
        """Count a row in; return which of those with this very content it is, from 1."""
        before = self._fresh.get(key)
        if before is None:
            before = self._count_of(key)
            if len(self._fresh) >= FRESH_ROWS:
                self._put_down_counts()
        self._fresh[key] = before + 1
        return before + 1

    def note(self, position: int, key: str, place: str) -> None:
        """Take in where a row stands: its number among the rows, and what its place is called."""
        self._places.append((position, key, place))
        if len(self._places) >= FRESH_ROWS:
            self._put_down_places()

    def leave(self, key: str) -> None:
        """Take in that a row is over, not done, and left so."""
        self._lefts.add(key)
        if len(self._lefts) >= FRESH_ROWS:
            self._tables().write("INSERT OR IGNORE INTO lefts VALUES (?)", [(one,) for one in sorted(self._lefts)])
            self._lefts, self._more_left = set(), True

    def is_left(self, key: str) -> bool:
        """Return whether a row is one of those."""
        if key in self._lefts:
            return True
        return self._more_left and bool(self._tables().read("SELECT 1 FROM lefts WHERE key = ?", (key,)))

    def pages(self) -> Iterator[dict[str, str]]:
        """Yield the place of each row by its key, in the order of the file, a few hundred at a time."""
        self._put_down_places()
        last = -1
        while found := self._tables().read(
            "SELECT position, key, place FROM places WHERE position > ? ORDER BY position LIMIT ?", (last, PAGE_ROWS)
        ):
            last = found[-1][0]
            yield {key: place for _, key, place in found}

    def places_of(self, keys: Collection[str]) -> dict[str, str]:
        """Return the places of a few rows, of those that are in the file."""
        self._put_down_places()
        found = self._tables().read(f"SELECT key, place FROM places WHERE key IN ({_marks(keys)})", tuple(keys))  # noqa: S608
        return dict(found)

    def present(self, keys: Collection[str]) -> list[str]:
        """Return those of a few hundred keys that a row of the file has."""
        absent = set(self.absent(keys))
        return [key for key in keys if key not in absent]

    def absent(self, keys: Collection[str]) -> list[str]:
        """Return those of a few hundred keys that no row of the file has."""
        bases = {key: key.partition("-") for key in keys}
        on_disk = self._counts_of({base for base, _, _ in bases.values() if base not in self._fresh})
        return [
            key
            for key, (base, _, number) in bases.items()
            if self._fresh.get(base, on_disk.get(base, 0)) < int(number or 1)
        ]

    def close(self) -> None:
        self._scratch.close()

    def _tables(self) -> Scratch:
        if not self._made:
            self._scratch.make(*_SCHEMA)
            self._made = True
        return self._scratch

    def _count_of(self, key: str) -> int:
        if not self._filter:
            return 0
        for bit in _bits(key):
            if not self._filter[bit >> 3] >> (bit & 7) & 1:
                return 0
        return self._counts_of({key}).get(key, 0)

    def _counts_of(self, keys: Collection[str]) -> dict[str, int]:
        if not self._filter or not keys:
            return {}
        found = self._tables().read(f"SELECT key, count FROM alike WHERE key IN ({_marks(keys)})", tuple(keys))  # noqa: S608
        return dict(found)

    def _put_down_counts(self) -> None:
        """Sorted, they fall on neighbouring pages of the disk."""
        self._filter = self._filter or bytearray(_FILTER_BITS >> 3)
        for key in self._fresh:
            for bit in _bits(key):
                self._filter[bit >> 3] |= 1 << (bit & 7)
        self._tables().write("INSERT OR REPLACE INTO alike VALUES (?, ?)", sorted(self._fresh.items()))
        self._fresh = {}

    def _put_down_places(self) -> None:
        if self._places:
            self._tables().write("INSERT INTO places VALUES (?, ?, ?)", self._places)
        self._places = []


def _bits(key: str) -> tuple[int, int]:
    """Return two places in the filter: a key is a digest, so its digits are as good as chance."""
    number = int(key[:14], 16)
    return number % _FILTER_BITS, (number >> 28) % _FILTER_BITS


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))
