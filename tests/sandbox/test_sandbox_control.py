"""What a test does to a running sandbox from another process: reset, clock, the log, who may do it, TLS."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import requests

from bailian.sandbox import Fault, Sandbox
from bailian.sandbox.control.access import TOKEN_HEADER
from tests.support.sandbox_client import TEXT, Client

SECRET = "sk-very-secret"


def command(box: Sandbox, name: str, body: Any, **headers: str) -> requests.Response:
    return requests.post(f"{box.root_url}/_sandbox/{name}", json=body, headers=headers, timeout=30)


def text(client: Client, prompt: str = "x", **headers: str) -> requests.Response:
    body = {"model": "qwen-plus", "input": {"prompt": prompt}}
    return client.post(TEXT, body, asks_async=False, **headers)


# Reset.


def test_reset_over_http_makes_it_as_new(client: Client) -> None:
    box = client.box
    client.submit()
    box.faults.add(Fault("submit", "throttle"))
    box.say("x")
    box.advance(5000)
    first = box.settings.task_s
    command(box, "settings", {"task_s": 77})
    assert command(box, "reset", {}).json() == {"reset": True}
    assert (box.tasks, box.requests, box.faults.armed, box.script.is_empty) == ([], [], [], True)
    assert box.settings.task_s != 77
    assert abs(requests.get(box.root_url + "/_sandbox/state", timeout=10).json()["clock"]["ahead_s"]) == 0
    assert first != 77


def test_a_reset_ends_what_is_under_way_and_keeps_its_own_line(client: Client) -> None:
    client.box.faults.add(Fault("text", "silence"))
    broken: list[Exception] = []

    def ask() -> None:
        try:
            text(client)
        except requests.ConnectionError as error:
            broken.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while not client.box.faults.fired:
        pass
    assert command(client.box, "reset", {}).status_code == 200
    asking.join(30)
    assert len(broken) == 1
    assert client.box.requests == []


# The clock.


def test_tasks_end_without_waiting(client: Client) -> None:
    client.box.settings.change({"task_s": 86000})
    task_id = client.task_id()
    assert client.poll(task_id).json()["output"]["task_status"] == "PENDING"
    assert command(client.box, "clock", {"advance_s": 86000}).json()["ahead_s"] == 86000
    assert client.poll(task_id).json()["output"]["task_status"] == "SUCCEEDED"
    client.box.advance(401)
    assert client.poll(task_id).json()["output"]["task_status"] == "UNKNOWN"


def test_links_expire_without_waiting(client: Client) -> None:
    link = client.link()
    assert client.download(link).status_code == 200
    client.box.advance(86400)
    assert client.download(link).status_code == 403


def test_rates_are_free_again_without_waiting(client: Client) -> None:
    client.box.settings.change({"enforce_limits": True})
    while client.submit().status_code != 429:
        pass
    client.box.advance(60)
    assert client.submit().status_code == 200


def test_a_call_that_waits_goes_on(client: Client) -> None:
    client.box.settings.change({"task_s": 3600})
    got: list[int] = []
    asking = threading.Thread(target=lambda: got.append(text(client).status_code))
    asking.start()
    while not client.box.sync_calls:
        pass
    client.box.advance(3600)
    asking.join(30)
    assert got == [200]


@pytest.mark.parametrize(
    "body", [{}, [], {"advance_s": "1"}, {"advance_s": -1}, {"advance_s": True}, {"advance": 1}, 5]
)
def test_a_wrong_move_of_the_clock_is_refused(box: Sandbox, body: Any) -> None:
    answer = command(box, "clock", body)
    assert answer.status_code == 400
    assert "advance_s" in answer.json()["error"]


# The log.


def log(box: Sandbox, **query: str) -> list[dict[str, Any]]:
    answer = requests.get(box.root_url + "/_sandbox/requests", params=query, timeout=10)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def test_the_log_has_everything_but_the_key(client: Client) -> None:
    hidden = {"Authorization": f"Bearer {SECRET}", "x-api-key": SECRET, "Cookie": SECRET, "X-Own": "seen"}
    text(client, "你好", **hidden)
    (entry,) = log(client.box)
    assert (entry["method"], entry["status"], entry["kind"], entry["model"]) == ("POST", 200, "text", "qwen-plus")
    assert entry["body"]["input"] == {"prompt": "你好"}
    assert entry["path"].endswith(TEXT)
    assert entry["headers"]["x-own"] == "seen"
    assert SECRET not in str(entry)


FILTERS: dict[str, tuple[dict[str, str], int]] = {
    "none": ({}, 4),
    "method": ({"method": "get"}, 1),
    "path": ({"path": "*/text-generation/*"}, 2),
    "kind": ({"kind": "submit"}, 1),
    "model": ({"model": "qwen-*"}, 2),
    "prompt": ({"prompt": "dog"}, 1),
    "an expression": ({"prompt": "/d.g|cat/"}, 2),
    "status": ({"status": "400"}, 1),
    "the last": ({"last": "2"}, 2),
    "both": ({"kind": "text", "status": "200"}, 1),
}


@pytest.mark.few(3)
@pytest.mark.parametrize("case", FILTERS)
def test_filters(client: Client, case: str) -> None:
    text(client, "a dog")
    client.post(TEXT, {"model": "qwen-plus", "input": {}}, asks_async=False)
    client.submit("a cat")
    client.poll("nothing")
    query, count = FILTERS[case]
    assert len(log(client.box, **query)) == count


@pytest.mark.parametrize("query", [{"state": "x"}, {"status": "ok"}, {"last": "-1"}])
def test_a_wrong_filter_is_refused(box: Sandbox, query: dict[str, str]) -> None:
    answer = requests.get(box.root_url + "/_sandbox/requests", params=query, timeout=10)
    assert answer.status_code == 400


# Who may.


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every client sat at another computer."""
    from bailian.sandbox.control import access

    monkeypatch.setattr(access, "is_here", lambda request: False)


COMMANDS = [
    ("GET", "state"), ("GET", "requests"), ("POST", "reset"), ("POST", "clock"), ("POST", "answers"), ("DELETE", "answers"),
    ("POST", "expect"), ("POST", "faults"), ("DELETE", "faults"), ("POST", "settings"),
]  # fmt: skip


@pytest.mark.parametrize("method, name", COMMANDS)
@pytest.mark.usefixtures("elsewhere")
def test_from_elsewhere_only_with_the_token(box: Sandbox, method: str, name: str) -> None:
    for headers in ({}, {TOKEN_HEADER: ""}, {TOKEN_HEADER: "guess"}, {"Authorization": "Bearer "}):
        answer = requests.request(method, f"{box.root_url}/_sandbox/{name}", json={}, headers=headers, timeout=10)
        assert answer.status_code == 403, headers


@pytest.mark.usefixtures("elsewhere")
def test_the_token_opens() -> None:
    with Sandbox(host="0.0.0.0") as box:
        assert len(box.token) > 20
        for headers in ({TOKEN_HEADER: box.token}, {"Authorization": f"Bearer {box.token}"}):
            assert command(box, "reset", {}, **headers).status_code == 200
        answer = command(box, "reset", {}, **{TOKEN_HEADER: box.token + "x"})
        assert (answer.status_code, TOKEN_HEADER in answer.json()["error"]) == (403, True)


def test_which_sandbox_has_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Sandbox().token, Sandbox(host="::1").token, Sandbox(host="localhost").token) == ("", "", "")
    assert Sandbox(host="0.0.0.0").token != Sandbox(host="0.0.0.0").token != ""
    assert Sandbox(token="mine").token == "mine"
    monkeypatch.setenv("BAILIAN_SANDBOX_TOKEN", "given")
    assert Sandbox(host="0.0.0.0").token == Sandbox().token == "given"


# TLS.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "cert.pem", folder / "key.pem"
    words = "req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    try:
        subprocess.run(["openssl", *words.split(), "-keyout", key, "-out", made], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no openssl here")
    return made, key


def test_it_speaks_tls(certificate: tuple[Path, Path]) -> None:
    with Sandbox(task_s=0, certificate=certificate) as box:
        assert box.base_url.startswith("https://")
        assert box.socket_url.startswith("wss://")
        body = {"model": "wan2.2-t2i-flash", "input": {"prompt": "x"}, "parameters": {"n": 1, "size": "512*512"}}
        key = {"Authorization": "Bearer sk-x"}
        headers = {**key, "X-DashScope-Async": "enable"}
        with requests.Session() as http:
            http.verify, http.trust_env = str(certificate[0]), False
            made = http.post(box.base_url + "/services/aigc/text2image/image-synthesis", json=body, headers=headers)
            task = http.get(f"{box.base_url}/tasks/{made.json()['output']['task_id']}", headers=key).json()
            link = task["output"]["results"][0]["url"]
            assert link.startswith(box.root_url)
            assert http.get(link).content.startswith(b"\x89PNG")


REFUSED = {
    "a key alone": (["--key", "key.pem"], "--cert and --key go together"),
    "exchanged": (["--cert", "key.pem", "--key", "cert.pem"], "the certificate cannot be used"),
    "both ways": (["--record", "a.jsonl", "--replay", "answers.yaml"], "--record and --replay do not go together"),
    "upstream alone": (["--upstream", "https://example.com"], "--upstream is what --record records"),
    "in the clear": (["--record", "a.jsonl", "--upstream", "http://example.com"], "is no https:// address"),
    "no recording": (["--replay", "answers.yaml"], "answers.yaml, line 1: is no exchange"),
    "a bad script": (["--script", "answers.yaml"], "answers.yaml, line 2: an answer has no field 'txt' (meant: text?)"),
}


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize("case", REFUSED)
def test_serve_refuses(certificate: tuple[Path, Path], tmp_path: Path, case: str) -> None:
    for file in certificate:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "answers.yaml").write_text("answers:\n- txt: x\n", encoding="utf-8")
    words, said = REFUSED[case]
    command = [sys.executable, "-m", "bailian", "sandbox", "serve", "--port", "0", *words]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
