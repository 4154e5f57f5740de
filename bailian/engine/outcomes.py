"""What is said of a job that has come to its end, or was left on its way there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from bailian.catalog import Mode
from bailian.engine.context import Services
from bailian.engine.crash import crashed
from bailian.engine.job import Job
from bailian.engine.reports import still_at_service, still_running
from bailian.engine.step import Outcome
from bailian.engine.steps.reconcile import never_arrived, unclear
from bailian.engine.steps.record_reply import give_up
from bailian.engine.steps.step_table import salvage
from bailian.errors import BailianError, CutShort, Interrupted, JournalError, NotSent, journalled
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities import modality_of
from bailian.store.states import FINAL_STATES, Status


class Outcomes:
    """Of one run of the engine."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def _state(self, job: Job) -> Status:
        """Return a job's state; from memory when the journal cannot be read, which must not hide a task id."""
        try:
            row = self._services.journal.job(job.id)
        except JournalError:
            row = None
        remembered = Status.ENDED if job.answer else Status.SUBMITTED if job.task_id else Status.UNSETTLED
        return row.state if row else remembered

    def outcome(self, end: Outcome | tuple[Job, BailianError]) -> Outcome:
        """A step that raised leaves its job open in the journal: a later run can go on."""
        if isinstance(end, Outcome):
            return end
        job, error = end
        error.task_id = error.task_id or job.task_id
        error.request_id = error.request_id or job.request_id
        if isinstance(error, JournalError):
            if job.task_id:
                error = still_at_service(job, error)
            return Outcome(job, self._state(job), error=error)
        with suppress(JournalError):
            self._services.journal.note(job.id, journalled(error))
        return Outcome(job, self._state(job), self._services.journal.files(job.id), error)

    def _left(self, job: Job) -> Outcome:
        """Make the best of a synchronous call that nobody waits for any more; its trouble is not the others'."""
        try:
            return salvage(job, self._services)
        except BailianError as error:
            return self.outcome((job, error))
        except Exception as error:  # noqa: BLE001 - as for any step
            return self.outcome((job, crashed(job, self._services, error)))

    def left_at_deadline(self, job: Job) -> Outcome:
        state = self._state(job)
        if job.row_key and self._waits_again(job, state):
            return Outcome(job, Status.WAITING)  # a row of a batch waits for the next run
        if state == Status.WAITING:
            why = f": {job.admission.waits_for}" if job.admission.waits_for else ""
            late = NotSent(
                tr(
                    f"the request could not be sent within {how_to().time_limit()}",
                    f"在 {how_to().time_limit()} 内未能发出请求",
                )
                + why,
                advice=job.admission.stopped,
            )
            return give_up(job, self._services, job.sending.last_error or late)
        if state in (Status.SENDING, Status.UNSETTLED):
            if job.mode != Mode.TASK:
                return self._left(job)
            return Outcome(job, state, error=unclear(job))
        return Outcome(job, state, error=still_running(job))

    def _waits_again(self, job: Job, state: Status) -> bool:
        """Return whether a job is left to wait: it was not sent, or it costs little to send again."""
        if isinstance(job.sending.reply, dict):
            return False
        if state in (Status.SENDING, Status.UNSETTLED) and modality_of(job.kind).RETRY_SAFE:
            self._services.journal.requeue_maybe_billed(job.id)
            return True
        return state == Status.WAITING

    def interrupted(self, left: Sequence[Job], *, made: bool = False) -> Interrupted:
        """Give up what was not sent, and say what runs on; `made`: what was under way has ended well meanwhile."""
        running, begun = [], None
        for job in left:
            state = self._state(job)
            if job.row_key and self._waits_again(job, state):
                continue
            if state == Status.WAITING:
                give_up(job, self._services, never_arrived())
            elif state in (Status.SENDING, Status.UNSETTLED) and job.mode != Mode.TASK:
                end = self._left(job)
                if end.state == Status.HELD:
                    running.append(job.id)
                begun = end.error if isinstance(end.error, CutShort) else begun
            elif state not in FINAL_STATES:
                running.append(job.task_id or job.id)
        if not running and begun is not None:
            text = tr("interrupted; what came of the answer is paid", "已中断；已收到的部分会计费")
            return Interrupted(text, advice=begun.advice)
        if not running and made:
            text = tr("interrupted; what was under way is done and saved", "已中断；进行中的任务已完成并保存")
            return Interrupted(text, advice="")
        if not running:
            return Interrupted(tr("interrupted; nothing was left running", "已中断；没有正在运行的任务"), advice="")
        ids, fetch = " ".join(running), how_to().fetch(left[0].account_flags, *running)
        return Interrupted(
            tr(f"interrupted; still running: {ids}", f"已中断；仍在运行：{ids}"),
            advice=tr(f"fetch it with: {fetch}", f"请用以下命令取回结果：{fetch}"),
            task_id=running[0],
        )
