"""A paid request left and no answer came: ask the account's own task list whether the task exists.

Found → adopted. Provably absent → sent again. Unclear → asked again until the deadline, then reported;
never sent again in silence. The list (docs/wire.md "Task list") holds model and time but no prompt, so a
candidate among several is recognised by the prompt in its own answer once it has one.
"""

from __future__ import annotations

from typing import Any

from bailian.engine.evidence import is_ours
from bailian.engine.job import Job, Outcome, Ports, Then, query_wait_s
from bailian.engine.record import unsent
from bailian.engine.rhythm import backoff_s
from bailian.engine.sweep import OVER
from bailian.errors import BailianError, MaybeSent, NotSent, journalled
from bailian.journal import TaskTaken
from bailian.language import say
from bailian.wire.service import ListedTask

# The server's work may start late (its answer was lost, not its work), and how soon the list shows a task is not
# documented: absence counts only when the list has stayed without the task over several looks (a minute in all; a guess).
CONFIRMATIONS = 7
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
RESENDS = 3
# `Date` headers have whole seconds, and a task's creation is stamped some time after the request left.
CLOCK_SLACK_S = 5.0
LATEST_CREATION_S = 330.0
LIST_REACHES_BACK_S = 23.5 * 3600


def settle(job: Job, ports: Ports) -> Then | Outcome:
    """Look once; decide if the evidence is there."""
    sent_at_s = job.sent_at_s or job.created_at_s
    if ports.wall() - sent_at_s > LIST_REACHES_BACK_S:
        return _held(job, ports)
    wait_s = query_wait_s(job, ports)
    if wait_s > 0:
        return Then("settle", wait_s)
    ports.progress.update(job, "SETTLING", ports.wall() - sent_at_s)
    try:
        candidates = _candidates(job, ports, sent_at_s)
        if not candidates:
            return _absent(job, ports)
        job.confirmations = 0
        return _choose(job, ports, candidates)
    except BailianError as error:
        # The list itself did not answer: that proves nothing either way.
        job.failures_in_a_row += 1
        if error.stops_all:
            raise
        return Then("settle", backoff_s(min(job.failures_in_a_row, 4), jitter=ports.jitter()))


def _candidates(job: Job, ports: Ports, sent_at_s: float) -> list[ListedTask]:
    """Return tasks that could be this job's: its model, its time, unknown to the journal, not another's."""
    rows, offset_s = ports.service.list_tasks(model=job.wire_model, turn=ports.query_turn)
    job.failures_in_a_row = 0
    first_s = sent_at_s + offset_s - CLOCK_SLACK_S
    last_s = sent_at_s + offset_s + LATEST_CREATION_S
    rows = [
        row
        for row in rows
        if row.task_id
        and row.task_id not in job.foreign
        and row.model in ("", job.wire_model)
        and (row.created_at_s is None or first_s <= row.created_at_s <= last_s)
    ]
    known = ports.journal.known_tasks(ports.account, [row.task_id for row in rows])
    return [row for row in rows if row.task_id not in known]


def _absent(job: Job, ports: Ports) -> Then | Outcome:
    job.confirmations += 1
    if job.confirmations < CONFIRMATIONS:
        return Then("settle", PAUSES_S[min(job.confirmations - 1, len(PAUSES_S) - 1)])
    job.resends += 1
    ports.journal.not_sent(job.id)
    if not job.may_resend:
        return unsent(job, ports, never_arrived())
    if job.resends <= RESENDS:
        return Then("turn")
    return unsent(
        job,
        ports,
        NotSent(
            say(
                f"the connection broke {job.resends} times while sending; the service has no such task, nothing was billed",
                f"发送时连接中断 {job.resends} 次；服务端没有对应任务，未产生费用",
            )
        ),
    )


def never_arrived() -> NotSent:
    return NotSent(
        say("the request never reached the service; nothing was billed", "请求未到达服务端，未产生费用"),
        advice=say("run the command again", "请重新运行该命令"),
    )


def _choose(job: Job, ports: Ports, candidates: list[ListedTask]) -> Then | Outcome:
    """Take the only candidate if nobody else may own it; otherwise the one that proves to be ours."""
    rivals = ports.journal.claimants(ports.account, job.wire_model, job.id)
    if any(rival.state == "sending" and not ports.owner.is_gone(rival.owner) for rival in rivals):
        # Its answer is on the way and will say which task is its own.
        return Then("settle", PAUSES_S[0])
    if len(candidates) == 1 and not rivals:
        return _adopt(job, ports, candidates[0])
    for row in candidates:
        if row.task_id in job.undecided:
            continue
        verdict = is_ours(job, _asked(row, job, ports))
        if verdict:
            return _adopt(job, ports, row)
        if verdict is False:
            job.foreign.add(row.task_id)
        elif row.status in OVER:
            job.undecided.add(row.task_id)  # it will not tell later, either
    if all(row.task_id in job.undecided or row.task_id in job.foreign for row in candidates):
        job.undecided_looks += 1
        if job.undecided_looks >= CONFIRMATIONS:
            return _held(job, ports)
    return Then("settle", PAUSES_S[2])


def _asked(row: ListedTask, job: Job, ports: Ports) -> dict[str, Any]:
    """Return what a task shows. One that is over is asked for once, however many jobs it may belong to."""
    with ports.asking:
        known = ports.seen.get(row.task_id)
        if known is not None:
            return known
        ports.query_turn(job.poll_per_s)
        answer = ports.service.task(row.task_id)
        if row.status in OVER:
            ports.seen[row.task_id] = answer
        return answer


def _adopt(job: Job, ports: Ports, row: ListedTask) -> Then | Outcome:
    try:
        ports.journal.adopt(job.id, row.task_id, row.request_id or None)
    except TaskTaken:
        return Then("settle", PAUSES_S[0])
    job.task_id, job.request_id, job.adopted = row.task_id, row.request_id or None, True
    return Then("watch")


def _held(job: Job, ports: Ports) -> Outcome:
    error = unclear(job)
    ports.journal.finish(job.id, "held", journalled(error))
    return Outcome(job, "held", error=error)


def unclear(job: Job) -> MaybeSent:
    """Return the report on a job that could not be settled (in time)."""
    return MaybeSent(
        say(
            "the connection broke while the task was created, and the account's task list does not (yet) show whether it exists",
            "创建任务时连接中断，账号的任务列表（暂时）无法确认任务是否存在",
        ),
        advice=say(
            f"it is not sent again, because it may be paid; look again with: {job.resume} {job.id}",
            f"由于可能已计费，不会自动重发；请用以下命令再次核对：{job.resume} {job.id}",
        ),
    )
