"""What will go wrong with a piece of work: by a fault, its prompt, or its input."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bailian.sandbox.faults import PICTURE_FAILED, Fault
from bailian.sandbox.http.refusals import Refusal, input_inspection, output_inspection
from bailian.sandbox.tasks.requests import TaskRequest

SLOW_FACTOR = 5.0
"""`[sandbox:slow]` makes work take this many times as long."""

FAILS_AFTER_S = 0.1
"""LIVE: a body that was accepted although it is wrong is FAILED at the first query."""


def refuse_on_demand(prompt: str) -> None:
    """Obey `[sandbox:refuse]`.

    Raises:
        Refusal: the prompt has it.
    """
    if "[sandbox:refuse]" in prompt:
        raise input_inspection()


@dataclass(frozen=True)
class Outcome:
    """How a piece of work ends, decided when it is accepted or by a later fault."""

    failed: bool = False
    code: str = ""
    message: str = ""
    """Of a failed task or of its failed pictures; both empty: the answer has neither key."""
    failed_pictures: int = 0
    drawn_size: tuple[int, int] | None = None
    task_s: float | None = None
    slower: float = 1.0
    at_once: bool = False
    """The body was wrong: no work is begun."""

    def refusal(self) -> Refusal:
        """How a blocking call says that the work has failed: D-ERR has 500 for the service's own faults, 400 for the
        rest; that failed work is told so is a guess."""
        return Refusal(500 if self.code.startswith("InternalError") else 400, self.code, self.message)


def outcome_of(request: TaskRequest, fault: Fault | None) -> Outcome:
    """Return how the work on a request ends."""
    return _by_request(request, _by_prompt(request.prompt, _by_fault(fault)))


def cut_off(outcome: Outcome, fault: Fault | None) -> tuple[int, Refusal] | None:
    """Return after how many frames a stream of this work breaks off, and with which refusal."""
    if fault is not None and fault.kind == "stream_error":
        return fault.count, Refusal(*fault.error())
    return (1, outcome.refusal()) if outcome.failed else None


def _by_fault(fault: Fault | None) -> Outcome:
    """Return what a fault on a submit does to the work itself."""
    if fault is None:
        return Outcome()
    _, code, message = fault.error()
    if fault.kind == "failed":
        return Outcome(failed=True, code=code, message=message, task_s=fault.task_s)
    if fault.kind == "partial":
        return Outcome(failed_pictures=fault.count, code=code, message=message, task_s=fault.task_s)
    size = fault.drawn_size() if fault.kind == "wrong_size" else None
    return Outcome(drawn_size=size, task_s=fault.task_s)


def _by_prompt(prompt: str, outcome: Outcome) -> Outcome:
    """Obey the trigger words in a prompt; a fault goes before them."""
    if "[sandbox:slow]" in prompt:
        outcome = replace(outcome, slower=SLOW_FACTOR)
    if outcome.failed or outcome.failed_pictures:
        return outcome
    if "[sandbox:fail]" in prompt:
        reason = output_inspection()
        return replace(outcome, failed=True, code=reason.code, message=reason.message)
    if "[sandbox:partial]" in prompt:
        code, message = PICTURE_FAILED
        return replace(outcome, failed_pictures=1, code=code, message=message)
    return outcome


def _by_request(request: TaskRequest, outcome: Outcome) -> Outcome:
    """Let a request fail that was accepted although its work cannot be done; a fault goes before."""
    error = request.details.get("trouble")
    if error is None or outcome.failed:
        return outcome
    at_once = bool(request.details.get("fails_at_once"))
    return replace(outcome, failed=True, code=error[0], message=error[1], at_once=at_once)
