"""ali-bailian-mcp: the tools of its README, called over stdio as a host of MCP servers does."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from steps import KEY, ROOT, red_picture, run, step

HOME = Path(tempfile.mkdtemp())
SURROUNDINGS = {
    **os.environ, "HOME": str(HOME), "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_BASE_URL": ROOT,
    "BAILIAN_OUT_DIR": str(HOME / "out"), "BAILIAN_JOB_DIR": str(HOME / "jobs"),
}  # fmt: skip
SERVER = subprocess.Popen(
    [str(Path(sys.executable).with_name("ali-bailian-mcp"))],
    env=SURROUNDINGS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
)  # fmt: skip
NUMBERS = itertools.count(1)


def send(message: dict[str, Any]) -> None:
    assert SERVER.stdin is not None
    SERVER.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    SERVER.stdin.flush()


def ask(method: str, **params: Any) -> dict[str, Any]:
    number = next(NUMBERS)
    send({"id": number, "method": method, "params": params})
    assert SERVER.stdout is not None
    for line in SERVER.stdout:
        answer: dict[str, Any] = json.loads(line)
        if answer.get("id") == number:
            return answer
    raise AssertionError("the server has ended")


def told(tool: str, **arguments: Any) -> str:
    answer = ask("tools/call", name=tool, arguments=arguments)
    result = answer["result"]
    said = "".join(part.get("text", "") for part in result["content"])
    assert not result.get("isError"), said
    return said


@step
def start() -> None:
    ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "tests", "version": "1"})
    send({"method": "notifications/initialized"})


@step
def chat() -> None:
    assert "1，2，3" in told("chat", prompt="数到3")
    assert "1，2，3" in told("chat", prompt="数到3", model="plus", thinking=False)


@step
def a_picture_is_seen() -> None:
    assert "red" in told("chat", prompt="What?", model="plus", images=[red_picture()], thinking=False)


@step
def vectors() -> None:
    assert "embedding" in told("embed", texts=["一", "二"], dimensions=64)


@step
def ranks() -> None:
    assert "relevance_score" in told("rerank", query="天气", documents=["x", "天气很好"], top_n=1)


@step
def models() -> None:
    assert "qwen-plus" in told("list_models", keyword="qwen-plus")


@step
def picture() -> None:
    assert ".png" in told("generate_image", prompt="一间花店")


@step
def speech() -> None:
    assert str(HOME) in told("text_to_speech", text="你好，世界。")


run()
SERVER.kill()
