"""haystack: docs.haystack.deepset.ai, OpenAIChatGenerator and the embedders of OpenAI with `api_base_url`."""

from __future__ import annotations

from haystack import Document, Pipeline
from haystack.components.builders import ChatPromptBuilder
from haystack.components.embedders import OpenAIDocumentEmbedder, OpenAITextEmbedder
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import Tool
from haystack.utils import Secret
from steps import COMPATIBLE, KEY, run, step

SECRET = Secret.from_token(KEY)


def generator(**options: object) -> OpenAIChatGenerator:
    return OpenAIChatGenerator(api_key=SECRET, model="qwen-plus", api_base_url=COMPATIBLE, **options)


@step
def answer() -> None:
    (reply,) = generator().run([ChatMessage.from_user("数到3")])["replies"]
    assert reply.text == "1，2，3"


@step
def stream() -> None:
    pieces: list[str] = []
    generator(streaming_callback=lambda chunk: pieces.append(chunk.content)).run([ChatMessage.from_user("数到9")])
    assert "".join(pieces) == "1，2，3，4，5，6，7，8，9"


@step
def tools() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    weather = Tool("get_weather", "Tell the weather.", schema, lambda city: "晴")
    asked = ChatMessage.from_user("天气")
    (reply,) = generator(tools=[weather]).run([asked])["replies"]
    (call,) = reply.tool_calls
    result = ChatMessage.from_tool("晴", origin=call)
    (told,) = generator(tools=[weather]).run([asked, reply, result])["replies"]
    assert "晴" in told.text


@step
def pipeline() -> None:
    made = Pipeline()
    made.add_component("prompt", ChatPromptBuilder([ChatMessage.from_user("数到{{ n }}")], required_variables="*"))
    made.add_component("llm", generator())
    made.connect("prompt.prompt", "llm.messages")
    assert made.run({"prompt": {"n": 3}})["llm"]["replies"][0].text == "1，2，3"


@step
def embedders() -> None:
    settings = {"api_key": SECRET, "model": "text-embedding-v4", "api_base_url": COMPATIBLE}
    assert len(OpenAITextEmbedder(**settings).run("一")["embedding"]) == 1024
    made = OpenAIDocumentEmbedder(**settings, batch_size=10).run([Document(content="一"), Document(content="二")])
    assert len(made["documents"][0].embedding) == 1024


run()
