"""The OpenAI-compatible batch endpoints: files in, files out (BATCH; CAP *-batch-compatible).

Importing this needs starlette.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from starlette.routing import Route

from bailian.sandbox.batches.batch_store import FINAL_STATUSES, Batch
from bailian.sandbox.batches.input_file import CHAT, EMBEDDINGS, TEST, TEST_MODEL, Batchable, check_file
from bailian.sandbox.batches.line_answers import LineAnswers
from bailian.sandbox.batches.replies import batch_object, fault_error
from bailian.sandbox.batches.requests import read_batch_request, read_filter
from bailian.sandbox.batches.results import answer_lines
from bailian.sandbox.compatible.files import COMPATIBLE_PATH, not_found
from bailian.sandbox.faults import Fault
from bailian.sandbox.http.answers import Answer, json_answer
from bailian.sandbox.http.endpoints import Call, Endpoints
from bailian.sandbox.http.refusals import Refusal, invalid
from bailian.sandbox.state import State
from bailian.sandbox.storage.file_store import BATCH, StoredFile
from bailian.sandbox.tasks.outcomes import SLOW_FACTOR
from bailian.sandbox.text.models import ALWAYS, UNLESS_OFF

TEST_BATCHES_MAX = 2
"""BATCH: so many dry runs at once."""

_UNREACHED_ERRORS = {
    "expired": ("batch_expired", "This request could not be executed before the completion window expired."),
    "cancelled": ("batch_cancelled", "This request was not executed because the batch was cancelled."),
}


class BatchRoutes:
    """Takes batches and their files."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._store, self._files = state.batches, state.files
        self._answer = LineAnswers(state)
        texts, vectors = state.models.texts, state.models.embeddings
        names = {
            CHAT: {name for name, model in texts.items() if model.batches},
            EMBEDDINGS: {name for name, model in vectors.items() if model.batches},
            TEST: {TEST_MODEL},
        }
        self._models = Batchable(names, {name for name, model in texts.items() if model.thinks in (UNLESS_OFF, ALWAYS)})

    def routes(self, endpoints: Endpoints) -> list[Route]:
        """Return the routes; `endpoints` answers errors in the shape of these paths."""
        batches = COMPATIBLE_PATH + "/batches"
        route = endpoints.route
        return [
            route("POST", batches, "batch_create", self._create, self._about_input),
            route("GET", batches, "batch_list", self._list, _checked_filter),
            route("GET", batches + "/{batch_id}", "batch_poll", self._poll, self._about),
            route("POST", batches + "/{batch_id}/cancel", "batch_cancel", self._cancel, self._about),
        ]

    def _file(self, file_id: str) -> StoredFile:
        file = self._files.get(file_id)
        if file is None:
            raise not_found("file", file_id)
        if file.purpose != BATCH:
            raise invalid(f"The file {file_id} does not have the purpose {BATCH}.")  # a guess
        return file

    def _about_input(self, call: Call) -> tuple[str, str]:
        """The begin of a file stands for it, when a fault looks for a prompt. A wrong request is refused first."""
        file = self._file(read_batch_request(call.raw).input_file_id)
        return file.data[:65536].decode("utf-8", "replace"), ""

    async def _create(self, call: Call, fault: Fault | None) -> Answer:
        request = read_batch_request(call.raw)
        file = self._file(request.input_file_id)
        checked = await asyncio.to_thread(check_file, file.data, request.endpoint, self._models)
        if checked.model == TEST_MODEL:
            self._check_room_for_test()
        if fault is not None and fault.kind == "failed":
            checked = replace(checked, errors=[fault_error(fault)])
        batch = self._store.add(
            checked,
            duration_s=self._duration_s(file, fault),
            input_file_id=file.file_id,
            endpoint=request.endpoint,
            window=request.window,
            window_s=0.0 if fault is not None and fault.kind == "expired" else request.window_s,
            metadata=request.metadata,
        )
        return json_answer(batch_object(batch, fresh=True))

    def _duration_s(self, file: StoredFile, fault: Fault | None) -> float:
        base = fault.task_s if fault is not None and fault.task_s is not None else self._state.settings.task_s
        return base * (SLOW_FACTOR if b"[sandbox:slow]" in file.data else 1.0)

    def _check_room_for_test(self) -> None:
        running = [b for b in self._store.all() if b.model == TEST_MODEL and b.status not in FINAL_STATUSES]
        if self._state.settings.enforce_limits and len(running) >= TEST_BATCHES_MAX:
            message = "Too many requests. Batch requests are being throttled due to system capacity limits."  # ERR
            raise Refusal(429, "Throttling.AllocationQuota", message)

    def _batch(self, call: Call) -> Batch:
        batch = self._store.get(call.param("batch_id"))
        if batch is None:
            raise not_found("batch", call.param("batch_id"))
        return batch

    def _about(self, call: Call) -> tuple[str, str]:
        batch = self._store.get(call.param("batch_id"))
        return (batch.question, batch.model) if batch else ("", "")

    async def _poll(self, call: Call, fault: Fault | None) -> Answer:
        batch = self._batch(call)
        if fault is not None and fault.kind == "failed":
            batch = self._store.stop(batch.batch_id, "failed", [fault_error(fault)]) or batch
        elif fault is not None and fault.kind in ("expired", "cancelled"):
            batch = self._store.stop(batch.batch_id, fault.kind) or batch
        return json_answer(await self._shown(batch))

    async def _cancel(self, call: Call, fault: Fault | None) -> Answer:
        batch = self._batch(call)
        stopped = self._store.stop(batch.batch_id, "cancelled")
        if stopped is None:
            raise Refusal(409, "conflict", f"The batch is {batch.status} and cannot be cancelled.")  # a guess
        return json_answer(await self._shown(stopped))

    async def _list(self, call: Call, fault: Fault | None) -> Answer:
        page, more = read_filter(call.request.query_params).page(self._store.all())
        shown = [await self._shown(batch) for batch in page]
        return json_answer(
            {
                "object": "list",
                "data": shown or None,  # CAP list-batches-empty
                "first_id": shown[0]["id"] if shown else None,
                "last_id": shown[-1]["id"] if shown else None,
                "has_more": more,
            }
        )

    async def _shown(self, batch: Batch) -> dict[str, Any]:
        """Show a batch; one that is over gets its files first."""
        if batch.status in FINAL_STATUSES and batch.completed is None and not batch.errors:
            await asyncio.to_thread(self._finish, batch)
            batch = replace(self._store.get(batch.batch_id) or batch, now=batch.now)
        return batch_object(batch)

    def _finish(self, batch: Batch) -> None:
        file = self._files.get(batch.input_file_id)
        data = file.data if file is not None else b""
        unreached_error = _UNREACHED_ERRORS.get(batch.status, ("", ""))
        made = answer_lines(batch.batch_id, data, self._answer, int(batch.ends_at), batch.progress, unreached_error)
        self._store.add_results(batch, made)


def _checked_filter(call: Call) -> tuple[str, str]:
    """A list is about nothing, but a wrong query is refused before any fault."""
    read_filter(call.request.query_params)
    return "", ""
