"""Slots for running tasks whose process is stopped (Ctrl-Z, a debugger): who has them, and which tasks are over.

A slot is freed when the service itself shows that its task does not run. So the account's limit holds, and a stopped
process holds nobody up for longer than its tasks take.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from bailian.engine.job import Job, Ports, Then, age_s
from bailian.engine.task_list import OVER
from bailian.errors import BailianError
from bailian.i18n import say
from bailian.service.client import ListedTask
from bailian.store.rate_limits import Holder
from bailian.store.schema import Row

# A task that was made just now may not be in the list yet (how soon it is there is not documented; a guess).
LIST_LAG_S = 60.0


def held_by(holders: Iterable[Holder]) -> str:
    """Return which processes have the slots."""
    return say(
        "the account's running tasks belong to " + ", ".join(map(_named, holders)),
        "账号可同时运行的任务均属于：" + "，".join(map(_named, holders)),
    )


def _named(holder: Holder) -> str:
    count = len(holder.job_ids)
    process = say(
        f"process {holder.pid} ({holder.command}): {count}", f"进程 {holder.pid}（{holder.command}）：{count} 个"
    )
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder.seen_s))
    return process + (say(f", stopped since {since}", f"，自 {since} 起已暂停") if holder.is_silent else "")


def stopped_ones(holders: Iterable[Holder]) -> str:
    """Return which of them are stopped, and the commands that help; nothing if none is."""
    silent = [holder for holder in holders if holder.is_silent]
    if not silent:
        return ""
    who = "; ".join(map(_named, silent))
    pids = " ".join(str(holder.pid) for holder in silent)
    return say(
        f"{who}; continue it with `fg` or `kill -CONT {pids}`, or end it with `kill -KILL {pids}`",
        f"{who}；可用 `fg` 或 `kill -CONT {pids}` 继续，或用 `kill -KILL {pids}` 结束",
    )


def free_slots(job: Job, ports: Ports) -> Then:
    """Ask the service which tasks of stopped processes are over, and free their slots (worker)."""
    holders = ports.pace.holders(ports.queue_of(job))
    rows = [ports.journal.job(job_id) for holder in holders if holder.is_silent for job_id in holder.job_ids]
    try:
        ports.query_turn(job.poll_per_s)
        listed = ports.service.list_tasks(model=job.wire_model, turn=ports.query_turn).rows
        over = [row.id for row in rows if row is not None and not _may_run(row, listed, ports)]
    except BailianError:
        return Then("turn", 1.0)
    for job_id in over:
        ports.pace.free_slot(job_id)
    return Then("turn")


def _may_run(row: Row, listed: list[ListedTask], ports: Ports) -> bool:
    """Return whether a job's task may run at the service. A stopped process that has not sent it makes sure of its slot
    before it does."""
    if row.state in ("sending", "unsettled", "held"):
        open_ids = [task.task_id for task in listed if task.status not in OVER]
        if len(ports.journal.known_tasks(open_ids)) < len(open_ids):
            return True
        sent_s = age_s(Job.of_row(row), ports)
        return sent_s is None or sent_s < LIST_LAG_S
    if row.state != "submitted" or row.task_id is None:
        return False
    status = next((task.status for task in listed if task.task_id == row.task_id), None)
    if status is None:
        ports.query_turn()
        output = ports.service.task(row.task_id).get("output")
        status = str(output.get("task_status")) if isinstance(output, dict) else ""
    return status not in OVER
