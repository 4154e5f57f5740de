"""The desk's steps for many jobs at once. Only the plain case is here: who is not in the answer takes its own step."""

from __future__ import annotations

from collections.abc import Sequence

from bailian.engine.job import End, Job, Pile, Ports, Then
from bailian.engine.steps.ask_time import wants_time
from bailian.engine.steps.poll import take_answer
from bailian.engine.steps.publish import save_item
from bailian.engine.steps.save import verdict
from bailian.errors import BailianError
from bailian.modalities import of
from bailian.store import bulk_writes
from bailian.store.bulk_writes import Named
from bailian.store.jobs import NotOurs


def submit_pile(jobs: Sequence[Job], ports: Ports) -> dict[str, End]:
    """Write down that requests leave which have no files to attach and no budget to fit into."""
    if ports.halted_by is not None:
        return {}
    plain = [
        job
        for job in jobs
        if not of(job.kind).INPUT_FIELDS and not ports.budgets_of(job) and not wants_time(job, ports)
    ]
    server_s = ports.service.clock.now_s()
    try:
        at_s = bulk_writes.sending(ports.journal, [job.id for job in plain], ports.owner.id, server_s=server_s)
    except NotOurs:  # one of them: each asks for itself
        return {}
    for job in plain:
        job.sent_at_s, job.sent_server_s, job.body = at_s, server_s, dict(job.prepared["body"])
        job.clock_doubts = ports.service.clock.contradictions
    return {job.id: Then("send") for job in plain}


def record_pile(jobs: Sequence[Job], ports: Ports) -> dict[str, End]:
    """Keep the answers whose texts are written beside their names already, and those names."""
    answered = [(job, job.reply) for job in jobs if job.written and isinstance(job.reply, dict)]
    bulk_writes.ended(ports.journal, [take_answer(job, answer) for job, answer in answered])
    texts = [(job.id, item, text) for job, _ in answered for item, text in job.written.items()]
    ports.open_prices.difference_update(job.id for job, _ in answered)
    names = [Named(job_id, item, text.target, text.sha256) for job_id, item, text in texts]
    bulk_writes.files(ports.journal, names, placed=False)
    return {job.id: Then("place") for job, _ in answered}


def place_pile(jobs: Sequence[Job], ports: Ports) -> dict[str, End]:
    """Give those texts their names and end their jobs."""
    ends: dict[str, End] = {}
    placed: list[Job] = []
    for job in jobs:
        items = of(job.kind).items(job.answer or {}, job.prepared)
        try:
            paths = {item.index: save_item(job, ports, item) for item in items if item.index in job.written}
        except BailianError:  # its own step tries again, and says what it means
            continue
        outcome = verdict(job, items, paths)
        if outcome.error is None:
            ends[job.id] = outcome
            placed.append(job)
    names = [Named(job.id, item, *named) for job in placed for item, named in job.unrecorded.items()]
    bulk_writes.files(ports.journal, names, placed=True)
    bulk_writes.done(ports.journal, [job.id for job in placed])
    return ends


PILES: dict[str, Pile] = {"submit": submit_pile, "record": record_pile, "place": place_pile}
