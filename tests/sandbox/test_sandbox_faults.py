"""Every kind of fault over a real socket, as a client meets it."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from bailian.sandbox import KINDS, Fault, Sandbox
from tests.support.sandbox_client import EMBEDDING, RERANK, TEXT, Client

OVER_HTTP = [on for on, kinds in KINDS.items() if "throttle" in kinds]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def call(client: Client, on: str, task_id: str, link: str) -> requests.Response:
    calls: dict[str, Callable[[], requests.Response]] = {
        "submit": client.submit,
        "sync": client.blocking,
        "poll": lambda: client.poll(task_id),
        "list": lambda: client.get("/tasks"),
        "models": lambda: client.get("/models"),
        "cancel": lambda: client.cancel(task_id),
        "download": lambda: client.download(link),
        "text": lambda: client.post(TEXT, {"model": "qwen-plus", "input": {"prompt": "x"}}, asks_async=False),
        "embedding": lambda: client.post(
            EMBEDDING, {"model": "text-embedding-v4", "input": {"texts": ["x"]}}, asks_async=False
        ),
        "rerank": lambda: client.post(
            RERANK, {"model": "qwen3-rerank", "input": {"query": "x", "documents": ["x"]}}, asks_async=False
        ),
        "grant": lambda: client.get("/uploads", action="getPolicy", model="qwen-image-edit"),
        "customization": lambda: client.post(
            "/services/audio/asr/customization",
            {"model": "speech-biasing", "input": {"action": "list_vocabulary"}},
            asks_async=False,
        ),
        "upload": lambda: requests.post(client.box.root_url, files={"file": b"x"}, timeout=10),
    }
    return calls[on]()


@pytest.fixture
def finished(client: Client) -> tuple[str, str]:
    """Id and link of a finished task."""
    answer = client.wait(client.task_id("finished", n=2))
    return str(answer["output"]["task_id"]), str(answer["output"]["results"][0]["url"])


@pytest.mark.few(3)
@pytest.mark.parametrize("on", [on for on, kinds in KINDS.items() if "raw" in kinds])
def test_raw_text_stands_where_it_is_wanted(client: Client, box: Sandbox, finished: tuple[str, str], on: str) -> None:
    """Valid JSON or not, with a byte that is no UTF-8; what has no place in an answer is left out."""
    box.faults.add(Fault(on, "raw", replace={"request_id": '[1e400, NaN, "\udcff"]', "usage.none.there": "1"}))
    answer = call(client, on, *finished)
    assert b'"request_id": [1e400, NaN, "\xff"]' in answer.content
    assert b"there" not in answer.content
    plain = call(client, on, *finished)
    assert isinstance(plain.json()["request_id"], str)


def test_raw_text_stands_in_each_frame_of_a_stream(client: Client, box: Sandbox) -> None:
    """`data:` and the line's end stay."""
    box.faults.add(Fault("text", "raw", replace={"usage": "true"}))
    question = {"model": "qwen-plus", "input": {"prompt": "x"}, "parameters": {"incremental_output": True}}
    answer = client.post(TEXT, question, asks_async=False, **{"X-DashScope-SSE": "enable"})
    frames = [line for line in answer.text.splitlines() if line.startswith("data:")]
    assert len(frames) > 1
    assert all('"usage": true' in frame for frame in frames)


@pytest.mark.parametrize("replace", [5, {"a": 5}, ["a"]])
def test_raw_text_is_text(replace: Any) -> None:
    """A number would be sent as one, which is no fault."""
    with pytest.raises(ValueError, match="JSON texts"):
        Fault("poll", "raw", replace=replace)


@pytest.mark.few(3)
@pytest.mark.parametrize("on", OVER_HTTP)
def test_throttle(client: Client, box: Sandbox, finished: tuple[str, str], on: str) -> None:
    box.faults.add(Fault(on, "throttle", retry_after_s=1.5))
    answer = call(client, on, *finished)

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "1.5"
    assert answer.json()["code"] == "Throttling.RateQuota"
    assert len(box.tasks) == 1


@pytest.mark.few(3)
@pytest.mark.parametrize("on", OVER_HTTP)
def test_status(client: Client, box: Sandbox, finished: tuple[str, str], on: str) -> None:
    box.faults.add(Fault(on, "status", status=503, code="ModelUnavailable", message="later"))
    answer = call(client, on, *finished)

    assert answer.status_code == 503
    assert (answer.json()["code"], answer.json()["message"]) == ("ModelUnavailable", "later")


@pytest.mark.few(3)
@pytest.mark.parametrize("on", OVER_HTTP)
def test_html(client: Client, box: Sandbox, finished: tuple[str, str], on: str) -> None:
    box.faults.add(Fault(on, "html"))
    answer = call(client, on, *finished)

    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert "502 Bad Gateway" in answer.text


@pytest.mark.few(2)
@pytest.mark.parametrize("on", OVER_HTTP)
@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "reset_during"])
def test_a_reset_is_a_real_one(client: Client, box: Sandbox, finished: tuple[str, str], on: str, kind: str) -> None:
    box.faults.add(Fault(on, kind, delay_s=0))

    with pytest.raises(requests.ConnectionError, match="Connection reset by peer"):
        call(client, on, *finished)
    assert box.requests[-1].status == 0


@pytest.mark.parametrize(("kind", "made"), [("reset_before", 0), ("reset_after", 1)])
@pytest.mark.parametrize("on", ["submit", "sync"])
def test_whether_a_reset_leaves_work(client: Client, box: Sandbox, on: str, kind: str, made: int) -> None:
    box.faults.add(Fault(on, kind))
    with pytest.raises(requests.ConnectionError):
        call(client, on, "", "")

    assert len(box.tasks) + len(box.sync_calls) == made


def test_the_work_comes_after_the_reset(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("submit", "reset_during", delay_s=1.0))
    with pytest.raises(requests.ConnectionError):
        client.submit()

    assert box.tasks == []
    until(lambda: len(box.tasks) == 1)


@pytest.mark.parametrize("work", [True, False])
def test_silence(client: Client, box: Sandbox, work: bool) -> None:
    box.faults.add(Fault("submit", "silence", work=work), Fault("poll", "silence"))
    client.http.mount("http://", requests.adapters.HTTPAdapter())
    url = box.base_url + "/services/aigc/text2image/image-synthesis"
    body = {"model": "wan2.2-t2i-flash", "input": {"prompt": "x"}, "parameters": {"n": 1}}
    with pytest.raises(requests.ReadTimeout):
        client.http.post(url, json=body, headers={"X-DashScope-Async": "enable"}, timeout=0.1)
    with pytest.raises(requests.ReadTimeout):
        client.poll("1111", timeout=0.05)

    until(lambda: len(box.faults.fired) == 2)  # whoever gave up first: the client may be faster than the sandbox
    until(lambda: len(box.tasks) == work)
    assert client.poll("1111").status_code == 200


def test_slow(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("poll", "slow", delay_s=0.1))
    begin = time.monotonic()

    assert client.poll("1111").json()["output"]["task_status"] == "UNKNOWN"
    assert time.monotonic() - begin >= 0.1


@pytest.mark.few(3)
@pytest.mark.parametrize("on", OVER_HTTP)
def test_cut(client: Client, box: Sandbox, finished: tuple[str, str], on: str) -> None:
    box.settings.task_s = 3600 if on == "cancel" else 0
    task_id = client.task_id() if on == "cancel" else finished[0]
    box.faults.add(Fault(on, "cut"))

    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError), match="IncompleteRead"):
        call(client, on, task_id, finished[1])


@pytest.mark.few(3)
@pytest.mark.parametrize("on", OVER_HTTP)
def test_garbage(client: Client, box: Sandbox, finished: tuple[str, str], on: str) -> None:
    box.settings.task_s = 3600 if on == "cancel" else 0
    task_id = client.task_id() if on == "cancel" else finished[0]
    box.faults.add(Fault(on, "garbage"))
    answer = call(client, on, task_id, finished[1])

    assert answer.status_code == 200
    with pytest.raises(ValueError):
        answer.json()


def test_empty(client: Client, box: Sandbox, finished: tuple[str, str]) -> None:
    box.faults.add(*(Fault(on, "empty") for on in ("submit", "poll", "download")))

    assert client.submit().json() == {}
    assert client.poll(finished[0]).json() == {}
    assert client.download(finished[1]).content == b""
    assert len(box.tasks) == 2


def test_top_level_code(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("submit", "top_level_code", code="Throttling", message="with 200"))
    answer = client.submit()

    assert answer.status_code == 200
    assert (answer.json()["code"], answer.json()["message"]) == ("Throttling", "with 200")
    assert box.tasks == []


@pytest.mark.parametrize("on", ["submit", "poll"])
@pytest.mark.parametrize("words", [{"code": "InternalError.Algo", "message": "no"}, {}])
def test_failed(client: Client, box: Sandbox, on: str, words: dict[str, str]) -> None:
    box.faults.add(Fault(on, "failed", code=words.get("code", ""), message=words.get("message", "")))
    task_id = client.task_id()
    output = client.wait(task_id)["output"]

    assert output["task_status"] == "FAILED"
    assert {key: output[key] for key in ("code", "message") if key in output} == words
    assert client.poll(task_id).json()["output"]["task_status"] == "FAILED"


def test_failed_on_the_blocking_path(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("sync", "failed"))
    answer = client.blocking()

    assert (answer.status_code, answer.json()["code"]) == (500, "InternalError.Algo")


@pytest.mark.parametrize("on", ["submit", "poll"])
def test_partial(client: Client, box: Sandbox, on: str) -> None:
    box.faults.add(Fault(on, "partial", count=2, code="DataInspectionFailed", message="blocked"))
    answer = client.wait(client.task_id(n=3))

    assert [result.get("code") for result in answer["output"]["results"]] == [None, *["DataInspectionFailed"] * 2]
    assert answer["usage"] == {"image_count": 1}


def test_unknown_canceled_and_weird(client: Client, box: Sandbox, finished: tuple[str, str]) -> None:
    box.faults.add(
        Fault("poll", "unknown"), Fault("poll", "weird_status", task_status="QUEUING"), Fault("poll", "weird_status")
    )
    seen = [client.poll(finished[0]).json()["output"] for _ in range(4)]
    assert [output["task_status"] for output in seen] == ["UNKNOWN", "QUEUING", "SUSPENDED", "SUCCEEDED"]
    assert "results" not in seen[1]

    box.faults.add(Fault("poll", "canceled"))
    assert [client.poll(finished[0]).json()["output"]["task_status"] for _ in range(2)] == ["CANCELED"] * 2


def test_an_expired_link_and_a_fresh_one(client: Client, box: Sandbox, finished: tuple[str, str]) -> None:
    task_id, link = finished
    box.faults.add(Fault("download", "expired"))
    refused = [client.download(link) for _ in range(2)]
    assert [answer.status_code for answer in refused] == [403, 403]
    assert "<Code>AccessDenied</Code>" in refused[0].text

    fresh = client.poll(task_id).json()["output"]["results"][0]["url"]
    assert client.download(fresh).status_code == 200


def test_html_file(client: Client, box: Sandbox, finished: tuple[str, str]) -> None:
    box.faults.add(Fault("download", "html_file"))
    answer = client.download(finished[1])

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("on", ["submit", "download"])
def test_wrong_size(client: Client, box: Sandbox, on: str) -> None:
    box.faults.add(Fault(on, "wrong_size", size="300*200"))
    data = client.download(client.link(size="512*512")).content

    assert (int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")) == (300, 200)


def test_no_choices(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("sync", "no_choices"))
    answer = client.blocking()

    assert answer.status_code == 200
    assert "choices" not in answer.json()["output"]
    assert len(box.sync_calls) == 1


def test_faults_choose_their_requests(client: Client, box: Sandbox) -> None:
    box.faults.add(
        Fault("submit", "throttle", after=1, times=2, match_prompt="dog"),
        Fault("submit", "status", times=None, match_model="wanx2.1-t2i-plus"),
    )
    prompts = ["dog", "cat", "dog", "dog", "dog"]
    assert [client.submit(prompt).status_code for prompt in prompts] == [200, 200, 429, 429, 200]
    assert [client.submit(model="wanx2.1-t2i-plus").status_code for _ in range(3)] == [500] * 3
    assert len(box.faults.fired) == 5
    assert [fault.kind for fault in box.faults.armed] == ["status"]


def test_polls_and_downloads_are_matched_by_the_tasks_prompt(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("poll", "throttle", match_prompt="dog"), Fault("download", "status", match_prompt="dog"))
    cat, dog = client.link("cat"), client.task_id("dog")

    assert client.poll(dog).status_code == 429
    assert client.download(cat).status_code == 200
    link = client.wait(dog)["output"]["results"][0]["url"]
    assert client.download(link).status_code == 500


def test_a_fault_can_set_the_duration(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("submit", "slow", delay_s=0, task_s=100))
    client.submit()

    assert box.tasks[0].ended - box.tasks[0].created == pytest.approx(100)


@pytest.mark.parametrize(
    "wrong", [{"on": "poll", "kind": "expired"}, {"on": "pole", "kind": "slow"}, {"on": "poll", "kind": "x", "y": 1}]
)
def test_impossible_faults_are_refused(client: Client, box: Sandbox, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Fault.from_json(wrong)
    assert client.http.post(box.root_url + "/_sandbox/faults", json=[wrong]).status_code == 400
    assert box.faults.armed == []


def test_faults_and_settings_from_another_process(client: Client, box: Sandbox) -> None:
    url = box.root_url + "/_sandbox"
    wanted = [{"on": "submit", "kind": "throttle"}, {"on": "poll", "kind": "unknown", "times": None}]
    assert len(client.http.post(url + "/faults", json=wanted).json()["armed"]) == 2
    assert client.submit("once").status_code == 429
    assert client.http.delete(url + "/faults").json() == {"armed": [], "fired": []}
    assert client.http.post(url + "/settings", json={"task_s": 7}).json()["task_s"] == 7
    assert client.http.post(url + "/settings", json={"task": 7}).status_code == 400
    assert client.http.post(url + "/settings", json={"task_s": "7"}).status_code == 400
    client.submit("twice")

    state = client.http.get(url + "/state").json()
    assert [task["prompt"] for task in state["tasks"]] == ["twice"]
    assert state["requests"] == {"POST submit": 2}
    assert state["submits"] == 2


def test_the_log_shows_what_was_sent(client: Client, box: Sandbox) -> None:
    client.submit("logged")
    client.get("/tasks", page_size=3)
    submit, listing = box.requests

    assert (submit.method, submit.status, submit.kind) == ("POST", 200, "submit")
    assert submit.path == "/api/v1/services/aigc/text2image/image-synthesis"
    assert submit.headers["x-dashscope-async"] == "enable"
    assert submit.body["input"] == {"prompt": "logged"}
    assert (listing.query, listing.body) == ({"page_size": "3"}, None)


def test_stopping_drops_whoever_waits(capfd: pytest.CaptureFixture[str]) -> None:
    with Sandbox(task_s=3600, enforce_limits=False) as box, socket.create_connection(("127.0.0.1", box.port)) as line:
        client = Client(box)
        with client.http:
            body = json.dumps(
                {"model": "qwen-image-max", "input": {"messages": [{"role": "user", "content": [{"text": "x"}]}]}}
            ).encode()
            path = urlsplit(box.base_url).path + "/services/aigc/multimodal-generation/generation"
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer k\r\nContent-Length: {len(body)}\r\n\r\n"
            line.sendall(head.encode() + body)
            until(lambda: len(box.sync_calls) == 1)
        begin = time.monotonic()
        box.stop()
        assert time.monotonic() - begin < 60
        line.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert line.recv(10) == b""
    assert capfd.readouterr().err == ""
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", box.port), timeout=1)
