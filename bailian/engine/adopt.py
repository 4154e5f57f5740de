"""Take a task that was made elsewhere with this account, or whose answer one of our jobs has lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bailian.counts import MOST_PICTURES, count_of
from bailian.engine.job import Job, Saving
from bailian.engine.task_identity import failure, is_ours, shown_prompts
from bailian.errors import InvalidRequest
from bailian.i18n import say
from bailian.modalities import MODULES
from bailian.store.schema import Row

if TYPE_CHECKING:
    from bailian.engine.engine import Engine


# Not the lost answer of a job here: a job of its own.
OWN = "new"


def adopt(engine: Engine, task_id: str, saving: Saving, claimant_id: str | None = None) -> Job:
    """Take a task that was made elsewhere with this account.

    `claimant_id`: the job of this journal whose lost answer it is, as a person says who has looked; `OWN`: none's.

    Raises:
        InvalidRequest: no such job waits for a task, or a person must say which it is.
        TaskFailed: the service does not know it.
        TaskTaken: it is in the journal already.
    """
    engine.ports.query_turn()
    answer = engine.ports.service.task(task_id)
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
        account=engine.ports.account,
        kind="video" if isinstance(output.get("video_url"), str) else _kind_of(engine, model),
        model=model,
        wire_model=model,
        request={"model": model, **({"prompt": prompts[0]} if prompts else {})},
        prepared={"mode": "task", "count": _results_announced(output)},
        saving=saving.to_json(),
        estimate_cny=None,
        owner=engine.ports.owner.id,
        state="submitted",
        task_id=task_id,
    )
    row = engine.journal.job(job_id)
    assert row is not None  # noqa: S101 - written a line above
    return engine.continued(row)


def _named(engine: Engine, job_id: str, answer: dict[str, Any]) -> Row:
    """Return the job that a person has named, taken over; a task that shows another's request is not its."""
    row = engine.journal.job(job_id)
    problem = ""
    if row is None or row.account != engine.ports.account:
        problem = say(f"this machine's journal has no job {job_id}", f"本机日志中没有任务 {job_id}")
    elif row.task_id or row.state not in ("held", "sending", "unsettled") or row.prepared.get("mode") != "task":
        problem = say(f"job {job_id} ({row.state}) has lost no task", f"任务 {job_id}（{row.state}）没有丢失 task_id")
    elif is_ours(Job.of_row(row), answer) is False:
        problem = say(f"the task shows another prompt than job {job_id}", f"该任务的提示词与任务 {job_id} 不同")
    elif not engine.ports.owner.is_gone(row.owner) or not engine.journal.claim(
        row.id, engine.ports.owner.id, row.owner
    ):
        problem = say(f"another process is looking after job {job_id}", f"另一个进程正在处理任务 {job_id}")
    if problem or row is None:
        raise InvalidRequest.one("job", problem, advice="bailian tasks list --state held")
    return row


def _results_announced(output: Mapping[str, Any]) -> int:
    metrics = output.get("task_metrics")
    return (count_of(metrics.get("TOTAL"), MOST_PICTURES) if isinstance(metrics, dict) else None) or 1


def _kind_of(engine: Engine, model: str) -> str:
    known = [m for m in engine.catalog.values() if model in (m.name, *m.aliases.values())]
    return known[0].kind if known and known[0].kind in MODULES else "image"


def _claimant(engine: Engine, model: str, task_id: str, answer: dict[str, Any]) -> Row | None:
    """Return the job of this journal whose lost answer this task proves to be, taken over; None if it can be none's.

    Raises:
        InvalidRequest: it may be a job's, and only a person can say so.
    """
    rows = [
        row
        for row in engine.journal.claimants(engine.ports.account, model, "")
        if engine.ports.owner.is_gone(row.owner) and is_ours(Job.of_row(row), answer) is not False
    ]
    proven = [row for row in rows if is_ours(Job.of_row(row), answer)]
    alike = all(row.prepared.get("body") == proven[0].prepared.get("body") for row in proven)
    if proven and alike and engine.journal.claim(proven[0].id, engine.ports.owner.id, proven[0].owner):
        return proven[0]
    if not rows:
        return None
    adopt = engine.settings.resume_command.replace("tasks wait", "tasks adopt", 1)
    choices = "\n".join(f"{adopt} {task_id} --job {job_id}" for job_id in (*(row.id for row in rows), OWN))
    raise InvalidRequest.one(
        "job",
        say(
            "the task may be one whose answer a job here has lost, and does not show (yet) whose it is",
            "该任务可能属于本机某个丢失了应答的任务，但其内容（暂时）无法证明归属",
        ),
        advice=say(f"say which job it belongs to ({OWN}: to none):\n", f"请指明它属于哪个任务（{OWN}：都不是）：\n")
        + choices,
    )


def _model_of(engine: Engine, task_id: str) -> str:
    """Only the account's list knows a task's model."""
    rows = engine.ports.service.list_tasks(turn=engine.ports.query_turn).rows
    return next((row.model for row in rows if row.task_id == task_id), "unknown")
