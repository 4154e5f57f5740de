"""Rows whose inputs are other rows' results: each comes behind its sources, with a key that counts theirs in.

A row may stand above its source in the file. Such rows wait on the disk until the file is read; in memory are ids, keys
and edges, not rows. What is wrong with the references is said together with everything else.
"""

from __future__ import annotations

import hashlib
import pickle
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from tempfile import TemporaryFile

from bailian.batch.input.batch_row import BatchRow, Source
from bailian.batch.input.circles import circles
from bailian.batch.input.problems import Problems, placed
from bailian.batch.input.result_shapes import shape_problem, suffix_of
from bailian.batch.input.rows import RowBuilder
from bailian.batch.row_patterns import KEY_CHARS
from bailian.catalog import did_you_mean
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.store.runs.named_rows import NamedRows
from bailian.types.result_of import replaced

# Looking for the nearest id is slow: it is done in a file that a person can have written.
NEAR_IDS_MAX = 2_000
NEAR_MAX = 20
# A circle's ids are named up to here.
CIRCLE_SHOWN_MAX = 8


class Chains:
    """The ids of one file, and which rows wait for which."""

    def __init__(self) -> None:
        self._named = NamedRows()
        """By their ids."""
        self._wanted: dict[str, str] = {}
        """Id → place of the first row that takes its result."""
        self._indexes: list[tuple[str, Source]] = []
        """Place and source where it is not the first result."""
        self._unknown = 0

    def __bool__(self) -> bool:
        """Return whether any row takes another one's result."""
        return bool(self._wanted)

    def in_order(
        self, rows: Iterable[BatchRow], builder: RowBuilder, problems: Problems, kind: str | None = None
    ) -> Iterator[BatchRow]:
        """Yield the rows of a file, every one behind its sources; those that cannot be are problems.

        `builder` makes the rows; `kind` is the only one that it makes.
        """
        self._builder, self._problems, self._kind = builder, problems, kind
        with closing(_Waiting()) as waiting:
            for row in rows:
                if row.label is None and not row.sources:
                    yield row
                    continue
                self._note(row)
                ready = self._with_keys(row) if row.sources else row
                if ready is None:
                    self._put_off(row, waiting.add(row))
                else:
                    self._register(ready)
                    yield ready
            if self._wanted:
                self._refuse_doubles()
                yield from self._of_waiting(waiting)

    def planned(self, row: BatchRow, count: int) -> None:
        """Take in how many results a row makes."""
        for name in _names(row):
            one = self._named.get(name)
            if one is not None and one.key == row.key:
                one.count = count

    def check_indexes(self, problems: Problems, made_before: Callable[[str], int] = lambda _key: 0) -> None:
        """Refuse results that their rows do not make. `made_before`: how many a row makes that was not planned now."""
        for where, source in self._indexes:
            one = self._named.get(source.result.label)
            count = 0 if one is None or not one.key else one.count or made_before(one.key)
            if 0 < count < source.result.number:
                label, number_wanted, _ = source.result
                text = tr(
                    f"takes result {number_wanted} of row {label}, which makes {count}",
                    f"引用行 {label} 的第 {number_wanted} 个结果，但该行只生成 {count} 个",
                )
                problems.add(where, source.field, text)

    def _note(self, row: BatchRow) -> None:
        for source in row.sources:
            self._wanted.setdefault(source.result.label, row.where)
            if source.result.number > 1:
                self._indexes.append((row.where, source))
        for name in _names(row):
            one = self._named.get(name)
            if one is not None and one.double is None:
                one.double = row.where

    def _register(self, row: BatchRow) -> None:
        for name in _names(row):
            one = self._named.made(name)
            if not one.key:
                one.key, one.kind = row.key, row.kind

    def _put_off(self, row: BatchRow, number: int) -> None:
        for name in _names(row):
            one = self._named.made(name)
            if not one.key and one.later is None:
                one.later = number

    def _with_keys(self, row: BatchRow) -> BatchRow | None:
        """Return a row with its sources' keys in its own; None where a source has none yet."""
        known = [self._key_and_kind(source.result.label) for source in row.sources]
        if any(not key for key, _ in known):
            return None
        sources, words = [], {}
        for source, (source_key, kind) in zip(row.sources, known, strict=True):
            problem = shape_problem(row.kind, source, kind)
            if problem:
                self._problems.add(row.where, source.field, problem)
            result = source.result._replace(suffix=suffix_of(kind))
            words[source.result.word] = result.word
            sources.append(Source(source.field, result, source_key))
        fields = replaced(row.fields, lambda word: words.get(word, word))
        text = "\n".join([row.key, *(source.key for source in sources)])
        key = self._builder.numbered(hashlib.sha256(text.encode("ascii")).hexdigest()[:KEY_CHARS])
        return row._replace(fields=fields, key=key, sources=tuple(sources))

    def _key_and_kind(self, label: str) -> tuple[str, str]:
        one = self._named.get(label)
        return ("", "") if one is None else (one.key, one.kind)

    def _later(self, labels: Iterable[str]) -> list[int]:
        """Return the numbers of the rows of these ids that wait on the disk."""
        found = (self._named.get(label) for label in labels)
        return [one.later for one in found if one is not None and one.later is not None]

    def _of_waiting(self, waiting: _Waiting) -> Iterator[BatchRow]:
        """Yield the rows that stand above their sources, each behind these (Kahn's order)."""
        missing = [0] * len(waiting)
        followers: dict[int, list[int]] = {}
        for number, labels in enumerate(waiting.labels):
            for source in set(self._later(labels)):
                followers.setdefault(source, []).append(number)
                missing[number] += 1
        free = deque(number for number, count in enumerate(missing) if not count)
        while free:
            number = free.popleft()
            row = waiting.row(number)
            ready = self._with_keys(row)
            if ready is None:
                self._refuse_unknown(row)
            else:
                self._register(ready)
                yield ready
            for follower in followers.get(number, ()):
                missing[follower] -= 1
                if not missing[follower]:
                    free.append(follower)
        self._refuse_circles(waiting, missing)

    def _refuse_unknown(self, row: BatchRow) -> None:
        """Say which ids no row has; that of a row in which something is wrong is known, and said there."""
        left_out = self._builder.labels_left_out
        for source in row.sources:
            label = source.result.label
            if self._key_and_kind(label)[0] or label in left_out:
                continue
            text = tr(f"no row of this file has the id {label!r}", f"本文件中没有 id 为 {label!r} 的行") + self._near(
                label
            )
            if self._kind:
                command = how_to().command("batch run")
                text += tr(
                    f"; only the {self._kind} rows are run here, all are by `{command}`",
                    f"；此处只运行 {self._kind} 行，`{command}` 运行全部",
                )
            self._problems.add(row.where, source.field, text)
        left_out.update(_names(row))

    def _near(self, label: str) -> str:
        self._unknown += 1
        if self._unknown > NEAR_MAX or self._named.count > NEAR_IDS_MAX:
            return ""
        return did_you_mean(label, self._named.fresh_names())

    def _refuse_doubles(self) -> None:
        for label in self._wanted:
            one = self._named.get(label)
            where = None if one is None else one.double
            if where is None:
                continue
            if self._named.get(f"{label}#1") is not None:
                text = tr(
                    f"{label!r} is the id of all rows of a matrix: {label}#1 is the first, {label}#2 the second",
                    f"{label!r} 是矩阵所有行的 id：{label}#1 为第一行，{label}#2 为第二行",
                )
            else:
                text = tr(f"{label!r} is the id of another row, too", f"{label!r} 也是另一行的 id")
            taken = placed(self._wanted[label])
            self._problems.add(where, "id", text + tr(f"; {taken} takes its result", f"；{taken}引用了它的结果"))

    def _refuse_circles(self, waiting: _Waiting, missing: list[int]) -> None:
        sources = {number: self._later(waiting.labels[number]) for number, count in enumerate(missing) if count}
        for circle in circles(sources):
            rows = [waiting.row(number) for number in circle]
            names = [_names(row)[-1] for row in rows[:CIRCLE_SHOWN_MAX]]
            names += ["…"] if len(circle) > CIRCLE_SHOWN_MAX else []
            listed = " → ".join([*names, names[0]])
            text = tr(f"these rows wait for each other: {listed}", f"这些行互相等待：{listed}")
            self._problems.add(rows[0].where, rows[0].sources[0].field, text)


def _names(row: BatchRow) -> list[str]:
    """Return what a row can be called by: its id, and of a matrix's row the id with its number, too."""
    if row.label is None:
        return []
    return [row.label, f"{row.label}#{row.number}"] if row.number else [row.label]


class _Waiting:
    """Rows on the disk until their sources are known."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._begins = array("Q")
        self.labels: list[tuple[str, ...]] = []
        """The ids that each waits for."""

    def __len__(self) -> int:
        return len(self.labels)

    def add(self, row: BatchRow) -> int:
        """Put a row down; return its number."""
        self._begins.append(self._file.seek(0, 2))
        pickle.dump(row, self._file)
        self.labels.append(tuple(source.result.label for source in row.sources))
        return len(self.labels) - 1

    def row(self, number: int) -> BatchRow:
        self._file.seek(self._begins[number])
        row: BatchRow = pickle.load(self._file)  # noqa: S301 - of this process
        return row

    def close(self) -> None:
        self._file.close()
