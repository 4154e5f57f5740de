"""The vendor's own SDK as judge of the text models of today: both doors, thoughts, streams, files it uploads itself."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bailian.sandbox import Sandbox

# What the SDK itself or what it imports deprecates is not ours to mend.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def user(*content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"text": part} if isinstance(part, str) else part for part in content]}]


def message_of(answer: Any) -> Any:
    assert answer.status_code == HTTPStatus.OK, answer
    return answer.output.choices[0].message


def test_a_whole_answer_with_thoughts(sdk: Any) -> None:
    answer = sdk.MultiModalConversation.call("qwen3.7-plus", messages=user("数到3"))
    message = message_of(answer)
    assert message.content == [{"text": "1，2，3"}]
    assert message.reasoning_content
    details = answer.usage.output_tokens_details
    assert answer.usage.output_tokens == details["text_tokens"] + details["reasoning_tokens"]


@pytest.mark.parametrize("blank_lines", [True, False])
def test_a_stream(sdk: Any, box: Sandbox, blank_lines: bool) -> None:
    box.settings.change({"sse_blank_lines": blank_lines, "sse_heartbeats": not blank_lines})
    wanted = {"messages": user("数到9"), "stream": True}
    parts = list(sdk.MultiModalConversation.call("qwen3.8-flash", incremental_output=True, **wanted))
    thoughts = "".join(message_of(part).get("reasoning_content") or "" for part in parts)
    text = "".join(piece["text"] for part in parts for piece in message_of(part).content)
    assert (text, bool(thoughts)) == ("1，2，3，4，5，6，7，8，9", True)
    assert parts[-1].output.choices[0].finish_reason == "stop"
    whole = list(sdk.MultiModalConversation.call("qwen3.8-flash", incremental_output=False, **wanted))
    assert message_of(whole[-1]).content == [{"text": "1，2，3，4，5，6，7，8，9"}]


def test_files_that_the_sdk_uploads_are_seen_and_told_apart(sdk: Any, box: Sandbox, tmp_path: Path) -> None:
    paths = [tmp_path / "a.png", tmp_path / "b.jpg"]
    for path, size, colour in zip(paths, [(640, 480), (320, 320)], ["orange", "navy"], strict=True):
        Image.new("RGB", size, colour).save(path)
    content = [*({"image": f"file://{path}"} for path in paths), "What is this?"]
    answer = sdk.MultiModalConversation.call("qwen3.7-plus", messages=user(*content), enable_thinking=False)
    text = message_of(answer).content[0]["text"]
    assert text.startswith("1: A picture of 640×480, mostly orange. 2: A picture of 320×320, mostly blue.")
    sent = box.sync_calls[0].body["input"]["messages"][0]["content"]
    assert [part["image"][:6] for part in sent[:2]] == ["oss://"] * 2
    assert answer.usage.input_tokens_details["image_tokens"] == (640 * 480 // 1024 + 2) + (320 * 320 // 1024 + 2)


@pytest.mark.slow
def test_reading_what_the_sandbox_has_drawn(sdk: Any, tmp_path: Path) -> None:
    import requests

    drawn = sdk.ImageSynthesis.call("wan2.2-t2i-flash", prompt="发票，编号：A17，金额：45元", n=1, size="1024*1024")
    path = tmp_path / "a.png"
    path.write_bytes(requests.get(drawn.output.results[0].url, timeout=10).content)
    schema = {"编号": "", "合计": {"金额": "", "税": ""}}
    options = {"task": "key_information_extraction", "task_config": {"result_schema": schema}}
    answer = sdk.MultiModalConversation.call(
        "qwen-vl-ocr", messages=user({"image": f"file://{path}", "enable_rotate": False}), ocr_options=options
    )
    (content,) = message_of(answer).content
    assert content["ocr_result"]["kv_result"] == {"编号": "A17", "合计": {"金额": "45元", "税": ""}}
    assert content["text"].startswith("```json\n")


def test_search(sdk: Any) -> None:
    parts = list(
        sdk.MultiModalConversation.call(
            "qwen3.7-plus", messages=user("今天的新闻？"), stream=True, incremental_output=True, enable_search=True,
            search_options={"enable_source": True}, enable_thinking=False,
        )
    )  # fmt: skip
    assert parts[-1].output["search_info"]["search_results"][0]["index"] == 1
    assert parts[-1].usage["plugins"]["search"]["count"] == 1


@pytest.mark.parametrize("model", ["qwen3.7-max", "deepseek-v4-flash", "glm-5.2"])
def test_the_text_door(sdk: Any, model: str) -> None:
    messages = [{"role": "user", "content": "数到3"}]
    assert message_of(sdk.Generation.call(model, messages=messages)).reasoning_content
    plain = message_of(sdk.Generation.call(model, messages=messages, enable_thinking=False))
    assert plain.content == "1，2，3"
    assert "reasoning_content" not in plain


def test_refusals_reach_the_sdk(sdk: Any) -> None:
    answer = sdk.Generation.call("qwen3.7-plus", messages=[{"role": "user", "content": "x"}])
    assert (answer.status_code, answer.code) == (400, "InvalidParameter")
    assert "url error" in answer.message
    answer = sdk.MultiModalConversation.call("kimi-k2.7-code", messages=user("x"), enable_thinking=False)
    assert answer.message == "The value of the enable_thinking parameter is restricted to True."
