"""llama-index: docs.llamaindex.ai, OpenAILike, and the DashScope packages on the native paths."""

from __future__ import annotations

import os

os.environ["DASHSCOPE_API_KEY"] = "sk-client"
os.environ["DASHSCOPE_HTTP_BASE_URL"] = os.environ["SANDBOX_ROOT"] + "/api/v1"

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.dashscope import DashScopeEmbedding
from llama_index.llms.dashscope import DashScope
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel
from steps import COMPATIBLE, KEY, run, step

LIKE = OpenAILike(
    model="qwen-plus", api_base=COMPATIBLE, api_key=KEY, is_chat_model=True, is_function_calling_model=True
)
NATIVE = DashScope(model_name="qwen-plus", api_key=KEY)


class Event(BaseModel):
    """Something that happens."""

    name: str
    guests: list[str]


@step
def complete_and_chat() -> None:
    for model in (LIKE, NATIVE):
        assert model.complete("数到3").text == "1，2，3"
        assert model.chat([ChatMessage(role="user", content="数到3")]).message.content == "1，2，3"


@step
def stream() -> None:
    for model in (LIKE, NATIVE):
        pieces = list(model.stream_chat([ChatMessage(role="user", content="数到9")]))
        assert pieces[-1].message.content == "1，2，3，4，5，6，7，8，9"


@step
async def asynchronous() -> None:
    assert (await LIKE.acomplete("数到3")).text == "1，2，3"


@step
def tools() -> None:
    def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        return f"{city}: 晴"

    answer = LIKE.predict_and_call([FunctionTool.from_defaults(get_weather)], "杭州的天气")
    assert "晴" in str(answer)


@step
def structured() -> None:
    from llama_index.core.prompts import PromptTemplate

    assert isinstance(LIKE.structured_predict(Event, PromptTemplate("Anna")), Event)


@step
def embeddings() -> None:
    model = DashScopeEmbedding(model_name="text-embedding-v4", api_key=KEY)
    assert len(model.get_text_embedding("一")) == 1024
    assert len(model.get_text_embedding_batch(["一", "二"])) == 2


run()
