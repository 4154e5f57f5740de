"""The steps of a job, by name, and which of them comes first for a job that another process left."""

from __future__ import annotations

from bailian.engine.job import Job, Outcome, Ports, Step, Then
from bailian.engine.reports import still_running
from bailian.engine.steps.admit import turn
from bailian.engine.steps.ask_time import ask_time
from bailian.engine.steps.call import left_behind
from bailian.engine.steps.free_slots import free_slots
from bailian.engine.steps.poll import keep, watch
from bailian.engine.steps.reconcile import never_arrived, settle
from bailian.engine.steps.record_reply import broke_off, hold, record, unsent
from bailian.engine.steps.save import save
from bailian.engine.steps.send import attach, send, submit
from bailian.engine.steps.speak import answer_on_disk, forget_own
from bailian.errors import MaybeSent
from bailian.i18n import say
from bailian.modalities import of


def _record_only(job: Job, ports: Ports) -> Then | Outcome:
    """Submit without waiting: a task that exists is the end."""
    then = record(job, ports)
    return Outcome(job, "submitted") if isinstance(then, Then) and then.step == "watch" else then


def _settle_only(job: Job, ports: Ports) -> Then | Outcome:
    then = settle(job, ports)
    return Outcome(job, "submitted") if isinstance(then, Then) and then.step == "watch" else then


def _give_up(job: Job, ports: Ports) -> Outcome:
    """Intended by a process that died before sending: certainly not paid, and not ours to pay now."""
    return unsent(job, ports, never_arrived())


def leave_it(job: Job, ports: Ports) -> Outcome:
    """Make the best of what is here of an answer that nobody waits for any more."""
    broken = left_behind(job, ports)
    if broken is not None:
        return broke_off(job, ports, broken)
    if isinstance(job.reply, dict):  # it has come, and its thread had no time to say so
        record(job, ports)
        return _saved(job, ports)
    job.answer = answer_on_disk(job, ports)
    if job.answer is not None:
        keep(job, ports)
        return _saved(job, ports)
    forget_own(job, ports)
    if ports.stopping.is_set():
        return hold(
            job,
            ports,
            MaybeSent(say("no answer came before --timeout or Ctrl-C", "在 --timeout 或 Ctrl-C 之前没有收到应答")),
        )
    return hold(job, ports, MaybeSent(say("the process ended before the answer came", "进程在收到应答前结束")))


def _saved(job: Job, ports: Ports) -> Outcome:
    end = save(job, ports)
    return end if isinstance(end, Outcome) else Outcome(job, "ended", error=still_running(job))


STEPS: dict[str, Step] = {
    "turn": turn,
    "ask_time": ask_time,
    "free_slots": free_slots,
    "attach": attach,
    "submit": submit,
    "send": send,
    "record": record,
    "settle": settle,
    "watch": watch,
    "keep": keep,
    "save": save,
    "place": save,
    "give_up": _give_up,
    "hold": leave_it,
}
NO_WAIT_STEPS: dict[str, Step] = {**STEPS, "record": _record_only, "settle": _settle_only}
# Steps that only write down: those of many jobs are one commit. The others wait for the network, or for a large file.
AT_DESK = frozenset({"turn", "submit", "record", "keep", "place", "give_up"})


def step_after(job: Job) -> str:
    """Return how a job goes on from where the journal had it."""
    if job.state in ("sending", "unsettled"):
        if job.prepared["mode"] == "task":
            return "settle"
        return "turn" if job.may_resend and of(job.kind).REPEATABLE else "hold"
    if job.state == "waiting":
        return "turn" if job.may_resend else "give_up"
    return {"submitted": "watch", "ended": "save"}[job.state]
