"""Many rows from one command line: a file of them, one for each file of a pattern, one for each of several models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bailian.batch.file_queue.files import NothingFound
from bailian.batch.input.relative_paths import place_inputs
from bailian.cli.args.config_file import holds_many
from bailian.cli.args.prepare import given_fields
from bailian.cli.args.rows_options import models_of
from bailian.cli.batch.batch_call import BatchOptions
from bailian.cli.batch.made_rows import made_rows
from bailian.cli.batch.run_file import run_file, run_made
from bailian.errors import Exit, InvalidRequest
from bailian.i18n import tr
from bailian.modalities import modality_of

if TYPE_CHECKING:
    from pathlib import Path

    from bailian.cli.args.options import SharedOptions
    from bailian.config.settings import Settings


def run_rows(
    kind: str, asked: Sequence[Mapping[str, Any]], common: SharedOptions, here: Settings, *, upload: bool
) -> int:
    """Run the rows of a script; `asked` are the fields of its requests. Return one exit code for them."""
    rows, models = common.rows, models_of(asked[0])
    options = BatchOptions(
        models=models, run=rows.run, cron=rows.cron, retry_held=rows.retry_held, on_end=rows.on_end, upload=upload
    )
    if common.config and holds_many(common.config):
        return _run_config(common.config, kind, asked[0], common, options)
    try:
        with made_rows(kind, asked, common, here.defaults) as made:
            return run_made(made, kind, common, options, here)
    except NothingFound:
        if rows.cron:
            return Exit.OK
        raise


def _run_config(
    config: Path,
    kind: str,
    asked: Mapping[str, Any],
    common: SharedOptions,
    options: BatchOptions,
) -> int:
    if common.rows.each is not None:
        text = tr("does not go with a --config that holds many rows", "不能与含多行的 --config 一起使用")
        raise InvalidRequest.one("each", text, advice=tr("leave one of the two out", "请去掉其中之一"))
    over = given_fields(asked)
    place_inputs(over, modality_of(kind).INPUT_FIELDS, config.cwd())
    if options.models:
        del over["model"]
    return run_file(config, kind, over, common, options)
