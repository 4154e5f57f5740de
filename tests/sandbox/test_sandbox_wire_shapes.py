"""Answers key for key as the vendor documents them."""

from __future__ import annotations

import re

import pytest

from bailian.sandbox import Fault, Sandbox
from tests.support.sandbox_client import MESSAGES, SYNC, TEXT2IMAGE, Client

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_a_submit_answers_pending_with_an_id(client: Client) -> None:
    answer = client.submit()

    assert answer.status_code == 200
    assert set(answer.json()) == {"output", "request_id"}
    assert set(answer.json()["output"]) == {"task_status", "task_id"}
    assert answer.json()["output"]["task_status"] == "PENDING"
    assert UUID.fullmatch(answer.json()["output"]["task_id"])
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert answer.headers["x-bailian-sandbox"] == "1"


def test_pending_has_no_scheduled_time(client: Client, box: Sandbox) -> None:
    box.settings.task_s = 3600
    task_id = client.task_id(n=3)
    pending = client.poll(task_id).json()

    assert pending["output"]["task_status"] == "PENDING"
    assert "scheduled_time" not in pending["output"]
    assert pending["output"]["task_metrics"] == {"TOTAL": 3, "SUCCEEDED": 0, "FAILED": 0}
    assert "usage" not in pending


def test_running_has_a_scheduled_time() -> None:
    now = [1_000_000.0]
    with Sandbox(task_s=10, clock=lambda: now[0]) as timed:
        client = Client(timed)
        with client.http:
            task_id = client.task_id()
            now[0] += 5
            running = client.poll(task_id).json()["output"]

    assert running["task_status"] == "RUNNING"
    assert running["submit_time"] == "1970-01-12 21:46:40.000"  # UTC+8
    assert running["scheduled_time"] == "1970-01-12 21:46:41.000"
    assert "end_time" not in running


def test_a_finished_wan_task(client: Client) -> None:
    answer = client.wait(client.task_id("一间花店", n=2))
    output = answer["output"]

    assert set(answer) == {"request_id", "output", "usage"}
    assert set(output) == {
        "task_id", "task_status", "submit_time", "scheduled_time", "end_time", "results", "task_metrics",
    }  # fmt: skip
    assert all(TIME.fullmatch(output[name]) for name in ("submit_time", "scheduled_time", "end_time"))
    assert output["task_metrics"] == {"TOTAL": 2, "SUCCEEDED": 2, "FAILED": 0}
    assert answer["usage"] == {"image_count": 2}
    assert [set(result) for result in output["results"]] == [{"orig_prompt", "actual_prompt", "url"}] * 2
    assert output["results"][0]["orig_prompt"] == "一间花店"


def test_no_actual_prompt_without_prompt_extend(client: Client) -> None:
    answer = client.wait(client.task_id(prompt_extend=False))

    assert set(answer["output"]["results"][0]) == {"orig_prompt", "url"}


def test_a_qwen_task_has_no_metrics_but_times_when_it_failed(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("submit", "failed", code="DataInspectionFailed", message="no", after=1))
    good = client.wait(client.task_id(model="qwen-image", size="1328*1328"))
    bad = client.wait(client.task_id(model="qwen-image", size="1328*1328"))

    assert "task_metrics" not in good["output"]
    assert set(bad["output"]) == {
        "task_id", "task_status", "submit_time", "scheduled_time", "end_time", "code", "message",
    }  # fmt: skip
    assert "usage" not in bad


def test_a_failed_wan_task_is_http_200_with_the_code_inside(client: Client) -> None:
    answer = client.wait(client.task_id("x [sandbox:fail]", n=4))

    assert set(answer) == {"request_id", "output"}
    assert answer["output"]["code"] == "DataInspectionFailed"
    assert answer["output"]["task_metrics"] == {"TOTAL": 4, "SUCCEEDED": 0, "FAILED": 4}


def test_one_good_picture_makes_a_task_succeed(client: Client) -> None:
    answer = client.wait(client.task_id("x [sandbox:partial]", n=2))

    assert answer["output"]["task_status"] == "SUCCEEDED"
    assert "url" in answer["output"]["results"][0]
    assert set(answer["output"]["results"][1]) == {"code", "message"}
    assert answer["output"]["task_metrics"] == {"TOTAL": 2, "SUCCEEDED": 1, "FAILED": 1}
    assert answer["usage"] == {"image_count": 1}


def test_all_pictures_failed_is_a_failed_task(client: Client) -> None:
    assert client.wait(client.task_id("x [sandbox:partial]", n=1))["output"]["task_status"] == "FAILED"


def test_an_unknown_task(client: Client) -> None:
    answer = client.poll("1111")

    assert answer.status_code == 200
    assert answer.json()["output"] == {"task_id": "1111", "task_status": "UNKNOWN"}


@pytest.mark.slow
def test_a_task_is_forgotten_after_24_hours() -> None:
    now = [2_000_000.0]
    with Sandbox(task_s=1, clock=lambda: now[0]) as box:
        client = Client(box)
        with client.http:
            task_id = client.task_id()
            now[0] += 24 * 3600 - 1
            link = client.poll(task_id).json()["output"]["results"][0]["url"]
            assert client.download(link).status_code == 200
            now[0] += 1
            assert client.poll(task_id).json()["output"]["task_status"] == "UNKNOWN"
            assert client.download(link).status_code == 404
            assert client.get("/tasks").json()["total"] == 0


def test_a_blocking_call(client: Client, box: Sandbox) -> None:
    answer = client.blocking("海报", size="1664*928")
    body = answer.json()

    assert set(body) == {"output", "usage", "request_id"}
    assert body["output"]["task_metric"] == {"FAILED": 0, "SUCCEEDED": 1, "TOTAL": 1}
    (choice,) = body["output"]["choices"]
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["role"] == "assistant"
    assert [set(item) for item in choice["message"]["content"]] == [{"image"}]
    assert body["usage"] == {"height": 928, "image_count": 1, "width": 1664}
    assert answer.headers["x-dashscope-timeout"] == "298"
    assert client.download(choice["message"]["content"][0]["image"]).content[:4] == b"\x89PNG"
    assert box.tasks == []
    assert [call.request.prompt for call in box.sync_calls] == ["海报"]


def test_a_message_style_task(client: Client) -> None:
    messages = [{"role": "user", "content": [{"text": "a cat"}]}]
    body = {"model": "wan2.6-t2i", "input": {"messages": messages}, "parameters": {"n": 2}}
    task_id = client.post(MESSAGES, body).json()["output"]["task_id"]
    answer = client.wait(task_id)

    assert answer["output"]["finished"] is True
    assert len(answer["output"]["choices"]) == 2
    assert answer["output"]["choices"][0]["message"]["content"][0]["type"] == "image"
    assert answer["usage"]["image_count"] == 2
    assert "results" not in answer["output"]


def test_the_list_has_other_keys_than_the_query(client: Client) -> None:
    submitted = client.submit().json()
    client.wait(submitted["output"]["task_id"])
    answer = client.get("/tasks/").json()

    assert set(answer) == {"total", "total_page", "page_no", "page_size", "request_id", "data"}
    assert (answer["total"], answer["total_page"], answer["page_no"], answer["page_size"]) == (1, 1, 1, 10)
    (row,) = answer["data"]
    assert row["status"] == "SUCCEEDED"
    assert row["model_name"] == "wan2.2-t2i-flash"
    assert row["request_id"] == submitted["request_id"]
    assert row["user_api_unique_key"] == "apikey:v1:aigc:text2image:image-synthesis:wan2.2-t2i-flash"
    assert row["gmt_create"] <= row["start_time"] <= row["end_time"]
    assert row["gmt_create"] > 10**12  # milliseconds
    assert not {"task_status", "prompt", "results"} & set(row)


def test_the_list_pages_and_filters(client: Client, box: Sandbox) -> None:
    ids = [client.task_id(str(number)) for number in range(5)]
    client.wait(ids[-1])
    box.settings.task_s = 3600
    waiting = client.task_id(model="wanx2.1-t2i-turbo")

    assert client.get("/tasks", status="PENDING").json()["data"][0]["task_id"] == waiting
    assert client.get("/tasks", model_name="wan2.2-t2i-flash").json()["total"] == 5
    assert client.get("/tasks", task_id=ids[2]).json()["total"] == 1
    pages = [client.get("/tasks", page_no=page, page_size=4).json() for page in (1, 2)]
    assert [len(page["data"]) for page in pages] == [4, 2]
    assert pages[0]["total_page"] == 2
    listed = [row["task_id"] for page in pages for row in page["data"]]
    assert listed == [waiting, *reversed(ids)]


def test_the_list_reads_times_as_utc8() -> None:
    with Sandbox(task_s=1, clock=lambda: 1_767_196_800.0) as box:  # 2026-01-01 00:00:00 +08:00
        client = Client(box)
        with client.http:
            client.submit()
            found = [
                client.get("/tasks", **query).json().get("total")
                for query in (
                    {"start_time": "20260101000000", "end_time": "20260101000000"},
                    {"start_time": "20251231000000", "end_time": "20251231235959"},
                    {"start_time": "20260101000001"},
                    {"end_time": "20260101000000"},
                )
            ]
            assert found == [1, 0, 0, 1]
            too_long = client.get("/tasks", start_time="20251230000000", end_time="20260101000000")
            assert (too_long.status_code, too_long.json()["code"]) == (400, "InvalidParameter")
            assert client.get("/tasks", start_time="2026-01-01").status_code == 400


def test_cancel_only_while_pending(client: Client, box: Sandbox) -> None:
    done = client.task_id()
    client.wait(done)
    box.settings.task_s = 3600
    waiting = client.task_id()

    accepted = client.cancel(waiting)
    assert (accepted.status_code, set(accepted.json())) == (200, {"request_id"})
    assert client.poll(waiting).json()["output"]["task_status"] == "CANCELED"
    refused = client.cancel(done)
    assert refused.status_code == 400
    assert refused.json()["code"] == "UnsupportedOperation"
    assert refused.json()["message"] == ("Failed to cancel the task, please confirm if the task is in PENDING status.")


@pytest.mark.parametrize(
    ("key", "status", "code", "message"),
    [
        (None, 401, "InvalidApiKey", "No API-key provided."),
        ("sk-bad", 401, "InvalidApiKey", "Invalid API-key provided."),
        ("sk-overdue", 400, "Arrearage", "Access denied, please make sure your account is in good standing."),
        ("sk-free", 403, "AllocationQuota.FreeTierOnly", None),
    ],
)
def test_keys(client: Client, key: str | None, status: int, code: str, message: str | None) -> None:
    del client.http.headers["Authorization"]
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    answer = client.post(TEXT2IMAGE, {"model": "wan2.2-t2i-flash", "input": {"prompt": "x"}}, **headers)

    assert answer.status_code == status
    assert set(answer.json()) == {"code", "message", "request_id"}
    assert answer.json()["code"] == code
    assert message in (None, answer.json()["message"])


def test_only_the_given_keys_pass() -> None:
    with Sandbox(api_keys={"sk-mine"}) as box:
        client = Client(box)
        with client.http:
            assert client.submit().status_code == 401
            client.http.headers["Authorization"] = "Bearer sk-mine"
            assert client.submit().status_code == 200


def test_async_header_rules(client: Client) -> None:
    body = {"model": "wan2.2-t2i-flash", "input": {"prompt": "x"}, "parameters": {}}
    missing = client.post(TEXT2IMAGE, body, asks_async=False)
    assert missing.status_code == 403
    assert missing.json()["code"] == "AccessDenied"
    assert missing.json()["message"] == "current user api does not support synchronous calls"

    messages = [{"role": "user", "content": [{"text": "x"}]}]
    unwanted = client.post(SYNC, {"model": "qwen-image", "input": {"messages": messages}})
    assert unwanted.status_code == 403
    assert unwanted.json()["message"] == "current user api does not support asynchronous calls"

    client.http.headers["X-DashScope-Async"] = "enable"
    assert client.poll("1111").status_code == 403


def test_paths_the_sandbox_does_not_imitate_say_so(client: Client) -> None:
    edit = client.post(SYNC, {"model": "qwen-mt-image", "input": {"messages": []}}, asks_async=False)
    assert edit.json()["code"] == "Sandbox.NotImitated"
