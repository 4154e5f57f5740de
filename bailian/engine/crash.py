"""A fault of this toolkit ends one job, not the run: what came for it is kept, and the user is told what to send where."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from bailian.catalog import Mode
from bailian.engine.context import Services
from bailian.engine.job import Job
from bailian.errors import BailianError, JournalError
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.service.responses import task_id_of
from bailian.store.jobs import TaskTaken
from bailian.store.schema import JobResult
from bailian.store.states import Status

WORDS_CHARS = 200


class Crashed(BailianError):
    """A step raised what no step may raise. The others go on."""

    code = "Bug"

    def __init__(self, error: BaseException, job_id: str, **known: Any) -> None:
        text = bug_text(error)
        super().__init__(
            text,
            advice=tr(
                f"what came is kept; please report this with what `{how_to().show(job_id)}` and `{how_to().check()}` print",
                f"已收到的内容已保存；请附上 `{how_to().show(job_id)}` 与 `{how_to().check()}` 的输出报告此问题",
            ),
            **known,
        )


def bug_text(error: BaseException) -> str:
    """Return what is said of a fault of this toolkit: its kind, and the place in the code that raised it."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    at = "" if place is None else f" ({place.tb_frame.f_globals.get('__name__', '?')}:{place.tb_lineno})"
    words = f"{type(error).__name__}: {str(error)[:WORDS_CHARS]}{at}"
    return tr(f"a bug in this toolkit: {words}", f"本工具的程序错误：{words}")


def crashed(job: Job, services: Services, error: BaseException) -> Crashed:
    """Keep what has come for a job whose step raised; return what is said of it."""
    with suppress(JournalError, TaskTaken):
        _keep_what_came(job, services)
    return Crashed(error, job.id, task_id=job.task_id, request_id=job.request_id)


def _keep_what_came(job: Job, services: Services) -> None:
    """Write down an answer that no step has written down. What it cost is not known then: the estimate counts."""
    row = services.journal.job(job.id)
    answer = job.answer or (job.sending.reply if isinstance(job.sending.reply, dict) else None)
    if row is None or answer is None:
        return
    if row.state == Status.SENDING and job.mode == Mode.TASK:
        if task_id := task_id_of(answer):
            services.journal.record_task(job.id, task_id, None)
    elif row.state in (Status.SENDING, Status.SUBMITTED):
        services.journal.store_answers([JobResult(job.id, answer, None, None, job.request_id)])
