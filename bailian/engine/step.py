"""The names of the steps, and how a step ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from bailian.engine.context import Services
from bailian.engine.job import Job
from bailian.errors import BailianError
from bailian.store.states import Status
from bailian.text.storage_path import ResultPath


class Step(str, Enum):
    """The steps of a job, in their usual order. `engine.steps.step_table` says which function each is."""

    TAKE_RESULTS = "take_results"
    """Puts the results of other rows into a request that waited for them."""
    ADMIT = "admit"
    ASK_TIME = "ask_time"
    FREE_SLOTS = "free_slots"
    """Asks whether the tasks of a stopped process are over."""
    ATTACH = "attach"
    RECORD_INTENT = "record_intent"
    SEND = "send"
    RECORD_REPLY = "record_reply"
    RECONCILE = "reconcile"
    POLL = "poll"
    STORE_ANSWER = "store_answer"
    SAVE = "save"
    PUBLISH = "publish"
    NEVER_SENT = "never_sent"
    """Ends a job that a dead process had not sent."""
    SALVAGE = "salvage"
    """Keeps what is here of an answer that nobody waits for any more."""


class Next(NamedTuple):
    """A step is over: do `step` after `delay_s` seconds. No thread is held meanwhile."""

    step: Step
    delay_s: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """How a job ended, or where it was left."""

    job: Job
    state: Status
    placed: Mapping[int, ResultPath] = field(default_factory=dict)
    """The finished file of each result, by the result's index."""
    error: BailianError | None = None

    @property
    def files(self) -> tuple[ResultPath, ...]:
        return tuple(self.placed[index] for index in sorted(self.placed))


StepFunction = Callable[[Job, Services], "Next | Outcome"]


StepResult = Next | Outcome | BaseException
"""How a step ended; an exception is carried to the caller's thread."""


BulkStep = Callable[[Sequence[Job], Services], Mapping[str, StepResult]]
"""A step for many jobs, by the jobs' ids. A job that is not in the answer takes the step alone."""
