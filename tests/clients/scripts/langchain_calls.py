"""langchain-openai and langchain-qwq: python.langchain.com/docs/integrations/chat/openai and …/chat/qwen."""

from __future__ import annotations

import os

os.environ["DASHSCOPE_API_KEY"] = "sk-client"
os.environ["DASHSCOPE_API_BASE"] = os.environ["SANDBOX_ROOT"] + "/compatible-mode/v1"

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langchain_qwq import ChatQwen
from pydantic import BaseModel
from steps import COMPATIBLE, KEY, red_picture, run, step

MODEL = ChatOpenAI(model="qwen-plus", base_url=COMPATIBLE, api_key=KEY, max_retries=0)
QWEN = ChatQwen(model="qwen-plus", max_retries=0)


class Event(BaseModel):
    """Something that happens."""

    name: str
    guests: list[str]


@tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"{city}: 晴"


@step
def invoke() -> None:
    assert MODEL.invoke("数到3").content == "1，2，3"
    assert QWEN.invoke([("system", "短"), ("human", "数到3")]).content == "1，2，3"


@step
def stream() -> None:
    assert "".join(chunk.content for chunk in MODEL.stream("数到9")) == "1，2，3，4，5，6，7，8，9"
    assert "".join(chunk.content for chunk in QWEN.stream("数到9")) == "1，2，3，4，5，6，7，8，9"


@step
async def batch() -> None:
    answers = await MODEL.abatch(["数到2", "数到3"])
    assert [answer.content for answer in answers] == ["1，2", "1，2，3"]


@step
def tools() -> None:
    for model in (MODEL, QWEN):
        bound = model.bind_tools([get_weather])
        asked = HumanMessage("杭州的天气")
        answer = bound.invoke([asked])
        (call,) = answer.tool_calls
        result = ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])
        assert "晴" in bound.invoke([asked, answer, result]).content


@step
def structured() -> None:
    for method in ("function_calling", "json_mode"):
        made = MODEL.with_structured_output(Event, method=method, include_raw=True).invoke("json: Anna")
        assert made["raw"].content or made["raw"].tool_calls
    strict = ChatOpenAI(model="qwen3.7-plus", base_url=COMPATIBLE, api_key=KEY)
    assert isinstance(strict.with_structured_output(Event, method="json_schema").invoke("x"), Event)
    assert isinstance(MODEL.with_structured_output(Event, method="function_calling").invoke("x"), Event)
    assert isinstance(QWEN.with_structured_output(Event, method="function_calling").invoke("x"), Event)


@step
def thinking() -> None:
    model = ChatQwen(model="qwen3.7-plus", enable_thinking=True)
    assert model.invoke("数到3").additional_kwargs["reasoning_content"]
    chunks = list(model.stream("数到3"))
    assert "".join(chunk.additional_kwargs.get("reasoning_content", "") for chunk in chunks)


@step
def picture() -> None:
    content = [{"type": "image_url", "image_url": {"url": red_picture()}}, {"type": "text", "text": "?"}]
    model = ChatOpenAI(model="qwen3-vl-plus", base_url=COMPATIBLE, api_key=KEY)
    assert "red" in model.invoke([HumanMessage(content)]).content


@step
def embeddings() -> None:
    model = OpenAIEmbeddings(
        model="text-embedding-v4", base_url=COMPATIBLE, api_key=KEY, check_embedding_ctx_length=False
    )
    assert len(model.embed_query("一")) == 1024
    assert len(model.embed_documents(["一", "二"])) == 2


@step
def responses() -> None:
    model = ChatOpenAI(model="qwen-plus", base_url=COMPATIBLE, api_key=KEY, use_responses_api=True)
    assert model.invoke("数到3").text == "1，2，3"


run()
