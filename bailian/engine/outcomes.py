"""What is said of a job that has come to its end, or was left on its way there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from bailian.engine.crash import crashed
from bailian.engine.job import Job, Outcome, Ports
from bailian.engine.reports import still_at_service, still_running
from bailian.engine.steps.reconcile import never_arrived, unclear
from bailian.engine.steps.record_reply import unsent
from bailian.engine.steps.step_table import leave_it
from bailian.errors import BailianError, Interrupted, JournalError, NotSent, journalled
from bailian.i18n import say
from bailian.modalities import of
from bailian.store.schema import FINAL_STATES


class Endings:
    """Of one run of the engine."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def _state(self, job: Job) -> str:
        """Return a job's state; from memory when the journal cannot be read, which must not hide a task id."""
        try:
            row = self._ports.journal.job(job.id)
        except JournalError:
            row = None
        remembered = "ended" if job.answer else "submitted" if job.task_id else "unsettled"
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
            self._ports.journal.note(job.id, journalled(error))
        return Outcome(job, self._state(job), self._ports.journal.files(job.id), error)

    def _left(self, job: Job) -> Outcome:
        """Make the best of a synchronous call that nobody waits for any more; its trouble is not the others'."""
        try:
            return leave_it(job, self._ports)
        except BailianError as error:
            return self.outcome((job, error))
        except Exception as error:  # noqa: BLE001 - as for any step
            return self.outcome((job, crashed(job, self._ports, error)))

    def left_at_deadline(self, job: Job) -> Outcome:
        state = self._state(job)
        if job.row_key and self._waits_again(job, state):
            return Outcome(job, "waiting")  # a row of a batch waits for the next run
        if state == "waiting":
            why = f": {job.waits_for}" if job.waits_for else ""
            late = NotSent(
                say("the request could not be sent within --timeout", "在 --timeout 内未能发出请求") + why,
                advice=job.stopped,
            )
            return unsent(job, self._ports, job.last_error or late)
        if state in ("sending", "unsettled"):
            if job.prepared["mode"] != "task":
                return self._left(job)
            return Outcome(job, state, error=unclear(job))
        return Outcome(job, state, error=still_running(job))

    def _waits_again(self, job: Job, state: str) -> bool:
        """Return whether a job is left to wait: it was not sent, or it costs little to send again."""
        if isinstance(job.reply, dict):
            return False
        if state in ("sending", "unsettled") and of(job.kind).REPEATABLE:
            self._ports.journal.lost(job.id)
            return True
        return state == "waiting"

    def interrupted(self, left: Sequence[Job]) -> Interrupted:
        running = []
        for job in left:
            state = self._state(job)
            if job.row_key and self._waits_again(job, state):
                continue
            if state == "waiting":
                unsent(job, self._ports, never_arrived())
            elif state in ("sending", "unsettled") and job.prepared["mode"] != "task":
                if self._left(job).state == "held":
                    running.append(job.id)
            elif state not in FINAL_STATES:
                running.append(job.task_id or job.id)
        if not running:
            return Interrupted(say("interrupted; nothing was left running", "已中断；没有正在运行的任务"), advice="")
        ids = " ".join(running)
        return Interrupted(
            say(f"interrupted; still running: {ids}", f"已中断；仍在运行：{ids}"),
            advice=say(f"fetch it with: {left[0].resume} {ids}", f"请用以下命令取回结果：{left[0].resume} {ids}"),
            task_id=running[0],
        )
