"""The bare client of the Batch API, and a line of its files."""

from __future__ import annotations

import json
import time
from typing import Any

import requests

from bailian.sandbox import Sandbox
from tests.support.sandbox_client import Client

CHAT = "/v1/chat/completions"


class BatchClient(Client):
    """The bare client at the compatible path."""

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.root = box.root_url + "/compatible-mode/v1"

    def upload(self, *lines: Any, purpose: str = "batch") -> requests.Response:
        text = "".join(
            (line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)) + "\n" for line in lines
        )
        files = {"file": ("题.jsonl", text.encode())}
        return self.http.post(self.root + "/files", files=files, data={"purpose": purpose}, timeout=30)

    def create(self, file_id: str, endpoint: str = CHAT, window: str = "24h", **metadata: str) -> requests.Response:
        body = {"input_file_id": file_id, "endpoint": endpoint, "completion_window": window, "metadata": metadata}
        return self.http.post(self.root + "/batches", json=body, timeout=30)

    def begin(self, *lines: Any, **metadata: str) -> str:
        return str(self.create(self.upload(*lines).json()["id"], **metadata).json()["id"])

    def ask(self, path: str, **query: Any) -> requests.Response:
        return self.http.get(self.root + path, params=query, timeout=30)

    def ended(self, batch_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            answer: dict[str, Any] = self.ask(f"/batches/{batch_id}").json()
            if answer["status"] in ("completed", "failed", "expired", "cancelled"):
                return answer
            time.sleep(0.005)
        raise AssertionError("the batch did not end")

    def results(self, file_id: str) -> list[dict[str, Any]]:
        text = self.ask(f"/files/{file_id}/content").content.decode()
        return [json.loads(line) for line in text.splitlines()]


def line(custom_id: str, prompt: str = "你好", **changes: Any) -> dict[str, Any]:
    body = {"model": "qwen-plus", "messages": [{"role": "user", "content": prompt}], **changes.pop("body", {})}
    return {"custom_id": custom_id, "method": "POST", "url": CHAT, "body": body, **changes}
