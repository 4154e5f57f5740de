"""Fetch what earlier runs left, or what was started elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing

from bailian.batch.fetched import fetched, rows_left
from bailian.catalog import catalog
from bailian.cli.args.options import DEFAULT_OUTPUT
from bailian.cli.args.target import folder_of
from bailian.cli.chosen_service import engine_at
from bailian.cli.output.progress import ProgressLine
from bailian.cli.output.report import print_other_names, report, verdict
from bailian.cli.output.terminal import print_err, print_error
from bailian.config import settings
from bailian.config.settings import Settings
from bailian.engine.adopt import adopt
from bailian.engine.engine import Engine
from bailian.engine.job import OutputSpec
from bailian.engine.step import Outcome
from bailian.errors import UnreadableJob
from bailian.files import naming
from bailian.files.outputs import ONE_NAME, STDOUT, TEXTS, Place, place_of, refuse_existing
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities import modality_of
from bailian.store.jobs import TaskTaken
from bailian.store.schema import JobRow
from bailian.store.states import Status

# What a task that was made elsewhere may be.
TASK_KINDS = ("image", "video", "transcription")


def fetch(
    here: Settings,
    task_ids: Iterable[str],
    *,
    timeout_s: float,
    output: str | None = None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Finish the named jobs, or all that are open; return one exit code for them.

    `output`: save there instead of where the job was told to.
    """
    ids = list(task_ids)
    models = catalog.load(settings.home_folder())
    with ProgressLine(not quiet) as progress, engine_at(here, models, progress) as engine:
        rows = rows_left(engine, ids)
        places = _places(rows, output)
        if not rows and not quiet:
            print_err(tr("nothing is left to fetch", "没有需要取回的任务"))
        held = 0 if ids else len(engine.journal.jobs(here.account, (Status.HELD,)))
        if held and not quiet:
            print_err(
                tr(
                    f"{held} held (maybe paid, for you to decide): {how_to().list_held()}",
                    f"{held} 个任务待核对（可能已计费，需由您决定）：{how_to().list_held()}",
                )
            )
        _tell_of_others(engine, here, quiet)
        found = fetched(
            engine, rows, named=bool(ids), timeout_s=timeout_s, places=places, busy=lambda row: _tell_busy(row, quiet)
        )
        with closing(found) as ends:  # what is left when stdout takes no more is let go before the journal closes
            return verdict([_ended(end, progress, as_json, quiet) for end in ends])


def _tell_busy(row: JobRow, quiet: bool) -> None:
    if not quiet:
        name = row.task_id or row.id
        print_err(tr(f"{name}: another process is waiting for it", f"{name}：另一个进程正在等待它"))


def _ended(end: Outcome | UnreadableJob, progress: ProgressLine, as_json: bool, quiet: bool) -> int:
    """Print how a job ended, as it ends; return its exit code."""
    if isinstance(end, UnreadableJob):
        print_error(end)
        return end.exit_code
    progress.ended(end.job)
    code = report(end, as_json)
    if not quiet and not as_json:
        print_other_names(end)
    return code


def _places(rows: list[JobRow], output: str | None) -> dict[str, Place]:
    """Return where each job's results go, if they go elsewhere than they were to go.

    Raises:
        InvalidRequest: stdout, a suffix that a result cannot have, a name that is taken, or one name for many.
    """
    if output is None:
        return {}
    if output == STDOUT or len(rows) > 1:
        return dict.fromkeys((row.id for row in rows), Place(folder_of(output)))
    places = {row.id: place_of(output, modality_of(row.kind).FILE_SUFFIXES or TEXTS) for row in rows}
    for row in rows:
        count = 1 if row.kind in ONE_NAME else row.prepared.count or 1
        refuse_existing(places[row.id].files(count))
    return places


def _tell_of_others(engine: Engine, here: Settings, quiet: bool) -> None:
    """A key that was replaced leaves its jobs behind: say so rather than "nothing"."""
    count = engine.journal.open_elsewhere(here.account)
    if count and not quiet:
        print_err(
            tr(
                f"note: {count} open jobs in this journal belong to another key or host",
                f"提示：日志中另有 {count} 个未完成的任务属于其他密钥或服务地址",
            )
        )


def adopt_task(
    here: Settings,
    task_id: str,
    output: str | None,
    name: str | None,
    sidecar: bool,
    *,
    claimant_id: str | None = None,
    timeout_s: float,
    as_json: bool,
    quiet: bool,
) -> int:
    """Take a task of this account into the journal, wait for it and save its files.

    `claimant_id`: the job of this journal that had lost it; its files go where that was told to save them.
    """
    template = name or naming.DEFAULT_TEMPLATE
    naming.check_template(template)
    saving = _adopted_saving(output, template, sidecar)
    models = catalog.load(settings.home_folder())
    with ProgressLine(not quiet) as progress, engine_at(here, models, progress) as engine:
        row = engine.journal.find(here.account, task_id)
        if row is None:
            try:
                job = adopt(engine, task_id, saving, claimant_id)
            except TaskTaken:
                row = engine.journal.find(here.account, task_id)
        if row is None:
            with closing(engine.run([job], timeout_s=timeout_s)) as outcomes:
                return verdict([_ended(end, progress, as_json, quiet) for end in outcomes])
    if not quiet:
        print_err(tr(f"{task_id} is in this machine's journal already", f"{task_id} 已在本机日志中"))
    return fetch(here, [task_id], timeout_s=timeout_s, as_json=as_json, quiet=quiet)


def _adopted_saving(output: str | None, template: str, sidecar: bool) -> OutputSpec:
    """Return where the results of a task go whose kind is not known yet."""
    suffixes = [suffix for kind in TASK_KINDS for suffix in modality_of(kind).FILE_SUFFIXES]
    place = place_of(DEFAULT_OUTPUT if output is None else output, list(dict.fromkeys(suffixes)))
    folder = folder_of(STDOUT) if place.folder is None else place.folder  # the first is refused
    refuse_existing(place.files(1))
    return OutputSpec(folder.absolute(), template, sidecar, place.stem, place.suffix)
