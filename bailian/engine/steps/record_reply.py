"""What came of a request is written down. What may be sent again follows from what happened, never from hope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from bailian.catalog import Mode
from bailian.engine.context import Services
from bailian.engine.job import Broken, Job
from bailian.engine.reports import run_again
from bailian.engine.step import Next, Outcome, Step
from bailian.engine.steps.poll import store_answer, store_answers, to_result
from bailian.engine.steps.save import job_end, verdict
from bailian.engine.timing import backoff_s
from bailian.errors import (
    BailianError,
    CutShort,
    Exit,
    JournalError,
    MaybeSent,
    NotSent,
    NotTheService,
    Retry,
    SaveError,
    ServiceError,
    Unreachable,
    journalled,
)
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities import modality_of
from bailian.service.error_codes import may_mean_retired
from bailian.service.responses import task_id_of
from bailian.store.jobs import TaskTaken
from bailian.store.schema import FileRow, JobEnd
from bailian.store.states import Status
from bailian.types import TextContext

NOT_SENT_TRIES = 4
BROKEN_TRIES = 3
# A lost answer that costs little is asked for again.
RESENDS = 3


def record_reply(job: Job, services: Services) -> Next | Outcome:
    """Write down what the service answered, or that it did not."""
    services.run_state.open_prices.discard(job.id)
    reply = job.sending.reply
    if isinstance(reply, Broken):
        return store_partial_answer(job, services, reply)
    if isinstance(reply, ServiceError):
        return _refused(job, services, reply)
    if isinstance(reply, NotSent):
        return _not_sent(job, services, reply)
    if isinstance(reply, BailianError):
        return _maybe_sent(job, services, reply)
    if job.mode == Mode.TASK:
        return _accepted(job, services, reply or {})
    try:  # the answer is the only trace of a paid result
        return record_answers([job], services)[job.id]
    except JournalError as error:
        raise unrecorded(job, error) from None


def record_answers(jobs: Sequence[Job], services: Services) -> dict[str, Next | Outcome]:
    """Keep the answers that came at once, and which names their texts will get. Jobs with another reply are left out.

    An answer that is all there is of its job ends it.
    """
    answered: list[Job] = []
    ended: list[Outcome] = []
    for job in jobs:
        if job.mode != Mode.TASK and isinstance(job.sending.reply, dict):
            job.answer, job.request_id = job.sending.reply, str(job.sending.reply.get("request_id") or "") or None
            services.run_state.open_prices.discard(job.id)
            end = _end_of(job)
            if end is None:
                answered.append(job)
            else:
                ended.append(end)
    if ended:
        services.journal.end_with_answers(
            [to_result(end.job, end.job.answer or {}) for end in ended],
            [job_end(end) for end in ended],
        )
    then = store_answers(answered, services)
    services.journal.record_files(
        [
            FileRow(job.id, item, text.target, text.sha256)
            for job in answered
            for item, text in job.results.staged.items()
        ]
    )
    # What needs no download is ended with the next batch: its texts get their names, or stand in the answer alone.
    at_once = (job for job in answered if job.results.staged or job.saving.folder is None)
    return {**{end.job.id: end for end in ended}, **then, **{job.id: Next(Step.PUBLISH) for job in at_once}}


def _end_of(job: Job) -> Outcome | None:
    """Return how a job ends whose answer has come; None if there is more to do, or its end needs a second look."""
    if job.saving.folder is not None or hasattr(modality_of(job.kind), "document_url"):
        return None
    end = verdict(job, job.items_of(job.answer or {}), {})
    return end if end.state == Status.DONE else None


def _accepted(job: Job, services: Services, answer: dict[str, Any]) -> Next | Outcome:
    job.request_id = str(answer.get("request_id") or "") or None
    job.task_id = task_id_of(answer)
    try:
        services.journal.record_task(job.id, job.task_id, job.request_id)
    except TaskTaken:
        # A copy of another's answer, kept on the way: our own is lost.
        taken, job.task_id, job.request_id = job.task_id, None, None
        return _maybe_sent(
            job,
            services,
            MaybeSent(
                tr(
                    f"the answer names task {taken}, which another request had already",
                    f"应答中的任务 {taken} 已属于另一个请求",
                )
            ),
        )
    except JournalError as error:
        raise unrecorded(job, error) from None
    return Next(Step.POLL)


def unrecorded(job: Job, error: JournalError) -> BailianError:
    """Return what is said when the journal could not take a reply, in its statement or in the commit.

    The one moment when the journal cannot help: what is paid is named nowhere but here.
    """
    if not isinstance(job.sending.reply, dict):
        return error
    if job.mode == Mode.TASK:
        task_id = task_id_of(job.sending.reply)
        adopt = how_to().adopt(job.account_flags, task_id, job.id)
        return SaveError(
            tr(
                f"task {task_id} was created, but the journal could not record it: {error.message}",
                f"任务 {task_id} 已创建，但无法写入日志：{error.message}",
            ),
            advice=tr(f"when that is mended: {adopt}", f"修复后请运行：{adopt}"),
            task_id=task_id,
        )
    links = [item.url for item in modality_of(job.kind).items(job.sending.reply, job.prepared) if item.url]
    return SaveError(
        tr(
            f"the result was made, but the journal could not record it: {error.message}",
            f"结果已生成，但无法写入日志：{error.message}",
        ),
        advice=tr("download it yourself within 24 hours: ", "请在 24 小时内自行下载：") + " ".join(links)
        if links
        else _kept_all_the_same(job),
        request_id=job.request_id,
    )


def _kept_all_the_same(job: Job) -> str:
    """A sound is a file of the home folder already; a text was in that answer only."""
    if job.kind == "speech":
        return tr(
            f"the sound is kept; when that is mended: {how_to().fetch(job.account_flags, job.id)}",
            f"音频已保存；修复后请运行：{how_to().fetch(job.account_flags, job.id)}",
        )
    return tr("when that is mended, run the command again", "修复后请重新运行")


def _not_sent(job: Job, services: Services, error: BailianError) -> Next | Outcome:
    if not services.journal.requeue(job.id):
        return Outcome(job, Status.WAITING)
    if job.sending.watch is not None and job.sending.watch.was_late:
        return Next(Step.ADMIT)  # no try of the network's: it waits there until this machine may send again
    job.sending.last_error = error
    job.sending.attempts += 1
    if job.sending.attempts < NOT_SENT_TRIES:
        return Next(Step.ADMIT, backoff_s(job.sending.attempts - 1, jitter=services.jitter()))
    if not services.service.answered and job.mode != Mode.SOCKET:
        error = Unreachable(error.message, advice=error.advice)
    return give_up(job, services, error)


def _refused(job: Job, services: Services, error: ServiceError) -> Next | Outcome:
    job.sending.attempts += 1
    pause_s = backoff_s(job.sending.attempts - 1, retry_after_s=error.retry_after_s, jitter=services.jitter())
    if error.again == Retry.AFTER_PAUSE:
        services.limits.rates.penalize(services.queue_of(job), pause_s)
        services.progress.update(job, error.wire_code or "THROTTLED", 0.0)
    if error.maybe_done:
        return _maybe_sent(job, services, error)
    if not services.journal.requeue(job.id):
        return Outcome(job, Status.WAITING)
    job.request_id, job.sending.last_error = error.request_id, error
    if error.again == Retry.AFTER_PAUSE:
        return Next(Step.ADMIT, pause_s)
    if error.again == Retry.FEW and job.sending.attempts < BROKEN_TRIES:
        return Next(Step.ADMIT, pause_s)
    error = with_catalog_advice(job, error, services.clock.day())
    services.journal.finish([JobEnd(job.id, Status.FAILED, journalled(error))])
    return Outcome(job, Status.FAILED, error=error)


def with_catalog_advice(job: Job, error: ServiceError, today: date) -> ServiceError:
    """Return the refusal with what the catalog knows of the model: that it is retired, or which names exist."""
    context = job.prepared.context
    retired = context.retired
    if retired and retired.on <= today.isoformat() and may_mean_retired(error):
        error.code, error.exit_code, error.stops_all = "ModelNotFound", Exit.REFUSED_BY_SERVICE, False
        error.message = f"{retired.message}: {error.message}"
        error.args, error.advice = (error.message,), retired.advice
    elif error.code == "ModelNotFound" and context.alternatives:
        error.advice = context.alternatives
    refusal_advice = getattr(modality_of(job.kind), "refusal_advice", None)
    error.advice = (refusal_advice(error.message) if refusal_advice else "") or error.advice
    return error


def _has_text(job: Job) -> bool:
    return any(item.text for item in modality_of(job.kind).items(job.answer or {}, job.prepared))


def store_partial_answer(job: Job, services: Services, broken: Broken) -> Outcome:
    """Keep what came of an answer. What was shown is not asked for again."""
    job.answer = broken.answer
    store_answer(job, services)
    english = f"what came is kept: {how_to().show(job.id)}; for a whole answer run the command again"
    chinese = f"已收到的部分已保存：{how_to().show(job.id)}；如需完整回答请重新运行"
    if TextContext.of(job.prepared.context).goes_on and _has_text(job):
        command = how_to().go_on(job.account_flags, job.request_id or job.id)
        english = f"what came is kept, go on from there: {command}"
        chinese = f"已收到的部分已保存，可从断处续写：{command}"
    error: BailianError = CutShort(
        tr(f"the answer broke off: {broken.error.message}", f"回答中断：{broken.error.message}"),
        advice=tr(english, chinese),
        wire_code=broken.error.wire_code,
        http_status=broken.error.http_status,
        request_id=job.request_id,
    )
    if job.kind == "speech":
        error = broken.error
    services.journal.finish([JobEnd(job.id, Status.FAILED, journalled(error))])
    return Outcome(job, Status.FAILED, error=error)


def _maybe_sent(job: Job, services: Services, error: BailianError) -> Next | Outcome:
    """What happened decides, not what is said of it: a task is looked for, a text asked for again, the rest is held."""
    job.sending.last_error = error
    if isinstance(error, NotTheService):
        services.run_state.halted_by = error
    if job.mode == Mode.TASK:
        services.journal.in_doubt(job.id)
        job.reconciling.confirmations = 0
        return Next(Step.RECONCILE, 1.0)
    again = modality_of(job.kind).RETRY_SAFE and not job.prepared.context.single_attempt
    if again and job.sending.resends < RESENDS and not error.stops_all:
        job.sending.resends += 1
        services.journal.requeue_maybe_billed(job.id)
        return Next(Step.ADMIT, backoff_s(job.sending.resends, jitter=services.jitter()))
    return hold(job, services, error)


def hold(job: Job, services: Services, error: BailianError) -> Outcome:
    """Report a synchronous call whose answer is lost. It leaves no task to look up, so a person must decide."""
    if modality_of(job.kind).RETRY_SAFE:
        error.advice = error.advice or tr(
            "run the command again; the lost answer may be billed", "请重新运行；丢失的回答可能已计费"
        )
        services.journal.requeue_maybe_billed(job.id)
        services.journal.finish([JobEnd(job.id, Status.FAILED, journalled(error))])
        return Outcome(job, Status.FAILED, error=error)
    again = run_again(job)
    held = MaybeSent(
        tr(
            f"{error.message}; the result may have been made and billed, so the request is not sent again",
            f"{error.message}；结果可能已经生成并计费，因此不会自动重发",
        ),
        advice=tr(
            f"this kind of call leaves no task that could be looked up: check the bill in the console, then {again}",
            f"这类调用没有可查询的任务：请先在控制台核对账单，再决定是否{again}",
        ),
        wire_code=error.wire_code,
        http_status=error.http_status,
        request_id=error.request_id,
    )
    if isinstance(error, NotTheService):
        held.stops_all, held.advice = True, f"{error.advice}; {held.advice}"
    if isinstance(error, MaybeSent) and error.answer:
        services.journal.replace_answer(job.id, error.answer)
    services.journal.finish([JobEnd(job.id, Status.HELD, journalled(held))])
    return Outcome(job, Status.HELD, error=held)


def give_up(job: Job, services: Services, error: BailianError) -> Outcome:
    """Give up a job that was certainly never executed: nothing was paid."""
    services.journal.finish([JobEnd(job.id, Status.UNSENT, journalled(error))])
    return Outcome(job, Status.UNSENT, error=error)
