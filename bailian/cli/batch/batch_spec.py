"""What is wanted of a batch, from a command line: how it is known, and where its results go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bailian.cli.args.target import default_folder, folder_of
from bailian.files import naming
from bailian.store.paths import stored

if TYPE_CHECKING:
    from bailian.batch.sync import BatchSpec
    from bailian.cli.args.options import SharedOptions
    from bailian.cli.batch.batch_call import BatchOptions
    from bailian.cli.batch.made_rows import MadeRows
    from bailian.config.user_defaults import Defaults


def spec_of(
    file: Path,
    paths_from: Path | None,
    kind: str | None,
    common: SharedOptions,
    options: BatchOptions,
    defaults: Defaults,
) -> BatchSpec:
    """Return what is wanted; what comes through a pipe (`paths_from`) is the same batch as stdin: it has no name."""
    from bailian.batch.input.batch_row import RowReading
    from bailian.batch.sync import BatchSpec

    nameless = str(file) == "-" or paths_from is not None
    name = options.run or stored((Path("-") if nameless else file).resolve())
    stem = naming.stem_of(f"{options.run}.run") if options.run else "stdin" if nameless else file.stem
    folder = default_folder(defaults.folder) / (f"{stem}-{kind}" if kind else stem)
    if common.output is not None:
        folder = folder_of(common.output)
    return BatchSpec(
        source=file,
        paths_from=paths_from,
        run=f"batch:{name}",
        folder=folder.absolute(),
        kind=kind,
        reading=RowReading(options.kind, common.name, options.models),
        sidecar=common.sidecar,
        recipe=defaults.recipe,
        retry_failed=options.retry_failed,
        retry_held=options.retry_held,
        only_passing=options.cron,
        upload=options.upload,
        strict=common.strict,
        fresh=options.fresh,
        results_only=options.results_only,
        batch_api=options.batch_api,
        use_successor=common.use_successor,
    )


def spec_of_made(
    made: MadeRows, kind: str, common: SharedOptions, options: BatchOptions, defaults: Defaults
) -> BatchSpec:
    """Return what is wanted of rows that a command line has made. They are known by what they were made of."""
    spec = spec_of(made.file, made.paths_from, kind, common, options, defaults)
    return replace(
        spec,
        run=f"batch:{options.run or made.name}",
        folder=made.folder,
        shown_as=made.title,
        reading=replace(spec.reading, placed_by_id=True),
        leaves_out=options.cron,
    )
