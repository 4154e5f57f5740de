"""What is said of a job whose result is not here: it runs, it waits at the service, or it is lost."""

from __future__ import annotations

from bailian.engine.context import Services
from bailian.engine.job import Job
from bailian.engine.step import Outcome
from bailian.errors import BailianError, StillRunning, TaskFailed, journalled
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.store.schema import JobEnd
from bailian.store.states import Status

# The service keeps tasks and results for 24 hours (docs/wire.md "Tasks"). Until then a task of ours that it does
# not know, or that is over and shows no result, may show yet: it is paid.
KEPT_S = 24 * 3600.0


def still_running(job: Job) -> StillRunning:
    """Return the report on a job that our deadline came too early for: its task runs, or its result waits."""
    name = job.task_id or job.id
    if job.answer:
        text = tr(f"{name} is made, but not fetched yet", f"{name} 已生成，但尚未取回")
    elif job.polling.nothing_since_s is not None:
        text = tr(f"the service shows nothing of task {name} yet", f"服务端尚未显示任务 {name} 的内容")
    else:
        text = tr(f"task {name} is still running", f"任务 {name} 仍在运行")
    return StillRunning(
        text,
        advice=tr(
            f"fetch it with: {how_to().fetch(job.account_flags, name)}",
            f"请用以下命令取回：{how_to().fetch(job.account_flags, name)}",
        ),
        request_id=job.request_id,
        task_id=job.task_id,
    )


def still_at_service(job: Job, error: BailianError) -> BailianError:
    """Return the same failure, saying that the result is not lost and how to get it."""
    error.task_id = error.task_id or job.task_id
    error.request_id = error.request_id or job.request_id
    command = how_to().fetch(job.account_flags, job.task_id or job.id)
    error.advice = tr(
        f"the result is paid and kept for 24 hours; fetch it with: {command} (-o DIR for another folder)",
        f"结果已计费并保留 24 小时；请用以下命令取回：{command}（-o 可指定其他目录）",
    )
    return error


def run_again(job: Job) -> str:
    """Return how a held job is made, and paid, anew."""
    again = tr("run the command again", "重新运行该命令")
    return again + (tr(f" with {how_to().retry_held()}", f"并加上 {how_to().retry_held()}") if job.row_key else "")


def unreadable(job: Job) -> TaskFailed:
    """Return the report on an answer in which nothing can be read: it is paid, and no run pays it again unasked."""
    again = run_again(job)
    return TaskFailed(
        tr("the answer holds no result that can be read", "应答中没有可读取的结果"),
        advice=tr(
            f"it is kept: {how_to().show(job.id)}; it may be paid, so to make (and pay) it anew, {again}",
            f"应答已保存：{how_to().show(job.id)}；由于可能已计费，如需重新生成（再次计费），请{again}",
        ),
        request_id=job.request_id,
        task_id=job.task_id,
    )


def gone(job: Job, services: Services, error: BailianError) -> Outcome:
    """End a job whose result was paid, or may be, and cannot be had any more. No run pays it again unasked."""
    again = run_again(job)
    lost = TaskFailed(
        error.message,
        code="ResourceNotFound",
        advice=tr(
            f"the service keeps results for 24 hours, and this one may be paid; to make (and pay) it anew, {again}",
            f"服务端只保留结果 24 小时，该结果可能已计费；如需重新生成（再次计费），请{again}",
        ),
        wire_code=error.wire_code,
        http_status=error.http_status,
        request_id=error.request_id or job.request_id,
        task_id=job.task_id,
    )
    services.journal.finish([JobEnd(job.id, Status.HELD, journalled(lost))])
    return Outcome(job, Status.HELD, error=lost)
