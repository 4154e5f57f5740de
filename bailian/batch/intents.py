"""A checked row as it is written down before anything is sent: what is asked for, and where its results go."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from bailian.batch.input.batch_row import BatchRow
from bailian.batch.plan import Planned
from bailian.batch.sync import BatchSpec
from bailian.files import naming
from bailian.files.outputs import Place, row_place
from bailian.modalities import has_files, is_text, modality_of
from bailian.text.storage_path import ResultPath
from bailian.types import RowPlace
from bailian.types.result_of import result_of

if TYPE_CHECKING:
    from bailian.engine.engine import Engine
    from bailian.engine.job import OutputSpec

SPOOLED_ROWS = 200


def intent_of(planned: Planned, spec: BatchSpec, engine: Engine) -> tuple[Any, ...]:
    """Return a row's job as it is written down, and behind it what it waits for."""
    row, prepared = planned.row, planned.prepared
    if spec.upload:
        prepared = replace(prepared, upload=True)
    words = tuple(source.result.word for source in row.sources)
    place = RowPlace(row.where, row.label, row.name, row.output, words)
    values = engine.row_of(
        prepared,
        _saving(row, spec),
        run=spec.run,
        row_key=row.key,
        place=place,
        waits=planned.waits,
        free=engine.journal.place.splits_rows,
    )
    if not row.sources:
        return values
    edges = [(values[0], source.result.word, source.key, source.result.number - 1) for source in row.sources]
    return (*values, edges)


def _saving(row: BatchRow, spec: BatchSpec) -> OutputSpec:
    """Return where the row's files go."""
    from bailian.engine.job import OutputSpec  # whoever only looks at a batch needs no engine

    if not (row.name or row.output or row.kind == "transcription"):
        return _usual_saving(row.kind, spec.folder, spec.template, spec.sidecar, spec.recipe, spec.results_only)
    if not has_files(row.kind):
        return OutputSpec(None, "")
    template = row.name or spec.template or naming.DEFAULT_TEMPLATE
    recordings = row.fields.get("file") if row.kind == "transcription" else None
    named = row.name or spec.template
    stem = naming.stem_of(_called(str(recordings[0]))) if recordings and not named else None
    place = row_place(row.output, modality_of(row.kind).FILE_SUFFIXES) if row.output else Place(Path())
    if place.stem is not None:  # a name with fields is a template, another one is taken as it stands
        template, stem = (place.stem, None) if "{" in place.stem else (template, place.stem)
    below = place.folder or Path()
    folder = below if isinstance(below, Path) and below.is_absolute() else spec.folder / below
    return OutputSpec(folder, template, spec.sidecar, stem, place.suffix, spec.recipe)


@lru_cache(maxsize=64)
def _usual_saving(
    kind: str, folder: ResultPath, template: str | None, sidecar: bool, recipe: str, results_only: bool
) -> OutputSpec:
    """Return where the files of all rows go that say nothing of their own."""
    from bailian.engine.job import OutputSpec

    if not has_files(kind) or (results_only and is_text(kind)):
        return OutputSpec(None, "")
    return OutputSpec(folder, template or naming.DEFAULT_TEMPLATE, sidecar, None, None, recipe)


def _called(recording: str) -> str:
    """Return what a transcript is named after: the recording, or the row that makes it."""
    result = result_of(recording)
    return f"{result.label}." if result else recording


class Spool:
    """Keeps intents on disk until all are known to be good, so that ten thousand need no more memory than ten."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._sizes_bytes: list[int] = []
        self._last: list[tuple[Any, ...]] = []

    def add(self, values: tuple[Any, ...]) -> None:
        self._last.append(values)
        if len(self._last) == SPOOLED_ROWS:
            self._put_down()

    def _put_down(self) -> None:
        self._sizes_bytes.append(self._file.write(marshal.dumps(self._last)))
        self._last = []

    def flush(self, sink: Callable[[Iterable[tuple[Any, ...]]], int]) -> int:
        """Give all of them to `sink`."""
        self._put_down()
        self._file.seek(0)
        parts = (marshal.loads(self._file.read(size)) for size in self._sizes_bytes)  # noqa: S302 - of this process
        return sink(values for part in parts for values in part)

    def close(self) -> None:
        self._file.close()
