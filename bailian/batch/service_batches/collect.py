"""Writes down what came of a batch: each line to its job, by the engine's own steps; and why a row has none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

from bailian.batch.service_batches.line_format import LINES_MAX, Result, line_errors, refusal, results
from bailian.counts import count_of
from bailian.engine.engine import Engine
from bailian.engine.job import Job
from bailian.engine.step import Outcome
from bailian.engine.steps.poll import store_answer
from bailian.engine.steps.record_reply import with_catalog_advice
from bailian.engine.steps.save import save
from bailian.errors import BailianError, Exit, NotSent, TaskFailed, TransportError, journalled
from bailian.i18n import tr
from bailian.service.batch_api import BatchApi
from bailian.service.error_codes import service_error
from bailian.store.private import private_file, private_folder
from bailian.store.schema import JobEnd, JobRow
from bailian.store.service_batches import ServiceBatch, ServiceBatchStore
from bailian.store.states import Status

OVER = ("completed", "failed", "expired", "cancelled")
CHUNK_RESULTS = 400
THREADS = 32


def fetch(api: BatchApi, folder: Path, kept: ServiceBatch, batch: Mapping[str, Any]) -> list[Path]:
    """Download both result files into a folder, unless they are there; once more, if they hold fewer lines than were counted.

    Raises:
        TransportError: a download broke.
        ServiceError: the service does not give a file.
    """
    counts = batch.get("request_counts")
    counts = counts if isinstance(counts, dict) else {}
    wanted = sum(count_of(counts.get(name), LINES_MAX) or 0 for name in ("completed", "failed"))
    paths = _downloaded(api, folder, kept, batch)
    if paths and sum(1 for _ in results(lines_in(paths))) < wanted:
        for path in paths:
            path.unlink()
        paths = _downloaded(api, folder, kept, batch)
    return paths


def _downloaded(api: BatchApi, folder: Path, kept: ServiceBatch, batch: Mapping[str, Any]) -> list[Path]:
    paths = []
    for kind in ("output", "error"):
        file_id, path = batch.get(f"{kind}_file_id"), folder / f"{kept.name}.{kind}.jsonl"
        if file_id and not path.exists():
            if not isinstance(file_id, str):  # there is one: what it holds is paid, and is not given up
                raise TransportError(tr("the answer names no readable file", "应答中的文件 id 无法解析"))
            private_folder(folder)
            api.content(file_id, path)
            private_file(path)
        if path.exists():
            paths.append(path)
    return paths


def lines_in(paths: Iterable[Path]) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb") as file:
            yield from file


def applied(
    engine: Engine, store: ServiceBatchStore, kept: ServiceBatch, paths: list[Path], status: str
) -> Iterator[Outcome]:
    """Give each line to its job; a job that has got its line already is left alone.

    Several at a time: threads that write to the journal together share one wait for the disk.
    """
    found = results(lines_in(paths))
    with ThreadPoolExecutor(THREADS, "bailian-results") as pool:
        while chunk := list(islice(found, CHUNK_RESULTS)):
            rows = store.some(kept.name, (result.job_id for result in chunk))
            # `pop`: a line that is there twice is applied once.
            pairs = [(rows.pop(result.job_id), result) for result in chunk if result.job_id in rows]
            yield from pool.map(lambda pair: _applied(engine, pair[0], pair[1], status), pairs)


def _applied(engine: Engine, row: JobRow, result: Result, status: str) -> Outcome:
    job = engine.continued(row)
    if row.state == Status.ENDED:
        return saved(engine, job)
    if result.answer is not None:
        job.answer = result.answer
        store_answer(job, engine.services)
        return saved(engine, job)
    if result.status is None and status in ("expired", "cancelled"):
        return finish(engine, job, not_reached(status, result.wire_code))
    error = service_error(result.wire_code, result.message, result.status or 400, request_id=result.request_id)
    return finish(engine, job, with_catalog_advice(job, error, engine.clock.day()))


def saved(engine: Engine, job: Job) -> Outcome:
    """Save an answer that the journal has. What fails is tried again by the next run; nothing is paid again."""
    try:
        end = save(job, engine.services)
    except BailianError as error:
        error.request_id = error.request_id or job.request_id
        return Outcome(job, Status.ENDED, error=error)
    return (
        end if isinstance(end, Outcome) else Outcome(job, Status.ENDED)
    )  # a text has no link that could want another try


def finish(engine: Engine, job: Job, error: BailianError, state: Status = Status.FAILED) -> Outcome:
    """Close a job that has no answer; the service bills lines that succeeded, and no others (batch page, 2026-06)."""
    engine.journal.finish([JobEnd(job.id, state, journalled(error))])
    return Outcome(job, state, error=error)


def without_result(
    engine: Engine, store: ServiceBatchStore, kept: ServiceBatch, batch: Mapping[str, Any]
) -> Iterator[Outcome]:
    """Close the jobs that no file has a line of."""
    status = str(batch.get("status"))
    by_line = line_errors(batch, store.order(kept.name)) if status == "failed" else {}
    for row in store.jobs(kept.name):
        job = engine.continued(row)
        if row.state == Status.ENDED:
            yield saved(engine, job)
        elif row.id in by_line:
            line_error = service_error(*by_line[row.id], 400, task_id=kept.batch_id)
            yield finish(engine, job, with_catalog_advice(job, line_error, engine.clock.day()))
        elif by_line:
            yield finish(engine, job, _spoilt(kept), Status.UNSENT)
        elif status == "failed":
            code, message = refusal(batch)
            text = message or tr("the service refused the batch without a reason", "服务端拒绝了该批次，未说明原因")
            yield finish(engine, job, service_error(code, text, 400, task_id=kept.batch_id))
        else:
            yield finish(engine, job, not_reached(status, "") if status != "completed" else _forgotten(kept))


def not_reached(status: str, wire_code: str) -> TaskFailed:
    """Return the error of a row that the service did not get to."""
    error = TaskFailed(
        tr("the batch expired before this row was reached", "批次在处理到该行之前已过期")
        if status == "expired"
        else tr("the batch was cancelled before this row was reached", "批次在处理到该行之前已取消"),
        advice=tr("it is not billed; run the command again", "未计费；请重新运行该命令"),
        wire_code=wire_code or status,
    )
    error.exit_code = Exit.TRY_AGAIN
    return error


def _spoilt(kept: ServiceBatch) -> NotSent:
    return NotSent(
        tr(
            "the service refused the whole batch because of other rows; this one was not executed",
            "服务端因其他行拒绝了整个批次，该行未执行",
        ),
        advice=tr("mend or remove those rows, then run the command again", "请修改或删除这些行，然后重新运行"),
        task_id=kept.batch_id,
    )


def _forgotten(kept: ServiceBatch) -> TaskFailed:
    return TaskFailed(
        tr("the batch is completed, but its files hold no result of this row", "批次已完成，但结果文件中没有该行"),
        wire_code="missing",
        task_id=kept.batch_id,
    )
