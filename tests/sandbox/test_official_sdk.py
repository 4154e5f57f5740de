"""The vendor's own SDK, unchanged, as an independent judge of the sandbox."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from bailian.sandbox import Fault, Sandbox

# What the SDK itself or what it imports deprecates is not ours to mend.
pytestmark = [
    pytest.mark.usefixtures("sdk"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_image_synthesis_call(box: Sandbox) -> None:
    from dashscope import ImageSynthesis

    answer = ImageSynthesis.call(
        model="wan2.2-t2i-flash", prompt="一间花店", negative_prompt="低质量", n=2, size="1024*1024", seed=5
    )

    assert answer.status_code == HTTPStatus.OK
    assert answer.output.task_status == "SUCCEEDED"
    assert len(answer.output.results) == 2
    assert answer.output.results[0].url.startswith(box.root_url)
    assert answer.usage.image_count == 2
    (task,) = box.tasks
    assert (task.request.prompt, task.request.negative_prompt, task.request.seed) == ("一间花店", "低质量", 5)


@pytest.mark.slow
def test_async_call_wait_fetch_and_list(box: Sandbox) -> None:
    from dashscope import ImageSynthesis

    submitted = ImageSynthesis.async_call(model="wanx2.1-t2i-turbo", prompt="a cat", n=1)
    assert submitted.output.task_status == "PENDING"
    assert ImageSynthesis.wait(submitted).output.task_status == "SUCCEEDED"
    assert ImageSynthesis.fetch(submitted).output.task_status == "SUCCEEDED"

    listed = ImageSynthesis.list(model_name="wanx2.1-t2i-turbo", page_size=5)
    assert listed.status_code == HTTPStatus.OK
    assert listed.output["total"] == 1
    assert listed.output["data"][0]["task_id"] == submitted.output.task_id


def test_cancel(box: Sandbox) -> None:
    from dashscope import ImageSynthesis

    box.settings.task_s = 3600
    submitted = ImageSynthesis.async_call(model="wan2.2-t2i-plus", prompt="a cat", n=1)

    assert ImageSynthesis.cancel(submitted).status_code == HTTPStatus.OK
    assert ImageSynthesis.wait(submitted).output.task_status == "CANCELED"
    refused = ImageSynthesis.cancel(submitted)
    assert (refused.status_code, refused.code) == (400, "UnsupportedOperation")


def test_multimodal_conversation(box: Sandbox) -> None:
    from dashscope import MultiModalConversation

    messages = [{"role": "user", "content": [{"text": "一张海报"}]}]
    answer = MultiModalConversation.call(
        model="qwen-image-max", messages=messages, size="1664*928", prompt_extend=True, watermark=False
    )

    assert answer.status_code == HTTPStatus.OK
    assert answer.output.choices[0].message.content[0]["image"].startswith(box.root_url)
    assert answer.usage.image_count == 1


def test_a_refusal_reaches_the_sdk(box: Sandbox) -> None:
    from dashscope import ImageSynthesis

    answer = ImageSynthesis.async_call(model="wan2.2-t2i-flash", prompt="a cat", n=1, size="2048*2048")

    assert (answer.status_code, answer.code) == (400, "InvalidParameter")
    assert answer.message == "Either width or height should be between 512 and 1440."


def test_one_lost_answer_makes_the_sdk_pay_twice(box: Sandbox) -> None:
    """Not a promise of ours: it shows that the fault is what the field meets."""
    from dashscope import ImageSynthesis

    box.faults.add(Fault("submit", "reset_after"))
    ImageSynthesis.async_call(model="wan2.2-t2i-flash", prompt="a cat", n=1)

    assert len(box.tasks) == 2
