"""OpenAI's own Python client as the judge of the compatible routes: nothing patched, its models validate every answer."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from compatible_bodies import CLOCK, WEATHER, user
from jsonschema import validate
from pydantic import BaseModel, Field

from bailian.sandbox.embeddings.vectors import dense

pytestmark = pytest.mark.slow


class Event(BaseModel):
    name: str
    guests: list[str] = Field(min_length=1)
    place: dict[str, str]


@pytest.fixture
def ask(openai_client: Any) -> Any:
    return openai_client.chat.completions


def test_chat_and_stream(ask: Any) -> None:
    answer = ask.create(model="qwen-plus", messages=[user("数到3")])
    assert answer.choices[0].message.content == "1，2，3"
    stream = ask.create(
        model="qwen3.7-plus", messages=[user("数到3")], stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == "1，2，3"
    assert "".join(getattr(one.choices[0].delta, "reasoning_content", None) or "" for one in chunks[:-1])
    assert chunks[-1].usage.total_tokens > 0


def test_tools_by_their_schema(ask: Any) -> None:
    body: dict[str, Any] = {"model": "qwen-plus", "tools": [WEATHER, CLOCK], "parallel_tool_calls": True}
    answer = ask.create(messages=[user("天气")], **body)
    first, second = answer.choices[0].message.tool_calls
    validate(json.loads(first.function.arguments), WEATHER["function"]["parameters"])
    results = [{"role": "tool", "tool_call_id": call.id, "content": "晴"} for call in (first, second)]
    told = ask.create(messages=[user("天气"), answer.choices[0].message, *results], **body)
    assert "晴" in told.choices[0].message.content
    with ask.stream(messages=[user("天气")], **body) as stream:
        done = stream.get_final_completion()
    assert [call.function.arguments for call in done.choices[0].message.tool_calls] == [
        first.function.arguments, second.function.arguments,
    ]  # fmt: skip


def test_structured_output(ask: Any) -> None:
    parsed = ask.parse(model="qwen3.7-plus", messages=[user("Anna 和 Ben")], response_format=Event)
    assert isinstance(parsed.choices[0].message.parsed, Event)
    as_json = ask.create(model="qwen-plus", messages=[user("json")], response_format={"type": "json_object"})
    assert json.loads(as_json.choices[0].message.content)["sandbox"] is True


def test_probabilities_and_several_answers(ask: Any) -> None:
    answer = ask.create(model="qwen-plus", messages=[user("hi")], n=2, logprobs=True, top_logprobs=1)
    assert len(answer.choices) == 2
    assert answer.choices[0].logprobs.content[0].top_logprobs[0].token == "This"


def test_errors_have_their_classes(openai_client: Any, ask: Any) -> None:
    import openai

    with pytest.raises(openai.NotFoundError) as caught:
        ask.create(model="nobody", messages=[user("x")])
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.AuthenticationError):
        openai_client.with_options(api_key="sk-bad").models.list()
    with pytest.raises(openai.BadRequestError):
        ask.create(model="qwen-plus", messages=[])


def test_vectors_as_numbers_and_as_bytes(openai_client: Any) -> None:
    """The client asks for base64 unless told otherwise."""
    body = {"model": "text-embedding-v4", "input": ["一", "二"], "dimensions": 64}
    by_bytes = openai_client.embeddings.create(**body)
    by_numbers = openai_client.embeddings.create(**body, encoding_format="float")
    assert by_numbers.data[0].embedding == dense("一", 64)
    assert by_bytes.data[1].embedding == pytest.approx(by_numbers.data[1].embedding, abs=1e-6)
    assert by_bytes.usage.prompt_tokens == 2


def test_models(openai_client: Any) -> None:
    names = [model.id for model in openai_client.models.list()]
    assert {"qwen-plus", "qwen3.7-plus", "kimi/kimi-k3", "text-embedding-v4"} <= set(names)
    assert "wan2.2-t2i-flash" not in names
    assert openai_client.models.retrieve("kimi/kimi-k3").id == "kimi/kimi-k3"


def test_files(openai_client: Any) -> None:
    import openai

    files = openai_client.files
    made = files.create(file=("notes.txt", b"hello"), purpose="file-extract")
    other = files.create(file=("lines.jsonl", b"{}"), purpose="batch")
    assert (made.id[:8], made.status, other.id[:11]) == ("file-fe-", "processed", "file-batch-")
    assert [file.id for file in files.list()] == [other.id, made.id]
    assert [file.id for file in files.list(purpose="file-extract")] == [made.id]
    assert [file.id for file in files.list(limit=1, after=other.id).data] == [made.id]
    assert files.content(other.id).read() == b"{}"
    with pytest.raises(openai.BadRequestError):
        files.content(made.id)
    with pytest.raises(openai.BadRequestError):
        files.create(file=("a.exe", b"x"), purpose="file-extract")
    assert files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        files.retrieve(made.id)


def test_a_batch_from_end_to_end(openai_client: Any) -> None:
    lines = [
        {"custom_id": "text", "method": "POST", "url": "/v1/chat/completions",
         "body": {"model": "qwen-plus", "messages": [user("数到3")]}},
        {"custom_id": "tool", "method": "POST", "url": "/v1/chat/completions",
         "body": {"model": "qwen-plus", "messages": [user("天气")], "tools": [WEATHER]}},
    ]  # fmt: skip
    data = "\n".join(json.dumps(line) for line in lines).encode()
    file = openai_client.files.create(file=("in.jsonl", data), purpose="batch")
    batch = openai_client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    deadline = time.monotonic() + 10
    while batch.status != "completed" and time.monotonic() < deadline:
        batch = openai_client.batches.retrieve(batch.id)
    made = [json.loads(line) for line in openai_client.files.content(batch.output_file_id).text.splitlines()]
    choices = {one["custom_id"]: one["response"]["body"]["choices"][0] for one in made}
    assert choices["text"]["message"]["content"] == "1，2，3"
    assert choices["tool"]["finish_reason"] == "tool_calls"
    assert choices["tool"]["message"]["tool_calls"][0]["function"]["name"] == "get_weather"
