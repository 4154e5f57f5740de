"""The routes of tasks: query, list and cancel (TASKS, CAP; PF-REST queries with a POST).

Importing this needs starlette.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.routing import Route

from bailian.sandbox.faults import Fault
from bailian.sandbox.http import refusals
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.endpoints import BASE_PATH, Call, Endpoints
from bailian.sandbox.state import State
from bailian.sandbox.tasks import replies
from bailian.sandbox.tasks.listing import read_list_query
from bailian.sandbox.tasks.task_store import Task

TaskAnswer = Callable[[Task, Call], Awaitable[dict[str, Any]]]
"""Makes the answer to a query of one task."""


class TaskRoutes:
    """Answers what is asked about tasks.

    Args:
        state: of the running sandbox.
        answers: by the kind of the task's request.
    """

    def __init__(self, state: State, answers: Mapping[str, TaskAnswer]) -> None:
        self._state = state
        self._answers = answers

    def routes(self, endpoints: Endpoints) -> list[Route]:
        tasks = BASE_PATH + "/tasks"
        return [
            endpoints.route("GET", tasks, "list", self._list),
            # PF-REST calls the query a POST, and public clients do.
            endpoints.route("GET POST", tasks + "/{task_id}", "poll", self._poll, self._state.about_task),
            endpoints.route("POST", tasks + "/{task_id}/cancel", "cancel", self._cancel, self._state.about_task),
        ]

    async def _list(self, call: Call, fault: Fault | None) -> Answer:
        self._state.account.count_query()
        settings = self._state.settings
        query = read_list_query(call.request.query_params, self._state.clock(), settings.list_page_size)
        total, tasks = self._state.tasks.page(
            begin=query.begin,
            end=query.end,
            model=query.model,
            status=query.status,
            task_id=query.task_id,
            offset=(query.page_no - 1) * query.page_size,
            count=query.page_size,
            order=settings.list_order,
        )
        return json_answer(replies.listing(total, query.page_no, query.page_size, tasks, call.request_id))

    async def _poll(self, call: Call, fault: Fault | None) -> Answer:
        task_id = call.param("task_id")
        self._state.account.count_query()
        if call.asks_async():
            raise refusals.refuses_async()
        if fault is not None and fault.kind == "unknown":
            return json_answer(replies.unknown(task_id, call.request_id))
        if fault is not None:
            self._apply(fault, task_id)
        if self._state.settings.end_after_polls:
            self._state.tasks.count_poll(task_id, self._state.settings.end_after_polls)
        task = self._state.tasks.get(task_id)
        if task is None or task.blocking or task.status == "UNKNOWN":
            return json_answer(replies.unknown(task_id, call.request_id))
        return json_answer(await self._answers[task.request.kind](task, call))

    def _apply(self, fault: Fault, task_id: str) -> None:
        """Let a fault of a poll happen to the task itself: what is terminal stays so."""
        _, code, message = fault.error()
        if fault.kind == "canceled":
            self._state.tasks.cancel(task_id, None, force=True)
        elif fault.kind == "failed":
            self._state.tasks.change_outcome(task_id, end_now=True, failed=True, code=code, message=message)
        elif fault.kind == "partial":
            changes = {"failed_pictures": fault.count, "code": code, "message": message}
            self._state.tasks.change_outcome(task_id, end_now=False, **changes)

    async def _cancel(self, call: Call, fault: Fault | None) -> Answer:
        """TASKS: success is a bare request id; only PENDING tasks. Others, and unknown ones, get the same refusal."""
        self._state.account.count_query()
        task = self._state.tasks.get(call.param("task_id"))
        if task is None or task.blocking:
            raise refusals.cannot_cancel()
        if not self._state.tasks.cancel(task.task_id, self._state.account.running_limit(task.model)):
            raise refusals.cannot_cancel()
        return json_answer({"request_id": call.request_id})
