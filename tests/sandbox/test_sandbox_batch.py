"""Batch inference: files, batches, their life, their limits, and what goes wrong on demand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from bailian.sandbox import Fault, Sandbox
from tests.support.batch_client import CHAT, BatchClient, line

pytestmark = pytest.mark.slow


@pytest.fixture
def client(box: Sandbox) -> Any:
    made = BatchClient(box)
    with made.http:
        yield made


def test_an_uploaded_file_has_the_captured_shape_and_can_be_deleted(client: BatchClient) -> None:
    made = client.upload(line("1")).json()
    assert set(made) == {"id", "object", "bytes", "filename", "purpose", "status", "created_at"}
    assert made["id"].startswith("file-batch-")
    assert (made["object"], made["purpose"], made["filename"]) == ("file", "batch", "题.jsonl")
    assert client.ask(f"/files/{made['id']}").json() == made
    assert len(client.ask(f"/files/{made['id']}/content").content) == made["bytes"]
    deleted = client.http.delete(f"{client.root}/files/{made['id']}", timeout=10)
    assert deleted.json() == {"id": made["id"], "object": "file", "deleted": True}
    assert client.ask(f"/files/{made['id']}").status_code == 404


def test_a_batch_has_the_captured_shape_from_beginning_to_end(client: BatchClient, box: Sandbox) -> None:
    box.settings.task_s = 0.1
    file_id = client.upload(line("1"), line("2")).json()["id"]
    made = client.create(file_id, ds_name="测试任务", ds_description="任务描述").json()
    assert made.pop("id").startswith("batch_")
    assert isinstance(made.pop("created_at"), int)
    assert made == {
        "object": "batch", "endpoint": CHAT, "errors": None, "input_file_id": file_id, "completion_window": "24h",
        "status": "validating", "output_file_id": None, "error_file_id": None, "in_progress_at": None,
        "expires_at": None, "finalizing_at": None, "completed_at": None, "failed_at": None, "expired_at": None,
        "cancelling_at": None, "cancelled_at": None, "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "metadata": {"ds_name": "测试任务", "ds_description": "任务描述"},
    }  # fmt: skip


def test_the_statuses_follow_each_other(tmp_path: Path) -> None:
    now = [1_000_000.0]
    with Sandbox(task_s=100, clock=lambda: now[0]) as box:
        client = BatchClient(box)
        batch_id = client.begin(line("1"), line("2"))
        seen = []
        for at_s in (0, 50, 95, 100):
            now[0] = 1_000_000.0 + at_s
            answer = client.ask(f"/batches/{batch_id}").json()
            seen.append((answer["status"], answer["request_counts"]["completed"]))
        client.http.close()
    assert seen == [("validating", 0), ("in_progress", 1), ("finalizing", 2), ("completed", 2)]
    assert answer["completed_at"] == 1_000_100
    assert answer["error_file_id"] is None


def test_each_line_is_answered_once_in_another_order(client: BatchClient) -> None:
    wanted = [str(number) for number in range(40)]
    answer = client.ended(client.begin(*(line(name, f"第{name}题") for name in wanted)))
    assert answer["request_counts"] == {"total": 40, "completed": 40, "failed": 0}
    results = client.results(answer["output_file_id"])
    assert [row["custom_id"] for row in results] != wanted
    assert sorted(row["custom_id"] for row in results) == sorted(wanted)
    row = next(row for row in results if row["custom_id"] == "7")
    assert set(row) == {"id", "custom_id", "response", "error"}
    body = row["response"]["body"]
    assert (row["response"]["status_code"], row["error"], body["object"]) == (200, None, "chat.completion")
    assert set(body["usage"]) == {"completion_tokens", "prompt_tokens", "total_tokens"}
    assert "第7题" in body["choices"][0]["message"]["content"]


def test_a_refused_line_is_in_the_error_file(client: BatchClient) -> None:
    answer = client.ended(client.begin(line("好"), line("坏", "[sandbox:refuse]"), line("热", body={"temperature": 3})))
    assert answer["status"] == "completed"
    assert answer["request_counts"] == {"total": 3, "completed": 1, "failed": 2}
    bad = {row["custom_id"]: row["response"] for row in client.results(answer["error_file_id"])}
    assert {name: row["status_code"] for name, row in bad.items()} == {"坏": 400, "热": 400}
    assert bad["坏"]["body"]["error"]["code"] == "data_inspection_failed"
    assert "Temperature" in bad["热"]["body"]["error"]["message"]


def test_max_tokens_stop_and_thinking_are_obeyed(client: BatchClient) -> None:
    """A file thinks, or does not: each has its own."""
    results = {}
    for one in (line("想", body={"enable_thinking": True}), line("短", "数到90", body={"max_tokens": 5})):
        answer = client.ended(client.begin(one))
        results |= {row["custom_id"]: row["response"]["body"] for row in client.results(answer["output_file_id"])}
    assert results["短"]["usage"]["completion_tokens"] == 5
    assert results["短"]["choices"][0]["finish_reason"] == "length"
    assert results["想"]["choices"][0]["message"]["reasoning_content"]


BAD_FILES = {
    "url_not_found": [line("1", url="/v1/chat/completion")],
    "duplicate_custom_id": [line("1"), line("1")],
    "mismatched_model": [line("1"), line("2", body={"model": "qwen-max"})],
    "model_not_found": [line("1", body={"model": "qwen-nix"})],
    "invalid_json_line": ["{"],
    "missing_required_parameter": [{**line("1"), "custom_id": None}],
    "invalid_method": [line("1", method="GET")],
    "empty_file": [],
    "too_many_tasks": [json.dumps(line("1"))] * 50_001,
    "line_too_large": [line("1", "长" * 2_100_000)],
}


@pytest.mark.parametrize("code", BAD_FILES)
def test_a_bad_file_fails_as_a_whole_and_says_where(client: BatchClient, code: str) -> None:
    answer = client.ended(client.begin(*BAD_FILES[code]))
    assert (answer["status"], answer["output_file_id"]) == ("failed", None)
    assert answer["failed_at"] is not None
    errors = answer["errors"]["data"]
    assert code in {error["code"] for error in errors}
    assert set(errors[0]) == {"code", "message", "param", "line"}


def test_the_captured_words_of_a_wrong_url(client: BatchClient) -> None:
    answer = client.ended(client.begin(line("0"), line("1", url="/v1/chat/completion")))
    (error,) = answer["errors"]["data"]
    assert error == {
        "code": "url_not_found",
        "message": "The provided url '/v1/chat/completion' is not supported by the Batch API.",
        "param": "url",
        "line": 2,
    }


def test_the_dry_run(client: BatchClient) -> None:
    test = line("1", url="/v1/chat/ds-test", body={"model": "batch-test-model"})
    file_id = client.upload(test).json()["id"]
    answer = client.ended(client.create(file_id, endpoint="/v1/chat/ds-test").json()["id"])
    assert answer["request_counts"]["completed"] == 1
    many = client.upload(*({**test, "custom_id": str(i)} for i in range(101))).json()["id"]
    refused = client.ended(client.create(many, endpoint="/v1/chat/ds-test").json()["id"])
    assert refused["errors"]["data"][0]["code"] == "too_many_tasks"


def test_two_dry_runs_at_once() -> None:
    with Sandbox(task_s=3600) as box:
        client = BatchClient(box)
        file_id = client.upload(line("1", url="/v1/chat/ds-test", body={"model": "batch-test-model"})).json()["id"]
        made = [client.create(file_id, endpoint="/v1/chat/ds-test").status_code for _ in range(3)]
        client.http.close()
    assert made == [200, 200, 429]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"input_file_id": "FILE", "endpoint": CHAT},
        {"input_file_id": "FILE", "endpoint": "/v1/images/generations", "completion_window": "24h"},
        {"input_file_id": "FILE", "endpoint": CHAT, "completion_window": "23h"},
        {"input_file_id": "FILE", "endpoint": CHAT, "completion_window": "337h"},
        {"input_file_id": "FILE", "endpoint": CHAT, "completion_window": "24h", "metadata": {"ds_name": "名" * 101}},
        {"input_file_id": "file-batch-none", "endpoint": CHAT, "completion_window": "24h"},
    ],
)
def test_a_bad_order_is_refused_with_a_nested_error(client: BatchClient, body: dict[str, Any]) -> None:
    file_id = client.upload(line("1")).json()["id"]
    sent = {key: file_id if value == "FILE" else value for key, value in body.items()}
    answer = client.http.post(client.root + "/batches", json=sent, timeout=10)
    assert answer.status_code in (400, 404)
    assert set(answer.json()) == {"error"}
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_a_wrong_key_and_an_empty_purse(box: Sandbox) -> None:
    client = BatchClient(box)
    with client.http:
        client.http.headers["Authorization"] = "Bearer sk-bad"
        answer = client.upload(line("1"))
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
        client.http.headers["Authorization"] = "Bearer sk-overdue"
        refused = client.create(client.upload(line("1")).json()["id"])
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "Arrearage")


def test_only_batch_files_are_taken(client: BatchClient) -> None:
    made = client.http.post(
        client.root + "/files", data={"purpose": "file-extract"}, files={"file": ("a.txt", b"x")}, timeout=10
    )
    assert client.create(made.json()["id"]).status_code == 400
    assert client.upload(line("1"), purpose="other").status_code == 400
    assert client.http.post(client.root + "/files", data=b"x", timeout=10).status_code == 400


def test_a_batch_can_be_cancelled_and_what_was_reached_is_kept() -> None:
    now = [1_000_000.0]
    with Sandbox(task_s=100, clock=lambda: now[0]) as box:
        client = BatchClient(box)
        batch_id = client.begin(*(line(str(i)) for i in range(10)))
        now[0] += 50
        assert client.http.post(f"{client.root}/batches/{batch_id}/cancel", timeout=10).json()["status"] == "cancelling"
        now[0] += 10
        answer = client.ended(batch_id)
        again = client.http.post(f"{client.root}/batches/{batch_id}/cancel", timeout=10)
        left = client.results(answer["error_file_id"])
        client.http.close()
    assert answer["status"] == "cancelled"
    assert answer["request_counts"] == {"total": 10, "completed": 5, "failed": 5}
    assert {row["error"]["code"] for row in left} == {"batch_cancelled"}
    assert again.status_code == 409


def test_a_window_that_is_too_short_expires() -> None:
    now = [1_000_000.0]
    with Sandbox(task_s=48 * 3600, clock=lambda: now[0]) as box:
        client = BatchClient(box)
        batch_id = client.begin(*(line(str(i)) for i in range(10)))
        now[0] += 24 * 3600
        answer = client.ended(batch_id)
        client.http.close()
    assert (answer["status"], answer["expired_at"]) == ("expired", 1_000_000 + 24 * 3600)
    assert answer["request_counts"] == {"total": 10, "completed": 5, "failed": 5}


def test_the_list_filters_and_pages(client: BatchClient) -> None:
    assert client.ask("/batches").json() == {
        "object": "list", "data": None, "first_id": None, "last_id": None, "has_more": False
    }  # fmt: skip
    made = [client.begin(line("1"), ds_name=f"任务 {i}") for i in range(3)]
    first = client.ask("/batches", limit=2).json()
    assert [batch["id"] for batch in first["data"]] == made[:0:-1]
    assert first["has_more"]
    rest = client.ask("/batches", limit=2, after=first["last_id"]).json()
    assert [batch["id"] for batch in rest["data"]] == made[:1]
    assert not rest["has_more"]
    assert [batch["id"] for batch in client.ask("/batches", ds_name="任务 1").json()["data"]] == [made[1]]
    for batch_id in made:
        client.ended(batch_id)
    assert len(client.ask("/batches", status="completed,cancelled").json()["data"]) == 3
    assert client.ask("/batches", status="failed").json()["data"] is None
    assert client.ask("/batches", create_after="20990101000000").json()["data"] is None
    by_file = client.ask("/batches", input_file_ids=client.ask(f"/batches/{made[0]}").json()["input_file_id"])
    assert [batch["id"] for batch in by_file.json()["data"]] == made[:1]


def test_a_later_sandbox_knows_the_batch_and_its_files(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite3"
    with Sandbox(task_s=0.01, state_path=state) as box:
        first = BatchClient(box)
        batch_id = first.begin(line("1"))
        first.http.close()
    with Sandbox(task_s=3600, state_path=state) as box:
        client = BatchClient(box)
        answer = client.ended(batch_id)
        (row,) = client.results(answer["output_file_id"])
        client.http.close()
    assert row["custom_id"] == "1"


@pytest.mark.parametrize(
    "on", ["batch_upload", "batch_create", "batch_poll", "batch_list", "batch_content", "batch_cancel", "batch_file"]
)
@pytest.mark.parametrize("kind", ["throttle", "status", "reset_after"])
def test_faults_answer_in_the_nested_shape(client: BatchClient, box: Sandbox, on: str, kind: str) -> None:
    file_id = client.upload(line("1")).json()["id"]
    batch_id = client.create(file_id).json()["id"]
    calls = {
        "batch_upload": lambda: client.upload(line("1")),
        "batch_create": lambda: client.create(file_id),
        "batch_poll": lambda: client.ask(f"/batches/{batch_id}"),
        "batch_list": lambda: client.ask("/batches"),
        "batch_content": lambda: client.ask(f"/files/{file_id}/content"),
        "batch_cancel": lambda: client.http.post(f"{client.root}/batches/{batch_id}/cancel", timeout=10),
        "batch_file": lambda: client.ask(f"/files/{file_id}"),
    }
    box.faults.add(Fault(on, kind, retry_after_s=1.5))
    if kind == "reset_after":
        with pytest.raises(requests.ConnectionError):
            calls[on]()
        return
    answer = calls[on]()
    assert answer.status_code == {"throttle": 429, "status": 500}[kind]
    assert answer.json()["error"]["code"] == {"throttle": "limit_requests", "status": "internal_error"}[kind]
    assert answer.headers["Retry-After"] == "1.5"


def test_a_reset_after_the_work_leaves_a_batch(client: BatchClient, box: Sandbox) -> None:
    file_id = client.upload(line("1")).json()["id"]
    box.faults.add(Fault("batch_create", "reset_after"), Fault("batch_create", "reset_before"))
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            client.create(file_id, ds_name="丢")
    assert len(client.ask("/batches", ds_name="丢").json()["data"]) == 1


@pytest.mark.parametrize("kind", ["expired", "cancelled", "failed"])
def test_a_fault_ends_a_batch_for_good(client: BatchClient, box: Sandbox, kind: str) -> None:
    box.settings.task_s = 3600
    batch_id = client.begin(line("1"))
    box.faults.add(Fault("batch_poll", kind))
    answer = client.ask(f"/batches/{batch_id}").json()
    assert answer["status"] == ("cancelling" if kind == "cancelled" else kind)
    if kind == "failed":
        assert client.ended(batch_id)["errors"]["data"][0]["line"] is None
    if kind == "expired":
        assert client.ended(batch_id)["request_counts"] == {"total": 1, "completed": 0, "failed": 1}


def test_a_fault_of_the_create_call_is_the_batchs_fate(client: BatchClient, box: Sandbox) -> None:
    box.faults.add(Fault("batch_create", "expired"), Fault("batch_create", "failed", code="model_not_found"))
    assert client.ended(client.begin(line("1")))["status"] == "expired"
    assert client.ended(client.begin(line("1")))["errors"]["data"][0]["code"] == "model_not_found"


def test_two_thousand_lines_are_quick(client: BatchClient) -> None:
    answer = client.ended(client.begin(*(line(str(i), f"第{i}题") for i in range(2000))))
    assert len(client.results(answer["output_file_id"])) == 2000
