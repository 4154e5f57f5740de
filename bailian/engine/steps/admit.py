"""A job's turn to be sent: a slot among the running tasks and a place in the submit queue, shared by all processes."""

from __future__ import annotations

from bailian.catalog import Model
from bailian.engine.job import Job, Outcome, Ports, Then
from bailian.engine.steps.ask_time import wants_time
from bailian.engine.steps.free_slots import held_by, stopped_ones

# How often a process asks for a slot that was taken.
SLOT_LOOK_S = 0.25
# How often one of all processes asks whether a stopped one's tasks are over.
LOOK_EVERY_S = 10.0
# A request is written down so long before its place, which a slow disk would make it miss.
LEAD_S = 0.25
# Submits are spaced 15 % wider than the limit (`pace.MARGIN`). Of the second (or the time for one, if that is longer)
# that the service counts in, a request may be late by half of that; the other half is the network's.
MOST_LATE = 0.075


def turn(job: Job, ports: Ports) -> Then | Outcome:
    """Take a slot, then a place; nothing is held but one of each a process and model."""
    if wants_time(job, ports):
        return Then("ask_time")
    if job.in_flight_limit and not job.has_slot:
        queue = ports.queue_of(job)
        if not ports.pace.take_slot(queue, job.in_flight_limit, job.id, ports.owner.id, ports.owner.is_gone):
            return _wait_for_slot(job, ports, queue)
        job.has_slot, job.waits_for, job.stopped = True, "", ""
    wait_s = ports.pace.place_s(ports.queue_of(job), job.submit_per_s)
    job.place_at_s, job.waited = ports.monotonic() + wait_s, False
    return Then("submit", max(0.0, wait_s - LEAD_S))


def _wait_for_slot(job: Job, ports: Ports, queue: str) -> Then:
    holders = ports.pace.holders(queue)
    job.waits_for, job.stopped = held_by(holders), stopped_ones(holders)
    ports.progress.update(job, "WAITING", 0.0)
    if job.stopped and ports.pace.is_first(f"look:{queue}", LOOK_EVERY_S):
        return Then("free_slots")
    return Then("turn", SLOT_LOOK_S)


def wait_of(job: Job, ports: Ports) -> Then | Outcome | None:
    """Return how a job that is about to leave waits first; None: it leaves now.

    Writing it down takes a while, a stopped process a long one. Whoever is late takes another place, and makes sure
    that its slot is still its own.
    """
    if job.waited and job.row_key and ports.halted_by is not None:
        ports.journal.not_sent(job.id)
        return Outcome(job, "waiting", error=ports.halted_by)  # it would meet the same; the next run sends it
    if job.has_slot and not ports.pace.has_slot(job.id):
        ports.journal.not_sent(job.id)
        job.has_slot = False
        return Then("turn")
    if job.place_at_s is None or not job.submit_per_s:
        return None
    late_s = ports.monotonic() - job.place_at_s
    if late_s < 0:
        waited, job.waited = job.waited, True
        return None if waited else Then("send", -late_s)
    if late_s <= MOST_LATE * max(1.0, 1.0 / job.submit_per_s):
        return None
    wait_s = ports.pace.another_place_s(ports.queue_of(job), job.submit_per_s, late_s)
    job.place_at_s, job.waited = ports.monotonic() + wait_s, True
    return Then("send", wait_s) if wait_s > 0 else None


def in_flight_limit(model: Model) -> int | None:
    """Return how many tasks of a model may be unfinished at once; None: as many as you like.

    A few more than may run keep the service busy while we learn that one has ended, where the vendor says that
    tasks wait in a queue (`queue_limit`).
    """
    if not model.running_limit or model.mode != "task":
        return None
    ahead = min(model.queue_limit or 0, max(1, model.running_limit // 2))
    return model.running_limit + ahead
