"""What makes tests fast: a sandbox that becomes as new, and tasks that end when they are asked for."""

from __future__ import annotations

import http.client
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from bailian.sandbox import Fault, Sandbox, results
from tests.support.sandbox_client import TEXT2IMAGE, Client

VIDEO = "/services/aigc/video-generation/video-synthesis"
TRANSCRIPTION = "/services/audio/asr/transcription"
SUBMITS = [
    (TEXT2IMAGE, {"model": "wan2.2-t2i-flash", "input": {"prompt": "猫"}}),
    (VIDEO, {"model": "wan2.6-t2v", "input": {"prompt": "猫"}}),
    (TRANSCRIPTION, {"model": "paraformer-v2", "input": {"file_urls": ["https://example.com/a.wav"]}}),
]


def upload_batch_file(client: Client) -> requests.Response:
    url = f"{client.box.root_url}/compatible-mode/v1/files"
    return client.http.post(url, files={"file": ("a.jsonl", b"{}")}, data={"purpose": "batch"}, timeout=10)


def test_after_a_reset_nothing_is_left() -> None:
    with Sandbox(task_s=0) as box:
        client = Client(box)
        task_id, file_id = client.task_id(n=1), upload_batch_file(client).json()["id"]
        link = client.link()
        client.blocking()
        folder = client.get("/uploads", action="getPolicy", model="wan2.2-t2i-flash").json()["data"]["upload_dir"]
        box.faults.add(Fault("submit", "throttle"), Fault("list", "throttle", times=None))
        client.submit()
        box.settings.change({"task_s": 99, "sse_heartbeats": True})
        address = box.base_url

        box.reset()

        assert (box.tasks, box.sync_calls, box.requests) == ([], [], [])
        assert (box.faults.armed, box.faults.fired) == ([], [])
        assert (box.settings.task_s, box.settings.sse_heartbeats) == (0, False)
        assert (box.base_url, box._started().request_counts()) == (address, {})
        assert client.poll(task_id).json()["output"]["task_status"] == "UNKNOWN"
        assert client.get("/tasks").json()["total"] == 0
        assert client.download(link).status_code == 404
        assert client.http.get(f"{box.root_url}/compatible-mode/v1/files/{file_id}", timeout=10).status_code == 404
        assert box._started().store.model_of_grant(folder) is None


def test_a_reset_gives_the_rates_back_and_the_links() -> None:
    """With a clock that stands, a rate that is used up would stay so."""
    with Sandbox(task_s=0, clock=lambda: 1_800_000_000.0) as box:
        client = Client(box)
        used = [client.get("/tasks").status_code for _ in range(21)]
        assert (used[:20], used[20]) == ([200] * 20, 429)
        box.reset()
        assert client.get("/tasks").status_code == 200


def test_a_reset_ends_what_is_under_way_and_notes_nothing_of_it() -> None:
    """Else the next test would meet the request of a client that the test before has killed."""
    at_work = threading.Event()

    def clock() -> float:
        at_work.set()
        return 1_800_000_000.0

    with Sandbox(task_s=3600, clock=clock, enforce_limits=False) as box, ThreadPoolExecutor() as threads:
        at_work.clear()
        waiting = threads.submit(Client(box).blocking)
        assert at_work.wait(10)
        box.reset()
        with pytest.raises(requests.ConnectionError):
            waiting.result(10)
        assert (box.sync_calls, box.requests) == ([], [])


def test_a_reset_forgets_work_that_was_to_come_after_a_broken_connection() -> None:
    with Sandbox(enforce_limits=False) as box:
        box.faults.add(Fault("submit", "reset_during", delay_s=3600))
        with pytest.raises(requests.ConnectionError):
            Client(box).submit()
        box.reset()
        assert box._runner is not None
        assert not box._runner._server.server_state.tasks


def test_a_reset_leaves_connections_at_rest_open() -> None:
    """A client that keeps one must not take a reset for a broken line."""
    with Sandbox(enforce_limits=False) as box:
        connection = http.client.HTTPConnection("127.0.0.1", box.port, timeout=10)
        for _ in range(2):
            connection.request("GET", "/nothing")
            connection.getresponse().read()
            box.reset()
            connection.auto_open = False  # from now on a broken line is an error
        connection.close()


def test_after_a_reset_a_picture_is_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drawing that one test has replaced must not be another test's."""
    with Sandbox(task_s=0, enforce_limits=False) as box:
        client = Client(box)
        with monkeypatch.context() as patched:
            patched.setattr(results, "draw_png", lambda picture: b"replaced")
            assert client.download(client.link(seed=1)).content == b"replaced"
        box.reset()
        assert client.download(client.link(seed=1)).content.startswith(b"\x89PNG")


def test_a_sandbox_that_never_started_has_nothing_to_reset() -> None:
    with pytest.raises(RuntimeError, match="never started"):
        Sandbox().reset()


@pytest.mark.parametrize("path, body", SUBMITS, ids=["image", "video", "transcription"])
@pytest.mark.parametrize("polls", [1, 3])
def test_a_task_ends_at_its_last_poll(path: str, body: dict[str, Any], polls: int) -> None:
    with Sandbox(task_s=3600, clock=lambda: 1_800_000_000.0) as box:
        box.settings.change({"end_after_polls": polls})
        client = Client(box)
        task_id = client.post(path, body).json()["output"]["task_id"]
        assert [task.status for task in box.tasks] == ["PENDING"]
        told = [client.poll(task_id).json()["output"]["task_status"] for _ in range(polls + 1)]
        assert told == ["RUNNING"] * (polls - 1) + ["SUCCEEDED"] * 2
        assert [task.status for task in box.tasks] == ["SUCCEEDED"]


def test_polls_end_tasks_as_their_outcome_says() -> None:
    """A failure stays one, and a canceled task stays canceled."""
    with Sandbox(task_s=3600) as box:
        box.settings.change({"end_after_polls": 1})
        client = Client(box)
        failing, canceled = client.task_id("[sandbox:fail]"), client.task_id("猫")
        assert client.cancel(canceled).status_code == 200
        told = [client.poll(task_id).json()["output"]["task_status"] for task_id in (failing, canceled)]
        assert told == ["FAILED", "CANCELED"]


def test_a_synchronous_call_does_not_wait_for_polls() -> None:
    with Sandbox(task_s=0) as box:
        box.settings.change({"end_after_polls": 5})
        assert Client(box).blocking().status_code == 200
