"""The account's limits: submits, queries, running tasks, the queue; and tasks that outlive a process."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from bailian.sandbox import Sandbox
from tests.support.sandbox_client import Client


@dataclass(frozen=True)
class Limits:
    submit_per_s: float | None = None
    running_limit: int | None = None
    queue_limit: int | None = None


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def statuses(box: Sandbox) -> list[str]:
    return [task.status for task in box.tasks]


def test_the_submit_rate(box: Sandbox) -> None:
    clock = Clock()
    with Sandbox(clock=clock, models={"wan2.2-t2i-flash": Limits(submit_per_s=2)}) as limited:
        client = Client(limited)
        with client.http:
            answers = [client.submit() for _ in range(3)]
            clock.now += 1
            later = client.submit()

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "Throttling.RateQuota"
    assert answers[2].json()["message"] == "Requests rate limit exceeded, please try again later."
    assert later.status_code == 200
    assert len(limited.tasks) == 3


def test_rates_below_one_a_second_count_by_the_minute() -> None:
    clock = Clock()
    with Sandbox(task_s=0, clock=clock, models={"qwen-image-max": Limits(submit_per_s=0.0333)}) as limited:
        client = Client(limited)
        with client.http:
            assert [client.blocking().status_code for _ in range(3)] == [200, 200, 429]
            clock.now += 60
            assert client.blocking().status_code == 200


def test_twenty_queries_a_second() -> None:
    clock = Clock()
    with Sandbox(clock=clock) as limited:
        client = Client(limited)
        with client.http:
            codes = [client.poll("x").status_code for _ in range(19)] + [client.get("/tasks").status_code]
            assert codes == [200] * 20
            assert client.poll("x").status_code == 429
            assert client.cancel("x").status_code == 429


def test_tasks_beyond_the_running_limit_wait_their_turn() -> None:
    clock = Clock()
    with Sandbox(task_s=10, clock=clock, models={"wan2.2-t2i-flash": Limits(running_limit=2)}) as limited:
        client = Client(limited)
        with client.http:
            ids = [client.task_id() for _ in range(4)]
            clock.now += 5
            assert statuses(limited) == ["RUNNING", "RUNNING", "PENDING", "PENDING"]
            clock.now += 6
            assert statuses(limited) == ["SUCCEEDED", "SUCCEEDED", "RUNNING", "RUNNING"]
            clock.now += 20
            assert client.poll(ids[3]).json()["output"]["task_status"] == "SUCCEEDED"


def test_a_canceled_task_makes_room() -> None:
    clock = Clock()
    with Sandbox(task_s=10, clock=clock, models={"wan2.2-t2i-flash": Limits(running_limit=1)}) as limited:
        client = Client(limited)
        with client.http:
            ids = [client.task_id() for _ in range(3)]
            clock.now += 5
            assert client.cancel(ids[1]).status_code == 200
            clock.now += 6
            assert statuses(limited) == ["SUCCEEDED", "CANCELED", "RUNNING"]


def test_a_full_queue_refuses() -> None:
    limits = Limits(running_limit=1, queue_limit=2)
    with Sandbox(task_s=3600, models={"wan2.2-t2i-flash": limits}) as limited:
        client = Client(limited)
        with client.http:
            assert [client.submit().status_code for _ in range(3)] == [200, 200, 429]


def test_the_limits_come_from_the_catalog() -> None:
    with Sandbox() as limited:
        client = Client(limited)
        with client.http:
            assert 429 in [client.submit().status_code for _ in range(8)]


def test_answers_are_not_held_back(client: Client) -> None:
    """Nagle's algorithm and delayed acknowledgements would cost 40 ms an answer."""
    taken_s = []
    for _ in range(20):
        begin = time.monotonic()
        client.poll("x")
        taken_s.append(time.monotonic() - begin)

    assert min(taken_s[1:]) < 0.03


def test_tasks_outlive_their_sandbox(tmp_path: Path) -> None:
    state = tmp_path / "deep" / "state.db"
    with Sandbox(task_s=0.02, state_path=state) as first:
        client = Client(first)
        with client.http:
            task_id = client.task_id("persistent")
    assert [task.task_id for task in first.tasks] == [task_id]

    with Sandbox(task_s=3600, state_path=state) as second:
        client = Client(second)
        with client.http:
            link = client.wait(task_id)["output"]["results"][0]["url"]
            assert link.startswith(second.root_url)
            assert client.download(link).status_code == 200


@pytest.mark.slow
def test_two_sandboxes_on_one_state_file(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import sys, requests
        from bailian.sandbox import Sandbox
        from pathlib import Path
        with Sandbox(task_s=0, state_path=Path(sys.argv[1]), enforce_limits=False) as box, requests.Session() as http:
            http.trust_env = False
            for number in range(40):
                body = {"model": "wan2.2-t2i-flash", "input": {"prompt": str(number)}, "parameters": {"n": 1}}
                headers = {"Authorization": "Bearer sk-x", "X-DashScope-Async": "enable"}
                url = box.base_url + "/services/aigc/text2image/image-synthesis"
                http.post(url, json=body, headers=headers).raise_for_status()
        """
    )
    state = tmp_path / "state.db"
    command = [sys.executable, "-c", program, str(state)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors.decode()

    with Sandbox(state_path=state) as box:
        assert len(box.tasks) == 80
        assert len({task.task_id for task in box.tasks}) == 80


def test_a_state_file_keeps_its_form(tmp_path: Path) -> None:
    """A row as every version has written it: columns and the fields inside are read by these names."""
    state, now = tmp_path / "state.sqlite3", 1_800_000_000.0
    with Sandbox(state_path=state, clock=lambda: now):
        pass
    request = {
        "model": "wan2.2-t2i-flash", "path": "/services/aigc/text2image/image-synthesis", "prompt": "猫",
        "read_prompt": "猫", "negative_prompt": "", "n": 2, "width": 1024, "height": 1024, "seed": 7,
        "prompt_extend": False, "watermark": False, "kind": "image", "details": {},
    }  # fmt: skip
    outcome = {
        "failed": False, "code": "InternalError.Timeout", "message": "late", "failed_pictures": 1, "drawn_size": [8, 8],
        "task_s": None, "slower": 1.0,
    }  # fmt: skip
    with closing(sqlite3.connect(state)) as db, db:
        db.execute(
            "INSERT INTO tasks (task_id, request_id, model, blocking, created, scheduled, ended, failed, work_order, fate,"
            " body) VALUES ('t', 'r', 'wan2.2-t2i-flash', 0, ?, ?, ?, 0, ?, ?, '{}')",
            (now, now, now, json.dumps(request), json.dumps(outcome)),
        )
    with Sandbox(state_path=state, clock=lambda: now) as box:
        output = Client(box).poll("t").json()["output"]
        assert [task.outcome.drawn_size for task in box.tasks] == [(8, 8)]
    assert output["task_status"] == "SUCCEEDED"
    assert [result.get("code") for result in output["results"]] == [None, "InternalError.Timeout"]
