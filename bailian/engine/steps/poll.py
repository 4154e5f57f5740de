"""Ask for a task until the service is done with it. Bad answers cost time, never the task."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bailian.engine.context import Services, age_s, note_query, query_wait_s
from bailian.engine.job import Job
from bailian.engine.reports import KEPT_S, gone, still_running
from bailian.engine.step import Next, Outcome, Step
from bailian.engine.task_identity import failure, holds_results, is_ours, shown_prompts
from bailian.engine.task_list.poller import Ask
from bailian.engine.timing import FIRST_POLL_S, backoff_s, duration_profile, next_poll_s
from bailian.errors import BailianError, NotTheService, ServiceError, TransportError, journalled
from bailian.i18n import tr
from bailian.modalities import charged, succeeded
from bailian.store.schema import JobEnd, JobResult
from bailian.store.states import Status

POLL_BACKOFF_STEPS = 4
FINISHED = ("SUCCEEDED", "FAILED", "CANCELED")
# A batch does not wait for one such row; its next run asks again.
PATIENCE_S = 600.0
# Something else answers for the service: so many times in a row before a batch's row is left for the next run.
FOREIGN_POLLS = 6


def poll(job: Job, services: Services) -> Next | Outcome:
    """Ask once when an answer is likely; keep the answer when the task is over."""
    task_id, waits = job.task_id or "", False
    try:
        then = _poll(job, services)
        waits = isinstance(then, Next) and then.step == Step.POLL
        return then
    finally:
        if not waits:
            services.task_list.leave(task_id)


def _poll(job: Job, services: Services) -> Next | Outcome:
    if job.polling.from_s is None and (wait_s := begin_polling(job, services)) > 0:
        return Next(Step.POLL, wait_s)
    elapsed_s = services.clock.monotonic() - (job.polling.from_s or 0.0)
    if not job.query.taken:
        asked = services.task_list.plan(job.task_id or "")
        if isinstance(asked, float):
            if job.polling.shown != "RUNNING" and services.task_list.shows_running(job.task_id or ""):
                _show(job, services, "RUNNING", elapsed_s)
            return Next(Step.POLL, asked)
        job.polling.asks_list = asked == Ask.LIST
    wait_s = query_wait_s(job, services)
    if wait_s > 0:
        return Next(Step.POLL, wait_s)
    if job.polling.asks_list:
        return _read_list(job, services)
    try:
        answer = services.service.task(job.task_id or "")
        output = _output(answer)
    except (TransportError, ServiceError) as error:
        return _bad_answer(job, services, error, elapsed_s)
    job.polling.failures_in_a_row = 0
    note_query(services, refused=False)
    status = str(output["task_status"])
    _show(job, services, status, elapsed_s)
    if status == "UNKNOWN" or (status == "SUCCEEDED" and not holds_results(answer)):
        return _nothing_to_fetch(job, services, answer, elapsed_s)
    if status in FINISHED:
        return _finished(job, services, answer, output, status)
    return _runs_on(job, services, output, elapsed_s)


def _show(job: Job, services: Services, status: str, elapsed_s: float) -> None:
    job.polling.shown = status
    services.progress.update(job, status, elapsed_s)


def _runs_on(job: Job, services: Services, output: dict[str, Any], elapsed_s: float) -> Next:
    if job.polling.duration_profile is None:  # another task of the model may have shown meanwhile how long they run
        job.polling.duration_profile = duration_profile(services.journal.durations_s(job.model))
    profile, queued_s = job.polling.duration_profile, _queued_s(output)
    wait_s = next_poll_s(elapsed_s, profile, running_since_s=queued_s, typical_s=job.limits.typical_s)
    services.task_list.runs_on(
        job.task_id or "",
        began_s=(job.polling.from_s or 0.0) + (queued_s or 0.0),
        profile=profile,
        wait_s=wait_s,
        runs=output["task_status"] == "RUNNING",
    )
    return Next(Step.POLL, wait_s)


def _read_list(job: Job, services: Services) -> Next:
    """Read a page of the account's task list, which tells of many tasks; this job's own is asked for when it is over."""
    try:
        services.task_list.read_page()
        note_query(services, refused=False)
    except (TransportError, ServiceError) as error:
        if error.code == "RateLimitExceeded":
            note_query(services, refused=True)
    asked = services.task_list.plan(job.task_id or "")
    if isinstance(asked, float):
        return Next(Step.POLL, asked)
    job.polling.asks_list = asked == Ask.LIST
    wait_s = query_wait_s(job, services)  # already here: many pages come one after another
    job.query.taken = True
    return Next(Step.POLL, wait_s)


def begin_polling(job: Job, services: Services) -> float:
    """Begin to wait for a task; return the seconds until the first question."""
    polling = job.polling
    polling.from_s = services.clock.monotonic()
    profile = polling.duration_profile = duration_profile(services.journal.durations_s(job.model))
    wait_s = queued_s = 0.0
    if job.sent_at_s is None or job.state != Status.WAITING:
        polling.from_s -= max(0.0, _ran_s(job, services))  # another run's task: it has run a while
    else:
        services.progress.update(job, "PENDING", 0.0)
        queued_s = services.run_state.queued_s.get(job.wire_model, 0.0) if profile else 0.0
        wait_s = queued_s + next_poll_s(0.0, profile, typical_s=job.limits.typical_s)
    services.task_list.watch(
        job.task_id or "", job.id, began_s=polling.from_s + queued_s, profile=profile, wait_s=wait_s
    )
    return wait_s


def _ran_s(job: Job, services: Services) -> float:
    """Return how long ago a job was sent. Without the service's clock by this machine's: what follows from it (how soon
    to ask, when to hold) costs nothing if that is wrong."""
    known_s = age_s(job, services)
    return services.clock.wall() - (job.sent_at_s or job.created_at_s) if known_s is None else known_s


def _output(answer: dict[str, Any]) -> dict[str, Any]:
    output = answer.get("output")
    if not isinstance(output, dict) or not isinstance(output.get("task_status"), str):
        raise TransportError(tr("the answer holds no task status", "应答中没有任务状态"))
    return output


def _bad_answer(job: Job, services: Services, error: BailianError, elapsed_s: float) -> Next | Outcome:
    """429, 5xx, resets, silence, garbage: ask again until the deadline. Only a refused key ends the watch."""
    if isinstance(error, ServiceError) and error.stops_all and error.wire_code and error.code == "Unauthorized":
        raise error
    if isinstance(error, ServiceError) and error.code == "ResourceNotFound" and job.ask_once:
        return _not_known(job, error)
    job.polling.failures_in_a_row += 1
    if isinstance(error, NotTheService) and job.row_key and job.polling.failures_in_a_row >= FOREIGN_POLLS:
        raise error
    pause_s = backoff_s(
        min(job.polling.failures_in_a_row - 1, POLL_BACKOFF_STEPS),
        retry_after_s=getattr(error, "retry_after_s", None),
        jitter=services.jitter(),
    )
    if error.code == "RateLimitExceeded":
        note_query(services, refused=True)
    services.progress.update(job, error.wire_code or error.code, elapsed_s)
    return Next(Step.POLL, pause_s)


def _nothing_to_fetch(job: Job, services: Services, answer: dict[str, Any], elapsed_s: float) -> Next | Outcome:
    """UNKNOWN, or SUCCEEDED without a result: early looks prove nothing. After 24 h it is paid, perhaps, and gone."""
    status = str(_output(answer)["task_status"])
    error = failure({}, status, job.task_id, answer.get("request_id"))
    if job.polling.nothing_since_s is None:
        job.polling.nothing_since_s = elapsed_s
    if _ran_s(job, services) > KEPT_S:
        return gone(job, services, error)
    if job.ask_once:
        return _not_known(job, error)
    waited_s = elapsed_s - job.polling.nothing_since_s
    if job.row_key and waited_s > PATIENCE_S:
        return Outcome(job, Status.SUBMITTED, error=still_running(job))
    return Next(Step.POLL, next_poll_s(max(waited_s, FIRST_POLL_S), None))


def _not_known(job: Job, error: BailianError) -> Outcome:
    """Tell the person who asked. The job stays open: the service may know it later."""
    return Outcome(job, Status.SUBMITTED, error=error)


def _finished(
    job: Job, services: Services, answer: dict[str, Any], output: dict[str, Any], status: str
) -> Next | Outcome:
    if job.adopted and is_ours(job, answer) is False:
        job.reconciling.not_ours.add(job.task_id or "")
        job.task_id, job.adopted, job.polling.from_s, job.reconciling.confirmations = None, False, None, 0
        services.journal.unadopt(job.id)
        return Next(Step.RECONCILE, 1.0)
    services.run_state.queued_s[job.wire_model] = _queued_s(output) or 0.0
    if succeeded(job.kind, output, status):
        job.answer = answer
        return Next(Step.STORE_ANSWER)
    error = failure(output, status, job.task_id, answer.get("request_id"))
    services.journal.finish([JobEnd(job.id, Status.FAILED, journalled(error))])
    return Outcome(job, Status.FAILED, error=error)


def store_answer(job: Job, services: Services) -> Next:
    """Commit the service's whole answer before anything else happens to it (writer)."""
    return store_answers([job], services)[job.id]


def store_answers(jobs: Sequence[Job], services: Services) -> dict[str, Next]:
    """Commit whole answers, as `store_answer` does."""
    for job in jobs:
        if "prompt" not in job.request and (prompts := shown_prompts(job.answer or {})):
            job.request = {**job.request, "prompt": prompts[0]}  # a task made elsewhere: now it is known
            services.journal.record_request(job.id, job.request)
    services.journal.store_answers([to_result(job, job.answer or {}) for job in jobs])
    return {job.id: Next(Step.SAVE) for job in jobs}


def to_result(job: Job, answer: dict[str, Any]) -> JobResult:
    """Return what the journal keeps of a whole answer; the job knows its cost then."""
    job.request_id = str(answer.get("request_id") or "") or job.request_id
    job.charged_cny = charged(job.kind, answer, job.prepared, job.sent_at_s)
    output = answer.get("output")
    times = output if isinstance(output, dict) else {}
    start = times.get("scheduled_time") or times.get("submit_time")
    run_s = _seconds_between(start, times.get("end_time"))
    return JobResult(job.id, answer, job.charged_cny, run_s, job.request_id)


def _queued_s(output: dict[str, Any]) -> float | None:
    """Return how long a task waited in the service's queue; None while it waits, or if that is not told."""
    return _seconds_between(output.get("submit_time"), output.get("scheduled_time"))


def _seconds_between(start: object, end: object) -> float | None:
    """Return end − start of two of the service's wall-clock times; their zone (UTC+8) cancels out."""
    if start is None or end is None:
        return None
    try:
        seconds = (datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))).total_seconds()
    except (TypeError, ValueError, OverflowError):  # TypeError: one with a zone, one without
        return None
    return seconds if 0 <= seconds < 24 * 3600 else None
