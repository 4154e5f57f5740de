"""What came of a request is written down. What may be sent again follows from what happened, never from hope."""

from __future__ import annotations

from typing import Any

from bailian.catalog import catalog
from bailian.engine.job import Job, Outcome, Ports, Then
from bailian.engine.reports import run_again
from bailian.engine.steps.poll import keep
from bailian.engine.steps.publish import record_texts
from bailian.engine.steps.speak import Broken
from bailian.engine.timing import backoff_s
from bailian.errors import (
    BailianError,
    CutShort,
    Exit,
    JournalError,
    MaybeSent,
    NotSent,
    NotTheService,
    SaveError,
    ServiceError,
    Unreachable,
    journalled,
)
from bailian.i18n import say
from bailian.modalities import of
from bailian.service.error_codes import may_mean_retired
from bailian.service.responses import task_id_of
from bailian.store.jobs import TaskTaken

NOT_SENT_TRIES = 4
BROKEN_TRIES = 3
# A lost answer that costs little is asked for again.
RESENDS = 3


def record(job: Job, ports: Ports) -> Then | Outcome:
    """Write down what the service answered, or that it did not."""
    ports.open_prices.discard(job.id)
    reply = job.reply
    if isinstance(reply, Broken):
        return broke_off(job, ports, reply)
    if isinstance(reply, ServiceError):
        return _refused(job, ports, reply)
    if isinstance(reply, NotSent):
        return _not_sent(job, ports, reply)
    if isinstance(reply, BailianError):
        return _maybe_sent(job, ports, reply)
    return _taken(job, ports, reply or {})


def _taken(job: Job, ports: Ports, answer: dict[str, Any]) -> Then | Outcome:
    job.request_id = str(answer.get("request_id") or "") or None
    if job.prepared["mode"] != "task":
        job.answer = answer
        return _keep_sync(job, ports)
    job.task_id = task_id_of(answer)
    try:
        ports.journal.submitted(job.id, job.task_id, job.request_id)
    except TaskTaken:
        # A copy of another's answer, kept on the way: our own is lost.
        taken, job.task_id, job.request_id = job.task_id, None, None
        return _maybe_sent(
            job,
            ports,
            MaybeSent(
                say(
                    f"the answer names task {taken}, which another request had already",
                    f"应答中的任务 {taken} 已属于另一个请求",
                )
            ),
        )
    except JournalError as error:
        # The one moment when the journal cannot help: the task is paid and only this line knows its id.
        raise SaveError(
            say(
                f"task {job.task_id} was created, but the journal could not record it: {error.message}",
                f"任务 {job.task_id} 已创建，但无法写入日志：{error.message}",
            ),
            advice=say(
                f"when that is mended: bailian tasks adopt {job.task_id} --job {job.id}",
                f"修复后请运行：bailian tasks adopt {job.task_id} --job {job.id}",
            ),
            task_id=job.task_id,
        ) from None
    return Then("watch")


def _keep_sync(job: Job, ports: Ports) -> Then | Outcome:
    """The answer is the only trace of a paid result: committed in the step that received it."""
    try:
        then = keep(job, ports)
        record_texts(job, ports)
    except JournalError as error:
        links = [item.url for item in of(job.kind).items(job.answer or {}, job.prepared) if item.url]
        raise SaveError(
            say(
                f"the result was made, but the journal could not record it: {error.message}",
                f"结果已生成，但无法写入日志：{error.message}",
            ),
            advice=say("download it yourself within 24 hours: ", "请在 24 小时内自行下载：") + " ".join(links)
            if links
            else _kept_all_the_same(job),
            request_id=job.request_id,
        ) from None
    return Then("place") if job.written else then


def _kept_all_the_same(job: Job) -> str:
    """A sound is a file of the home folder already; a text was in that answer only."""
    if job.prepared["mode"] == "socket":
        return say(
            f"the sound is kept; when that is mended: {job.resume} {job.id}",
            f"音频已保存；修复后请运行：{job.resume} {job.id}",
        )
    return say("when that is mended, run the command again", "修复后请重新运行")


def _not_sent(job: Job, ports: Ports, error: BailianError) -> Then | Outcome:
    ports.journal.not_sent(job.id)
    job.last_error = error
    job.attempts += 1
    if job.attempts < NOT_SENT_TRIES:
        return Then("turn", backoff_s(job.attempts - 1, jitter=ports.jitter()))
    if not ports.service.answered and job.prepared["mode"] != "socket":
        error = Unreachable(error.message, advice=error.advice)
    return unsent(job, ports, error)


def _refused(job: Job, ports: Ports, error: ServiceError) -> Then | Outcome:
    job.attempts += 1
    pause_s = backoff_s(job.attempts - 1, retry_after_s=error.retry_after_s, jitter=ports.jitter())
    if error.again == "wait":
        ports.pace.slow_down(ports.queue_of(job), pause_s)
        ports.progress.update(job, error.wire_code or "THROTTLED", 0.0)
    if error.maybe_done:
        return _maybe_sent(job, ports, error)
    ports.journal.not_sent(job.id)
    job.request_id, job.last_error = error.request_id, error
    if error.again == "wait":
        return Then("turn", pause_s)
    if error.again == "few" and job.attempts < BROKEN_TRIES:
        return Then("turn", pause_s)
    error = explained(job, error)
    ports.journal.finish(job.id, "failed", journalled(error))
    return Outcome(job, "failed", error=error)


def explained(job: Job, error: ServiceError) -> ServiceError:
    """Return the refusal with what the catalog knows of the model: that it is retired, or which names exist."""
    facts = job.prepared.get("facts", {})
    retired = facts.get("retired")
    if retired and retired["on"] <= catalog.current_day().isoformat() and may_mean_retired(error):
        error.code, error.exit_code, error.stops_all = "ModelNotFound", Exit.REFUSED_BY_SERVICE, False
        error.message = f"{retired['message']}: {error.message}"
        error.args, error.advice = (error.message,), retired["advice"]
    elif error.code == "ModelNotFound" and facts.get("instead"):
        error.advice = facts["instead"]
    return error


def broke_off(job: Job, ports: Ports, broken: Broken) -> Outcome:
    """Keep what came of an answer. What was shown is not asked for again."""
    job.answer = broken.answer
    keep(job, ports)
    error: BailianError = CutShort(
        say(f"the answer broke off: {broken.error.message}", f"回答中断：{broken.error.message}"),
        advice=say(
            f"what came is kept: bailian tasks show {job.id}; for a whole answer run the command again",
            f"已收到的部分已保存：bailian tasks show {job.id}；如需完整回答请重新运行",
        ),
        wire_code=broken.error.wire_code,
        http_status=broken.error.http_status,
        request_id=job.request_id,
    )
    if job.prepared["mode"] == "socket":
        error = broken.error
    ports.journal.finish(job.id, "failed", journalled(error))
    return Outcome(job, "failed", error=error)


def _maybe_sent(job: Job, ports: Ports, error: BailianError) -> Then | Outcome:
    """What happened decides, not what is said of it: a task is looked for, a text asked for again, the rest is held."""
    job.last_error = error
    if isinstance(error, NotTheService):
        ports.halted_by = error
    if job.prepared["mode"] == "task":
        ports.journal.unsettled(job.id)
        job.confirmations = 0
        return Then("settle", 1.0)
    once = job.prepared.get("facts", {}).get("once")  # --max-cost has room for one
    if of(job.kind).REPEATABLE and job.resends < RESENDS and not once and not error.stops_all:
        job.resends += 1
        ports.journal.lost(job.id)
        return Then("turn", backoff_s(job.resends, jitter=ports.jitter()))
    return hold(job, ports, error)


def hold(job: Job, ports: Ports, error: BailianError) -> Outcome:
    """Report a synchronous call whose answer is lost. It leaves no task to look up, so a person must decide."""
    if of(job.kind).REPEATABLE:
        error.advice = error.advice or say(
            "run the command again; the lost answer may be billed", "请重新运行；丢失的回答可能已计费"
        )
        ports.journal.lost(job.id)
        ports.journal.finish(job.id, "failed", journalled(error))
        return Outcome(job, "failed", error=error)
    again = run_again(job)
    held = MaybeSent(
        say(
            f"{error.message}; the result may have been made and billed, so the request is not sent again",
            f"{error.message}；结果可能已经生成并计费，因此不会自动重发",
        ),
        advice=say(
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
        ports.journal.refreshed(job.id, error.answer)
    ports.journal.finish(job.id, "held", journalled(held))
    return Outcome(job, "held", error=held)


def unsent(job: Job, ports: Ports, error: BailianError) -> Outcome:
    """Give up a job that was certainly never executed: nothing was paid."""
    ports.journal.finish(job.id, "unsent", journalled(error))
    return Outcome(job, "unsent", error=error)
