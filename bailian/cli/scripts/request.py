"""One request from flags to files: check, show or send, report. Every script ends here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bailian.batch.unfinished import with_unfinished
from bailian.catalog import Catalog, catalog
from bailian.cli.account import filled, settings_of
from bailian.cli.args.checks import checked
from bailian.cli.args.config_file import holds_many
from bailian.cli.args.options import SharedOptions
from bailian.cli.args.prepare import row_of
from bailian.cli.args.rows_options import models_of
from bailian.cli.args.target import Target, target_of
from bailian.cli.chosen_service import engine_at
from bailian.cli.output.bell import ring
from bailian.cli.output.opening import open_files
from bailian.cli.output.preview import show_files, wants_preview
from bailian.cli.output.report import report, summary, verdict
from bailian.cli.output.terminal import print_err, print_notices
from bailian.cli.scripts.dry_run import show_request
from bailian.cli.spending import ask, is_asked
from bailian.clock import current_clock
from bailian.config import settings
from bailian.errors import Exit
from bailian.files import naming
from bailian.files.storage.local_copies import is_file
from bailian.i18n import tr
from bailian.types import Notice, Prepared

if TYPE_CHECKING:
    from bailian.cli.output.streaming import StreamedText
    from bailian.config.settings import Settings
    from bailian.engine.engine import Engine
    from bailian.engine.job import OutputSpec
    from bailian.engine.step import Outcome


@dataclass(frozen=True)
class RequestSpec:
    """One request as the user gave it, and where its result goes."""

    fields: Mapping[str, Any]
    target: Target
    notices: tuple[Notice, ...] = ()
    """What is to be said about files that were read for it."""


def run(kind: str, given: Mapping[str, Any], common: SharedOptions, *, upload: bool = False) -> int:
    """Run one request; return the exit code."""
    here = settings_of(common)
    target = target_of(kind, common, here.defaults.folder)
    return run_all(kind, [RequestSpec(given, target)], common, here, upload=upload)


def run_all(
    kind: str,
    asked: Sequence[RequestSpec],
    common: SharedOptions,
    here: Settings,
    *,
    upload: bool = False,
    run: str | None = None,
) -> int:
    """Run requests of one kind, all checked before the first is sent; return one exit code for them.

    `upload` sends local files by upload whatever their size; `run` names the chat they belong to.
    """
    if common.rows.each is not None or models_of(asked[0].fields) or (common.config and holds_many(common.config)):
        from bailian.cli.scripts.rows import run_rows

        if common.preview:
            print_err(tr("note: --preview shows single requests", "提示：--preview 只显示单个请求的结果"))
        return run_rows(kind, [one.fields for one in asked], common, here, upload=upload)
    common.rows.refuse_for_one()
    common = filled(common, here)
    models = catalog.load(settings.home_folder(), use_successor=common.use_successor, kind=kind)
    naming.check_template(common.name or naming.DEFAULT_TEMPLATE)
    rows = (row_of(kind, one.fields, common, one.notices) for one in asked)
    prepared = checked(rows, common, here, models, upload=upload)
    targets = [one.target for one in asked]
    for request, target in zip(prepared, targets, strict=True):
        target.check_room(request)
    if common.dry_run:
        for request in prepared:
            show_request(request, here, as_json=common.as_json)
        return Exit.OK
    here.require_key()
    common = replace(common, preview=wants_preview(kind, common, here))
    if not common.quiet and not common.as_json:
        print_notices(dict.fromkeys(notice for one in prepared for notice in one.notices))
    _ask(prepared, common, here)
    for target in dict.fromkeys(targets):
        target.check()
    return _run_checked(prepared, targets, common, here, models, run)


def _run_checked(
    prepared: Sequence[Prepared],
    targets: Sequence[Target],
    common: SharedOptions,
    here: Settings,
    models: Catalog,
    run: str | None,
) -> int:
    """Send requests that are checked, and do at the end what was asked for."""
    from bailian.cli.output.streaming import StreamedText

    started_s = current_clock().monotonic()
    ended: list[Outcome] = []
    show_pieces = all(target.folder is None for target in targets) and not common.as_json
    with (
        StreamedText(not common.quiet, common.verbose, show_pieces) as progress,
        engine_at(here, models, progress, quiet=common.quiet or common.as_json) as engine,
    ):
        prepared = _with_unfinished(engine, prepared, common)
        savings = [target.saving(engine.settings.home, common, here.defaults.recipe) for target in targets]
        code = send(engine, prepared, savings, progress, common, run=run, ended=ended)
    if common.opens:
        open_files([path for outcome in ended for path in outcome.files if is_file(path)])
    ring(current_clock().monotonic() - started_s, common, here)
    return code


def _ask(prepared: Sequence[Prepared], common: SharedOptions, here: Settings) -> None:
    """Ask before much is spent; see `bailian.cli.spending`."""
    known_cny = [one.estimate_cny for one in prepared if one.estimate_cny is not None]
    cost_cny = sum(known_cny) if known_cny else None
    if is_asked(cost_cny, common, here):
        ask(cost_cny, tr("it" if len(prepared) == 1 else "them", ""))


def _with_unfinished(engine: Engine, prepared: Sequence[Prepared], common: SharedOptions) -> list[Prepared]:
    """Return the requests with what an earlier run has left of them, and say so."""
    found = with_unfinished(engine, prepared)
    if not common.quiet and not common.as_json:
        print_notices(
            dict.fromkeys(
                notice
                for one, before in zip(found, prepared, strict=True)
                for notice in one.notices[len(before.notices) :]
            )
        )
    return found


def send(
    engine: Engine,
    prepared: Sequence[Prepared],
    savings: Sequence[OutputSpec],
    progress: StreamedText,
    common: SharedOptions,
    *,
    run: str | None = None,
    ended: list[Outcome] | None = None,
) -> int:
    """Intend and run requests on an open engine, print how each ended; `ended` collects the outcomes."""
    started_s = engine.clock.monotonic()
    jobs = [engine.intend(one, saving, run=run) for one, saving in zip(prepared, savings, strict=True)]
    notices_shown = {id(job): len(job.notices) for job in jobs}
    codes = []
    with closing(engine.run(jobs, timeout_s=common.timeout_s, wait=common.wait)) as outcomes:
        for outcome in outcomes:
            progress.ended(outcome.job)
            with progress.paused():
                codes.append(report(outcome, common.as_json, shown=progress.shown(outcome.job)))
                if not common.quiet and not common.as_json:
                    took_s = engine.clock.monotonic() - started_s
                    summary(outcome, took_s, notices_shown[id(outcome.job)], engine.settings.sandbox)
            if common.preview and outcome.files:
                with progress.paused():
                    show_files(path for path in outcome.files if is_file(path))
            if ended is not None:
                ended.append(outcome)
    return verdict(codes)
