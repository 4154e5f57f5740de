"""How jobs come into an engine: written down for the first time, or taken from the journal where another left them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from os import urandom
from typing import Any

from bailian.catalog import Catalog
from bailian.clock import Clock
from bailian.config.settings import Settings
from bailian.engine.context import Services
from bailian.engine.job import NO_LIMITS, Job, Limits, OutputSpec, saving_text, unreadable_job, where_to_look
from bailian.engine.steps.admit import limits_of
from bailian.i18n import tr
from bailian.store.batches import BatchStore
from bailian.store.job_rows import stored_text
from bailian.store.jobs import Journal
from bailian.store.schema import JobRow, dumped
from bailian.store.states import Status
from bailian.text.storage_path import ResultPath
from bailian.types import NOTHING, Prepared, RowPlace


class JobIntake:
    """What is done then; `engine.Engine` is what does it."""

    settings: Settings
    catalog: Catalog
    clock: Clock
    services: Services
    _known_limits: dict[str, Limits]

    @property
    def journal(self) -> Journal:
        return self.services.journal

    def intend(
        self, prepared: Prepared, saving: OutputSpec, *, run: str | None = None, row_key: str | None = None
    ) -> Job:
        """Put a checked request on disk. Nothing is sent before this has returned.

        `run` and `row_key` say which batch or chat it belongs to.
        """
        row = self.row_of(prepared, saving, run=run, row_key=row_key)
        BatchStore(self.journal, self.services.account).intend_all([row])
        return Job(
            id=row[0],
            kind=prepared.model.kind,
            model=prepared.model.name,
            wire_model=prepared.wire_model,
            request=prepared.request,
            prepared=prepared.stored(),
            saving=saving,
            created_at_s=self.clock.wall(),
            estimate_cny=prepared.estimate_cny,
            notices=list(prepared.notices),
            run=run,
            row_key=row_key,
            account_flags=self.settings.resume_flags,
            limits=limits_of(prepared.model, sandbox=self.settings.sandbox),
        )

    def row_of(
        self,
        prepared: Prepared,
        saving: OutputSpec,
        *,
        run: str | None,
        row_key: str | None,
        place: RowPlace | None = None,
        waits: Mapping[str, Any] | None = None,
        free: bool = False,
    ) -> tuple[Any, ...]:
        """Return the row of the journal that says what is going to be done, in the order of `store.jobs.COLUMNS`.

        Its first value is the job's id. `place`: where a batch's row stands, and what its file says of its files.
        `waits`: see `StoredRequest`. `free`: it is nobody's; who comes first sends it.
        """
        now_s = self.clock.wall()
        return (
            f"{int(now_s):x}-{urandom(5).hex()}",
            self.services.account,
            prepared.model.kind,
            prepared.model.name,
            prepared.wire_model,
            Status.WAITING.value,
            None if free else self.services.lease.id,
            dumped(prepared.request),
            stored_text(prepared.stored(place, waits or NOTHING)),
            saving_text(saving),
            now_s,
            prepared.estimate_cny,
            run,
            row_key,
        )

    def take_over(self, row: JobRow) -> Job | None:
        """Continue a job that another run left; None if its process is alive, or another was faster."""
        owner = self.services.lease
        if row.service_batch and row.state in (Status.SENDING, Status.UNSETTLED):
            return None  # its answer comes in a batch's file: `bailian batch run --batch-api`
        if row.owner is not None and not owner.is_dead(row.owner):
            return None
        if not self.journal.claim(row.id, owner.id, row.owner):
            return None
        # As it is now: its last owner may have got further after `row` was read.
        return self.continued(self.journal.job(row.id) or row)

    def continued(self, row: JobRow) -> Job:
        """Return the job of a row that this process has taken.

        Raises:
            UnreadableJob: nothing can be done with the row.
        """
        if not row.prepared.body and row.task_id is None and row.answer is None:
            raise unreadable_job(row.id, tr("what was to be sent is missing", "缺少请求内容"))
        job = Job.of_row(row)
        job.account_flags = self.settings.resume_flags
        if row.model not in self._known_limits and row.model in self.catalog:
            self._known_limits[row.model] = limits_of(self.catalog[row.model], sandbox=self.settings.sandbox)
        job.limits = self._known_limits.get(row.model, NO_LIMITS)
        return job

    def resumed(self, row: JobRow) -> Job:
        """Return the job of a row of our own batch: what never arrived is sent again."""
        job = self.continued(row)
        job.may_resend = True
        return job

    def submit_per_s(self, model: str) -> float | None:
        """Return how many requests a second a model takes."""
        return self.catalog[model].submit_per_s if model in self.catalog else None

    def reopen(self, row: JobRow) -> JobRow | None:
        """Give a finished job another look where there is something to look at; None if its verdict stands.

        Nothing is sent again by it. A job of the same verdict for two processes is looked at by one.
        """
        state = where_to_look(row)
        if state is None:
            return None
        return self.journal.job(row.id) if self.journal.reopen(row.id, state, row.state) else None

    def relocate(self, job: Job, folder: ResultPath, stem: str | None = None, suffix: str | None = None) -> None:
        """Save a job's files in another folder than it was told to, under the same name if no other is given."""
        job.saving = replace(job.saving, folder=folder)
        if stem is not None:
            job.saving = replace(job.saving, stem=stem, suffix=suffix)
        self.journal.relocate(job.id, job.saving.to_json())
