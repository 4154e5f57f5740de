"""A paid request left and no answer came: ask the account's own task list whether the task exists.

Found, and proven ours by what its answer shows → adopted. Provably absent → sent again. Unclear → asked again until the
deadline, then reported; never sent again in silence. The list (docs/wire.md "Task list") holds model and time but no
prompt, so whose a task is shows in its own answer, once it has one.

Absence is proven by the service's clock alone: the moment of sending and the list's times are both its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bailian.engine.context import Services, query_wait_s
from bailian.engine.job import Job
from bailian.engine.step import Next, Outcome, Step
from bailian.engine.steps.record_reply import give_up
from bailian.engine.task_identity import holds_results, is_ours, may_be_either
from bailian.engine.task_list.watched import OVER
from bailian.engine.timing import LOOK_PAUSES_S, backoff_s
from bailian.errors import BailianError, MaybeSent, NotSent, NotTheService, Retry, ServiceError, journalled
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.service.client import ListedTask, Listing
from bailian.service.responses import task_id_of
from bailian.service.server_clock import SLACK_S
from bailian.store.jobs import TaskTaken
from bailian.store.schema import JobEnd, JobRow
from bailian.store.states import Status

RESENDS = 3
# A task's creation is stamped some time after the request left; and the clocks of the service's parts may differ.
CREATION_SPREAD_S = 330.0
# Before a task counts as absent, so many of the newest tasks of other times are asked whether they show our request.
ELSEWHERE_MAX = 30
LIST_REACHES_BACK_S = 23.5 * 3600
# So often something else may answer in the service's place before the job is left for another time.
FOREIGN_LOOKS = 4


def reconcile(job: Job, services: Services) -> Next | Outcome:
    """Look once; decide if the evidence is there."""
    state = job.reconciling
    wait_s = query_wait_s(job, services)
    if wait_s > 0:
        return Next(Step.RECONCILE, wait_s)
    services.progress.update(job, "SETTLING", services.clock.wall() - (job.sent_at_s or job.created_at_s))
    try:
        listing = services.service.list_tasks(model=job.wire_model, turn=services.query_turn)
        state.failures_in_a_row = 0
        unknown = _unknown(job, services, listing)
        near = [row for row in unknown if _is_near(row, job.sent_server_s)]
        if near:
            state.confirmations = 0
            return _choose(job, services, near)
        return _none(job, services, listing, unknown)
    except BailianError as error:
        # The list itself did not answer: that proves nothing either way.
        state.failures_in_a_row += 1
        waits = not error.stops_all
        if isinstance(error, NotTheService):
            services.run_state.halted_by = error
            waits = state.failures_in_a_row < FOREIGN_LOOKS
            if not job.row_key:  # running it again would pay again; a batch goes on with its row
                error.advice += tr(
                    f", then: {how_to().fetch(job.account_flags, job.id)}",
                    f"，然后运行：{how_to().fetch(job.account_flags, job.id)}",
                )
        if not waits:
            raise
        return Next(Step.RECONCILE, backoff_s(min(state.failures_in_a_row, 4), jitter=services.jitter()))


def _unknown(job: Job, services: Services, listing: Listing) -> list[ListedTask]:
    """Return tasks of the job's model that no job of this journal has, and that do not show another's request."""
    rows = [
        row
        for row in listing.rows
        # The list was asked for this model; a dated name of it is it, too.
        if row.task_id
        and row.task_id not in job.reconciling.not_ours
        and (not row.model or row.model.startswith(job.wire_model))
    ]
    known = services.journal.known_tasks([row.task_id for row in rows])
    return [row for row in rows if row.task_id not in known]


def _is_near(row: ListedTask, sent_server_s: float | None) -> bool:
    """Return whether a task was created about when a request was sent; a moment that is not known is any."""
    if row.created_at_s is None or sent_server_s is None:
        return True
    return abs(row.created_at_s - sent_server_s) <= CREATION_SPREAD_S


def _knows_when(job: Job, services: Services) -> bool:
    """Return whether the moment of sending can be trusted: the service's clock has not contradicted itself since."""
    doubts = services.service.clock.contradictions
    return job.sent_server_s is not None and job.sending.clock_doubts in (None, doubts)


def _none(job: Job, services: Services, listing: Listing, unknown: list[ListedTask]) -> Next | Outcome:
    """No task could be the job's. That is proof if it stays so, if the list reaches back to the sending, and if no task
    of another time shows our request: then some clock of the service is off."""
    state = job.reconciling
    state.confirmations += 1
    if state.confirmations < len(LOOK_PAUSES_S):
        return Next(Step.RECONCILE, LOOK_PAUSES_S[state.confirmations])
    newest = sorted(unknown, key=lambda row: row.created_at_s or 0.0, reverse=True)[:ELSEWHERE_MAX]
    state.inconclusive = {row.task_id for row in newest if is_ours(job, _asked(row, job, services)[0])}
    if state.inconclusive or not _knows_when(job, services) or not _reaches_back(job, listing):
        return _held(job, services)
    job.sending.resends += 1
    if not services.journal.requeue(job.id):
        return Outcome(job, Status.WAITING)
    if not job.may_resend:
        return give_up(job, services, never_arrived())
    answered = job.sending.last_error if isinstance(job.sending.last_error, ServiceError) else None
    if answered is not None and 400 <= (answered.http_status or 0) < 500 and answered.again == Retry.NEVER:
        services.journal.finish(
            [JobEnd(job.id, Status.FAILED, journalled(answered))]
        )  # a refusal with a code that nobody knew
        return Outcome(job, Status.FAILED, error=answered)
    if job.sending.resends <= RESENDS:
        return Next(Step.ADMIT)
    return give_up(job, services, answered or _breaks(job.sending.resends))


def _reaches_back(job: Job, listing: Listing) -> bool:
    """Return whether the list holds every task of the time when the job was sent."""
    if job.sent_server_s is None or listing.server_time_s is None:
        return False
    stamps = [row.created_at_s for row in listing.rows if row.created_at_s is not None]
    if listing.full_page and min(stamps, default=job.sent_server_s) >= job.sent_server_s:
        return False  # cut at a full page, and all of it is younger
    return -SLACK_S <= listing.server_time_s - job.sent_server_s <= LIST_REACHES_BACK_S


def never_arrived() -> NotSent:
    return NotSent(
        tr("the request never reached the service; nothing was billed", "请求未到达服务端，未产生费用"),
        advice=tr("run the command again", "请重新运行该命令"),
    )


def _breaks(count: int) -> NotSent:
    return NotSent(
        tr(
            f"the connection broke {count} times while sending; the service has no such task, nothing was billed",
            f"发送时连接中断 {count} 次；服务端没有对应任务，未产生费用",
        )
    )


def _choose(job: Job, services: Services, candidates: list[ListedTask]) -> Next | Outcome:
    """Take the task that proves to be ours; no other, though it were the only one.

    Another machine may have asked for the same: a task is taken only when every candidate has told what it is, and the
    list, which may lag, has shown no other for as long as absence would take to be believed.
    """
    state = job.reconciling
    rivals = services.journal.claimants(services.account, job.wire_model, job.id)
    if any(rival.state == Status.SENDING and not services.lease.is_dead(rival.owner) for rival in rivals):
        # Its answer is on the way and will say which task is its own.
        return Next(Step.RECONCILE, LOOK_PAUSES_S[1])
    ours, inconclusive, waiting = _judged(job, services, candidates, rivals)
    state.inconclusive = inconclusive | {row.task_id for row in ours}
    if waiting or state.inconclusive != state.inconclusive_before:
        state.inconclusive_before, state.inconclusive_looks = state.inconclusive, 0
        return Next(Step.RECONCILE, LOOK_PAUSES_S[3] if waiting else LOOK_PAUSES_S[1])
    state.inconclusive_looks += 1
    if state.inconclusive_looks < len(LOOK_PAUSES_S):
        return Next(Step.RECONCILE, LOOK_PAUSES_S[state.inconclusive_looks])
    alike = 1 + sum(rival.prepared.body == job.prepared.body for rival in rivals)
    if 0 < len(ours) <= alike and _knows_when(job, services):
        return _adopt(job, services, ours[0])
    return _held(job, services)


def _judged(
    job: Job, services: Services, candidates: list[ListedTask], rivals: Sequence[JobRow]
) -> tuple[list[ListedTask], set[str], bool]:
    """Return the tasks that prove to be the job's, those that may be, and whether one has not told all yet."""
    ours: list[ListedTask] = []
    inconclusive: set[str] = set()
    waiting = False
    for row in candidates:
        answer, told = _asked(row, job, services)
        verdict = is_ours(job, answer)
        if verdict is False:
            job.reconciling.not_ours.add(row.task_id)
        elif verdict and not _is_a_rivals(row, answer, job, rivals):
            ours.append(row)
        elif told:
            inconclusive.add(row.task_id)
        else:
            waiting = True
    return ours, inconclusive, waiting


def _is_a_rivals(row: ListedTask, answer: dict[str, Any], job: Job, rivals: Sequence[JobRow]) -> bool:
    """Return whether a task that shows this job's prompt may as well be that of another request, which differs."""
    return any(_is_near(row, rival.sent_server_s) and may_be_either(job, Job.of_row(rival), answer) for rival in rivals)


def _asked(row: ListedTask, job: Job, services: Services) -> tuple[dict[str, Any], bool]:
    """Return what a task shows, and whether that is all. One that has told all is asked for once, by all jobs together."""
    strangers = services.run_state.strangers
    with strangers.asking:
        known = strangers.answers.get(row.task_id)
        if known is not None:
            return known, True
        services.query_turn(job.limits.poll_per_s)
        answer = services.service.task(row.task_id)
        if task_id_of(answer) not in ("", row.task_id):
            return {}, False  # an answer about another task, kept on the way
        # A task can be over before its results are shown.
        told = row.status in OVER and (row.status != "SUCCEEDED" or holds_results(answer))
        if told:
            strangers.answers[row.task_id] = answer
        return answer, told


def _adopt(job: Job, services: Services, row: ListedTask) -> Next | Outcome:
    try:
        services.journal.adopt(job.id, row.task_id, row.request_id or None)
    except TaskTaken:
        return Next(Step.RECONCILE, LOOK_PAUSES_S[1])
    job.task_id, job.request_id, job.adopted = row.task_id, row.request_id or None, True
    return Next(Step.POLL)


def _held(job: Job, services: Services) -> Outcome:
    error = unclear(job)
    services.journal.finish([JobEnd(job.id, Status.HELD, journalled(error))])
    return Outcome(job, Status.HELD, error=error)


def unclear(job: Job) -> MaybeSent:
    """Return the report on a job that could not be reconciled (in time)."""
    look = tr(
        f"it is not sent again, because it may be paid; look again with: {how_to().fetch(job.account_flags, job.id)}",
        f"由于可能已计费，不会自动重发；请用以下命令再次核对：{how_to().fetch(job.account_flags, job.id)}",
    )
    why = job.sending.last_error.message if job.sending.last_error else tr("the connection broke", "连接中断")
    if not job.reconciling.inconclusive:
        return MaybeSent(
            tr(
                f"{why}; whether the task was created all the same, the account's task list does not (yet) show",
                f"{why}；账号的任务列表（暂时）无法确认任务是否已创建",
            ),
            advice=look,
        )
    lines = "\n".join(
        f"  {how_to().adopt(job.account_flags, task_id, job.id)}" for task_id in sorted(job.reconciling.inconclusive)
    )
    return MaybeSent(
        tr(
            f"{why}; the account has tasks that may be this one, and nothing in them shows whose they are",
            f"{why}；账号中有可能属于该请求的任务，但其内容无法证明归属",
        ),
        advice=tr(
            f"{look}\nif one of them is it, take it:\n{lines}", f"{look}\n如果其中之一属于该请求，请接管：\n{lines}"
        ),
    )
