"""litellm: docs.litellm.ai/docs/providers/dashscope and the pages it leads to."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

import litellm
from pydantic import BaseModel
from steps import COMPATIBLE, KEY, red_picture, run, step

os.environ["DASHSCOPE_API_KEY"] = KEY
os.environ["DASHSCOPE_API_BASE"] = COMPATIBLE
litellm.suppress_debug_info = True
MODEL = "dashscope/qwen-plus"
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def said(text: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


class Event(BaseModel):
    name: str
    guests: list[str]


@step
def completion() -> None:
    answer = litellm.completion(model=MODEL, messages=said("数到3"))
    assert answer.choices[0].message.content == "1，2，3"
    assert answer.usage.total_tokens == 11


@step
def stream() -> None:
    chunks = list(
        litellm.completion(model=MODEL, messages=said("数到3"), stream=True, stream_options={"include_usage": True})
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "1，2，3"


@step
async def acompletion() -> None:
    answer = await litellm.acompletion(model=MODEL, messages=said("数到3"))
    assert answer.choices[0].message.content == "1，2，3"


@step
def thinking() -> None:
    answer = litellm.completion(model="dashscope/qwen3.7-plus", messages=said("数到3"), enable_thinking=True)
    assert answer.choices[0].message.reasoning_content


@step
def tools() -> None:
    answer = litellm.completion(model=MODEL, messages=said("天气"), tools=[TOOL], tool_choice="auto")
    message = answer.choices[0].message
    (call,) = message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "天气"}
    result = {"role": "tool", "tool_call_id": call.id, "content": "晴"}
    again = litellm.completion(model=MODEL, messages=[*said("天气"), message, result], tools=[TOOL])
    assert "晴" in again.choices[0].message.content


@step
def structured() -> None:
    answer = litellm.completion(
        model="openai/qwen3.7-plus", api_base=COMPATIBLE, api_key=KEY, messages=said("x"), response_format=Event
    )
    assert Event.model_validate_json(answer.choices[0].message.content)


@step
def picture() -> None:
    content = [{"type": "image_url", "image_url": {"url": red_picture()}}, {"type": "text", "text": "?"}]
    answer = litellm.completion(model="dashscope/qwen3-vl-plus", messages=said(content))
    assert "red" in answer.choices[0].message.content


@step
def embedding() -> None:
    made = litellm.embedding(model="openai/text-embedding-v4", input=["一", "二"], api_base=COMPATIBLE, api_key=KEY)
    assert len(made.data[0]["embedding"]) == 1024


@step
def responses() -> None:
    answer = litellm.responses(model="openai/qwen-plus", input="数到3", api_base=COMPATIBLE, api_key=KEY)
    assert answer.output[-1].content[0].text == "1，2，3"


@step
def anthropic_messages() -> None:
    root = COMPATIBLE.replace("/compatible-mode/v1", "/apps/anthropic")
    answer = litellm.completion(
        model="anthropic/qwen-plus", messages=said("数到3"), api_base=root, api_key=KEY, max_tokens=99
    )
    assert answer.choices[0].message.content == "1，2，3"


@step
def errors() -> None:
    told = ""
    with suppress(litellm.NotFoundError):
        told = str(litellm.completion(model="dashscope/nobody", messages=said("x")))
    assert not told


run()
