"""A bare client that takes nothing for granted."""

from __future__ import annotations

import time
from typing import Any

import requests

from bailian.sandbox import Sandbox

TEXT2IMAGE = "/services/aigc/text2image/image-synthesis"
MESSAGES = "/services/aigc/image-generation/generation"
TEXT = "/services/aigc/text-generation/generation"
RERANK = "/services/rerank/text-rerank/text-rerank"
EMBEDDING = "/services/embeddings/text-embedding/text-embedding"
SYNC = "/services/aigc/multimodal-generation/generation"


class Client:
    """Plain HTTP; remembers nothing, retries nothing."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Authorization"] = "Bearer sk-test"

    def post(self, path: str, body: Any, *, asks_async: bool = True, **headers: str) -> requests.Response:
        if asks_async:
            headers["X-DashScope-Async"] = "enable"
        return self.http.post(self.box.base_url + path, json=body, headers=headers, timeout=60)

    def submit(self, prompt: str = "a cat", model: str = "wan2.2-t2i-flash", **parameters: Any) -> requests.Response:
        parameters = {"n": 1, "size": "512*512", **parameters}
        given = {key: value for key, value in parameters.items() if value is not None}
        return self.post(TEXT2IMAGE, {"model": model, "input": {"prompt": prompt}, "parameters": given})

    def blocking(self, prompt: str = "a cat", model: str = "qwen-image-max", **parameters: Any) -> requests.Response:
        messages = [{"role": "user", "content": [{"text": prompt}]}]
        body = {"model": model, "input": {"messages": messages}, "parameters": parameters}
        return self.post(SYNC, body, asks_async=False)

    def task_id(self, *args: Any, **kwargs: Any) -> str:
        return str(self.submit(*args, **kwargs).json()["output"]["task_id"])

    def get(self, path: str, timeout: float = 60, **query: Any) -> requests.Response:
        return self.http.get(self.box.base_url + path, params=query, timeout=timeout)

    def poll(self, task_id: str, timeout: float = 60) -> requests.Response:
        return self.get(f"/tasks/{task_id}", timeout)

    def cancel(self, task_id: str) -> requests.Response:
        return self.http.post(f"{self.box.base_url}/tasks/{task_id}/cancel", timeout=60)

    def wait(self, task_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            answer: dict[str, Any] = self.poll(task_id).json()
            if answer["output"]["task_status"] not in ("PENDING", "RUNNING"):
                return answer
            time.sleep(0.005)
        raise AssertionError("the task did not end")

    def link(self, prompt: str = "a cat", **parameters: Any) -> str:
        return str(self.wait(self.task_id(prompt, **parameters))["output"]["results"][0]["url"])

    def download(self, link: str, **headers: str) -> requests.Response:
        return requests.get(link, headers=headers, timeout=60)


def instruct(
    client: Client, *images: str, text: str = "换成红色", model: str = "qwen-image-edit", **parameters: Any
) -> Any:
    content = [{"image": image} for image in images] + [{"text": text}]
    body = {"model": model, "input": {"messages": [{"role": "user", "content": content}]}, "parameters": parameters}
    return client.post(SYNC, body, asks_async=False)
