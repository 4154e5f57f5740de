"""A request leaves: written down first, then sent, once."""

from __future__ import annotations

from typing import Any

from bailian.engine.crash import bug_text
from bailian.engine.job import Job, Outcome, Ports, Then
from bailian.engine.steps.admit import wait_of
from bailian.engine.steps.ask_time import wants_time
from bailian.engine.steps.attach import attached
from bailian.engine.steps.call import called
from bailian.engine.steps.publish import write_texts
from bailian.engine.steps.record_reply import explained, unsent
from bailian.engine.steps.speak import Broken
from bailian.engine.timing import backoff_s
from bailian.errors import (
    BailianError,
    BudgetExceeded,
    InvalidRequest,
    MaybeSent,
    NotSent,
    ServiceError,
    TransportError,
)
from bailian.i18n import say
from bailian.modalities import of
from bailian.service.responses import task_id_of
from bailian.service.transport import send_tracking
from bailian.store.jobs import NotOurs

NOT_ATTACHED_TRIES = 4
# How often it is asked whether a budget has room again.
BUDGET_LOOK_S = 0.25


def submit(job: Job, ports: Ports) -> Then | Outcome:
    """Write down that the request leaves: its turn has come."""
    if ports.halted_by is not None and job.row_key:
        return Outcome(job, "waiting", error=ports.halted_by)  # it would meet the same; the next run sends it
    if wants_time(job, ports):
        return Then("turn")  # this machine's clock was set meanwhile
    if job.body is None:
        if of(job.kind).INPUT_FIELDS:
            return Then("attach")
        job.body = dict(job.prepared["body"])
    job.sent_server_s, job.clock_doubts = ports.service.clock.now_s(), ports.service.clock.contradictions
    try:
        job.sent_at_s = ports.journal.sending(job.id, ports.owner.id, ports.budgets_of(job), server_s=job.sent_server_s)
    except BudgetExceeded as error:
        if ports.open_prices:  # answers under way will have cost less than is reserved for them
            return Then("turn", BUDGET_LOOK_S)
        return Outcome(job, "waiting", error=error) if job.run else unsent(job, ports, error)
    except NotOurs:
        return Outcome(
            job, "unsent", error=NotSent(say("the job was given up before it was sent", "任务在发送前已放弃"))
        )
    if of(job.kind).REPEATABLE:
        ports.open_prices.add(job.id)
    return Then("send")


def attach(job: Job, ports: Ports) -> Then | Outcome:
    """Put the job's files into its body. Nothing paid leaves here, so another try is free."""
    try:
        job.body = attached(job, ports)
    except (TransportError, ServiceError, InvalidRequest) as error:
        job.attempts += 1
        again = isinstance(error, TransportError) or getattr(error, "again", "no") != "no"
        if again and job.attempts < NOT_ATTACHED_TRIES:
            return Then("attach", backoff_s(job.attempts - 1, jitter=ports.jitter()))  # its turn is not over
        # An upload is granted for a model: a retired one is refused here, before its own request.
        return unsent(job, ports, explained(job, error) if isinstance(error, ServiceError) else error)
    return Then("submit")


def send(job: Job, ports: Ports) -> Then | Outcome:
    """Send it at its place, once. What comes of it is written down by the next step."""
    then = wait_of(job, ports)
    if then is not None:
        return then
    ports.progress.update(job, "SUBMITTING", 0.0)
    body, job.body = job.body or {}, None
    job.sending = send_tracking.watch()
    try:
        job.reply = _sent(job, ports, body)
    except (NotSent, MaybeSent, ServiceError, Broken) as error:
        job.reply = error
    except BailianError:
        raise  # a file of ours could not be written, or the user left
    except Exception as error:  # noqa: BLE001 - whatever our own fault is, the request may have left
        job.reply = MaybeSent(bug_text(error))
    else:
        write_texts(job, ports, job.reply)
    return Then("record")


def _sent(job: Job, ports: Ports, body: dict[str, Any]) -> dict[str, Any]:
    if job.prepared["mode"] != "task":
        return called(job, ports, body)
    answer = ports.service.create_task(job.prepared["route"], body)
    if not task_id_of(answer):
        raise MaybeSent(
            say("the service answered without a task id", "服务应答中没有 task_id"), request_id=answer.get("request_id")
        )
    return answer
