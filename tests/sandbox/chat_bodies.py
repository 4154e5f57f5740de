"""Calls of text models on the multimodal path, and how their streams are read."""

from __future__ import annotations

import json
from typing import Any

import requests

from tests.support.sandbox_client import SYNC, Client

SSE = {"X-DashScope-SSE": "enable"}


def frames(text: str) -> list[dict[str, Any]]:
    """Read a stream as the wire document says: dispatch on `data:`, the status is in the comment."""
    found: list[dict[str, Any]] = []
    frame: dict[str, Any] = {}
    for line in text.split("\n"):
        if line.startswith("data:"):
            found.append({**frame, "data": json.loads(line[5:])})
            frame = {}
        elif line.startswith(":HTTP_STATUS/"):
            frame["status"] = int(line.partition("/")[2])
        elif line.startswith(("id:", "event:")):
            name, _, value = line.partition(":")
            frame[name] = value
    return found


def chat(
    client: Client,
    *content: Any,
    model: str = "qwen3.7-plus",
    path: str = SYNC,
    headers: dict[str, str] | None = None,
    messages: list[dict[str, Any]] | None = None,
    **parameters: Any,
) -> requests.Response:
    """Ask with one message of these parts; a text may come as it is. The model does not think unless it is told to."""
    parts = [{"text": part} if isinstance(part, str) else part for part in content]
    messages = [{"role": "user", "content": parts}] if messages is None else messages
    given = {key: value for key, value in {"enable_thinking": False, **parameters}.items() if value is not None}
    body = {"model": model, "input": {"messages": messages}, "parameters": given}
    return client.post(path, body, asks_async=False, **(headers or {}))


def message_of(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    (choice,) = answer.json()["output"]["choices"]
    return dict(choice["message"])


def text_of(answer: requests.Response) -> str:
    return "".join(part["text"] for part in message_of(answer)["content"])


def told_of(answer: requests.Response) -> tuple[int, str, str]:
    """Return status, code and message of a refusal."""
    body = answer.json()
    assert set(body) == {"code", "message", "request_id"}, body
    return answer.status_code, body["code"], body["message"]
