"""What the service refuses, word for word, and what it silently does."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from bailian.sandbox import Sandbox
from tests.support.sandbox_client import SYNC, TEXT2IMAGE, Client

URL_ERROR = (
    "url error, please check url！ For details, see: https://help.aliyun.com/zh/model-studio/error-code#error-url"
)
QWEN_SIZES = "The size does not match the allowed size 1664*928,1472*1104,1328*1328,1104*1472,928*1664"
WANX20_SIZES = (
    "The size does not match the allowed size ['768*768', '576*1024', '1024*576', '1024*1024', '720*1280', "
    "'1280*720', '864*1152', '1152*864']"
)
SIDES = "Either width or height should be between 512 and 1440."


@pytest.mark.parametrize(
    ("model", "parameters", "message"),
    [
        ("wan2.2-t2i-flash", {"size": "1441*512"}, SIDES),
        ("wan2.2-t2i-flash", {"size": "511*512"}, SIDES),
        ("wan2.2-t2i-flash", {"size": "1024x1024"}, None),
        ("wan2.2-t2i-flash", {"n": 5}, None),
        ("wan2.2-t2i-flash", {"n": 0}, None),
        ("wan2.2-t2i-flash", {"n": "2"}, None),
        ("wan2.2-t2i-flash", {"seed": -1}, None),
        ("wan2.2-t2i-flash", {"seed": 2147483648}, None),
        ("wan2.2-t2i-flash", {"watermark": "true"}, None),
        ("wanx2.0-t2i-turbo", {"size": "1024*768"}, WANX20_SIZES),
        ("qwen-image", {"size": "1024*1024"}, QWEN_SIZES),
        ("qwen-image", {"size": "1472*1140"}, QWEN_SIZES),
        ("qwen-image", {"size": "1472*1104", "n": 2}, "num_images_per_prompt must be 1"),
        ("wan2.5-t2i-preview", {"size": "640*640"}, "Total pixels (640*640) must be between 589824 and 2073600."),
        ("wan2.1-t2i-turbo", {}, "Model not exist."),  # Singapore's spelling
        ("qwen-image-max", {}, URL_ERROR),
        ("wan2.6-t2i", {}, URL_ERROR),
    ],
)
def test_refused_at_submit(client: Client, model: str, parameters: dict[str, Any], message: str | None) -> None:
    answer = client.submit(model=model, **parameters)

    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert message in (None, answer.json()["message"])
    assert client.box.tasks == []


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("wan2.2-t2i-flash", "1440*1440"),
        ("wanx2.1-t2i-plus", "512*1440"),
        ("wanx2.0-t2i-turbo", "864*1152"),
        ("qwen-image", "1104*1472"),
        ("wan2.5-t2i-preview", "768*768"),
    ],
)
def test_accepted_sizes(client: Client, model: str, size: str) -> None:
    assert client.submit(model=model, size=size).status_code == 200


def test_four_pictures_are_made_when_n_is_absent(client: Client) -> None:
    answer = client.wait(client.task_id(n=None, size=None))

    assert answer["usage"] == {"image_count": 4}
    assert client.box.tasks[0].request.width == 1024


def test_a_long_prompt_is_cut_without_a_word(client: Client) -> None:
    answer = client.wait(client.task_id("长" * 600))

    assert client.box.tasks[0].request.read_prompt == "长" * 500
    assert answer["output"]["results"][0]["orig_prompt"] == "长" * 600


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"not json", "BadRequest.IllegalInput"),
        (b"\xc4\xe3", "InvalidParameter"),
        (b"[]", "InvalidParameter"),
        (b"{}", "BadRequest.EmptyModel"),
        (b'{"model": "wan2.2-t2i-flash"}', "BadRequest.EmptyInput"),
        (b'{"model": "wan2.2-t2i-flash", "input": {"text": "x"}}', "InvalidParameter"),
        (b'{"model": "wan2.2-t2i-flash", "input": {"prompt": 5}}', "InvalidParameter"),
    ],
)
def test_broken_bodies(client: Client, raw: bytes, code: str) -> None:
    headers = {"X-DashScope-Async": "enable", "Authorization": "Bearer sk-x"}
    answer = requests.post(client.box.base_url + TEXT2IMAGE, data=raw, headers=headers, timeout=10)

    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Required parameter"),
        ({"prompt": "x"}, "No messages found in input"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}] * 2}, "messages length only support 1"),
        ({"messages": [{"role": "user", "content": []}]}, "lack of image or text"),
        ({"messages": [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]}, "content length only"),
    ],
)
def test_broken_messages(client: Client, given: dict[str, Any], message: str) -> None:
    answer = client.post(SYNC, {"model": "qwen-image", "input": given}, asks_async=False)

    assert answer.status_code == 400
    assert message in answer.json()["message"]


def test_an_unknown_model_on_the_blocking_path(client: Client) -> None:
    answer = client.blocking(model="qwen-nothing")

    assert (answer.status_code, answer.json()["code"]) == (404, "ModelNotFound")


def test_a_wan22_model_on_the_blocking_path(client: Client) -> None:
    assert client.blocking(model="wan2.2-t2i-flash").json()["message"] == URL_ERROR


def test_qwen_image_works_both_ways(client: Client) -> None:
    assert client.blocking(model="qwen-image", size="1328*1328").json()["usage"]["width"] == 1328
    assert client.submit(model="qwen-image", size="1328*1328").status_code == 200


def test_the_prompt_can_be_refused_at_submit(client: Client) -> None:
    answer = client.submit("x [sandbox:refuse]")

    assert (answer.status_code, answer.json()["code"]) == (400, "DataInspectionFailed")
    assert client.blocking("x [sandbox:fail]").json()["code"] == "DataInspectionFailed"


def test_slow_words_make_a_task_slower(client: Client, box: Sandbox) -> None:
    client.submit("x")
    client.submit("x [sandbox:slow]")

    usual, slow = (task.ended - task.created for task in box.tasks)
    assert slow == pytest.approx(5 * usual, rel=0.01)
