"""The Responses route with OpenAI's own client as the judge: answers, events, functions, what was said before."""

from __future__ import annotations

from typing import Any

import pytest
from message_bodies import picture
from pydantic import BaseModel

from bailian.sandbox import Fault, Sandbox

pytestmark = pytest.mark.slow

TOOL: dict[str, Any] = {
    "type": "function", "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}  # fmt: skip


class Answer(BaseModel):
    word: str


@pytest.fixture(params=["/compatible-mode/v1", "/api/v2/apps/protocols/compatible-mode/v1"])
def responses(openai_client: Any, box: Sandbox, request: pytest.FixtureRequest) -> Any:
    return openai_client.with_options(base_url=box.root_url + request.param).responses


def test_an_answer_with_its_thought(responses: Any) -> None:
    answer = responses.create(model="qwen3.7-plus", input="数到3")
    assert (answer.output_text, answer.status, answer.object) == ("1，2，3", "completed", "response")
    assert [item.type for item in answer.output] == ["reasoning", "message"]
    assert answer.usage.output_tokens == 5 + answer.usage.output_tokens_details.reasoning_tokens
    plain = responses.create(model="qwen3.7-plus", input="数到3", reasoning={"effort": "none"})
    assert [item.type for item in plain.output] == ["message"]


def test_the_events_end_in_the_same_answer(responses: Any) -> None:
    with responses.stream(model="qwen3.7-plus", input="数到9", tools=[{"type": "web_search"}]) as stream:
        events = list(stream)
        done = stream.get_final_response()
    assert done.output_text == "1，2，3，4，5，6，7，8，9"
    assert [item.type for item in done.output] == ["reasoning", "web_search_call", "message"]
    assert [event.sequence_number for event in events if hasattr(event, "sequence_number")] == list(range(len(events)))
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")


def test_a_glm_calls_without_its_switch(responses: Any) -> None:
    answer = responses.create(model="glm-5.1", input="x", tools=[TOOL], reasoning={"effort": "none"})
    assert [item.type for item in answer.output] == ["function_call"]


@pytest.mark.parametrize("remembered", [False, True])
def test_a_function_is_called_and_its_answer_told(responses: Any, remembered: bool) -> None:
    asked = responses.create(model="qwen-plus", input="杭州的天气", tools=[TOOL])
    (call,) = asked.output
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "晴"}
    if remembered:
        told = responses.create(model="qwen-plus", input=[result], previous_response_id=asked.id, tools=[TOOL])
    else:
        items = [{"role": "user", "content": "杭州的天气"}, call, result]
        told = responses.create(model="qwen-plus", input=items, tools=[TOOL])
    assert "晴" in told.output_text


def test_what_was_said_is_counted_again(responses: Any) -> None:
    import openai

    first = responses.create(model="qwen-plus", input="一二三四五", instructions="短")
    second = responses.create(model="qwen-plus", input="继续", previous_response_id=first.id)
    assert second.usage.input_tokens > first.usage.total_tokens - 4
    with pytest.raises(openai.BadRequestError, match="not found"):
        responses.create(model="qwen-plus", input="x", previous_response_id="resp_0")
    lost = responses.create(model="qwen-plus", input="x", store=False)
    with pytest.raises(openai.BadRequestError):
        responses.create(model="qwen-plus", input="x", previous_response_id=lost.id)


def test_schemas_pictures_and_lengths(responses: Any) -> None:
    assert isinstance(responses.parse(model="qwen3.7-plus", input="x", text_format=Answer).output_parsed, Answer)
    content = [{"type": "input_image", "image_url": picture((640, 480), "red")}, {"type": "input_text", "text": "?"}]
    seen = responses.create(model="qwen3-vl-plus", input=[{"role": "user", "content": content}])
    assert "mostly red" in seen.output_text
    cut = responses.create(model="qwen-plus", input="数到9", max_output_tokens=3)
    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")


def test_refusals_and_faults(responses: Any, box: Sandbox) -> None:
    import openai

    with pytest.raises(openai.NotFoundError):
        responses.create(model="nobody", input="x")
    with pytest.raises(openai.BadRequestError):
        responses.create(model="qwen-plus", input=[])
    with pytest.raises(openai.APIStatusError, match="does not imitate"):
        responses.create(model="qwen-plus", input="x", tools=[{"type": "code_interpreter"}])
    box.faults.add(Fault("text", "stream_error", count=3))
    events = list(responses.create(model="qwen-plus", input="x", stream=True))
    assert (len(events), events[-1].type) == (4, "response.failed")
