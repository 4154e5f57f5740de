"""How long a process that is about to end waits for what is under way. Arithmetic only: no clock, no I/O."""

from __future__ import annotations

from collections.abc import Iterable

from bailian.catalog import Mode
from bailian.engine.job import Job
from bailian.engine.step import Step
from bailian.engine.steps.step_table import WRITER_STEPS
from bailian.modalities import modality_of

# A task can be found again at the service: its answer gets a moment.
GRACE_S = 8.0
# A text of a batch is billed again when its answer is lost.
TEXT_GRACE_S = 60.0
# A synchronous picture cannot be found again: as long as it may take.
SYNC_GRACE_S = 330.0


def paid_requests(running: Iterable[tuple[Job, Step]]) -> list[Job]:
    """Return the requests under way whose answers must not be lost; a single text is asked for again."""
    sending = (job for job, step in running if step == Step.SEND)
    return [
        job for job in sending if job.row_key or job.sending.reply is not None or not modality_of(job.kind).RETRY_SAFE
    ]


def left_already(running: Iterable[tuple[Job, Step]]) -> list[Job]:
    """Return those of which something has left; one that still looks for a connection is not under way."""
    return [
        job
        for job in paid_requests(running)
        if job.sending.reply is not None or (job.sending.watch is not None and job.sending.watch.left)
    ]


def grace_s(running: Iterable[tuple[Job, Step]]) -> float:
    """Return how long what is under way is worth waiting for."""
    running = tuple(running)
    paid = paid_requests(running)
    if any(job.mode != Mode.TASK and not modality_of(job.kind).RETRY_SAFE for job in paid):
        return SYNC_GRACE_S
    if any(job.row_key and modality_of(job.kind).RETRY_SAFE for job in paid):
        return TEXT_GRACE_S
    ends = any(step in WRITER_STEPS or (step == Step.SAVE and job.mode != Mode.TASK) for job, step in running)
    return GRACE_S if paid or ends else 0.0
