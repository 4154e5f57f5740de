"""The Messages route with Anthropic's own client as the judge: answers, events, tools, thoughts, keys."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests
from message_bodies import picture

from bailian.sandbox import Fault, Sandbox

pytestmark = pytest.mark.slow

TOOL = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


@pytest.fixture
def messages(anthropic_client: Any) -> Any:
    return anthropic_client.messages


def test_an_answer_with_its_thought(messages: Any) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    answer = messages.create(
        model="qwen3.7-plus", max_tokens=99, system="短", messages=[user("数到3")], thinking=thinking
    )
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert (answer.content[1].text, answer.stop_reason) == ("1，2，3", "end_turn")
    off = messages.create(model="qwen3.7-plus", max_tokens=2, messages=[user("数到3")], thinking={"type": "disabled"})
    assert ([block.type for block in off.content], off.stop_reason) == (["text"], "max_tokens")


def test_the_events_end_in_the_same_message(messages: Any) -> None:
    with messages.stream(model="qwen3.7-plus", max_tokens=99, messages=[user("数到9")]) as stream:
        done = stream.get_final_message()
    assert [block.type for block in done.content] == ["thinking", "text"]
    assert done.content[1].text == "1，2，3，4，5，6，7，8，9"
    assert done.usage.output_tokens > 17


def test_a_tool_is_used_and_its_result_told(messages: Any) -> None:
    body: dict[str, Any] = {"model": "qwen-plus", "max_tokens": 99, "tools": [TOOL]}
    asked = messages.create(messages=[user("杭州的天气")], **body)
    (use,) = [block for block in asked.content if block.type == "tool_use"]
    assert (use.name, use.input, asked.stop_reason) == ("get_weather", {"city": "杭州的天气"}, "tool_use")
    with messages.stream(messages=[user("杭州的天气")], **body) as stream:
        assert stream.get_final_message().content[-1].input == use.input
    result = {"type": "tool_result", "tool_use_id": use.id, "content": [{"type": "text", "text": "晴"}]}
    turns = [user("杭州的天气"), {"role": "assistant", "content": asked.content}, user([result])]
    assert "晴" in messages.create(messages=turns, **body).content[-1].text
    with messages.stream(messages=[user("x")], **{**body, "model": "glm-5.1"}) as stream:
        assert stream.get_final_message().stop_reason == "tool_use"
    forced = messages.create(messages=[user("x")], tool_choice={"type": "tool", "name": "get_weather"}, **body)
    assert forced.stop_reason == "tool_use"


def test_a_picture_is_seen(messages: Any) -> None:
    data = picture((640, 480), "red").partition(",")[2]
    assert base64.b64decode(data)
    source = {"type": "base64", "media_type": "image/png", "data": data}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "?"}]
    answer = messages.create(model="qwen3-vl-plus", max_tokens=999, messages=[user(content)])
    assert "mostly red" in answer.content[0].text


def test_refusals_have_their_classes(anthropic_client: Any, messages: Any) -> None:
    import anthropic

    with pytest.raises(anthropic.NotFoundError):
        messages.create(model="nobody", max_tokens=1, messages=[user("x")])
    with pytest.raises(anthropic.BadRequestError):
        messages.create(model="qwen-plus", max_tokens=1, messages=[])
    with pytest.raises(anthropic.AuthenticationError):
        anthropic_client.with_options(api_key="sk-bad").messages.create(
            model="qwen-plus", max_tokens=1, messages=[user("x")]
        )
    with pytest.raises(anthropic.NotFoundError):
        anthropic_client.models.list()


@pytest.mark.parametrize("header", [{"x-api-key": "sk-x"}, {"Authorization": "Bearer sk-x"}])
def test_both_headers_carry_a_key(box: Sandbox, header: dict[str, str]) -> None:
    url = box.root_url + "/apps/anthropic/v1/messages"
    body = {"model": "qwen-plus", "max_tokens": 9, "messages": [user("数到3")]}
    assert requests.post(url, json=body, headers=header, timeout=10).status_code == 200
    refused = requests.post(url, json=body, timeout=10)
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "authentication_error")
    assert requests.post(box.root_url + "/compatible-mode/v1/chat/completions", json=body, headers={"x-api-key": "sk-x"},
                         timeout=10).status_code == 401  # fmt: skip


def test_a_stream_that_breaks_off_ends_with_an_error(box: Sandbox, messages: Any) -> None:
    import anthropic

    box.faults.add(Fault("text", "stream_error", count=3))
    with (
        pytest.raises(anthropic.APIStatusError),
        messages.stream(model="qwen-plus", max_tokens=9, messages=[user("x")]) as stream,
    ):
        stream.get_final_message()
