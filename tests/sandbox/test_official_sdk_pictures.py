"""The vendor's own SDK as judge of the models that draw and edit in one call: blocking, as a task, as a stream."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from message_bodies import picture
from PIL import Image

from bailian.sandbox import Sandbox
from bailian.sandbox.message_images.models import RULES

# What the SDK itself or what it imports deprecates is not ours to mend.
pytestmark = [
    pytest.mark.usefixtures("sdk"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SYNC = [name for name, model in RULES.items() if model.draws or model.interleaves]
TASKS = [name for name in SYNC if len(RULES[name].routes) == 2]


def message(*pictures: str, text: str = "画一只猫") -> Any:
    """One message of the user."""
    return {"role": "user", "content": [*({"image": url} for url in pictures), {"text": text}]}


def links_of(answer: Any) -> list[str]:
    assert answer.status_code == HTTPStatus.OK, answer
    contents = [choice.message.content for choice in answer.output.choices]
    return [part["image"] for content in contents for part in content if "image" in part]


def pictures_for(model: str) -> list[str]:
    return [] if RULES[model].draws else [picture()]


@pytest.mark.few(3)
@pytest.mark.parametrize("model", SYNC)
def test_conversation(box: Sandbox, model: str) -> None:
    from dashscope import MultiModalConversation

    answer = MultiModalConversation.call(model, messages=[message(*pictures_for(model))], n=1, watermark=False, seed=3)
    (link,) = links_of(answer)
    assert link.startswith(box.root_url)
    made = answer.usage.get("image_count", answer.usage.get("output_image_count"))
    assert made == 1
    (call,) = box.sync_calls
    assert (call.request.prompt, call.request.seed) == ("画一只猫", 3)


@pytest.mark.few(3)
@pytest.mark.parametrize("model", [name for name in SYNC if RULES[name].edits])
def test_conversation_with_pictures(box: Sandbox, model: str) -> None:
    from dashscope import MultiModalConversation

    most = RULES[model].inputs.images_max
    answer = MultiModalConversation.call(model, messages=[message(*[picture()] * most)], n=2)
    assert len(links_of(answer)) == 2
    assert len(box.sync_calls[0].request.details["pictures"]) == most


@pytest.mark.slow
@pytest.mark.parametrize("ask", ["call", "async_call"])
@pytest.mark.parametrize("model", TASKS)
def test_image_generation(box: Sandbox, model: str, ask: str) -> None:
    from dashscope.aigc.image_generation import ImageGeneration

    asked: Callable[..., Any] = getattr(ImageGeneration, ask)
    answer = asked(model=model, messages=[message(*pictures_for(model))], n=2)
    if ask == "async_call":
        assert (answer.status_code, answer.output.task_status) == (200, "PENDING")
        answer = ImageGeneration.wait(answer)
        assert answer.output.task_status == "SUCCEEDED"
        assert ImageGeneration.fetch(answer.output.task_id).output.task_status == "SUCCEEDED"
    assert len(links_of(answer)) == 2


def test_a_set(box: Sandbox) -> None:
    from dashscope.aigc.image_generation import ImageGeneration

    answer = ImageGeneration.call("wan2.7-image", messages=[message()], enable_sequential=True, n=4, size="1K")
    assert len(links_of(answer)) == answer.usage["image_count"] == 3


def test_texts_and_pictures_as_a_stream(box: Sandbox) -> None:
    from dashscope.aigc.image_generation import ImageGeneration

    chunks = list(
        ImageGeneration.call(
            "wan2.6-image", messages=[message()], stream=True, enable_interleave=True, max_images=2, n=1
        )
    )
    assert {chunk.status_code for chunk in chunks} == {HTTPStatus.OK}
    assert sum(len(links_of(chunk)) for chunk in chunks) == 2
    assert chunks[-1].output.choices[0].finish_reason == "stop"
    assert chunks[-1].usage["image_count"] == 2
    assert "stream" not in box.sync_calls[0].body["parameters"], "it says so by the header alone"


@pytest.mark.slow
def test_texts_and_pictures_as_a_task(box: Sandbox) -> None:
    from dashscope.aigc.image_generation import ImageGeneration

    submitted = ImageGeneration.async_call("wan2.6-image", messages=[message()], enable_interleave=True, max_images=2)
    answer = ImageGeneration.wait(submitted)
    (choice,) = answer.output.choices
    assert [part["type"] for part in choice.message.content] == ["text", "image", "text", "image", "text"]


@pytest.mark.slow
def test_a_list_of_pictures(box: Sandbox) -> None:
    from dashscope import ImageSynthesis

    answer = ImageSynthesis.call("wan2.5-i2i-preview", prompt="换成红色", images=[picture()] * 3, n=1)
    assert (answer.output.task_status, len(answer.output.results)) == ("SUCCEEDED", 1)
    assert answer.usage.image_count == 1


@pytest.mark.parametrize("model", ["qwen-image-2.0", "wan2.6-image"])
def test_a_local_file_is_uploaded(box: Sandbox, tmp_path: Path, model: str) -> None:
    from dashscope import MultiModalConversation

    path = tmp_path / "a.png"
    Image.new("RGB", (600, 500), "green").save(path)
    answer = MultiModalConversation.call(model, messages=[message(f"file://{path}")], n=1)
    assert len(links_of(answer)) == 1
    assert box.sync_calls[0].body["input"]["messages"][0]["content"][0]["image"].startswith("oss://")


@pytest.mark.parametrize(
    "model, parameters, words",
    [
        ("qwen-image-3.0", {"size": "1K"}, "Expected format: '<width>*<height>'"),
        ("wan2.7-image", {"size": "4K"}, "Size 4K is not supported for t2i scenario. Maximum supported size is 2K"),
        ("wan2.6-image", {}, "the last message must contain 1 to 4 images"),
    ],
)
def test_a_refusal_reaches_the_sdk(box: Sandbox, model: str, parameters: dict[str, Any], words: str) -> None:
    from dashscope import MultiModalConversation

    answer = MultiModalConversation.call(model, messages=[message()], **parameters)
    assert (answer.status_code, answer.code, answer.message) == (400, "InvalidParameter", words)
