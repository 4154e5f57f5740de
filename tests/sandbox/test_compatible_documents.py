"""Files that qwen-long reads: uploaded first, named by what the system says, on either path."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from compatible_bodies import choice_of, completions, error_of, user

from tests.support.sandbox_client import TEXT, Client

pytestmark = pytest.mark.slow


def uploaded(client: Client, text: str, purpose: str = "file-extract", name: str = "notes.txt") -> str:
    url = client.box.root_url + "/compatible-mode/v1/files"
    answer = client.http.post(url, files={"file": (name, text.encode())}, data={"purpose": purpose}, timeout=10)
    return str(answer.json()["id"])


def asked(client: Client, *said: str) -> requests.Response:
    messages: list[Any] = [{"role": "system", "content": text} for text in said]
    return completions(client, model="qwen-long", messages=[*messages, user("这是什么？")])


def test_a_file_is_read_and_counted(client: Client) -> None:
    one, two = uploaded(client, "春天来了"), uploaded(client, "a second one", name="two.md")
    answer = asked(client, "You are a reader.", f"fileid://{one},fileid://{two}")
    text = choice_of(answer)["message"]["content"]
    assert "文件《notes.txt》的开头是：“春天来了”。文件《two.md》的开头是：“a second one”。" in text
    without = asked(client, "You are a reader.").json()["usage"]["prompt_tokens"]
    assert answer.json()["usage"]["prompt_tokens"] > without + 4


@pytest.mark.parametrize("purpose", ["", "batch"])
def test_a_file_that_is_not_there_or_not_for_reading(client: Client, purpose: str) -> None:
    file_id = uploaded(client, "{}", purpose) if purpose else "file-fe-nobody"
    assert error_of(asked(client, f"fileid://{file_id}"))[1:] == (
        "invalid_parameter_error", f"Invalid file [id:{file_id}].",
    )  # fmt: skip
    messages = [{"role": "system", "content": f"fileid://{file_id}"}, user("?")]
    body = {"model": "qwen-long", "input": {"messages": messages}}
    assert client.post(TEXT, body, asks_async=False).json()["code"] == "InvalidParameter"


def test_other_models_take_it_for_words(client: Client) -> None:
    messages = [{"role": "system", "content": "fileid://file-fe-nobody"}, user("数到3")]
    assert choice_of(completions(client, messages=messages))["message"]["content"] == "1，2，3"
