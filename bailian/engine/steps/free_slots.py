"""Slots for running tasks whose process is stopped (Ctrl-Z, a debugger): who has them, and which tasks are over.

A slot is freed when the service itself shows that its task does not run. So the account's limit holds, and a stopped
process holds nobody up for longer than its tasks take.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from bailian.engine.context import Services, age_s
from bailian.engine.job import Job
from bailian.engine.step import Next, Step
from bailian.engine.task_list.watched import OVER
from bailian.errors import BailianError
from bailian.i18n import tr
from bailian.service.client import ListedTask
from bailian.store.pace.slots import Holder
from bailian.store.schema import JobRow
from bailian.store.states import Status

# A task that was made just now may not be in the list yet (how soon it is there is not documented; a guess).
LIST_LAG_S = 60.0


def held_by(holders: Iterable[Holder]) -> str:
    """Return which processes have the slots."""
    return tr(
        "the account's running tasks belong to " + ", ".join(map(_named, holders)),
        "账号可同时运行的任务均属于：" + "，".join(map(_named, holders)),
    )


def _named(holder: Holder) -> str:
    count = len(holder.job_ids)
    process = tr(
        f"process {holder.pid} ({holder.command}): {count}", f"进程 {holder.pid}（{holder.command}）：{count} 个"
    )
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder.seen_s))
    return process + (tr(f", stopped since {since}", f"，自 {since} 起已暂停") if holder.is_silent else "")


def stopped_ones(holders: Iterable[Holder]) -> str:
    """Return which of them are stopped, and the commands that help; nothing if none is."""
    silent = [holder for holder in holders if holder.is_silent]
    if not silent:
        return ""
    who = "; ".join(map(_named, silent))
    pids = " ".join(str(holder.pid) for holder in silent)
    return tr(
        f"{who}; continue it with `fg` or `kill -CONT {pids}`, or end it with `kill -KILL {pids}`",
        f"{who}；可用 `fg` 或 `kill -CONT {pids}` 继续，或用 `kill -KILL {pids}` 结束",
    )


def free_slots(job: Job, services: Services) -> Next:
    """Ask the service which tasks of stopped processes are over, and free their slots (worker)."""
    holders = services.limits.slots.holders(services.queue_of(job))
    rows = [services.journal.job(job_id) for holder in holders if holder.is_silent for job_id in holder.job_ids]
    try:
        services.query_turn(job.limits.poll_per_s)
        listed = services.service.list_tasks(model=job.wire_model, turn=services.query_turn).rows
        over = [row.id for row in rows if row is not None and not _may_run(row, listed, services)]
    except BailianError:
        return Next(Step.ADMIT, 1.0)
    for job_id in over:
        services.limits.slots.release(job_id)
    return Next(Step.ADMIT)


def _may_run(row: JobRow, listed: list[ListedTask], services: Services) -> bool:
    """Return whether a job's task may run at the service. A stopped process that has not sent it makes sure of its slot
    before it does."""
    if row.state in (Status.SENDING, Status.UNSETTLED, Status.HELD):
        open_ids = [task.task_id for task in listed if task.status not in OVER]
        if len(services.journal.known_tasks(open_ids)) < len(open_ids):
            return True
        sent_s = age_s(Job.of_row(row), services)
        return sent_s is None or sent_s < LIST_LAG_S
    if row.state != Status.SUBMITTED or row.task_id is None:
        return False
    status = next((task.status for task in listed if task.task_id == row.task_id), None)
    if status is None:
        services.query_turn()
        output = services.service.task(row.task_id).get("output")
        status = str(output.get("task_status")) if isinstance(output, dict) else ""
    return status not in OVER
