"""What earlier runs left, brought in: jobs that are named, or all that are open."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing

from bailian.engine.engine import Engine
from bailian.engine.job import Job
from bailian.engine.reports import still_running
from bailian.engine.step import Outcome
from bailian.errors import TaskFailed, UnreadableJob, from_journal
from bailian.files.digests import has_digest
from bailian.files.outputs import Place
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities import modality_of
from bailian.store.ids.short_ids import find_job
from bailian.store.schema import JobRow
from bailian.store.states import FINAL_STATES, OPEN_STATES, Status

OTHERS_LOOK_S = 0.3


def rows_left(engine: Engine, ids: Iterable[str]) -> list[JobRow]:
    """Return the named jobs, or, without names, all that are open and no batch's own.

    Raises:
        TaskFailed: the journal has no such job.
    """
    account = engine.services.account
    named = list(ids)
    if not named:
        open_rows = reversed(engine.journal.jobs(account, OPEN_STATES, limit=100_000))
        return [row for row in open_rows if not (row.row_key and _is_its_batchs(row))]
    rows = []
    for task_id in named:
        row = find_job(engine.journal, account, task_id)
        if row is None:
            raise unknown_task(task_id)
        rows.append(row)
    return rows


def fetched(
    engine: Engine,
    rows: Sequence[JobRow],
    *,
    named: bool,
    timeout_s: float | None,
    places: Mapping[str, Place] | None = None,
    busy: Callable[[JobRow], None] = lambda _row: None,
) -> Generator[Outcome | UnreadableJob, None, None]:
    """Yield how each job ends, in whatever order they get there.

    Args:
        named: a person named them: what another process has is waited for, else only `busy` hears of it.
        places: where results go that are to go elsewhere than they were told to, by the job's id.
    """
    until_s = None if timeout_s is None else engine.clock.monotonic() + timeout_s
    jobs, others = [], []
    for row in rows:
        try:
            if row.state in FINAL_STATES:
                again = None if _files_are_there(engine, row) else engine.reopen(row)
                if again is None:
                    yield known(engine, row)
                    continue
                row = again
            job = engine.take_over(row)
        except UnreadableJob as error:  # the others are fetched all the same
            yield error
            continue
        if job is not None:
            job.ask_once = named
            place = (places or {}).get(row.id)
            if place is not None and place.folder is not None:
                engine.relocate(job, place.folder.absolute(), place.stem, place.suffix)
            jobs.append(job)
        elif named:
            others.append(row)
        else:
            busy(row)
    with closing(engine.run(jobs, timeout_s=timeout_s)) as outcomes:
        yield from outcomes
    for row in others:
        yield from _wait_for_other(engine, row, until_s)


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


def known(engine: Engine, row: JobRow) -> Outcome:
    """Return how a job ended, as it was recorded: its files, its failure, or both."""
    error = from_journal(row.error) if row.error else None
    return Outcome(Job.of_row(row), row.state, engine.journal.files(row.id), error)


def _wait_for_other(engine: Engine, row: JobRow, until_s: float | None) -> Iterator[Outcome]:
    """Another living process has the job: watch the journal until it is finished, or until it dies."""
    while until_s is None or engine.clock.monotonic() < until_s:
        current = engine.journal.job(row.id) or row
        if current.state in FINAL_STATES:
            yield known(engine, current)
            return
        job = engine.take_over(current)
        if job is not None:
            left_s = None if until_s is None else max(1.0, until_s - engine.clock.monotonic())
            with closing(engine.run([job], timeout_s=left_s)) as outcomes:
                yield from outcomes
            return
        engine.clock.sleep(OTHERS_LOOK_S)
    yield Outcome(Job.of_row(row), row.state, error=still_running(Job.of_row(row)))
