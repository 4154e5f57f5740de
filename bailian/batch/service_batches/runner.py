"""Text rows by the service's own batch inference: half the price, an answer within hours. Survives kill -9 anywhere.

    begun       jobs reserved in the journal (`sending`)    died here: the file is made anew
    uploaded    the service has the file                    died here: created from it
    creating    written before the paid call                died here: looked for by name
    created     the batch's id is known                     died here: asked for again
    (forgotten) every line is written down

A row is in one batch at most, and a batch is created once: a call whose answer is lost is looked for by the batch's
own name before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress

from bailian.batch.service_batches.collect import OVER, applied, fetch, finish, without_result
from bailian.batch.service_batches.create import BatchCreation, create_batch
from bailian.batch.service_batches.line_format import KINDS, REGIONS
from bailian.batch.sync import BatchSpec
from bailian.engine.engine import Engine
from bailian.engine.step import Outcome
from bailian.errors import (
    BailianError,
    Interrupted,
    InvalidRequest,
    JournalError,
    ServiceError,
    StillRunning,
    TaskFailed,
    TransportError,
)
from bailian.i18n import tr
from bailian.service.batch_api import BatchApi
from bailian.store.service_batches import ServiceBatch, ServiceBatchStore, Stage
from bailian.store.states import Status

# The service asks for a look every one or two minutes (batch page, 2026-06).
POLL_S = 60.0
WINDOW_H = 24
WINDOWS_H = (24, 336)
GONE_TRIES = 3
FAILURES_MAX = 30


def check_service_batches(region: str, window_h: int = WINDOW_H) -> None:
    """Refuse a region without batch inference (rate limit page, mid 2026), and a window out of range.

    Raises:
        InvalidRequest: it has none.
    """
    if region not in REGIONS:
        raise InvalidRequest.one(
            "region",
            tr(
                f"{region} has no batch inference; {' and '.join(REGIONS)} have",
                f"{region} 不支持批量推理；支持的地域：{'、'.join(REGIONS)}",
            ),
        )
    if not WINDOWS_H[0] <= window_h <= WINDOWS_H[1]:
        raise InvalidRequest.one(
            "", tr(f"the window must be {WINDOWS_H[0]} to {WINDOWS_H[1]} hours", "时限应为 24 到 336 小时")
        )


def batches_under_way(engine: Engine, spec: BatchSpec) -> list[ServiceBatch]:
    """Return the batches of a run that the service works on, or may: name, `batch_id`, number of jobs.

    They hold texts and embeddings: a run of another kind has none.
    """
    if spec.kind not in (None, *KINDS):
        return []
    services = engine.services
    return ServiceBatchStore(engine.journal, services.account, services.lease.id).of_run(spec.run)


def run_service_batches(
    engine: Engine,
    spec: BatchSpec,
    *,
    timeout_s: float | None = None,
    wait: bool = True,
    new_rows: bool = True,
    poll_s: float = POLL_S,
    window_h: int = WINDOW_H,
) -> Generator[Outcome, None, None]:
    """Bring the text rows of a batch to their end at half the price, after `make_ready`.

    Close the generator if it may be left early. What is left when it ends goes on at the service; the next run of the
    same spec fetches it, with or without new rows.

    Args:
        timeout_s: seconds after which rows whose batch still runs are reported as StillRunning.
        wait: False creates the batches and yields only rows that are over by then.
        new_rows: False sends no row that waits, and only fetches what earlier runs have created.
        poll_s: seconds between two looks at the batches.
        window_h: hours the service may take, 24 to 336; what it has not done by then expires, unbilled.

    Raises:
        InvalidRequest: a region without batch inference.
        Interrupted: Ctrl-C; the text says how to go on.
    """
    check_service_batches(engine.settings.region, window_h)
    with closing(BatchApi(engine.settings)) as api:
        work = BatchCreation(engine, spec, api, window_h, timeout_s)
        try:
            yield from create_batch(work, new_rows=new_rows)
            if wait:
                yield from _collect(work, poll_s)
        except KeyboardInterrupt:
            raise Interrupted(
                tr("interrupted; the batches go on at the service", "已中断；批次在服务端继续运行"),
                advice=tr(f"{spec.same_command} to go on", f"{spec.same_command}即可继续"),
            ) from None
        finally:
            with suppress(JournalError):
                work.store.let_go()


def _collect(work: BatchCreation, poll_s: float) -> Iterator[Outcome]:
    """Look at the batches until all are over, or time is."""
    open_batches = [one for one in work.unfinished() if one.step == Stage.CREATED]
    failures = {one.name: 0 for one in open_batches}
    while open_batches:
        for kept in list(open_batches):
            try:
                over = yield from _look(work, kept)
                failures[kept.name] = 0
            except (TransportError, ServiceError) as error:
                failures[kept.name] += 1
                over = yield from _no_answer(work, kept, error, failures[kept.name])
            if over:
                open_batches.remove(kept)
        if open_batches and work.left_s() <= 0:
            for kept in open_batches:
                yield from work.left(kept, _runs_on(kept, work.spec.same_command))
            return
        if open_batches:
            work.pause(poll_s)


def _look(work: BatchCreation, kept: ServiceBatch) -> Generator[Outcome, None, bool]:
    """Ask for one batch; write its results down if it is over. Return whether it is."""
    batch = work.api.batch(kept.batch_id)
    status = str(batch["status"])
    row = next(work.store.jobs(kept.name), None)
    if row is not None:
        counts = batch.get("request_counts")
        counts = counts if isinstance(counts, dict) else {}
        said = f"{kept.batch_id} {status} {counts.get('completed', 0)}/{kept.jobs or counts.get('total', 0)}"
        work.engine.services.progress.update(
            work.engine.continued(row), said, work.engine.clock.wall() - (row.sent_at_s or 0)
        )
    if status not in OVER:
        return False
    paths = fetch(work.api, work.folder, kept, batch)
    left_open = False
    for outcome in applied(work.engine, work.store, kept, paths, status):
        left_open = left_open or outcome.state == Status.ENDED
        yield outcome
    if not left_open:
        for outcome in without_result(work.engine, work.store, kept, batch):
            left_open = left_open or outcome.state == Status.ENDED
            yield outcome
    if not left_open:
        work.forget(kept)
    return True


def _no_answer(
    work: BatchCreation, kept: ServiceBatch, error: BailianError, failures: int
) -> Generator[Outcome, None, bool]:
    """Bad answers cost time, never the batch. Return whether to stop asking for this one."""
    if isinstance(error, ServiceError) and error.code == "ResourceNotFound":
        if failures < GONE_TRIES:
            return False
        gone = TaskFailed(
            tr(f"the service does not know batch {kept.batch_id}", f"服务端不存在批次 {kept.batch_id}"),
            code="ResourceNotFound",
            wire_code=error.wire_code,
            task_id=kept.batch_id,
        )
        for row in work.store.jobs(kept.name):
            yield finish(work.engine, work.engine.continued(row), gone)
        work.forget(kept)
        return True
    if (isinstance(error, ServiceError) and error.code == "Unauthorized") or failures >= FAILURES_MAX:
        yield from work.left(kept, lambda: error)
        return True
    return False


def _runs_on(kept: ServiceBatch, same_command: str) -> Callable[[], BailianError]:
    return lambda: StillRunning(
        tr(f"batch {kept.batch_id} is still running", f"批次 {kept.batch_id} 仍在运行"),
        advice=tr(f"{same_command} to fetch it", f"{same_command}即可取回"),
        task_id=kept.batch_id,
    )
