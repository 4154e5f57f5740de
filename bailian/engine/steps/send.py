"""A request leaves: written down first, then sent, once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from bailian.catalog import Mode
from bailian.engine.context import Services
from bailian.engine.crash import bug_text
from bailian.engine.job import Broken, Job
from bailian.engine.step import Next, Outcome, Step
from bailian.engine.steps.admit import wait_of
from bailian.engine.steps.ask_time import wants_time
from bailian.engine.steps.attach import names_files, with_files
from bailian.engine.steps.call import call
from bailian.engine.steps.record_reply import give_up, with_catalog_advice
from bailian.engine.steps.word_lists import has_word_list, with_word_list
from bailian.engine.text_files import stage_texts
from bailian.engine.timing import backoff_s
from bailian.errors import (
    BailianError,
    BudgetExceeded,
    InvalidRequest,
    MaybeSent,
    NotSent,
    Retry,
    ServiceError,
    TransportError,
)
from bailian.i18n import tr
from bailian.modalities import modality_of
from bailian.service.responses import task_id_of
from bailian.service.transport import send_tracking
from bailian.store.budgets import Budget
from bailian.store.jobs import NotOurs
from bailian.store.states import Status

NOT_ATTACHED_TRIES = 4
# How often it is asked whether a budget has room again.
BUDGET_LOOK_S = 0.25


def record_intent(job: Job, services: Services) -> Next | Outcome:
    """Write down that the request leaves: its turn has come (writer)."""
    return record_intents([job], services)[job.id]


def record_intents(jobs: Sequence[Job], services: Services) -> dict[str, Next | Outcome]:
    """Write down that these requests leave, as `record_intent` does."""
    results: dict[str, Next | Outcome] = {}
    by_budgets: dict[tuple[Budget, ...], list[Job]] = {}
    for job in jobs:
        first = _before_intent(job, services)
        if first is None:
            by_budgets.setdefault(services.budgets_of(job), []).append(job)
        else:
            results[job.id] = first
    for budgets, leaving in by_budgets.items():
        results |= _record_intents(leaving, services, budgets)
    return results


def _before_intent(job: Job, services: Services) -> Next | Outcome | None:
    """Return what comes before a job may leave; None: nothing."""
    if services.run_state.halted_by is not None and job.row_key:
        return Outcome(
            job, Status.WAITING, error=services.run_state.halted_by
        )  # it would meet the same; the next run sends it
    if job.prepared.waits:
        return Next(Step.TAKE_RESULTS)
    if wants_time(job, services):
        return Next(Step.ADMIT)  # this machine's clock was set meanwhile
    if job.sending.body is None:
        if names_files(job.prepared.body.get("input")) or has_word_list(job):
            return Next(Step.ATTACH)
        job.sending.body = dict(job.prepared.body)
    return None


def _record_intents(jobs: Sequence[Job], services: Services, budgets: tuple[Budget, ...]) -> dict[str, Next | Outcome]:
    clock, term = services.service.clock, services.lease.term
    server_s, doubts = clock.now_s(), clock.contradictions
    try:
        sent_at_s = services.journal.record_intents(
            [job.id for job in jobs], services.lease.id, budgets, server_s=server_s
        )
    except (BudgetExceeded, NotOurs) as error:
        if len(jobs) == 1:
            return {jobs[0].id: _stays(jobs[0], services, error)}
        return {job.id: _record_intents([job], services, budgets)[job.id] for job in jobs}  # each asks for itself
    for job in jobs:
        job.sent_at_s, job.sent_server_s, job.sending.clock_doubts = sent_at_s, server_s, doubts
        job.sending.lease_term = term
        if modality_of(job.kind).RETRY_SAFE:
            services.run_state.open_prices.add(job.id)
    return {job.id: Next(Step.SEND) for job in jobs}


def _stays(job: Job, services: Services, error: BudgetExceeded | NotOurs) -> Next | Outcome:
    if isinstance(error, NotOurs):
        if services.journal.place.is_shared:  # this machine was taken for dead, and another one goes on with it
            return Outcome(job, Status.WAITING)
        return Outcome(
            job, Status.UNSENT, error=NotSent(tr("the job was given up before it was sent", "任务在发送前已放弃"))
        )
    if services.run_state.open_prices:  # answers under way will have cost less than is reserved for them
        return Next(Step.ADMIT, BUDGET_LOOK_S)
    return Outcome(job, Status.WAITING, error=error) if job.run else give_up(job, services, error)


def attach(job: Job, services: Services) -> Next | Outcome:
    """Put the job's files into its body. Nothing paid leaves here, so another try is free."""
    try:
        job.sending.body = with_word_list(job, services, with_files(job, services))
    except (TransportError, ServiceError, InvalidRequest) as error:
        job.sending.attempts += 1
        again = isinstance(error, TransportError) or getattr(error, "again", Retry.NEVER) != Retry.NEVER
        if again and job.sending.attempts < NOT_ATTACHED_TRIES:
            return Next(
                Step.ATTACH, backoff_s(job.sending.attempts - 1, jitter=services.jitter())
            )  # its turn is not over
        # An upload is granted for a model: a retired one is refused here, before its own request.
        if isinstance(error, ServiceError):
            error = with_catalog_advice(job, error, services.clock.day())
        return give_up(job, services, error)
    return Next(Step.RECORD_INTENT)


def send(job: Job, services: Services) -> Next | Outcome:
    """Send it at its place, once. What comes of it is written down by the next step."""
    then = wait_of(job, services)
    if then is not None:
        return then
    services.progress.update(job, "SUBMITTING", 0.0)
    body, job.sending.body = job.sending.body or {}, None
    # Bound to the lease alone: one that held its job would be a circle, and a batch's jobs garbage to be collected.
    job.sending.watch = send_tracking.watch(partial(services.lease.may_send, job.sending.lease_term))
    try:
        job.sending.reply = _sent(job, services, body)
    except (NotSent, MaybeSent, ServiceError, Broken) as error:
        job.sending.reply = error
    except BailianError:
        raise  # a file of ours could not be written, or the user left
    except Exception as error:  # noqa: BLE001 - whatever our own fault is, the request may have left
        job.sending.reply = MaybeSent(bug_text(error))
    else:
        stage_texts(job, services, job.sending.reply)
    finally:
        send_tracking.watch()  # whatever else this thread asks costs nothing, and may leave at any time
    return Next(Step.RECORD_REPLY)


def _sent(job: Job, services: Services, body: dict[str, Any]) -> dict[str, Any]:
    if job.mode != Mode.TASK:
        return call(job, services, body)
    answer = services.service.create_task(job.prepared.route, body)
    if not task_id_of(answer):
        raise MaybeSent(
            tr("the service answered without a task id", "服务应答中没有 task_id"), request_id=answer.get("request_id")
        )
    return answer
