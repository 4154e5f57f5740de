"""What a tool's call adds to the service's own answer: over stdio, from Python, and as a command, against the sandbox.

Run: .venv/bin/python benchmarks/tool_call.py
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

import requests
from mcp import StdioServerParameters
from mcp.client.client import Client

import bailian
from bailian.sandbox import Sandbox

ROUNDS = 15
KEY = "sk-benchmark-0123456789"
BODY = {
    "model": "qwen-plus",
    "input": {"messages": [{"role": "user", "content": "你好"}]},
    "parameters": {"max_tokens": 16},
}
COMMAND = str(Path(sys.executable).with_name("bailian"))


def took_ms(call: Callable[[], Any]) -> list[float]:
    found = []
    for _ in range(ROUNDS):
        begun_s = time.perf_counter()
        call()
        found.append((time.perf_counter() - begun_s) * 1000)
    return found


async def over_stdio() -> dict[str, list[float]]:
    async def took(call: Callable[[], Awaitable[Any]]) -> list[float]:
        found = []
        for _ in range(ROUNDS):
            begun_s = time.perf_counter()
            await call()
            found.append((time.perf_counter() - begun_s) * 1000)
        return found

    server = StdioServerParameters(command=COMMAND, args=["mcp", "--budget", "5"], env=dict(os.environ))
    begun_s = time.perf_counter()
    async with Client(server) as client:
        begun = [(time.perf_counter() - begun_s) * 1000]
        await client.call_tool("budget", {})
        free = await took(lambda: client.call_tool("budget", {}))
        text = await took(lambda: client.call_tool("text2text", {"prompt": "你好", "max_tokens": 16}))
    return {"mcp: start and handshake": begun, "mcp: a free tool": free, "mcp: text2text": text}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Sandbox(enforce_limits=False) as box:
        os.chdir(folder)
        os.environ |= {
            "BAILIAN_HOME": f"{folder}/home", "DASHSCOPE_API_KEY": KEY, "DASHSCOPE_HTTP_BASE_URL": box.base_url,
        }  # fmt: skip
        url = f"{box.base_url}/services/aigc/text-generation/generation"
        with requests.Session() as http:
            http.headers["Authorization"] = f"Bearer {KEY}"
            found = {"the service itself": took_ms(lambda: http.post(url, json=BODY, timeout=60))}
        bailian.text2text("你好", max_tokens=16)
        found["Python: text2text"] = took_ms(lambda: bailian.text2text("你好", max_tokens=16))
        found |= asyncio.run(over_stdio())
        words = [COMMAND, "text2text", "你好", "--max-tokens", "16", "--json"]
        found["shell: text2text --json"] = took_ms(lambda: subprocess.run(words, capture_output=True, check=True))
    service_ms = min(found["the service itself"])  # the least: the machine's other work only adds
    for name, all_ms in found.items():
        print(f"{name:28} {min(all_ms):7.0f} ms  {min(all_ms) - service_ms:+7.0f} ms  (median {median(all_ms):.0f} ms)")


if __name__ == "__main__":
    main()
