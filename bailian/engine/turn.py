"""A job's turn to be sent: a slot among the running tasks and a place in the submit queue, shared by all processes."""

from __future__ import annotations

from bailian.catalog import Model
from bailian.engine.ask_time import wants_time
from bailian.engine.job import Job, Outcome, Ports, Then

# How often a process asks for a slot that was taken.
SLOT_LOOK_S = 0.25


def turn(job: Job, ports: Ports) -> Then | Outcome:
    """Take a slot, then a place; nothing is held but one of each a process and model."""
    if wants_time(job, ports):
        return Then("ask_time")
    if job.in_flight_limit and not job.has_slot:
        if not ports.pace.take_slot(
            ports.queue_of(job), job.in_flight_limit, job.id, ports.owner.id, ports.owner.is_gone
        ):
            ports.progress.update(job, "WAITING", 0.0)
            return Then("turn", SLOT_LOOK_S)
        job.has_slot = True
    return Then("submit", ports.pace.place_s(ports.queue_of(job), job.submit_per_s))


def in_flight_limit(model: Model) -> int | None:
    """Return how many tasks of a model may be unfinished at once; None: as many as you like.

    A few more than may run keep the service busy while we learn that one has ended, where the vendor says that
    tasks wait in a queue (`queue_limit`).
    """
    if not model.running_limit or model.mode != "task":
        return None
    ahead = min(model.queue_limit or 0, max(1, model.running_limit // 2))
    return model.running_limit + ahead
