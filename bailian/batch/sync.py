"""From the rows of a file to jobs in the journal: which rows are new, which go on, which stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bailian.batch.input.batch_row import NOTHING_SAID, BatchRow, RowReading
from bailian.batch.input.reader import read_rows
from bailian.errors import Exit, InvalidRequest, Skipped
from bailian.i18n import tr
from bailian.store.batches import BatchStore
from bailian.store.leases import exclusive
from bailian.store.runs.file_rows import PAGE_ROWS, FileRows
from bailian.store.schema import LastAttempt
from bailian.store.states import OPEN_STATES, Status
from bailian.text.storage_path import ResultPath

if TYPE_CHECKING:
    from bailian.batch.input.chains import Chains
    from bailian.catalog import Catalog
    from bailian.store.backends.journal_place import JournalPlace


@dataclass(frozen=True)
class BatchSpec:
    """What is wanted of a batch."""

    source: Path
    run: str
    """How the batch is known: its file, or the name it was given. The scripts and `batch run` share it."""
    folder: ResultPath
    kind: str | None = None
    """The rows that a script takes; None: all."""
    reading: RowReading = NOTHING_SAID
    """What is said of all rows."""
    leaves_out: bool = False
    """A row that is refused is left out and keeps no other one back (a folder that cron looks into)."""
    sidecar: bool = False
    recipe: str = "on"
    upload: bool = False
    strict: bool = False
    fresh: bool = False
    retry_failed: bool = True
    retry_held: bool = False
    only_passing: bool = False
    """Of failed rows, try those again whose failure may pass (cron)."""
    results_only: bool = False
    """Texts stand in the results, and have no file of their own."""
    batch_api: bool = False
    """Rows of texts and embeddings go by the vendor's Batch API."""
    use_successor: bool = False
    """A refused name may have a successor, which is sent now."""
    shown_as: str = ""
    """What people are told it is, where its file's name tells them nothing."""
    paths_from: Path | None = None
    """Of a copy of what came through a pipe: where the relative paths in it begin."""

    @property
    def template(self) -> str | None:
        return self.reading.template

    @property
    def is_piped(self) -> bool:
        return str(self.source) == "-" or self.paths_from is not None

    @property
    def title(self) -> str:
        """Return what people are told the batch is: its file's name."""
        return self.shown_as or (tr("stdin", "标准输入") if self.is_piped else self.source.name)

    @property
    def path_title(self) -> str:
        """Return the file as it was named, where its folder matters."""
        return self.title if self.is_piped or self.shown_as else str(self.source)

    @property
    def same_command(self) -> str:
        """Return how people go on with it: `--fresh` a second time would pay a second time."""
        if self.fresh:
            return tr("run the same command again without --fresh", "去掉 --fresh，再次运行同一命令")
        return tr("run the same command again", "再次运行同一命令")

    @property
    def run_aside(self) -> str:
        """Return where rows are kept that the file does not hold any more."""
        return f"{self.run}\naside"

    @property
    def part(self) -> str:
        """Return how a folder is marked: a script has one of its own for its kind."""
        return f"{self.run}#{self.kind}" if self.kind else self.run


def require_name(run: str | None, place: JournalPlace) -> None:
    """Refuse a batch without a name where several machines share the journal: a path means nothing to the others.

    Raises:
        InvalidRequest: it has none.
    """
    if place.is_shared and not run:
        raise InvalidRequest.one(
            "run",
            tr(
                "the journal is shared with other machines, which know a batch by its name",
                "日志由多台机器共享，批次需要一个名称",
            ),
            advice=tr("--run NAME, the same on all machines", "--run 名称（所有机器相同）"),
        )


def only_one(spec: BatchSpec, place: JournalPlace, account: str) -> AbstractContextManager[bool]:
    """Let one process at a time run a batch, or each kind of it; its value is False for another one.

    Where a journal is shared several may be at it, but for what goes by the vendor's Batch API.
    """
    if place.is_shared and not spec.batch_api:
        return nullcontext(True)
    return exclusive(place, f"{account}\n{spec.run}", spec.kind)


def rows_of(
    spec: BatchSpec,
    models: Catalog,
    over: Mapping[str, Any],
    chains: Chains,
    file_rows: FileRows,
) -> Iterator[BatchRow]:
    """Yield the rows of the spec's file; see `read_rows`."""
    return read_rows(
        spec.source,
        spec.kind,
        models=models,
        over=over,
        folder=spec.paths_from,
        chains=chains,
        file_rows=file_rows,
        title=spec.shown_as,
        reading=spec.reading,
    )


@dataclass
class FileScan:
    """What the file holds, counted while it is read."""

    file_rows: FileRows
    """Where each row stands, and which are over, not done, and left so."""
    places: bool = True
    """Nobody asks where rows stand if none is written down."""
    rows: int = 0
    done: int = 0
    under_way: int = 0
    on_waiting: Callable[[BatchRow, LastAttempt], None] = lambda _row, _before: None
    """Hears of each row that waits since an earlier run: it is still to be paid."""
    left_failed: int = 0
    left_held: int = 0


class EarlierTries:
    """What became of rows in earlier runs, asked for a few hundred at a time."""

    def __init__(self, runs: BatchStore | None = None, names: Sequence[str] = (), *, waiting: bool = True) -> None:
        """`names`: of the runs; of a row that two of them have, what is worth more counts. Without `waiting`, rows that
        were never sent are as if they were new."""
        self._names = [name for name in names if runs is not None and runs.has_rows(name)]
        if self._names and runs is not None and runs.is_shared:
            self._names = [*names]  # another machine may move rows from one to the other meanwhile
        self._runs = runs
        self._waiting = waiting

    def __bool__(self) -> bool:
        """Return whether any row was tried."""
        return bool(self._names)

    def of(self, keys: Collection[str]) -> Mapping[str, LastAttempt]:
        """Return the newest try of each of these rows that has one, whether the file still held it or not."""
        found = self._runs.tried(*self._names, keys=keys) if self._runs and self._names else {}
        return found if self._waiting else {key: one for key, one in found.items() if one.state != Status.WAITING}


def sync_rows(rows: Iterable[BatchRow], tried: EarlierTries, spec: BatchSpec, seen: FileScan) -> Iterator[BatchRow]:
    """Yield the rows that need a new job; count the others.

    Raises:
        InvalidRequest: what `rows` raises, behind the last row.
    """
    for some in in_pages(rows) if tried else ([row] for row in rows):
        attempts = tried.of([row.key for row in some]) if tried else {}
        for row in some:
            seen.rows += 1
            if seen.places:
                seen.file_rows.note(row.position, row.key, row.where)
            before = attempts.get(row.key)
            if before is None or (_again(before, spec) and not _skipped_again(row, before, seen)):
                yield row
            else:
                _count_in(row, before, seen)


def in_pages(rows: Iterable[BatchRow]) -> Iterator[list[BatchRow]]:
    """Yield the rows some hundreds at a time, those before a refusal too."""
    page: list[BatchRow] = []
    refusal: InvalidRequest | None = None
    try:
        for row in rows:
            page.append(row)
            if len(page) == PAGE_ROWS:
                yield page
                page = []
    except InvalidRequest as error:
        refusal = error
    if page:
        yield page
    if refusal is not None:
        raise refusal


def _count_in(row: BatchRow, before: LastAttempt, seen: FileScan) -> None:
    """Count a row that needs no new job."""
    if before.state == Status.DONE:
        seen.done += 1
    elif before.state in OPEN_STATES:
        seen.under_way += 1
        if before.state == Status.WAITING:
            seen.on_waiting(row, before)
    else:
        seen.file_rows.leave(row.key)
        seen.left_held += before.state == Status.HELD
        seen.left_failed += before.state != Status.HELD


def _skipped_again(row: BatchRow, before: LastAttempt, seen: FileScan) -> bool:
    """Return whether a row was skipped, and what it waits for is left as it is: it would only be skipped again."""
    return before.error_code == Skipped.code and any(seen.file_rows.is_left(source.key) for source in row.sources)


def _again(before: LastAttempt, spec: BatchSpec) -> bool:
    """A finished row is never paid again; one that may be paid only if the user says so."""
    if before.state == Status.HELD:
        return spec.retry_held
    if before.state not in (Status.FAILED, Status.UNSENT) or not spec.retry_failed:
        return False
    passing = before.state == Status.UNSENT or before.exit_code in (Exit.TRY_AGAIN, Exit.ACCOUNT)
    passing = passing or (spec.use_successor and before.error_code == "ModelNotFound")
    return passing or not spec.only_passing
