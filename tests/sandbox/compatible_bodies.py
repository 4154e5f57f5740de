"""Calls of the compatible chat route, and how its streams are read."""

from __future__ import annotations

import json
from typing import Any

import requests

from tests.support.sandbox_client import Client

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"enum": ["celsius", "fahrenheit"]},
                "days": {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 2},
                "at": {"type": "object", "properties": {"hour": {"type": "integer"}}, "required": ["hour"]},
            },
            "required": ["city", "unit", "days", "at"],
        },
    },
}
CLOCK: dict[str, Any] = {"type": "function", "function": {"name": "get_time"}}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def completions(
    client: Client, content: Any = "数到3", model: str = "qwen-plus", key: str | None = None, **body: Any
) -> requests.Response:
    """Ask with one message, or with those of `messages`."""
    body = {"model": model, "messages": [user(content)], **body}
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    url = client.box.root_url + "/compatible-mode/v1/chat/completions"
    return client.http.post(url, json={k: v for k, v in body.items() if v is not None}, headers=headers, timeout=10)


def choice_of(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    (choice,) = answer.json()["choices"]
    return dict(choice)


def error_of(answer: requests.Response) -> tuple[int, str, str]:
    """Return status, code and message of a nested error."""
    body = answer.json()
    assert set(body) == {"error", "request_id"}, body
    assert set(body["error"]) == {"message", "type", "param", "code"}, body
    return answer.status_code, body["error"]["code"], body["error"]["message"]


def chunks_of(answer: requests.Response) -> list[dict[str, Any]]:
    """Return what the `data:` lines hold; the last one must say that it is the last."""
    answer.encoding = "utf-8"
    lines = [line for line in answer.text.split("\n") if line]
    assert all(line.startswith("data: ") for line in lines), answer.text
    assert lines[-1] == "data: [DONE]", answer.text
    return [json.loads(line[6:]) for line in lines[:-1]]
