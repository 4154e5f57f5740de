"""Admission: a concurrency slot, then a permit of the rate limiter; both are shared by all processes."""

from __future__ import annotations

from bailian.catalog import Mode, Model
from bailian.engine.context import Services
from bailian.engine.job import Job, Limits
from bailian.engine.step import Next, Outcome, Step
from bailian.engine.steps.ask_time import wants_time
from bailian.engine.steps.free_slots import held_by, stopped_ones
from bailian.store.pace.rate_limits import spacing
from bailian.store.states import Status

# How often a process asks for a slot that was taken.
SLOT_RETRY_S = 0.25
# How often a machine that has lost touch with the journal's server looks whether it may send again.
LEASE_LOOK_S = 1.0
# How often one of all processes asks whether a stopped one's tasks are over.
LOOK_EVERY_S = 10.0
# A request is written down so long before its place, which a slow disk would make it miss.
LEAD_S = 0.25
# Submits are spaced wider than the limit (`rate_limits.spacing`). Of the second (or the time for one, if that is longer)
# that the service counts in, a request may be late by so much of that; the rest is the network's.
MOST_LATE = 0.6


def admit(job: Job, services: Services) -> Next | Outcome:
    """Take a slot, then a place; nothing is held but one of each a process and model."""
    state = job.admission
    if wants_time(job, services):
        return Next(Step.ASK_TIME)
    if not services.lease.may_send(services.lease.term):
        return Next(Step.ADMIT, LEASE_LOOK_S)  # it could not leave; slots and permits are for those whose can
    if job.limits.in_flight_limit and not state.has_slot:
        queue = services.queue_of(job)
        if not services.limits.slots.acquire(
            queue, job.limits.in_flight_limit, job.id, services.lease.id, services.lease.is_dead
        ):
            return _wait_for_slot(job, services, queue)
        state.has_slot, state.waits_for, state.stopped = True, "", ""
    wait_s = services.limits.rates.reserve(services.queue_of(job), job.limits.submit_per_s)
    state.place_at_s, state.waited = services.clock.monotonic() + wait_s, False
    return Next(Step.RECORD_INTENT, max(0.0, wait_s - LEAD_S))


def _wait_for_slot(job: Job, services: Services, queue: str) -> Next:
    state = job.admission
    holders = services.limits.slots.holders(queue)
    state.waits_for, state.stopped = held_by(holders), stopped_ones(holders)
    services.progress.update(job, "WAITING", 0.0)
    if state.stopped and services.limits.rates.is_first(f"look:{queue}", LOOK_EVERY_S):
        return Next(Step.FREE_SLOTS)
    return Next(Step.ADMIT, SLOT_RETRY_S)


def wait_of(job: Job, services: Services) -> Next | Outcome | None:
    """Return how a job that is about to leave waits first; None: it leaves now.

    Writing it down takes a while, a stopped process a long one. Whoever is late takes another place, and makes sure
    that its slot is still its own.
    """
    state = job.admission
    if state.waited and job.row_key and services.run_state.halted_by is not None:
        services.journal.requeue(job.id)
        return Outcome(
            job, Status.WAITING, error=services.run_state.halted_by
        )  # it would meet the same; the next run sends it
    if state.has_slot and not services.limits.slots.holds(job.id):
        services.journal.requeue(job.id)
        state.has_slot = False
        return Next(Step.ADMIT)
    if state.place_at_s is None or not job.limits.submit_per_s:
        return None
    late_s = services.clock.monotonic() - state.place_at_s
    if late_s < 0:
        waited, state.waited = state.waited, True
        return None if waited else Next(Step.SEND, -late_s)
    per_s = job.limits.submit_per_s
    if late_s <= MOST_LATE * (spacing(per_s) - 1.0) * max(1.0, 1.0 / per_s):
        return None
    wait_s = services.limits.rates.reserve_later(services.queue_of(job), job.limits.submit_per_s, late_s)
    state.place_at_s, state.waited = services.clock.monotonic() + wait_s, True
    return Next(Step.SEND, wait_s) if wait_s > 0 else None


def limits_of(model: Model, *, sandbox: bool) -> Limits:
    """Return what the catalog says of a model; its time is the real service's, a sandbox is as fast as it was told to be."""
    return Limits(
        submit_per_s=model.submit_per_s,
        in_flight_limit=in_flight_limit(model),
        poll_per_s=model.poll_per_s,
        typical_s=None if sandbox else model.typical_s,
    )


def in_flight_limit(model: Model) -> int | None:
    """Return how many tasks of a model may be unfinished at once; None: as many as you like.

    A few more than may run keep the service busy while we learn that one has ended, where the vendor says that
    tasks wait in a queue (`queue_limit`).
    """
    if not model.running_limit or model.mode != Mode.TASK:
        return None
    ahead = min(model.queue_limit or 0, max(1, model.running_limit // 2))
    return model.running_limit + ahead
