"""langchain-community: ChatTongyi, Tongyi, DashScopeEmbeddings and DashScopeRerank, on the native paths."""

from __future__ import annotations

import os

os.environ["DASHSCOPE_API_KEY"] = "sk-client"
os.environ["DASHSCOPE_HTTP_BASE_URL"] = os.environ["SANDBOX_ROOT"] + "/api/v1"

from langchain_community.chat_models.tongyi import ChatTongyi
from langchain_community.document_compressors import DashScopeRerank
from langchain_community.embeddings import DashScopeEmbeddings
from langchain_community.llms import Tongyi
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from steps import run, step

MODEL = ChatTongyi(model="qwen-plus", max_retries=1)


@tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"{city}: 晴"


@step
def invoke() -> None:
    assert MODEL.invoke("数到3").content == "1，2，3"
    assert Tongyi(model="qwen-plus").invoke("数到3") == "1，2，3"


@step
def stream() -> None:
    assert "".join(chunk.content for chunk in MODEL.stream("数到9")) == "1，2，3，4，5，6，7，8，9"


@step
def tools() -> None:
    bound = MODEL.bind_tools([get_weather])
    asked = HumanMessage("杭州的天气")
    answer = bound.invoke([asked])
    (call,) = answer.tool_calls
    result = ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"], name="get_weather")
    assert "晴" in bound.invoke([asked, answer, result]).content


@step
def embeddings() -> None:
    model = DashScopeEmbeddings(model="text-embedding-v4")
    assert len(model.embed_query("一")) == 1024
    assert len(model.embed_documents(["一", "二"])) == 2


@step
def rerank() -> None:
    documents = ["量子计算", "重排序模型对文本排序", "天气"]
    first, *_ = DashScopeRerank(model="qwen3-rerank", top_n=2).rerank(documents, "重排序模型")
    assert first["index"] == 1


run()
