"""Which paths lead where: a slash at the end, a query by POST, and what is not there, in the shape of its neighbours."""

from __future__ import annotations

import pytest

from tests.support.sandbox_client import TEXT, Client

pytestmark = pytest.mark.slow

BODY = {"model": "qwen-plus", "input": {"prompt": "数到3"}}


def test_a_slash_at_the_end_changes_nothing(client: Client) -> None:
    assert client.post(TEXT + "/", BODY, asks_async=False).json()["output"]["text"] == "1，2，3"
    chat = {"model": "qwen-plus", "messages": [{"role": "user", "content": "数到3"}]}
    answer = client.http.post(client.box.root_url + "/compatible-mode/v1/chat/completions/", json=chat, timeout=10)
    assert answer.json()["choices"][0]["message"]["content"] == "1，2，3"


def test_a_task_is_queried_by_post_too(client: Client) -> None:
    task_id = client.task_id()
    answer = client.http.post(f"{client.box.base_url}/tasks/{task_id}", timeout=10)
    assert (answer.status_code, answer.json()["output"]["task_id"]) == (200, task_id)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/compatible-mode/v1/x", "/compatible-mode/v2", "/compatible-api/v1/x"])
def test_what_is_not_there_is_told_in_a_nested_error(client: Client, method: str, path: str) -> None:
    answer = client.http.request(method, client.box.root_url + path, timeout=10)
    assert answer.status_code == 404
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert path in answer.json()["error"]["message"]
