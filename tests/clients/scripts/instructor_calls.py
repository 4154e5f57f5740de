"""instructor: python.useinstructor.com, its first page and the one on OpenAI-compatible services."""

from __future__ import annotations

import instructor
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel, Field
from steps import COMPATIBLE, KEY, run, step


class Person(BaseModel):
    name: str
    age: int = Field(ge=0, le=150)
    friends: list[str]


SAID = [{"role": "user", "content": "Extract as json: Anna is 30"}]


def client(mode: instructor.Mode) -> instructor.Instructor:
    return instructor.from_openai(OpenAI(base_url=COMPATIBLE, api_key=KEY, max_retries=0), mode=mode)


@step
def tools() -> None:
    made = client(instructor.Mode.TOOLS).chat.completions.create(
        model="qwen-plus", response_model=Person, messages=SAID
    )
    assert isinstance(made, Person)


@step
def json_schema() -> None:
    made = client(instructor.Mode.JSON_SCHEMA).chat.completions.create(
        model="qwen3.7-plus", response_model=Person, messages=SAID
    )
    assert isinstance(made, Person)


@step
def partial() -> None:
    stream = client(instructor.Mode.TOOLS).chat.completions.create_partial(
        model="qwen-plus", response_model=Person, messages=SAID
    )
    assert list(stream)[-1].name


@step
def with_completion() -> None:
    made, completion = client(instructor.Mode.TOOLS).chat.completions.create_with_completion(
        model="qwen-plus", response_model=Person, messages=SAID
    )
    assert made.name
    assert completion.usage.total_tokens


@step
async def asynchronous() -> None:
    made = await instructor.from_openai(AsyncOpenAI(base_url=COMPATIBLE, api_key=KEY)).chat.completions.create(
        model="qwen-plus", response_model=Person, messages=SAID
    )
    assert isinstance(made, Person)


run()
