"""Before the first paid request the service is asked what time it is, for nothing.

A task whose answer is lost is looked for by that time, and budgets are kept by it. A login page in the way shows itself
before anything paid is sent to it.
"""

from __future__ import annotations

from bailian.catalog import Mode
from bailian.engine.context import Services
from bailian.engine.job import Job
from bailian.engine.step import Next, Outcome, Step
from bailian.engine.steps.record_reply import give_up
from bailian.engine.timing import backoff_s
from bailian.errors import NotTheService, Unreachable, log_in
from bailian.store.states import Status

# A service that does not tell its time is not asked before every request.
AGAIN_S = 60.0
FOREIGN_TRIES = 4


def wants_time(job: Job, services: Services) -> bool:
    """Return whether the service is to be asked before this job leaves: its time is needed, and not known."""
    needs_it = job.mode == Mode.TASK or bool(services.budgets_of(job))
    if not needs_it or services.service.clock.now_s() is not None:
        return False
    asked_s = services.run_state.service_time.asked_s
    return asked_s is None or services.clock.monotonic() - asked_s > AGAIN_S


def ask_time(job: Job, services: Services) -> Next | Outcome:
    """Ask once for all jobs (worker). Where the service does not tell it, the request leaves all the same."""
    try:
        with services.run_state.service_time.asking:
            if wants_time(job, services):
                services.query_turn(job.limits.poll_per_s)
                services.service.look_at_clock()
                services.run_state.service_time.asked_s = services.clock.monotonic()
    except NotTheService as error:
        job.sending.attempts += 1
        if job.sending.attempts < FOREIGN_TRIES:
            return Next(Step.ASK_TIME, backoff_s(job.sending.attempts - 1, jitter=services.jitter()))
        return too_late_to_send(job, services, error)
    return Next(Step.ADMIT)


def too_late_to_send(job: Job, services: Services, error: NotTheService) -> Outcome:
    """Leave a job that would only reach a login page: a batch's row waits for the next run."""
    wall = Unreachable(error.message, advice=log_in(nothing_sent=True), http_status=error.http_status)
    services.run_state.halted_by = wall
    return Outcome(job, Status.WAITING, error=wall) if job.row_key else give_up(job, services, wall)
