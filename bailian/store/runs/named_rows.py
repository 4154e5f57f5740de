"""What the rows of a file are called by, and what is known of each: a few thousand in memory, all on the disk."""

from __future__ import annotations

from bailian.store.runs.scratch import Scratch

FRESH_NAMES = 5_000


class NamedRow:
    """The first row of that name."""

    __slots__ = ("count", "double", "key", "kind", "later")

    def __init__(
        self, key: str = "", kind: str = "", count: int = 0, later: int | None = None, double: str | None = None
    ) -> None:
        self.key = key
        """Empty until its sources are known."""
        self.kind = kind
        self.count = count
        """How many results it makes; 0: it was not planned."""
        self.later = later
        """Its number among those that wait on the disk; None: it did not wait."""
        self.double = double
        """Place of the second row of that name."""


class NamedRows:
    """Names and rows. What `get` and `made` return may be changed until the next call."""

    def __init__(self) -> None:
        self._scratch = Scratch()
        self._fresh: dict[str, NamedRow] = {}
        self._any_on_disk = False
        self.count = 0

    def get(self, name: str) -> NamedRow | None:
        """Return the row of a name; None: there is none so far."""
        found = self._fresh.get(name)
        if found is None and self._any_on_disk:
            rows = self._scratch.read("SELECT key, kind, count, later, double FROM named WHERE name = ?", (name,))
            if rows:
                found = self._remember(name, NamedRow(*rows[0]))
        return found

    def made(self, name: str) -> NamedRow:
        """Return the row of a name, a new one if there is none."""
        found = self.get(name)
        if found is None:
            self.count += 1
            found = self._remember(name, NamedRow())
        return found

    def fresh_names(self) -> list[str]:
        """Return the names that are in memory: of a file with few, all; those that wait come last."""
        return sorted(self._fresh, key=lambda name: not self._fresh[name].key)

    def close(self) -> None:
        self._scratch.close()

    def _remember(self, name: str, row: NamedRow) -> NamedRow:
        if len(self._fresh) >= FRESH_NAMES:
            self._put_down()
        self._fresh[name] = row
        return row

    def _put_down(self) -> None:
        if not self._any_on_disk:
            self._scratch.make(
                "CREATE TABLE named (name TEXT PRIMARY KEY, key, kind, count, later, double) WITHOUT ROWID"
            )
            self._any_on_disk = True
        rows = [(name, *(getattr(row, one) for one in _COLUMNS)) for name, row in sorted(self._fresh.items())]
        self._scratch.write("INSERT OR REPLACE INTO named VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._fresh = {}


_COLUMNS = ("key", "kind", "count", "later", "double")
