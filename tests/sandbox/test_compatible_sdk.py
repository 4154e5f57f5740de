"""The newer client of the vendor's SDK (2.0) on its three protocols, unchanged: native, OpenAI's, Anthropic's."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bailian.sandbox import Sandbox

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]

PATHS = {"native": "/api/v1", "openai": "/compatible-mode/v1", "anthropic": "/apps/anthropic"}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def client(box: Sandbox, protocol: str, tmp_path: Path) -> Any:
    v2 = pytest.importorskip("dashscope.v2")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return v2.Client(
            api_key="sk-x", base_url=box.root_url + PATHS[protocol], protocol=protocol, max_retries=0,
            config_path=tmp_path / "none.toml",
        )  # fmt: skip


@pytest.fixture(params=PATHS)
def chat(box: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    with client(box, request.param, tmp_path) as made:
        yield made.chat.completions


def test_an_answer_and_a_stream(chat: Any) -> None:
    body: dict[str, Any] = {"model": "qwen-plus", "messages": "数到3", "max_tokens": 99}
    answer = chat.create(**body)
    assert answer.choices[0].message.content == "1，2，3"
    assert answer.usage.output_tokens == 5
    pieces = [one.choices[0].delta.content or "" for one in chat.create(**body, stream=True) if one.choices]
    assert "".join(pieces) == "1，2，3"


def test_a_tool(chat: Any) -> None:
    answer = chat.create(model="qwen-plus", messages="天气", tools=[TOOL], max_tokens=99)
    (call,) = answer.choices[0].message.tool_calls
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city": "天气"}')


def test_ranks_and_models(box: Sandbox, tmp_path: Path) -> None:
    with client(box, "native", tmp_path) as made:
        ranks = made.rerank.create(model="qwen3-rerank", query="天气", documents=["x", "天气很好"])
        assert [one.index for one in ranks.results] == [1, 0]
        assert made.models.list().total_count > 100
