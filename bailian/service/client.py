"""The service's HTTP calls, one method each. No retries here: the engine decides what may be sent again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

from bailian.clock import SYSTEM_CLOCK, Clock
from bailian.config.endpoints import is_workspace_host
from bailian.config.settings import Settings
from bailian.counts import amount_of, count_of
from bailian.errors import MaybeSent, NotTheService, ServiceError, TransportError
from bailian.i18n import tr
from bailian.inputs.wire_fields import has_url
from bailian.service import responses
from bailian.service.json_reader import json_object
from bailian.service.model_list import ListedModel, list_models
from bailian.service.server_clock import ServerClock
from bailian.service.sse import Frame
from bailian.service.transport.headers import RESOLVE_HEADERS, STREAM_HEADERS, request_headers
from bailian.service.transport.http import Http, Reply
from bailian.service.transport.links import is_public

SUBMIT_TIMEOUT_S = 60.0
# How long a stream may fall silent.
SILENCE_TIMEOUT_S = 320.0
# The gateways give up after 600 s and 3,600 s (page beijing-access-information, 2026-10-26): a little longer than that.
SYNC_TIMEOUT_S = 620.0
WORKSPACE_SYNC_TIMEOUT_S = 3_620.0
QUERY_TIMEOUT_S = 20.0
# The documented default is 10; that 100 is taken is a guess, so a refusal falls back.
LIST_PAGE_SIZE = 100
LIST_DEFAULT_PAGE_SIZE = 10
LIST_MAX_PAGES = 100
MOST_LISTED = 1_000_000_000
# A time of creation outside 2001 to 2286 is no epoch milliseconds.
EARLIEST_MS, LATEST_MS = 10**12, 10**13
GRANT_FIELDS = (
    "upload_host",
    "upload_dir",
    "oss_access_key_id",
    "signature",
    "policy",
    "x_oss_object_acl",
    "x_oss_forbid_overwrite",
)


@dataclass(frozen=True)
class ListedTask:
    """One row of the account's task list. It holds neither prompt nor results."""

    task_id: str
    model: str
    status: str
    request_id: str
    created_at_s: float | None
    """Seconds since the epoch, by the server's clock."""


class Listing(NamedTuple):
    """The account's task list, complete."""

    rows: list[ListedTask]
    server_time_s: float | None
    """When it was read, by the service's clock."""
    full_page: bool = False
    """Its last page was full: it may have been cut there."""


class TaskPage(NamedTuple):
    """One page of the account's task list, as it came; what the list says of its own length is not checked."""

    rows: list[ListedTask]
    total: int
    full: bool
    """Whether another page comes behind it, by what the list says."""


class Service:
    """One account at one host."""

    def __init__(self, settings: Settings, clock: Clock = SYSTEM_CLOCK) -> None:
        key = settings.api_key.reveal() if settings.api_key else ""
        self._http = Http(settings.base_url, request_headers(settings), key)
        self.clock = ServerClock(steady=clock.monotonic, wall=clock.wall)
        self._answer_timeout_s = WORKSPACE_SYNC_TIMEOUT_S if is_workspace_host(settings.host) else SYNC_TIMEOUT_S
        self.is_public = is_public(settings.base_url)
        """Whether the host is out in the world, so that nothing it names may be in this machine's network."""

    @property
    def answered(self) -> bool:
        """Return whether the service has answered any request of ours yet."""
        return self._http.answered

    def create_task(self, route: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST a paid task; the answer has `output.task_id`."""
        headers = {"X-DashScope-Async": "enable", **resolve_header(body)}
        reply = self._http.send("POST", route, body=body, headers=headers, read_timeout_s=SUBMIT_TIMEOUT_S)
        return self._read(reply)

    def call(self, route: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """POST a paid synchronous request; the answer is the result. The async header would be refused (403)."""
        headers = {**(headers or {}), **resolve_header(body)}
        reply = self._http.send("POST", route, body=body, headers=headers, read_timeout_s=self._answer_timeout_s)
        return self._read(reply)

    def stream(self, route: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """POST a request whose answer comes in pieces; yield each piece's JSON object.

        A refusal in the stream is a frame under HTTP 200: `event:error`, with the real status in a comment.
        """
        sent = self._http.stream(route, body=body, headers=STREAM_HEADERS, read_timeout_s=SILENCE_TIMEOUT_S)
        with closing(sent):
            while True:
                try:
                    frame = next(sent)
                except StopIteration as end:
                    if end.value is not None:
                        yield self._read(end.value)
                    return
                if not frame.data.strip():
                    continue  # keeps the line open
                data = json_object(frame.data.encode("utf-8", "replace"))
                if data is None:  # what it held is missing in the answer
                    raise MaybeSent(tr("a piece of the answer is not readable", "回答的某一段无法解析"))
                yield responses.read(Reply(_status(frame), {}, frame.data, data))

    def customize(self, route: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST what makes, lists or removes something that the account keeps, such as hot words; free."""
        return self._read(self._http.send("POST", route, body=body, read_timeout_s=QUERY_TIMEOUT_S))

    def upload_grant(self, model: str) -> dict[str, Any]:
        """GET the permission to upload files for one model: free, valid for 5 minutes."""
        params = {"action": "getPolicy", "model": model}
        data = self._read(self._http.send("GET", "/uploads", params=params, read_timeout_s=QUERY_TIMEOUT_S)).get("data")
        if not isinstance(data, dict) or not all(isinstance(data.get(name), str) for name in GRANT_FIELDS):
            raise TransportError(tr("the upload permission is not readable", "上传凭证无法解析"))
        return data

    def task(self, task_id: str) -> dict[str, Any]:
        """GET one task. The async header must not be on this request (403 on some hosts)."""
        reply = self._http.send("GET", f"/tasks/{quote(task_id, safe='')}", read_timeout_s=QUERY_TIMEOUT_S)
        return self._read(reply, task_id=task_id)

    def cancel(self, task_id: str) -> dict[str, Any]:
        """Cancel a task; the service takes it only while PENDING."""
        path = f"/tasks/{quote(task_id, safe='')}/cancel"
        return self._read(self._http.send("POST", path, read_timeout_s=QUERY_TIMEOUT_S), task_id=task_id)

    def look_at_clock(self) -> None:
        """Ask for the shortest answer there is, for its `Date`: what is paid next can be told from older tasks then.

        Raises:
            NotTheService: something else answers here; what is paid must not be sent to it.
        """
        try:
            self._page(None, 1, 1)
        except NotTheService:
            raise
        except (TransportError, ServiceError):
            return  # a refusal has a `Date`, too; without one the request goes all the same

    def list_tasks(
        self,
        *,
        model: str | None = None,
        turn: Callable[[], None] | None = None,
    ) -> Listing:
        """Return the account's tasks of the last 24 hours.

        No times are asked for: the zone of the list's `start_time` is not documented, and a wrong guess
        would make an existing task look absent. `gmt_create` is epoch milliseconds, which needs no zone.

        Args:
            turn: called before each page but the first, to keep the account's query rate.

        Raises:
            TransportError: also when the account has more tasks than can be read in one look.
        """
        rows: list[ListedTask] = []
        page_size = LIST_PAGE_SIZE
        for page_no in range(1, LIST_MAX_PAGES + 1):
            if page_no > 1 and turn is not None:
                turn()
            try:
                reply, data = self._page(model, page_no, page_size)
            except ServiceError as error:
                if page_no > 1 or error.code != "InvalidParameter":
                    raise
                page_size = LIST_DEFAULT_PAGE_SIZE
                reply, data = self._page(model, page_no, page_size)
            page = _rows(data)
            rows += page
            if page_no >= _number(data.get("total_page", 1)):
                if len(rows) < _number(data.get("total")):
                    # Fewer rows than announced: an answer that contradicts itself proves nothing absent.
                    raise TransportError(tr("the task list is not complete", "任务列表不完整"))
                return Listing(rows, reply.server_time_s, len(page) >= page_size)
        raise TransportError(tr("the account has too many tasks to read", "账号任务过多，无法读完"))

    def task_page(self, page_no: int, page_size: int, status: str | None = None) -> TaskPage:
        """Return one page of the account's tasks of the last 24 hours: a hint, no proof. See `list_tasks`."""
        _, data = self._page(None, page_no, page_size, status)
        rows = _rows(data)
        return TaskPage(rows, _number(data.get("total")), page_no < _number(data.get("total_page", 1)))

    def list_models(self, name: str | None = None) -> list[ListedModel]:
        """Return the service's own list of models, or the one of that name; free. See `model_list`."""
        return list_models(self._http, name)

    def _page(
        self, model: str | None, page_no: int, page_size: int, status: str | None = None
    ) -> tuple[Reply, dict[str, Any]]:
        filters = {"model_name": model, "status": status}
        params = {
            "page_no": page_no,
            "page_size": page_size,
            **{name: value for name, value in filters.items() if value},
        }
        reply = self._http.send("GET", "/tasks/", params=params, read_timeout_s=QUERY_TIMEOUT_S)
        data = self._read(reply)
        if not isinstance(data.get("data") or [], list) or "total" not in data:
            raise TransportError(tr("the task list is not readable", "任务列表无法解析"))
        return reply, data

    def _read(self, reply: Reply, *, task_id: str | None = None) -> dict[str, Any]:
        """Read an answer. Only the service's own tell its time; a copy that was kept on the way (`Age`) does not."""
        own_time_s = reply.server_time_s if "age" not in reply.headers else None
        try:
            answer = responses.read(reply, task_id=task_id)
        except ServiceError as refusal:
            if not refusal.maybe_done:
                self.clock.heard(own_time_s)
            raise
        self.clock.heard(own_time_s)
        return answer

    def close(self) -> None:
        self._http.close()


def _number(value: Any) -> int:
    number = count_of(value, MOST_LISTED)
    if number is None:  # how long the list is decides whether a task is absent
        raise TransportError(tr("the task list is not readable", "任务列表无法解析"))
    return number


def _status(frame: Frame) -> int:
    return frame.status or (400 if frame.event == "error" else 200)


def resolve_header(body: Mapping[str, Any]) -> dict[str, str]:
    """Without this header an `oss://` address is refused as an invalid URL."""
    return dict(RESOLVE_HEADERS) if has_url(body.get("input"), "oss://") else {}


def _rows(data: Mapping[str, Any]) -> list[ListedTask]:
    return [_row(item) for item in data.get("data") or [] if isinstance(item, dict) and _text(item, "task_id")]


def _row(item: dict[str, Any]) -> ListedTask:
    """Return a row. What is not readable in it counts as not told: it must not make a task of ours look another's."""
    created_ms = amount_of(item.get("gmt_create") or item.get("start_time"), LATEST_MS)
    return ListedTask(
        task_id=_text(item, "task_id"),
        model=_text(item, "model_name"),
        status=_text(item, "status"),
        request_id=_text(item, "request_id"),
        created_at_s=created_ms / 1000 if created_ms is not None and created_ms >= EARLIEST_MS else None,
    )


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""
