"""Before the first paid request the service is asked what time it is, for nothing.

A task whose answer is lost is looked for by that time, and budgets are kept by it. A login page in the way shows itself
before anything paid is sent to it.
"""

from __future__ import annotations

from bailian.engine.job import Job, Outcome, Ports, Then
from bailian.engine.steps.record_reply import unsent
from bailian.engine.timing import backoff_s
from bailian.errors import NotTheService, Unreachable, log_in

# A service that does not tell its time is not asked before every request.
AGAIN_S = 60.0
FOREIGN_TRIES = 4


def wants_time(job: Job, ports: Ports) -> bool:
    """Return whether the service is to be asked before this job leaves: its time is needed, and not known."""
    needs_it = job.prepared["mode"] == "task" or bool(ports.budgets_of(job))
    if not needs_it or ports.service.clock.now_s() is not None:
        return False
    return ports.time_asked_s is None or ports.monotonic() - ports.time_asked_s > AGAIN_S


def ask_time(job: Job, ports: Ports) -> Then | Outcome:
    """Ask once for all jobs (worker). Where the service does not tell it, the request leaves all the same."""
    try:
        with ports.asking_time:
            if wants_time(job, ports):
                ports.query_turn(job.poll_per_s)
                ports.service.look_at_clock()
                ports.time_asked_s = ports.monotonic()
    except NotTheService as error:
        job.attempts += 1
        if job.attempts < FOREIGN_TRIES:
            return Then("ask_time", backoff_s(job.attempts - 1, jitter=ports.jitter()))
        return held_back(job, ports, error)
    return Then("turn")


def held_back(job: Job, ports: Ports, error: NotTheService) -> Outcome:
    """Leave a job that would only reach a login page: a batch's row waits for the next run."""
    wall = Unreachable(error.message, advice=log_in(nothing_sent=True), http_status=error.http_status)
    ports.halted_by = wall
    return Outcome(job, "waiting", error=wall) if job.row_key else unsent(job, ports, wall)
