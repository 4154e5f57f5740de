"""Runs the steps of a client's script and says how each went. It stands alone: a client's environment has no toolkit.

@step
def name() -> None: ...   # calls the client, asserts what came

run()                     # prints {"name": "ok" or a traceback} as JSON
"""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
import os
import struct
import sys
import traceback
import zlib
from collections.abc import Callable
from typing import Any

ROOT = os.environ["SANDBOX_ROOT"]
COMPATIBLE = f"{ROOT}/compatible-mode/v1"
KEY = "sk-client"

_steps: list[Callable[[], Any]] = []


def step(function: Callable[[], Any]) -> Callable[[], Any]:
    _steps.append(function)
    return function


def run() -> None:
    told: dict[str, str] = {}
    for function in _steps:
        told[function.__name__] = _said_of(function)
    sys.stdout.write("\n" + json.dumps(told) + "\n")


def _said_of(function: Callable[[], Any]) -> str:
    try:
        made = function()
        if inspect.isawaitable(made):
            asyncio.run(_awaited(made))
    except Exception:  # noqa: BLE001  # whatever a client raises is what is asked for
        return traceback.format_exc()[-3000:]
    return "ok"


async def _awaited(made: Any) -> Any:
    return await made


def red_picture() -> str:
    """Return a red PNG of 64×48 as a `data:` URL."""
    width, height = 64, 48
    rows = b"".join(b"\x00" + b"\xff\x00\x00" * width for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(png).decode()
