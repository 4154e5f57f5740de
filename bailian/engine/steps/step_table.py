"""The steps of a job, by name, and which of them comes first for a job that another process left."""

from __future__ import annotations

from bailian.catalog import Mode
from bailian.engine.context import Services
from bailian.engine.job import Job
from bailian.engine.reports import still_running
from bailian.engine.speaking.spoken_parts import answer_on_disk, forget_own
from bailian.engine.step import BulkStep, Next, Outcome, Step, StepFunction
from bailian.engine.steps.admit import admit
from bailian.engine.steps.ask_time import ask_time
from bailian.engine.steps.call import take_partial_answer
from bailian.engine.steps.free_slots import free_slots
from bailian.engine.steps.poll import begin_polling, poll, store_answer, store_answers
from bailian.engine.steps.reconcile import never_arrived, reconcile
from bailian.engine.steps.record_reply import give_up, hold, record_answers, record_reply, store_partial_answer
from bailian.engine.steps.save import publish, save
from bailian.engine.steps.send import attach, record_intent, record_intents, send
from bailian.engine.steps.take_results import take_results
from bailian.errors import MaybeSent
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities import modality_of
from bailian.store.states import Status


def _record_and_wait(job: Job, services: Services) -> Next | Outcome:
    """Say at once when the task is asked for first: a worker is not called only to find that it is too early."""
    then = record_reply(job, services)
    return Next(Step.POLL, begin_polling(job, services)) if then == Next(Step.POLL) else then


def _record_only(job: Job, services: Services) -> Next | Outcome:
    """Submit without waiting: a task that exists is the end."""
    then = record_reply(job, services)
    return Outcome(job, Status.SUBMITTED) if isinstance(then, Next) and then.step == Step.POLL else then


def _reconcile_only(job: Job, services: Services) -> Next | Outcome:
    then = reconcile(job, services)
    return Outcome(job, Status.SUBMITTED) if isinstance(then, Next) and then.step == Step.POLL else then


def _never_sent(job: Job, services: Services) -> Outcome:
    """Intended by a process that died before sending: certainly not paid, and not ours to pay now."""
    return give_up(job, services, never_arrived())


def salvage(job: Job, services: Services) -> Outcome:
    """Make the best of what is here of an answer that nobody waits for any more."""
    broken = take_partial_answer(job, services)
    if broken is not None:
        return store_partial_answer(job, services, broken)
    if isinstance(job.sending.reply, dict):  # it has come, and its thread had no time to say so
        record_reply(job, services)
        return _saved(job, services)
    job.answer = answer_on_disk(job, services)
    if job.answer is not None:
        store_answer(job, services)
        return _saved(job, services)
    forget_own(job, services)
    if services.run_state.stopping.is_set():
        return hold(
            job,
            services,
            MaybeSent(
                tr(
                    f"no answer came before {how_to().time_limit()} or {how_to().interrupt()}",
                    f"在 {how_to().time_limit()} 或 {how_to().interrupt()} 之前没有收到应答",
                )
            ),
        )
    return hold(job, services, MaybeSent(tr("the process ended before the answer came", "进程在收到应答前结束")))


def _saved(job: Job, services: Services) -> Outcome:
    end = save(job, services)
    return end if isinstance(end, Outcome) else Outcome(job, Status.ENDED, error=still_running(job))


STEPS: dict[Step, StepFunction] = {
    Step.TAKE_RESULTS: take_results,
    Step.ADMIT: admit,
    Step.ASK_TIME: ask_time,
    Step.FREE_SLOTS: free_slots,
    Step.ATTACH: attach,
    Step.RECORD_INTENT: record_intent,
    Step.SEND: send,
    Step.RECORD_REPLY: _record_and_wait,
    Step.RECONCILE: reconcile,
    Step.POLL: poll,
    Step.STORE_ANSWER: store_answer,
    Step.SAVE: save,
    Step.PUBLISH: save,
    Step.NEVER_SENT: _never_sent,
    Step.SALVAGE: salvage,
}
# Steps of which many are one statement each.
BULK_STEPS: dict[Step, BulkStep] = {
    Step.RECORD_INTENT: record_intents,
    Step.RECORD_REPLY: record_answers,
    Step.STORE_ANSWER: store_answers,
    Step.PUBLISH: publish,
}
NO_WAIT_STEPS: dict[Step, StepFunction] = {**STEPS, Step.RECORD_REPLY: _record_only, Step.RECONCILE: _reconcile_only}
# Steps that only write down: those of many jobs are one commit. The others wait for the network, or for a large file.
WRITER_STEPS = frozenset(
    {Step.ADMIT, Step.RECORD_INTENT, Step.RECORD_REPLY, Step.STORE_ANSWER, Step.PUBLISH, Step.NEVER_SENT}
)


def way_in(job: Job) -> Step:
    """Return the first step of a job that was not sent."""
    return Step.TAKE_RESULTS if job.prepared.waits else Step.ADMIT


def first_step(job: Job) -> Step:
    """Return how a job goes on from where the journal had it."""
    if job.state in (Status.SENDING, Status.UNSETTLED):
        if job.mode == Mode.TASK:
            return Step.RECONCILE
        return Step.ADMIT if job.may_resend and modality_of(job.kind).RETRY_SAFE else Step.SALVAGE
    if job.state == Status.WAITING:
        return way_in(job) if job.may_resend else Step.NEVER_SENT
    return {Status.SUBMITTED: Step.POLL, Status.ENDED: Step.SAVE}[job.state]
