"""A batch from a program: a file of requests, or rows in memory that have a name."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, cast

from bailian.api.one_request import DEFAULT_OUTPUT, amount_cny, checked_timeout_s, plain_value
from bailian.api.places import settings_of
from bailian.api.results import Result, result_of
from bailian.api.running import Watch, called, catalog_of, engine_for, in_own_words
from bailian.api.words import in_python, in_words_of_python
from bailian.batch.input.batch_row import RowReading
from bailian.batch.input.chains import Chains
from bailian.batch.input.placeholders import check_template_of_rows
from bailian.batch.output.folder import check_owner, claim
from bailian.batch.output.gallery import write_gallery
from bailian.batch.output.own_folder import written_aside
from bailian.batch.output.records import RESULTS, read_results, records, write_results
from bailian.batch.run import PreparedBatch, prepare_batch, runs_of
from bailian.batch.run import run_batch as run_rows
from bailian.batch.sync import BatchSpec, only_one, require_name, rows_of
from bailian.batch.totals import totals
from bailian.config.settings import Settings
from bailian.engine.engine import Engine
from bailian.engine.step import Outcome
from bailian.errors import BailianError, Exit, InvalidRequest, StillRunning
from bailian.files import naming
from bailian.files.outputs import Place, result_path
from bailian.i18n import tr
from bailian.inputs.once import kept
from bailian.modalities import MODULES, modality_of
from bailian.store.paths import restored, stored
from bailian.store.runs.file_rows import FileRows

if TYPE_CHECKING:
    from pydantic import BaseModel
    from typing_extensions import Unpack

    from bailian.api.keywords import BatchRunOptions

Row = Union[Mapping[str, Any], "BaseModel"]
"""A row as a batch file has it, or a request."""


@dataclass(frozen=True)
class RowResult:
    """How one row stands, as `results.jsonl` has it."""

    where: str
    label: str | None
    kind: str
    model: str
    state: str
    files: tuple[Path, ...]
    text: str | None
    task_id: str | None
    charged_cny: float | None
    error: Mapping[str, Any] | None
    """`code`, `message`, `advice` of a row that failed."""
    record: Mapping[str, Any] = field(repr=False)
    """The whole record."""


@dataclass(frozen=True)
class BatchResult:
    """How a batch stands when a run of it is over."""

    run: str
    folder: Path
    """Of one in object storage a `StoragePath`."""
    rows: int
    done: int
    failed: int
    held: int
    """May be paid; sent again only with `retry_held`."""
    unsent: int
    running: int
    waiting: int
    charged_cny: float
    notices: tuple[str, ...]
    """What is sent differently from what was asked."""
    stopped: BailianError | None = None
    """Why the rest was not sent: the key, the quota, a budget."""

    @property
    def complete(self) -> bool:
        return self.done == self.rows

    def results(self) -> Iterator[RowResult]:
        """Yield how each row stands, in the order of the file; they are read from `results.jsonl`."""
        for one in read_results(self.folder):
            yield RowResult(
                where=str(one.get("where") or ""),
                label=one.get("label"),
                kind=one["kind"],
                model=one["model"],
                state=one["state"],
                files=tuple(cast("Path", restored(path)) for path in one.get("files") or ()),
                text=one.get("text"),
                task_id=one.get("task_id"),
                charged_cny=one.get("cost_cny"),
                error=one.get("error"),
                record=one,
            )


def run_batch(
    source: str | os.PathLike[str] | Iterable[Row],
    *,
    on_row: Callable[[Result], None] | None = None,
    **options: Unpack[BatchRunOptions],
) -> BatchResult:
    """Bring a batch to its end: all rows are checked before the first is sent, and each is paid once.

    Args:
        source: a file (JSON, JSON lines, a table), or rows; these need `run`, the batch's name.
        on_row: told of each row that ends, in whatever order.
        options: see `BatchRunOptions`.

    Raises:
        InvalidRequest: everything that is wrong in the rows; nothing was sent.
        StillRunning: another process runs this batch.
        KeyboardInterrupt: the text says how to go on.
    """
    with in_own_words():
        here = settings_of(options)
        spec = _spec(source, options, here)
        timeout_s = checked_timeout_s(options.get("timeout_s"))
        most_cny = amount_cny(options.get("max_cost_cny"))
        most_calls = _most_calls(options.get("in_flight"))
        here.require_key()
        require_name(options.get("run"), here.journal)
        with only_one(spec, here.journal, here.account) as alone:
            if not alone:
                raise StillRunning(tr("another process is running this batch", "另一个进程正在运行该批次"), advice="")
            check_owner(spec)
            watch = Watch(options.get("progress"))
            with engine_for(here, catalog_of(options), watch) as engine, closing(FileRows()) as file_rows:
                if most_cny is not None:
                    engine.limit_run(spec.run, most_cny)
                running = partial(run_rows, engine, spec, timeout_s=timeout_s, most_calls=most_calls)
                return _run(engine, spec, file_rows, on_row, running, page=bool(options.get("gallery")))


def _run(
    engine: Engine,
    spec: BatchSpec,
    file_rows: FileRows,
    on_row: Callable[[Result], None] | None,
    running: Callable[[], Generator[Outcome, None, None]],
    *,
    page: bool,
) -> BatchResult:
    chains = Chains()
    rows = rows_of(spec, engine.catalog, {}, chains, file_rows)
    ready = prepare_batch(
        engine, spec, rows, file_rows, partial(_accepted, spec, engine.journal.place.splits_rows), chains
    )
    stopped: BailianError | None = None
    try:
        with closing(running()) as outcomes:
            for outcome in outcomes:
                error = outcome.error
                if stopped is None and error is not None and (error.stops_all or error.exit_code == Exit.ACCOUNT):
                    stopped = in_words_of_python(error)
                if on_row is not None:
                    called(on_row, result_of(outcome))
    finally:
        with written_aside(spec.folder) as folder:
            write_results(folder, records(runs_of(engine, spec), spec.run, file_rows))
    if page:
        made, sandbox = read_results(spec.folder), engine.settings.sandbox
        with written_aside(spec.folder) as folder:
            write_gallery(folder, made, title=Path(spec.title).stem, sandbox=sandbox, place=spec.folder)
    return _result(engine, spec, ready, stopped)


def _most_calls(value: Any) -> int | None:
    """Return how many answers may be waited for at once; None: as many as the account allows.

    Raises:
        InvalidRequest: no whole number from 1.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        text = tr(f"{value!r} is no whole number from 1", f"{value!r} 应为不小于 1 的整数")
        raise InvalidRequest.one("in_flight", text, advice="")
    return value


def _accepted(spec: BatchSpec, shared: bool, _ready: PreparedBatch) -> None:
    Place(spec.folder).check()
    claim(spec, shared=shared)


def _result(engine: Engine, spec: BatchSpec, ready: PreparedBatch, stopped: BailianError | None) -> BatchResult:
    runs = runs_of(engine, spec)
    total = totals(runs.counts(spec.run), runs.waits_for_others(spec.run))
    return BatchResult(
        run=spec.run,
        folder=cast("Path", spec.folder),
        rows=total.rows,
        done=total.done,
        failed=total.failed,
        held=total.held,
        unsent=total.unsent,
        running=total.running,
        waiting=total.waiting,
        charged_cny=total.charged_cny,
        notices=tuple(in_python(text) for text in ready.notices),
        stopped=stopped,
    )


def _spec(source: Any, options: Mapping[str, Any], here: Settings) -> BatchSpec:
    run = options.get("run")
    own = here.defaults
    file = Path(source) if isinstance(source, str | os.PathLike) else None
    if file is None and not run:
        raise InvalidRequest.one(
            "run",
            tr(
                "rows in memory need a name, by which they are known when they are run again",
                "内存中的请求需要名称，以便再次运行时识别",
            ),
            advice=tr('run="shop"', 'run="shop"'),
        )
    path = _written(source, options.get("kind"), here) if file is None else file
    stem = naming.stem_of(f"{run}.run") if run else path.stem
    folder = (Path(DEFAULT_OUTPUT) if own.folder is None else result_path(own.folder)) / stem
    if options.get("output") is not None:
        folder = result_path(os.fspath(options["output"]))
    template = options.get("name") or own.name
    check_template_of_rows(template)
    return BatchSpec(
        source=path,
        run=f"batch:{run or stored(path.resolve())}",
        folder=folder.absolute(),
        kind=options.get("kind") if file is not None else None,
        reading=RowReading(template=template),
        sidecar=bool(options.get("sidecar", own.sidecar)),
        recipe=own.recipe,
        upload=bool(options.get("upload")),
        strict=bool(options.get("strict")),
        fresh=bool(options.get("fresh")),
        retry_failed=bool(options.get("retry_failed", True)),
        retry_held=bool(options.get("retry_held")),
        use_successor=bool(options.get("use_successor")),
        results_only=bool(options.get("results_only")),
        paths_from=Path.cwd() if file is None else None,
        shown_as="" if file is not None else str(run),
    )


def _written(rows: Iterable[Row], kind: str | None, here: Settings) -> Path:
    """Write rows as a file that lasts: a batch is read more than once."""
    lines = [json.dumps(_row(row, kind, here.home), ensure_ascii=False) for row in rows]
    return kept("\n".join([*lines, ""]).encode(), "jsonl", here.home)


def _row(row: Row, kind: str | None, home: Path) -> Any:
    if isinstance(row, Mapping):
        fields = {name: plain_value(value, home) for name, value in row.items()}
        return fields if kind is None or "kind" in fields else {"kind": kind, **fields}
    name = type(row).__name__
    kinds = (one for one in MODULES if hasattr(modality_of(one), name))
    return {"kind": next(kinds, kind), **plain_value(row.model_dump(exclude_unset=True, by_alias=True), home)}


__all__ = ["RESULTS", "BatchResult", "Row", "RowResult", "run_batch"]
