"""pydantic-ai: ai.pydantic.dev/models/openai, the section on Alibaba Cloud Model Studio, and its page on output and tools."""

from __future__ import annotations

from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.alibaba import AlibabaProvider
from pydantic_ai.providers.openai import OpenAIProvider
from steps import COMPATIBLE, KEY, red_picture, run, step


class Event(BaseModel):
    name: str
    guests: list[str]


def model(name: str = "qwen-plus") -> OpenAIChatModel:
    return OpenAIChatModel(name, provider=AlibabaProvider(api_key=KEY, base_url=COMPATIBLE))


@step
async def answer() -> None:
    assert (await Agent(model(), instructions="短").run("数到3")).output == "1，2，3"


@step
async def stream() -> None:
    async with Agent(model()).run_stream("数到9") as result:
        assert await result.get_output() == "1，2，3，4，5，6，7，8，9"


@step
async def tools() -> None:
    agent = Agent(model())
    asked: list[str] = []

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        asked.append(city)
        return "晴"

    result = await agent.run("杭州的天气")
    assert asked == ["杭州的天气"]
    assert "晴" in result.output


@step
async def structured() -> None:
    assert isinstance((await Agent(model(), output_type=Event).run("Anna")).output, Event)
    native = Agent(
        OpenAIChatModel("qwen3.7-plus", provider=OpenAIProvider(base_url=COMPATIBLE, api_key=KEY)),
        output_type=NativeOutput(Event),
    )
    assert isinstance((await native.run("Anna")).output, Event)


@step
async def structured_after_a_tool() -> None:
    agent = Agent(model(), output_type=Event)

    @agent.tool_plain
    def guests(day: str) -> list[str]:
        """Tell who comes on a day."""
        return ["Anna"]

    assert isinstance((await agent.run("Anna")).output, Event)


@step
async def picture() -> None:
    from base64 import b64decode

    data = b64decode(red_picture().partition(",")[2])
    result = await Agent(model("qwen3-vl-plus")).run(["?", BinaryContent(data, media_type="image/png")])
    assert "red" in result.output


@step
async def responses() -> None:
    made = OpenAIResponsesModel("qwen-plus", provider=OpenAIProvider(base_url=COMPATIBLE, api_key=KEY))
    assert (await Agent(made).run("数到3")).output == "1，2，3"


run()
