"""The service's HTTP calls, one method each. No retries here: the engine decides what may be sent again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bailian.settings import Settings
from bailian.wire import answers
from bailian.wire.http import Http, Reply

SUBMIT_TIMEOUT_S = 60.0
# The gateway gives up after 298 s (`x-dashscope-timeout` of a captured qwen-image-max answer, 2026-06).
SYNC_TIMEOUT_S = 320.0
QUERY_TIMEOUT_S = 20.0
LIST_PAGE_SIZE = 50
BEIJING_OFFSET_S = 8 * 3600


@dataclass(frozen=True)
class ListedTask:
    """One row of the account's task list. It holds neither prompt nor results."""

    task_id: str
    model: str
    status: str
    request_id: str
    created_at_s: float | None
    """Seconds since the epoch, by the server's clock."""


class Service:
    """One account at one host."""

    def __init__(self, settings: Settings) -> None:
        self._http = Http(settings.base_url, request_headers(settings))

    def create_task(self, route: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST a paid task; the answer has `output.task_id`."""
        reply = self._http.send(
            "POST", route, body=body, headers={"X-DashScope-Async": "enable"}, read_timeout_s=SUBMIT_TIMEOUT_S
        )
        return answers.read(reply)

    def call(self, route: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST a paid synchronous request; the answer is the result. The async header would be refused (403)."""
        return answers.read(self._http.send("POST", route, body=body, read_timeout_s=SYNC_TIMEOUT_S))

    def task(self, task_id: str) -> dict[str, Any]:
        """GET one task. The async header must not be on this request (403 on some hosts)."""
        reply = self._http.send("GET", f"/tasks/{quote(task_id, safe='')}", read_timeout_s=QUERY_TIMEOUT_S)
        return answers.read(reply, task_id=task_id)

    def cancel(self, task_id: str) -> dict[str, Any]:
        """Cancel a task; the service takes it only while PENDING."""
        path = f"/tasks/{quote(task_id, safe='')}/cancel"
        return answers.read(self._http.send("POST", path, read_timeout_s=QUERY_TIMEOUT_S), task_id=task_id)

    def list_tasks(self, *, model: str | None, start_s: float, end_s: float) -> tuple[list[ListedTask], float]:
        """Return the account's tasks created in [start_s, end_s] (epoch seconds, server clock) and the clock offset.

        The offset is server clock minus ours, from the answer's `Date` header (0 if it has none).
        Times go out in UTC+8: the zone of all the service's wall-clock times; that the list's parameters
        use it too is likely, not documented, so callers ask for a wider window than they need.
        """
        rows: list[ListedTask] = []
        offset_s = 0.0
        for reply, data in self._pages(model, start_s, end_s):
            if reply.server_time_s is not None:
                offset_s = reply.server_time_s - time.time()
            rows.extend(_row(item) for item in data.get("data") or [] if isinstance(item, dict))
        return rows, offset_s

    def _pages(self, model: str | None, start_s: float, end_s: float) -> Iterator[tuple[Reply, dict[str, Any]]]:
        params: dict[str, Any] = {
            "start_time": _wall_clock(start_s),
            "end_time": _wall_clock(end_s),
            "page_size": LIST_PAGE_SIZE,
        }
        if model:
            params["model_name"] = model
        page_no = total_pages = 1
        while page_no <= total_pages:
            reply = self._http.send(
                "GET", "/tasks/", params={**params, "page_no": page_no}, read_timeout_s=QUERY_TIMEOUT_S
            )
            data = answers.read(reply)
            yield reply, data
            total_pages = int(data.get("total_page") or 1)
            page_no += 1

    def close(self) -> None:
        self._http.close()


def request_headers(settings: Settings, *, masked: bool = False) -> dict[str, str]:
    """Return the headers of every API request; with `masked`, for showing."""
    key = settings.api_key
    shown = "" if key is None else key.masked if masked else key.reveal()
    headers = {"Authorization": f"Bearer {shown}"}
    if settings.workspace:
        headers["X-DashScope-WorkSpace"] = settings.workspace
    return headers


def _wall_clock(epoch_s: float) -> str:
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(epoch_s + BEIJING_OFFSET_S))


def _row(item: dict[str, Any]) -> ListedTask:
    created_ms = item.get("gmt_create") or item.get("start_time")
    return ListedTask(
        task_id=str(item.get("task_id") or ""),
        model=str(item.get("model_name") or ""),
        status=str(item.get("status") or ""),
        request_id=str(item.get("request_id") or ""),
        created_at_s=created_ms / 1000 if isinstance(created_ms, int | float) else None,
    )
