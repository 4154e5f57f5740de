"""`bailian mcp`: tools for agents, tried with the protocol's own client over stdio and HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

import bailian
from bailian.agents.calls import Toolbox, ToolWords
from bailian.agents.previews import MAX_BYTES
from bailian.agents.tools import KIND_TOOLS, UTILITIES, listed
from bailian.catalog import load
from bailian.config.settings import read_settings
from bailian.instructions import spoken_by
from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run
from tests.support.pictures import bytes_of, drawn
from tests.support.service import first_post

TOKEN = "of-the-test"
BAILIAN = str(Path(sys.executable).with_name("bailian"))


def words(*more: str) -> list[str]:
    return ["mcp", "--budget", "5", *more]


def asked(call: Callable[[Client], Awaitable[Any]], *more: str) -> Any:
    """Call a server over stdio."""

    async def run() -> Any:
        server = StdioServerParameters(command=BAILIAN, args=words(*more), env=dict(os.environ))
        async with Client(server) as client:
            return await call(client)

    return asyncio.run(run())


@asynccontextmanager
async def over_http(token: str) -> AsyncIterator[Client]:
    """Call a server over HTTP."""
    command = [BAILIAN, *words("--http", "0")]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "BAILIAN_MCP_TOKEN": TOKEN}
    ) as server:
        assert server.stderr is not None
        line = await asyncio.to_thread(server.stderr.readline)
        found = re.search(r"http://127\.0\.0\.1:\d+/mcp", line)
        assert found is not None, line + server.stderr.read()
        url = found[0]
        try:
            async with (
                httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60) as http,
                Client(streamable_http_client(url, http_client=http)) as client,
            ):
                yield client
        finally:
            server.terminate()


@pytest.fixture
def toolbox(box: Sandbox) -> Iterator[Toolbox]:
    with spoken_by(ToolWords):
        yield Toolbox(read_settings(), 5.0, Path("made").absolute())


@pytest.mark.process
def test_over_stdio_a_picture_is_made_with_a_small_preview(box: Sandbox) -> None:
    async def call(client: Client) -> Any:
        tools = await client.list_tools()
        return tools, await client.call_tool("text2image", {"prompt": "一只可爱的猫", "size": "512*512"})

    tools, result = asked(call)
    assert {tool.name for tool in tools.tools} == {*KIND_TOOLS, *UTILITIES}
    assert not result.is_error
    (path,) = result.structured_content["files"]
    assert Path(path).stat().st_size > 0
    assert result.structured_content["budget_left_cny"] == 4.86
    assert len(base64.b64decode(result.content[1].data)) <= MAX_BYTES
    assert "一只可爱的猫" in str(first_post(box).body)


@pytest.mark.slow
@pytest.mark.process
def test_over_http_two_calls_at_once_and_no_token_no_answer(box: Sandbox) -> None:
    async def run() -> tuple[Any, Any]:
        async with over_http(TOKEN) as client:
            calls = (client.call_tool("text2image", {"prompt": word}) for word in ("猫", "狗"))
            return tuple(await asyncio.gather(*calls))  # type: ignore[return-value]

    both = asyncio.run(run())
    assert len({path for one in both for path in one.structured_content["files"]}) == 2

    async def stranger() -> None:
        async with over_http("another"):
            pass

    with pytest.raises(BaseException, match=r"401|Unauthorized|unhandled|Server"):
        asyncio.run(stranger())
    assert len(box.tasks) == 2


@pytest.mark.slow
@pytest.mark.process
def test_stdout_carries_the_protocol_alone(box: Sandbox) -> None:
    """Whatever is said goes to stderr: every line of stdout is a message."""
    hello = {
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }  # fmt: skip
    call = {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": "text2text", "arguments": {"prompt": "你好"}},
    }
    begun = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    with subprocess.Popen([BAILIAN, *words()], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        lines = []
        for message in (hello, begun, call):
            server.stdin.write(json.dumps(message).encode() + b"\n")
            server.stdin.flush()
            if "id" in message:
                lines.append(json.loads(server.stdout.readline()))
        server.stdin.close()
        rest = server.stdout.read()
    assert [line["id"] for line in lines] == [1, 2]
    assert (server.returncode, rest) == (0, b"")


def kill_children_of(pid: int) -> None:
    """Kill the server that the protocol's client has started: it does not tell its number."""
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            words = Path(status.parent, "cmdline").read_bytes().split(b"\0")
            if f"PPid:\t{pid}\n" in status.read_text() and b"mcp" in words:
                os.kill(int(status.parent.name), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="processes are found in /proc")
@pytest.mark.process
def test_a_server_that_was_killed_has_lost_nothing(box: Sandbox) -> None:
    """The next one fetches the film; it is paid once, and the budget of the day is not begun anew."""

    async def submit(client: Client) -> str:
        result = await client.call_tool("text2video", {"prompt": "海浪"})
        assert result.structured_content["state"] == "submitted"
        kill_children_of(os.getpid())
        return str(result.structured_content["task_id"])

    async def fetch(client: Client) -> Any:
        return await client.call_tool("fetch_tasks", {"wait_s": 60})

    task_id = asked(submit)
    (task,) = asked(fetch).structured_content["tasks"]
    assert task["task_id"] == task_id
    assert Path(task["files"][0]).exists()
    assert task["budget_left_cny"] < 5
    assert len(box.tasks) == 1


def test_an_invalid_size_is_an_answer_that_says_what_is_allowed(box: Sandbox, toolbox: Toolbox) -> None:
    answer = toolbox.call("text2image", {"prompt": "猫", "size": "10*10"})
    assert answer.failed
    assert re.search(r"size: .*10\*10.*512.*1440", answer.text)
    assert "--" not in answer.text
    assert box.requests == []


REFUSED = {
    "another place": ("text2image", {"prompt": "猫", "output": "/etc"}, "output: is not a field of this tool"),
    "another field": ("text2image", {"prompt": "猫", "colour": "red"}, "colour: is not a field"),
    "no text": ("text2image", {}, "prompt"),
    "no tool": ("paint", {}, "no tool 'paint'"),
    "no task": ("wait_task", {}, "task_id: is required"),
    "an odd number": ("list_tasks", {"limit": 0}, "limit: 0 is not in 1 to 200"),
    "another field of a free one": ("budget", {"x": 1}, "x: is not a field"),
    "an unknown model": ("text2image", {"prompt": "猫", "model": "nosuch"}, "nosuch"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_an_answer(box: Sandbox, toolbox: Toolbox, name: str) -> None:
    tool, given, text = REFUSED[name]
    answer = toolbox.call(tool, given)
    assert (answer.failed, text in answer.text) == (True, True), answer.text
    assert box.requests == []


@pytest.mark.slow
def test_a_budget_that_is_used_up_refuses_the_next(box: Sandbox, toolbox: Toolbox) -> None:
    """It is of the day, whichever server spends it; free tools still answer."""
    small = Toolbox(toolbox.settings, 0.2, toolbox.output)
    assert not small.call("text2image", {"prompt": "猫"}).failed
    answer = Toolbox(toolbox.settings, 0.2, toolbox.output).call("text2image", {"prompt": "狗"})
    assert answer.failed
    assert "budget" in answer.text
    assert small.call("budget", {}).data["budget_left_cny"] == 0.06
    assert len(box.tasks) == 1


@pytest.mark.slow
def test_a_long_task_is_submitted_waited_for_and_fetched(box: Sandbox, toolbox: Toolbox) -> None:
    box.settings.change({"task_s": 1.0})
    submitted = toolbox.call("text2video", {"prompt": "海浪"})
    assert submitted.data["state"] == "submitted"
    waiting = toolbox.call("wait_task", {"task_id": submitted.data["task_id"], "wait_s": 0.2})
    assert (waiting.failed, waiting.data["state"]) == (False, "running")
    assert "wait_task" in waiting.text
    done = toolbox.call("wait_task", {"task_id": submitted.data["task_id"]})
    assert done.data["state"] == "done"
    assert toolbox.call("fetch_tasks", {}).data == {"tasks": []}
    assert len(box.tasks) == 1


@pytest.mark.slow
def test_the_journal_is_the_same_as_everywhere(box: Sandbox, toolbox: Toolbox) -> None:
    """What an agent has made, Python and the shell know, and the other way round."""
    made = bailian.text2image("猫")
    tasks = toolbox.call("list_tasks", {}).data["tasks"]
    assert [task["files"] for task in tasks] == [[str(made.path)]]
    task_id = toolbox.call("text2image", {"prompt": "狗"}).data["task_id"]
    assert bailian.wait(task_id).path.exists()


@pytest.mark.slow
def test_each_kind_has_its_tool(box: Sandbox, toolbox: Toolbox) -> None:
    picture = str(Path("dog.png").absolute())
    Path("dog.png").write_bytes(bytes_of(drawn()))
    given = {
        "edit_image": {"prompt": "变成红色", "image": [picture]},
        "wanx_edit": {"function": "stylization_all", "prompt": "法国绘本风格", "image": [picture]},
        "text2text": {"prompt": "你好"},
        "speak": {"prompt": "你好，世界"},
    }
    answers = {name: toolbox.call(name, one) for name, one in given.items()}
    assert {name: answer.text for name, answer in answers.items() if answer.failed} == {}
    assert answers["text2text"].data["text"]
    sound = answers["speak"].data["files"][0]
    said = toolbox.call("transcribe", {"file": [sound], "wait_s": 60})
    assert said.data["text"], said.text


def test_the_schemas_hold_the_limits() -> None:
    """They are of the requests and of the catalog, and valid JSON Schema."""
    import jsonschema

    tools = {tool.name: tool for tool in listed(load(Path("bailian")))}
    for tool in tools.values():
        jsonschema.Draft202012Validator.check_schema(tool.schema)
    picture = tools["text2image"].schema["properties"]
    assert (picture["n"]["minimum"], picture["seed"]["maximum"]) == (1, 2_147_483_647)
    assert "wan2.2-t2i-flash" in picture["model"]["enum"]
    assert tools["text2image"].schema["required"] == ["prompt"]
    assert set(tools["wanx_edit"].schema["required"]) == {"function", "image"}
    assert 5 in tools["text2video"].schema["properties"]["duration"]["enum"]
    assert tools["text2text"].schema["properties"]["temperature"] == {
        "type": "number",
        "default": 1.0,
        "minimum": 0,
        "maximum": 2,
    }


@pytest.mark.slow
def test_a_lost_answer_is_no_success(box: Sandbox, toolbox: Toolbox) -> None:
    box.faults.add(Fault(on="poll", kind="failed"))
    answer = toolbox.call("text2image", {"prompt": "猫"})
    assert answer.failed
    assert answer.data["error"]["task_id"] == box.tasks[0].task_id


def test_without_a_budget_nothing_starts(request: pytest.FixtureRequest) -> None:
    ran = request.getfixturevalue("bailian")("mcp", exits=2)
    assert "bailian mcp --budget 5" in ran.err


def test_without_the_extra_it_says_what_to_install(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: Run = request.getfixturevalue("bailian")
    monkeypatch.setitem(sys.modules, "bailian.agents.server", None)
    ran = run("mcp", "--budget", "5", exits=3)
    assert re.search(r"pip install .*\[mcp\]", ran.err)


def test_the_command_is_listed(request: pytest.FixtureRequest) -> None:
    run: Run = request.getfixturevalue("bailian")
    assert "--budget" in run("mcp", "--help").out
