"""What the service does with a request that has reached it: admit, accept, answer, cancel, list."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bailian.sandbox.account.rates import GRANTS_PER_S, QUERIES_PER_S, Rates
from bailian.sandbox.edits.models import edit_models as edits_of
from bailian.sandbox.http import refusals
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.refusals import Refusal
from bailian.sandbox.images.models import MULTIMODAL, NOT_IMITATED, Limits, ServiceModel
from bailian.sandbox.images.models import image_models as models_of
from bailian.sandbox.tasks import replies
from bailian.sandbox.tasks.requests import TaskRequest, read_image_request
from bailian.sandbox.tasks.task_store import LIFE_S, Outcome, Task, TaskStore
from bailian.sandbox.video.models import video_models as videos_of
from bailian.sandbox.video.requests import read_video_request

MAX_PAGE_SIZE = 100
"""The vendor names no maximum; a larger page is cut to this (a guess)."""

SLOW_TIMES = 5.0
"""`[sandbox:slow]` makes work take this many times as long."""

FETCH_FOREIGN = ("placeholder", "refuse")

STATUSES = ("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN")


@dataclass
class Settings:
    """What may be changed while the sandbox runs."""

    task_s: float = 1.0
    jitter: float = 0.0
    """Share of `task_s` by which tasks differ: 0.2 means 0.8 to 1.2 times."""
    enforce_limits: bool = True
    link_life_s: float = LIFE_S
    fetch_foreign: str = "placeholder"
    """What stands in for input pictures of other computers, which are never asked: "placeholder", a drawn one;
    "refuse": nothing, the download fails."""
    sse_blank_lines: bool = True
    """Whether a stream has blank lines between its frames: newer captures have, others have not."""
    sse_heartbeats: bool = False
    """Whether a stream has a comment of its own before every frame."""

    def change(self, changes: Mapping[str, Any]) -> None:
        """Take new values.

        Raises:
            ValueError: an unknown name, or a value of the wrong type.
        """
        for name, value in changes.items():
            if name not in self.__dataclass_fields__:
                raise ValueError(f"there is no setting {name!r}")
            if name == "fetch_foreign":
                if value not in FETCH_FOREIGN:
                    raise ValueError(f"{name} is one of {', '.join(FETCH_FOREIGN)}")
                continue
            wants_bool = isinstance(getattr(self, name), bool)
            if isinstance(value, bool) != wants_bool or not isinstance(value, int | float):
                raise ValueError(f"{name} is {'true or false' if wants_bool else 'a number'}")
        for name, value in changes.items():
            setattr(self, name, value)


class Account:
    """One account on the service."""

    def __init__(
        self,
        catalog: Mapping[str, Limits],
        tasks: TaskStore,
        settings: Settings,
        clock: Callable[[], float],
        retired: frozenset[str] = frozenset(),
    ) -> None:
        # A catalog may call a model otherwise than Beijing does, and this is Beijing.
        self._limits = {getattr(m, "aliases", {}).get("beijing", name): m for name, m in catalog.items()}
        models = {**models_of(catalog), **videos_of(catalog), **edits_of(catalog)}
        self._models = {name: model for name, model in models.items() if name not in retired}
        self._tasks = tasks
        self._settings = settings
        self._clock = clock
        self._rates = Rates(clock)

    def admit(self, path: str, body: Mapping[str, Any], *, asks_async: bool) -> ServiceModel:
        """Check what the gateway checks before a model sees the body: header, model, path, rate.

        Raises:
            Refusal: with the documented answer.
        """
        name, sync = str(body["model"]), path == MULTIMODAL
        if name in NOT_IMITATED:
            raise refusals.not_imitated(f"the model {name}")
        model = self._models.get(name)
        if model is None:
            raise refusals.no_such_model(sync=sync)
        if path not in model.routes:
            raise refusals.wrong_path()
        if sync and asks_async:
            raise refusals.refuses_async()
        if not sync and not asks_async:
            raise refusals.wants_async()
        limits = self._limits.get(name)
        if self._settings.enforce_limits and limits is not None:
            if limits.submit_per_s and not self._rates.allows(f"submit {name}", limits.submit_per_s):
                raise refusals.throttled()
            if not sync and limits.queue_limit and self._tasks.waiting(name) >= limits.queue_limit:
                raise refusals.queue_full()
        return model

    def accept(
        self,
        model: ServiceModel,
        path: str,
        body: Mapping[str, Any],
        request_id: str,
        outcome: Outcome,
        request: TaskRequest | None = None,
    ) -> Task:
        """Check the body (unless its order is given already) and take the work on.

        Raises:
            Refusal: with the documented answer.
        """
        name, sync = str(body["model"]), path == MULTIMODAL
        if request is None:
            read = read_image_request if model.video is None else read_video_request
            request = read(name, model, path, body)
        if "[sandbox:refuse]" in request.prompt:
            raise refusals.input_inspection()
        outcome = outcome_by_request(request, outcome_by_prompt(request.prompt, outcome))
        if sync and outcome.failed:
            raise Refusal(500 if outcome.code.startswith("InternalError") else 400, outcome.code, outcome.message)
        task_id = str(uuid.uuid4())
        self._tasks.add(
            task_id=task_id,
            request_id=request_id,
            request=request,
            outcome=outcome,
            body=body,
            duration_s=self._duration_s(task_id, outcome),
            running_limit=None if sync else self._running_limit(name),
            blocking=sync,
        )
        task = self._tasks.get(task_id)
        assert task is not None  # noqa: S101  # just added
        return task

    def count_grant(self, model: str) -> None:
        """Count one upload grant (D-OSS: 100 a second for account and model).

        Raises:
            Refusal: 429.
        """
        if self._settings.enforce_limits and not self._rates.allows(f"grant {model}", GRANTS_PER_S):
            raise refusals.throttled()

    @property
    def names(self) -> tuple[str, ...]:
        """The models of pictures and videos."""
        return tuple(self._models)

    def knows(self, name: str) -> bool:
        """Whether this is a model of pictures or videos."""
        return name in self._models

    def count_call(self, name: str, *, family: str = "") -> None:
        """Count one call against the model's rate (`family`: a rate that several models share).

        Raises:
            Refusal: 429.
        """
        limits = self._limits.get(name)
        if limits is None or not limits.submit_per_s or not self._settings.enforce_limits:
            return
        if not self._rates.allows(f"submit {family or name}", limits.submit_per_s):
            raise refusals.throttled()

    def add_work(
        self, request: TaskRequest, body: Mapping[str, Any], request_id: str, outcome: Outcome, *, blocking: bool
    ) -> Task:
        """Note work that is no picture."""
        task_id = str(uuid.uuid4())
        outcome = outcome_by_prompt(request.prompt, outcome)
        self._tasks.add(
            task_id=task_id,
            request_id=request_id,
            request=request,
            outcome=outcome,
            body=body,
            duration_s=self._duration_s(task_id, outcome),
            running_limit=None if blocking else self._running_limit(request.model),
            blocking=blocking,
        )
        task = self._tasks.get(task_id)
        assert task is not None  # noqa: S101  # just added
        return task

    def _duration_s(self, task_id: str, outcome: Outcome) -> float:
        base = self._settings.task_s if outcome.task_s is None else outcome.task_s
        share = int.from_bytes(hashlib.sha256(task_id.encode()).digest()[:4], "big") / 2**31 - 1
        return max(0.0, base * outcome.slower * (1 + self._settings.jitter * share))

    def _running_limit(self, name: str) -> int | None:
        limits = self._limits.get(name)
        return limits.running_limit if limits is not None and self._settings.enforce_limits else None

    def count_query(self) -> None:
        """Count one query, list or cancel against the account's rate.

        Raises:
            Refusal: 429.
        """
        if self._settings.enforce_limits and not self._rates.allows("queries", QUERIES_PER_S):
            raise refusals.throttled()

    def poll(self, task_id: str, request_id: str, sign: replies.Sign) -> Answer:
        task = self._tasks.get(task_id)
        if task is None or task.blocking:
            return json_answer(replies.unknown(task_id, request_id))
        return json_answer(replies.task_answer(task, request_id, sign))

    def cancel(self, task_id: str, request_id: str) -> Answer:
        """TASKS: success is a bare request id; only PENDING tasks.

        Raises:
            Refusal: the task is not PENDING (or not there: not documented, same answer here).
        """
        task = self._tasks.get(task_id)
        if task is None or task.blocking:
            raise refusals.cannot_cancel()
        if not self._tasks.cancel(task_id, self._running_limit(task.model)):
            raise refusals.cannot_cancel()
        return json_answer({"request_id": request_id})

    def listing(self, query: Mapping[str, str], request_id: str) -> Answer:
        """TASKS: filters, paging, at most 24 hours.

        Raises:
            Refusal: a value that makes no sense.
        """
        now = self._clock()
        begin, end = _span(query.get("start_time"), query.get("end_time"), now)
        status = query.get("status") or None
        if status is not None and status not in STATUSES:
            raise refusals.off_specification(f"status must be one of {', '.join(STATUSES)}")
        page_no, page_size = _number(query, "page_no", 1), min(_number(query, "page_size", 10), MAX_PAGE_SIZE)
        total, tasks = self._tasks.page(
            begin=max(begin, now - LIFE_S),
            end=end,
            model=query.get("model_name") or None,
            status=status,
            task_id=query.get("task_id") or None,
            offset=(page_no - 1) * page_size,
            count=page_size,
        )
        return json_answer(replies.listing(total, page_no, page_size, tasks, request_id))


def outcome_by_prompt(prompt: str, outcome: Outcome) -> Outcome:
    """Obey the trigger words in a prompt; a fault goes before them."""
    if "[sandbox:slow]" in prompt:
        outcome = replace(outcome, slower=SLOW_TIMES)
    if outcome.failed or outcome.failed_pictures:
        return outcome
    if "[sandbox:fail]" in prompt:
        reason = refusals.output_inspection()
        return replace(outcome, failed=True, code=reason.code, message=reason.message)
    if "[sandbox:partial]" in prompt:
        code, message = replies.PICTURE_FAILED
        return replace(outcome, failed_pictures=1, code=code, message=message)
    return outcome


def outcome_by_request(request: TaskRequest, outcome: Outcome) -> Outcome:
    """Let an order fail that was accepted although its work cannot be done; a fault goes before."""
    error = request.details.get("trouble")
    if error is None or outcome.failed:
        return outcome
    return replace(outcome, failed=True, code=error[0], message=error[1])


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    value = query.get(name)
    if not value:
        return default
    if not value.isdecimal() or not 1 <= int(value) <= 10**9:
        raise refusals.off_specification(f"{name} must be a positive integer")
    return int(value)


def _span(start: str | None, end: str | None, now: float) -> tuple[float, float]:
    """TASKS: neither → the last 24 hours; one → 24 hours after or before it; zone UTC+8 (likely)."""
    begin_at = _moment(start, "start_time") if start else None
    end_at = _moment(end, "end_time") + 0.999 if end else None
    if begin_at is not None and end_at is None:
        return begin_at, begin_at + LIFE_S
    if begin_at is None:
        end_at = now if end_at is None else end_at
        return end_at - LIFE_S, end_at
    assert end_at is not None  # noqa: S101  # both are given
    if end_at < begin_at:
        raise refusals.off_specification("end_time must not be before start_time")
    if end_at - begin_at > LIFE_S + 1:
        raise refusals.off_specification("the span of start_time and end_time must not exceed 24 hours")
    return begin_at, end_at


def _moment(text: str, name: str) -> float:
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=replies.CHINA).timestamp()
    except ValueError:
        raise refusals.off_specification(f"{name} must be YYYYMMDDhhmmss") from None
