"""qwen-agent: github.com/QwenLM/Qwen-Agent, its README: a model behind an OpenAI-compatible address, and an assistant."""

from __future__ import annotations

from typing import Any

from qwen_agent.agents import Assistant
from qwen_agent.llm import get_chat_model
from steps import COMPATIBLE, KEY, run, step

SERVED = {"model": "qwen-plus", "model_server": COMPATIBLE, "api_key": KEY}
SAID = [{"role": "user", "content": "数到3"}]


def last_of(stream: Any) -> str:
    *_, replies = stream
    return str(replies[-1]["content"])


@step
def chat() -> None:
    assert last_of(get_chat_model(SERVED).chat(messages=SAID)) == "1，2，3"


@step
def whole() -> None:
    (reply,) = get_chat_model(SERVED).chat(messages=SAID, stream=False)
    assert reply["content"] == "1，2，3"


@step
def assistant() -> None:
    assert last_of(Assistant(llm=SERVED, system_message="短").run(messages=SAID)) == "1，2，3"


run()
