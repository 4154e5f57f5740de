"""A web page can neither command the sandbox nor read from it by a name of its own that leads here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import requests
import websockets
from click.testing import CliRunner

from bailian.sandbox import Sandbox
from bailian.sandbox.http.hosts import CODE, Hosts

OURS = ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST.", "box.localhost", "[::1]", "::1"]
FOREIGN = [
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "192.168.1.5",
    "0.0.0.0",
    "[::ffff:1.2.3.4]",
    "",
]
PATHS = [
    ("GET", "/_sandbox/state"), ("POST", "/_sandbox/settings"), ("GET", "/api/v1/tasks/x"), ("GET", "/nowhere"),
    ("POST", "/api/v1/services/aigc/text2image/image-synthesis"), ("GET", "/compatible-mode/v1/models"),
    ("GET", "/files/a.png"), ("OPTIONS", "/_sandbox/faults"),
]  # fmt: skip


@pytest.fixture
def named() -> Iterator[Sandbox]:
    with Sandbox(task_s=0.02, allow_hosts=["box.example", "10.1.2.3"]) as box:
        yield box


@pytest.mark.parametrize("method, path", PATHS)
@pytest.mark.parametrize("host", [host for host in FOREIGN if host])
def test_a_foreign_host_is_refused_everywhere(box: Sandbox, method: str, path: str, host: str) -> None:
    """In the service's shape, and saying how to allow it."""
    answer = requests.request(method, box.root_url + path, headers={"Host": f"{host}:{box.port}"}, timeout=30)
    assert answer.status_code == 421
    assert set(answer.json()) == {"code", "message", "request_id"}
    assert answer.json()["code"] == CODE
    assert f"--allow-host {host.strip('[]')}" in answer.json()["message"]
    assert box.requests == []


@pytest.mark.parametrize("host", [*OURS, "box.example", "BOX.example.", "10.1.2.3"])
@pytest.mark.parametrize("port", ["", ":80"])
def test_our_own_names_and_those_allowed(named: Sandbox, host: str, port: str) -> None:
    header = f"[{host}]{port}" if host == "::1" else host + port
    assert requests.get(named.root_url + "/_sandbox/state", headers={"Host": header}, timeout=30).status_code == 200


@pytest.mark.parametrize("bound", ["0.0.0.0", "::"])
def test_listening_everywhere_it_is_called_by_any_address_and_no_name(bound: str) -> None:
    hosts = Hosts(bound)
    assert all(hosts.knows(host) for host in (*OURS, "192.168.1.5:8765", "[2001:db8::1]:80"))
    assert not any(hosts.knows(host) for host in ("evil.example", "192.168.1.5.evil.example"))


def test_each_rule_by_itself() -> None:
    hosts = Hosts("127.0.0.1")
    assert [host for host in OURS if not hosts.knows(host)] == []
    assert [host for host in FOREIGN if hosts.knows(host)] == []


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://127.0.0.1:1"])
def test_no_page_commands_it(box: Sandbox, method: str, origin: str) -> None:
    path = "/_sandbox/state" if method == "GET" else "/_sandbox/faults"
    answer = requests.request(method, box.root_url + path, json=[], headers={"Origin": origin}, timeout=30)
    assert answer.status_code == 403
    assert "Origin" in answer.json()["error"]


@pytest.mark.few(3)
@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
@pytest.mark.parametrize("path", ["settings", "faults"])
def test_what_a_page_may_send_without_asking_is_refused(box: Sandbox, media_type: str | None, path: str) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    before = box.settings.task_s
    answer = requests.post(f"{box.root_url}/_sandbox/{path}", data=b'{"task_s": 9}', headers=headers, timeout=30)
    assert answer.status_code == 415
    assert "Content-Type: application/json" in answer.json()["error"]
    assert box.settings.task_s == before
    json_type = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert requests.post(f"{box.root_url}/_sandbox/settings", data=b'{"task_s": 9}', headers=json_type, timeout=30).ok


async def _opens(url: str, headers: dict[str, str]) -> int:
    try:
        async with websockets.connect(url, additional_headers=headers, proxy=None):
            return 101
    except websockets.InvalidStatus as error:
        return error.response.status_code


@pytest.mark.parametrize(
    "origin, status",
    [
        *((None, 101), ("http://127.0.0.1:8000", 101), ("http://localhost", 101), ("http://[::1]:9", 101)),
        *(("https://evil.example", 421), ("null", 421), ("http://127.0.0.1.evil.example", 421), ("http://[", 421)),
    ],
)
def test_the_speech_socket_knows_whose_page_asks(box: Sandbox, origin: str | None, status: int) -> None:
    headers = {"Authorization": "Bearer sk-sandbox", **({"Origin": origin} if origin else {})}
    assert asyncio.run(_opens(box.socket_url, headers)) == status


def test_the_speech_socket_knows_its_host(box: Sandbox) -> None:
    """The client writes `Host` from the address, so a name that leads here is played by the connection."""

    async def opens() -> int:
        try:
            async with websockets.connect(
                "ws://evil.example/api-ws/v1/inference", host="127.0.0.1", port=box.port, proxy=None
            ):
                return 101
        except websockets.InvalidStatus as error:
            return error.response.status_code

    assert asyncio.run(opens()) == 421


def test_the_command_passes_both_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from bailian import sandbox
    from bailian.cli.serving.serve_sandbox import serve

    given: dict[str, object] = {}
    monkeypatch.setattr(sandbox, "serve", lambda host, port, **how: given.update(how, host=host, port=port))
    ran = CliRunner().invoke(serve, ["--host", "0.0.0.0", "--allow-host", "a.example", "--allow-host", "b.example"])
    assert ran.exit_code == 0, ran.output
    assert (given["host"], given["allow_hosts"]) == ("0.0.0.0", ("a.example", "b.example"))
