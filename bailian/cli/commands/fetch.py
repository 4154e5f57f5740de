"""Fetch what earlier runs left, or what was started elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing

from bailian.catalog import catalog
from bailian.cli.args.options import DEFAULT_OUTPUT
from bailian.cli.args.target import ONE_NAME, folder_of
from bailian.cli.chosen_service import engine_at
from bailian.cli.output.progress import ProgressLine
from bailian.cli.output.report import print_other_names, report, verdict
from bailian.cli.output.terminal import print_err, print_error
from bailian.config import settings
from bailian.config.settings import Settings
from bailian.engine.adopt import adopt
from bailian.engine.engine import Engine
from bailian.engine.job import Job, OutputSpec
from bailian.engine.reports import still_running
from bailian.engine.step import Outcome
from bailian.errors import TaskFailed, UnreadableJob, from_journal
from bailian.files import naming
from bailian.files.digests import has_digest
from bailian.files.outputs import STDOUT, TEXTS, Place, place_of, refuse_existing
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities import modality_of
from bailian.store.ids import find_job
from bailian.store.jobs import TaskTaken
from bailian.store.schema import JobRow
from bailian.store.states import FINAL_STATES, OPEN_STATES, Status

OTHERS_LOOK_S = 0.3
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
        rows = _rows(engine, here.account, ids)
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
        until_s = engine.clock.monotonic() + timeout_s
        jobs, others = [], []
        codes: list[int] = []
        for row in rows:
            try:
                if row.state in FINAL_STATES:
                    again = None if _files_are_there(engine, row) else engine.reopen(row)
                    if again is None:
                        codes.append(report(_known(engine, row), as_json))
                        continue
                    row = again
                job = engine.take_over(row)
            except UnreadableJob as error:  # the others are fetched all the same
                print_error(error)
                codes.append(error.exit_code)
                continue
            if job is not None:
                job.ask_once = bool(ids)
                place = places.get(row.id)
                if place is not None and place.folder is not None:
                    engine.relocate(job, place.folder.absolute(), place.stem, place.suffix)
                jobs.append(job)
            elif ids:
                others.append(row)
            elif not quiet:
                print_err(
                    tr(
                        f"{row.task_id or row.id}: another process is waiting for it",
                        f"{row.task_id or row.id}：另一个进程正在等待它",
                    )
                )
        codes += _reported(engine, jobs, progress, timeout_s, as_json, quiet)
        codes += [_wait_for_other(engine, row, progress, until_s, as_json, quiet) for row in others]
        return verdict(codes)


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


def _reported(
    engine: Engine, jobs: list[Job], progress: ProgressLine, timeout_s: float, as_json: bool, quiet: bool
) -> list[int]:
    """Run jobs and print how each ended, as it ends."""
    codes: list[int] = []
    with closing(engine.run(jobs, timeout_s=timeout_s)) as outcomes:
        for outcome in outcomes:
            progress.ended(outcome.job)
            codes.append(report(outcome, as_json))
            if not quiet and not as_json:
                print_other_names(outcome)
    return codes


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


def _rows(engine: Engine, account: str, ids: list[str]) -> list[JobRow]:
    if not ids:
        open_rows = reversed(engine.journal.jobs(account, OPEN_STATES, limit=100_000))
        return [row for row in open_rows if not (row.row_key and _is_its_batchs(row))]
    rows = []
    for task_id in ids:
        row = find_job(engine.journal, account, task_id)
        if row is None:
            raise unknown_task(task_id)
        rows.append(row)
    return rows


def _is_its_batchs(row: JobRow) -> bool:
    """Rows of a batch that wait, or can be sent again for little, are for the batch's next run."""
    return row.state == Status.WAITING or (
        row.state in (Status.SENDING, Status.UNSETTLED) and modality_of(row.kind).RETRY_SAFE
    )


def unknown_task(task_id: str) -> TaskFailed:
    return TaskFailed(
        tr(f"this machine's journal has no task {task_id}", f"本机日志中没有任务 {task_id}"),
        code="ResourceNotFound",
        advice=tr(
            f"if it was made elsewhere: {how_to().command('tasks adopt', task_id)}",
            f"如果是在别处创建的：{how_to().command('tasks adopt', task_id)}",
        ),
        task_id=task_id,
    )


def _files_are_there(engine: Engine, row: JobRow) -> bool:
    """Return whether every file of a finished job is where it was put, and is still that file."""
    indexes = engine.journal.files(row.id)
    files = [engine.journal.file_path(row.id, index) for index in indexes]
    return (
        row.state == Status.DONE and bool(files) and all(file and has_digest(file.path, file.sha256) for file in files)
    )


def _known(engine: Engine, row: JobRow) -> Outcome:
    """Return how a job ended, as it was recorded: its files, its failure, or both."""
    error = from_journal(row.error) if row.error else None
    return Outcome(Job.of_row(row), row.state, engine.journal.files(row.id), error)


def _wait_for_other(
    engine: Engine, row: JobRow, progress: ProgressLine, until_s: float, as_json: bool, quiet: bool
) -> int:
    """Another living process has the job: watch the journal until it is finished, or until it dies."""
    while engine.clock.monotonic() < until_s:
        current = engine.journal.job(row.id) or row
        if current.state in FINAL_STATES:
            return report(_known(engine, current), as_json)
        job = engine.take_over(current)
        if job is not None:
            left_s = max(1.0, until_s - engine.clock.monotonic())
            return verdict(_reported(engine, [job], progress, left_s, as_json, quiet))
        engine.clock.sleep(OTHERS_LOOK_S)
    return report(Outcome(Job.of_row(row), row.state, error=still_running(Job.of_row(row))), as_json)


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
            return verdict(_reported(engine, [job], progress, timeout_s, as_json, quiet))
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
