"""The writer's steps for many jobs at once. Only the plain case is here: a job not in the answer takes its own step."""

from __future__ import annotations

from collections.abc import Sequence

from bailian.engine.context import Services
from bailian.engine.job import Job
from bailian.engine.step import BulkStep, Next, Step, StepResult
from bailian.engine.steps.ask_time import wants_time
from bailian.engine.steps.poll import to_result
from bailian.engine.steps.publish import save_item
from bailian.engine.steps.save import verdict
from bailian.errors import BailianError
from bailian.modalities import modality_of
from bailian.store import bulk_writes
from bailian.store.bulk_writes import FileRow
from bailian.store.jobs import NotOurs


def record_intents(jobs: Sequence[Job], services: Services) -> dict[str, StepResult]:
    """Write down that requests leave which have no files to attach and no budget to fit into."""
    if services.run_state.halted_by is not None:
        return {}
    plain = [
        job
        for job in jobs
        if not modality_of(job.kind).INPUT_FIELDS and not services.budgets_of(job) and not wants_time(job, services)
    ]
    server_s = services.service.clock.now_s()
    try:
        at_s = bulk_writes.record_intents(
            services.journal, [job.id for job in plain], services.lease.id, server_s=server_s
        )
    except NotOurs:  # one of them: each asks for itself
        return {}
    for job in plain:
        job.sent_at_s, job.sent_server_s, job.sending.body = at_s, server_s, dict(job.prepared.body)
        job.sending.clock_doubts = services.service.clock.contradictions
    return {job.id: Next(Step.SEND) for job in plain}


def record_replies(jobs: Sequence[Job], services: Services) -> dict[str, StepResult]:
    """Keep the answers whose texts are written beside their names already, and those names."""
    answered = [(job, job.sending.reply) for job in jobs if job.results.staged and isinstance(job.sending.reply, dict)]
    bulk_writes.store_answers(services.journal, [to_result(job, answer) for job, answer in answered])
    texts = [(job.id, item, text) for job, _ in answered for item, text in job.results.staged.items()]
    services.run_state.open_prices.difference_update(job.id for job, _ in answered)
    names = [FileRow(job_id, item, text.target, text.sha256) for job_id, item, text in texts]
    bulk_writes.record_files(services.journal, names, placed=False)
    return {job.id: Next(Step.PUBLISH) for job, _ in answered}


def publish_files(jobs: Sequence[Job], services: Services) -> dict[str, StepResult]:
    """Give those texts their names and end their jobs."""
    ends: dict[str, StepResult] = {}
    placed: list[Job] = []
    for job in jobs:
        items = modality_of(job.kind).items(job.answer or {}, job.prepared)
        try:
            paths = {item.index: save_item(job, services, item) for item in items if item.index in job.results.staged}
        except BailianError:  # its own step tries again, and says what it means
            continue
        outcome = verdict(job, items, paths)
        if outcome.error is None:
            ends[job.id] = outcome
            placed.append(job)
    names = [FileRow(job.id, item, *named) for job in placed for item, named in job.results.published.items()]
    bulk_writes.record_files(services.journal, names, placed=True)
    bulk_writes.finish_jobs(services.journal, [job.id for job in placed])
    return ends


BULK_STEPS: dict[Step, BulkStep] = {
    Step.RECORD_INTENT: record_intents,
    Step.RECORD_REPLY: record_replies,
    Step.PUBLISH: publish_files,
}
