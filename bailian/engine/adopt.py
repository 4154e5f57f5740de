"""Take a task that was made elsewhere with this account, or whose answer one of our jobs has lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bailian.catalog import Mode
from bailian.counts import MOST_PICTURES, count_of
from bailian.engine.job import Job, OutputSpec
from bailian.engine.task_identity import failure, is_ours, shown_prompts
from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities import MODULES
from bailian.store.schema import JobRow
from bailian.store.states import Status
from bailian.types import StoredRequest

if TYPE_CHECKING:
    from bailian.engine.engine import Engine


# Not the lost answer of a job here: a job of its own.
OWN = "new"


def adopt(engine: Engine, task_id: str, saving: OutputSpec, claimant_id: str | None = None) -> Job:
    """Take a task that was made elsewhere with this account.

    `claimant_id`: the job of this journal whose lost answer it is, as a person says who has looked; `OWN`: none's.

    Raises:
        InvalidRequest: no such job waits for a task, or a person must say which it is.
        TaskFailed: the service does not know it.
        TaskTaken: it is in the journal already.
    """
    engine.services.query_turn()
    answer = engine.services.service.task(task_id)
    output = answer.get("output")
    output = output if isinstance(output, dict) else {}
    if output.get("task_status") == "UNKNOWN":
        raise failure(output, "UNKNOWN", task_id, answer.get("request_id"))
    model = _model_of(engine, task_id)
    if claimant_id is None:
        claimant = _claimant(engine, model, task_id, answer)
    else:
        claimant = None if claimant_id == OWN else _named(engine, claimant_id, answer)
    if claimant is not None:
        engine.journal.adopt(claimant.id, task_id, None)
        return engine.continued(engine.journal.job(claimant.id) or claimant)
    prompts = shown_prompts(answer)
    job_id = engine.journal.intend(
        account=engine.services.account,
        kind="video" if isinstance(output.get("video_url"), str) else _kind_of(engine, model),
        model=model,
        wire_model=model,
        request={"model": model, **({"prompt": prompts[0]} if prompts else {})},
        prepared=StoredRequest(mode=Mode.TASK, count=_results_announced(output)),
        saving=saving.to_json(),
        estimate_cny=None,
        owner=engine.services.lease.id,
        task_id=task_id,
    )
    row = engine.journal.job(job_id)
    assert row is not None  # noqa: S101 - written a line above
    return engine.continued(row)


def _named(engine: Engine, job_id: str, answer: dict[str, Any]) -> JobRow:
    """Return the job that a person has named, taken over; a task that shows another's request is not its."""
    row = engine.journal.job(job_id)
    problem = ""
    if row is None or row.account != engine.services.account:
        problem = tr(f"this machine's journal has no job {job_id}", f"本机日志中没有任务 {job_id}")
    elif (
        row.task_id
        or row.state not in (Status.HELD, Status.SENDING, Status.UNSETTLED)
        or row.prepared.mode != Mode.TASK
    ):
        problem = tr(f"job {job_id} ({row.state}) has lost no task", f"任务 {job_id}（{row.state}）没有丢失 task_id")
    elif is_ours(Job.of_row(row), answer) is False:
        problem = tr(f"the task shows another prompt than job {job_id}", f"该任务的提示词与任务 {job_id} 不同")
    elif not engine.services.lease.is_dead(row.owner) or not engine.journal.claim(
        row.id, engine.services.lease.id, row.owner
    ):
        problem = tr(f"another process is looking after job {job_id}", f"另一个进程正在处理任务 {job_id}")
    if problem or row is None:
        raise InvalidRequest.one("job", problem, advice=how_to().list_held())
    return row


def _results_announced(output: Mapping[str, Any]) -> int:
    metrics = output.get("task_metrics")
    return (count_of(metrics.get("TOTAL"), MOST_PICTURES) if isinstance(metrics, dict) else None) or 1


def _kind_of(engine: Engine, model: str) -> str:
    known = [m for m in engine.catalog.values() if model in (m.name, *m.aliases.values())]
    return known[0].kind if known and known[0].kind in MODULES else "image"


def _claimant(engine: Engine, model: str, task_id: str, answer: dict[str, Any]) -> JobRow | None:
    """Return the job of this journal whose lost answer this task proves to be, taken over; None if it can be none's.

    Raises:
        InvalidRequest: it may be a job's, and only a person can say so.
    """
    rows = [
        row
        for row in engine.journal.claimants(engine.services.account, model, "")
        if engine.services.lease.is_dead(row.owner) and is_ours(Job.of_row(row), answer) is not False
    ]
    proven = [row for row in rows if is_ours(Job.of_row(row), answer)]
    alike = all(row.prepared.body == proven[0].prepared.body for row in proven)
    if proven and alike and engine.journal.claim(proven[0].id, engine.services.lease.id, proven[0].owner):
        return proven[0]
    if not rows:
        return None
    flags = engine.settings.resume_flags
    choices = "\n".join(how_to().adopt(flags, task_id, job_id) for job_id in (*(row.id for row in rows), OWN))
    raise InvalidRequest.one(
        "job",
        tr(
            "the task may be one whose answer a job here has lost, and does not show (yet) whose it is",
            "该任务可能属于本机某个丢失了应答的任务，但其内容（暂时）无法证明归属",
        ),
        advice=tr(f"say which job it belongs to ({OWN}: to none):\n", f"请指明它属于哪个任务（{OWN}：都不是）：\n")
        + choices,
    )


def _model_of(engine: Engine, task_id: str) -> str:
    """Only the account's list knows a task's model."""
    rows = engine.services.service.list_tasks(turn=engine.services.query_turn).rows
    return next((row.model for row in rows if row.task_id == task_id), "unknown")
