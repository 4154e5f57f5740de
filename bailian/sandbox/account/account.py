"""The account that all keys belong to: which requests its limits let through, and how long its work takes."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from bailian.sandbox.account.rates import GRANTS_PER_S, QUERIES_PER_S, SEARCHES_PER_S, Rates
from bailian.sandbox.faults import Fault
from bailian.sandbox.http import refusals
from bailian.sandbox.model_names import Limits
from bailian.sandbox.settings import Settings
from bailian.sandbox.tasks.outcomes import FAILS_AFTER_S, Outcome, outcome_of
from bailian.sandbox.tasks.requests import TaskRequest
from bailian.sandbox.tasks.task_store import Task, TaskStore

UNTIL_POLLED_S = 10 * 365 * 24 * 3600.0
"""How long a task runs that shall end when it is asked for."""


class Account:
    """One account on the service.

    Args:
        limits: by the model's name.
        tasks: where accepted work is noted.
        settings: may change at any time.
        clock: epoch seconds.
    """

    def __init__(
        self,
        limits: Mapping[str, Limits],
        tasks: TaskStore,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        self._limits = limits
        self._tasks = tasks
        self._settings = settings
        self._rates = Rates(clock)

    def reset(self) -> None:
        """Forget the requests that count against a rate."""
        self._rates.clear()

    def start_work(
        self, request: TaskRequest, body: Mapping[str, Any], request_id: str, fault: Fault | None, *, blocking: bool
    ) -> Task:
        """Take accepted work on; its outcome is decided now."""
        task_id = str(uuid.uuid4())
        outcome = outcome_of(request, fault)
        self._tasks.add(
            task_id=task_id,
            request_id=request_id,
            request=request,
            outcome=outcome,
            body=body,
            duration_s=self._duration_s(task_id, outcome, blocking=blocking),
            running_limit=None if blocking else self.running_limit(request.model),
            blocking=blocking,
        )
        task = self._tasks.get(task_id)
        assert task is not None  # noqa: S101  # just added
        return task

    def count_call(self, name: str, *, family: str = "") -> None:
        """Count one call against the model's rate (`family`: a rate that several models share).

        Raises:
            Refusal: 429.
        """
        limits = self._enforced(name)
        if limits is not None and limits.submit_per_s:
            self._count(f"submit {family or name}", limits.submit_per_s)

    def check_queue(self, name: str) -> None:
        """Check that one more task of the model may wait.

        Raises:
            Refusal: 429.
        """
        limits = self._enforced(name)
        if limits is not None and limits.queue_limit and self._tasks.waiting(name) >= limits.queue_limit:
            raise refusals.queue_full()

    def count_grant(self, model: str) -> None:
        """Count one upload grant (D-OSS: 100 a second for account and model).

        Raises:
            Refusal: 429.
        """
        if self._settings.enforce_limits:
            self._count(f"grant {model}", GRANTS_PER_S)

    def may_search(self) -> bool:
        """Count one web search; False: there were too many, and the answer comes without one (SEARCH)."""
        return not self._settings.enforce_limits or self._rates.allows("searches", SEARCHES_PER_S)

    def count_query(self) -> None:
        """Count one query, list or cancel against the account's rate.

        Raises:
            Refusal: 429.
        """
        if self._settings.enforce_limits:
            self._count("queries", QUERIES_PER_S)

    def running_limit(self, name: str) -> int | None:
        """Return how many tasks of a model run at once; None: any number."""
        limits = self._enforced(name)
        return limits.running_limit if limits is not None else None

    def _enforced(self, name: str) -> Limits | None:
        return self._limits.get(name) if self._settings.enforce_limits else None

    def _count(self, name: str, per_s: float) -> None:
        if not self._rates.allows(name, per_s):
            raise refusals.throttled()

    def _duration_s(self, task_id: str, outcome: Outcome, *, blocking: bool) -> float:
        if self._settings.end_after_polls and not blocking:
            return UNTIL_POLLED_S
        base = self._settings.task_s if outcome.task_s is None else outcome.task_s
        if outcome.at_once:
            base = min(base, FAILS_AFTER_S)
        share = int.from_bytes(hashlib.sha256(task_id.encode()).digest()[:4], "big") / 2**31 - 1
        return max(0.0, base * outcome.slower * (1 + self._settings.jitter * share))
