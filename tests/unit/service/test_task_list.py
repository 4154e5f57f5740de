"""The account's task list proves that a task is absent, so whatever cannot be read in it proves nothing."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest

from bailian.config.settings import Secret, Settings
from bailian.errors import TransportError
from bailian.service.client import ListedTask, Service
from tests.support.local_web import LocalWeb, http

ROW = {"task_id": "t-1", "model_name": "m", "status": "RUNNING", "request_id": "r-1", "gmt_create": 1_700_000_000_000}


def listed(page: dict[str, Any] | bytes) -> list[ListedTask]:
    body = page if isinstance(page, bytes) else json.dumps(page).encode()
    with LocalWeb(http("200 OK", body)) as web:
        settings = Settings(web.url + "/api/v1", api_key=Secret("sk-0123456789abcdef"))
        with closing(Service(settings)) as service:
            return service.list_tasks()[0]


def test_a_row_is_read() -> None:
    """Times are epoch milliseconds."""
    assert listed({"data": [ROW], "total": 1, "total_page": 1}) == [
        ListedTask("t-1", "m", "RUNNING", "r-1", 1_700_000_000.0)
    ]


@pytest.mark.parametrize("time", ["1" + "0" * 400, "NaN", "Infinity", "-5", "true", '"yesterday"', "[]", "1700000000"])
def test_a_time_that_cannot_be_is_unknown(time: str) -> None:
    """A task with a wrong time would look as if it were older than the request, and the request would be paid again."""
    raw = json.dumps({"data": [ROW], "total": 1}).replace("1700000000000", time)
    assert [row.created_at_s for row in listed(raw.encode())] == [None]


@pytest.mark.parametrize("model", [None, True, 5, {}, ["m"]])
def test_a_model_that_cannot_be_read_is_unknown(model: object) -> None:
    """It may be ours: an unknown model is a candidate, a wrong one is not."""
    assert [row.model for row in listed({"data": [{**ROW, "model_name": model}], "total": 1})] == [""]


@pytest.mark.parametrize(
    "page",
    [
        {"data": [{**ROW, "task_id": True}], "total": 1},
        {"data": [{**ROW, "task_id": ["t"]}], "total": 1},
        {"data": [ROW, None], "total": 2},
        {"data": [], "total": None},
        {"data": [], "total": True},
        {"data": [], "total": -1},
        {"data": [], "total": "0"},
        {"data": [], "total": 0, "total_page": None},
        {"data": [], "total": 0, "total_page": False},
        {"data": True, "total": 0},
        b'{"data": [], "total": NaN}',
        b'{"data": [], "total": 1' + b"0" * 5000 + b"}",
    ],
)
def test_a_list_with_something_unreadable_in_it_proves_nothing_absent(page: dict[str, Any] | bytes) -> None:
    """A row without an id may be ours, a list without a length may be longer."""
    with pytest.raises(TransportError):
        listed(page)
