"""Text models on the multimodal path over real sockets: doors, contents, thinking, streams, JSON, search, faults."""

from __future__ import annotations

import itertools
import json
from datetime import date
from typing import Any

import pytest
import requests
from chat_bodies import SSE, chat, frames, message_of, text_of, told_of

from bailian.sandbox import Fault, Sandbox
from bailian.sandbox.images.models import MULTIMODAL
from bailian.sandbox.model_names import ModelName
from bailian.sandbox.text.models import ALWAYS, RULES, TEXT_GENERATION, UNLESS_OFF, text_models
from tests.support.sandbox_client import SYNC, TEXT, Client

pytestmark = pytest.mark.slow

LISTED = [name for name, model in RULES.items() if model.door == MULTIMODAL and not model.reads]
PLAIN = [name for name, model in RULES.items() if model.door == TEXT_GENERATION]


@pytest.mark.few(3)
@pytest.mark.parametrize("model", LISTED)
def test_these_answer_on_the_multimodal_path_only(client: Client, model: str) -> None:
    assert "1, 2, 3" in text_of(chat(client, "count to 3", model=model, enable_thinking=None))
    refused = told_of(chat(client, model=model, path=TEXT, messages=[{"role": "user", "content": "x"}]))
    assert refused[:2] == (400, "InvalidParameter")
    assert refused[2].startswith("url error, please check url！")


@pytest.mark.few(3)
@pytest.mark.parametrize("model", [*PLAIN, "kimi/kimi-k3", "deepseek-v4.1-flash", "qwen3.5-omni-plus"])
def test_these_have_another_door(client: Client, model: str) -> None:
    assert "url error" in told_of(chat(client, "x", model=model))[2]


@pytest.mark.parametrize("model", ["kimi/kimi-k3", "qwen3.5-omni-plus"])
def test_what_only_the_compatible_route_has_is_on_neither_path(client: Client, model: str) -> None:
    assert "url error" in told_of(chat(client, model=model, path=TEXT, messages=[{"role": "user", "content": "x"}]))[2]


def test_a_name_that_nobody_has(client: Client) -> None:
    assert told_of(chat(client, "x", model="qwen9-plus"))[:2] == (404, "ModelNotFound")


def test_a_dated_name_of_a_catalog_has_the_rules_of_its_model() -> None:
    name = "qwen3.7-plus-2026-05-26"
    assert text_models([ModelName(name, ("text",), SYNC, "", object())])[name] == RULES["qwen3.7-plus"]


def test_retired_names_are_gone_on_their_day() -> None:
    with Sandbox(task_s=0, day=date(2026, 11, 28)) as box:
        client = Client(box)
        with client.http:
            assert told_of(chat(client, "x", model="qwen3-vl-flash"))[:2] == (404, "ModelNotFound")
            assert chat(client, "x", model="qwen3-vl-plus").status_code == 200


@pytest.mark.parametrize("content", ["count to 3", [{"text": "count to 3"}], [{"text": "count"}, {"text": " to 3"}]])
def test_content_is_a_list_or_a_plain_text(client: Client, content: Any) -> None:
    answer = chat(client, messages=[{"role": "system", "content": "short"}, {"role": "user", "content": content}])
    assert message_of(answer) == {"role": "assistant", "content": [{"text": "1, 2, 3"}]}


@pytest.mark.parametrize(
    "messages, words",
    [
        ([], "Role must be user or assistant"),
        ([{"role": "user"}], "The content field is a required field."),
        ([{"role": "user", "content": [{"sound": "x"}]}], "of a certain modal"),
        ([{"role": "user", "content": []}], "Content length must be greater than 0"),
        (
            [{"role": "user", "content": [{"text": "x"}]}, {"role": "assistant", "content": [{"text": "y"}]}],
            "list index",
        ),
    ],
)
def test_messages_that_make_no_sense(client: Client, messages: Any, words: str) -> None:
    assert words in told_of(chat(client, messages=messages))[2]


def test_thoughts_are_output_and_usage_is_told_key_for_key(client: Client) -> None:
    plain, thought = chat(client, "count to 3"), chat(client, "count to 3", enable_thinking=None)
    assert list(plain.json()) == ["output", "usage", "request_id"]
    assert plain.json()["usage"] == {
        "input_tokens": 7,
        "output_tokens": 5,
        "total_tokens": 12,
        "input_tokens_details": {"text_tokens": 7},
        "output_tokens_details": {"text_tokens": 5},
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    usage = thought.json()["usage"]
    details = usage["output_tokens_details"]
    assert details["text_tokens"] == 5
    assert usage["output_tokens"] == 5 + details["reasoning_tokens"]
    assert set(message_of(thought)) == {"role", "content", "reasoning_content"}


@pytest.mark.few(3)
@pytest.mark.parametrize("model", LISTED)
def test_who_thinks_when_nothing_is_said(client: Client, model: str) -> None:
    thinks = "reasoning_content" in message_of(chat(client, "x", model=model, enable_thinking=None))
    assert thinks == (RULES[model].thinks in (UNLESS_OFF, ALWAYS))


@pytest.mark.parametrize(
    "model, parameters, words",
    [
        ("kimi-k2.7-code", {}, "The value of the enable_thinking parameter is restricted to True."),
        ("qwen3.7-plus", {"enable_thinking": None, "thinking_budget": 0}, "thinking_budget"),
        ("qwen3.8-max", {"enable_thinking": None, "reasoning_effort": "much"}, "reasoning_effort must be one of"),
        ("qwen3.8-max", {"reasoning_effort": "low", "thinking_budget": 9}, "cannot be used together"),
        ("qwen3.6-plus", {"enable_thinking": True, "response_format": {"type": "json_object"}}, "Json mode response"),
        ("qwen3.6-plus", {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}},
         "does not support response_format"),
        ("qwen3.7-plus", {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}, "name is required"),
        ("qwen3-vl-plus", {"enable_search": True}, "This model does not support enable_search."),
        ("qwen3.7-plus", {"enable_search": True}, "Non-streaming mode does not support Web Search"),
        ("qwen3.7-plus", {"temperature": 2}, "Temperature should be in [0.0, 2.0)"),
        ("qwen3.7-plus", {"max_tokens": 131_073}, "Range of max_tokens should be [1, 131072]"),
        ("qwen3.7-plus", {"ocr_options": {"task": "table_parsing"}}, "ocr_options is not supported"),
        ("qwen3.7-plus", {"enable_thinking": True, "tools": [{"function": {"name": "f"}}], "tool_choice": {}},
         'tool_choice is one of the strings that should be ["none", "auto"]'),
    ],
)  # fmt: skip
def test_refusals(client: Client, model: str, parameters: dict[str, Any], words: str) -> None:
    answer = told_of(chat(client, "in json", model=model, **parameters))
    assert answer[:2] == (400, "InvalidParameter")
    assert words in answer[2]


def test_json_object_needs_its_word(client: Client) -> None:
    assert "must contain the word 'json'" in told_of(chat(client, "x", response_format={"type": "json_object"}))[2]
    answer = chat(client, "x as JSON", enable_thinking=True, response_format={"type": "json_object"})
    assert json.loads(text_of(answer))["sandbox"] is True


@pytest.mark.parametrize("header", [SSE, {"Accept": "text/event-stream"}])
def test_a_stream_of_increments(client: Client, header: dict[str, str]) -> None:
    got = frames(chat(client, "数到9", headers=header, enable_thinking=None, incremental_output=True).content.decode())
    messages = [frame["data"]["output"]["choices"][0]["message"] for frame in got]
    begin = [message for message in messages if not message["content"]]
    assert begin[0]["content"] == []
    assert begin[0]["reasoning_content"]
    assert "".join(part["text"] for message in messages for part in message["content"]) == "1，2，3，4，5，6，7，8，9"
    reasons = [frame["data"]["output"]["choices"][0]["finish_reason"] for frame in got]
    assert set(reasons[:-1]) == {"null"}
    assert reasons[-1] == "stop"
    assert messages[-1]["content"] == []
    spent = [frame["data"]["usage"]["output_tokens"] for frame in got]
    assert spent == sorted(spent)


def test_a_stream_of_the_whole_so_far(client: Client) -> None:
    got = frames(chat(client, "数到9", headers=SSE).content.decode())
    texts = [frame["data"]["output"]["choices"][0]["message"]["content"][0]["text"] for frame in got]
    assert texts[-1] == "1，2，3，4，5，6，7，8，9"
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))


def test_a_budget_of_thoughts_and_a_cut_answer(client: Client) -> None:
    answer = chat(client, "数到99", enable_thinking=True, thinking_budget=4, max_tokens=6).json()
    assert answer["output"]["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["output_tokens_details"] == {"text_tokens": 6, "reasoning_tokens": 4}


def test_a_cut_answer_goes_on_from_its_beginning(client: Client) -> None:
    question = {"role": "user", "content": [{"text": "写一篇300字的短文"}]}
    whole = text_of(chat(client, messages=[question]))
    begun = text_of(chat(client, messages=[question], max_tokens=40))
    rest = chat(client, messages=[question, {"role": "assistant", "content": [{"text": begun}], "partial": True}])
    assert whole == begun + text_of(rest)
    thinking = {"role": "assistant", "content": begun, "partial": True}
    assert "Partial mode" in told_of(chat(client, messages=[question, thinking], enable_thinking=True))[2]


def test_thoughts_that_are_handed_on_count(client: Client) -> None:
    messages = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": "y", "reasoning_content": "a long chain of thought"},
        {"role": "user", "content": "z"},
    ]
    dropped, kept = (chat(client, messages=messages, preserve_thinking=keeps) for keeps in (False, True))
    assert kept.json()["usage"]["input_tokens"] > dropped.json()["usage"]["input_tokens"]


def test_search_shows_its_sources_and_marks(client: Client) -> None:
    options = {"enable_source": True, "enable_citation": True, "citation_format": "[ref_<number>]"}
    wanted = {"enable_search": True, "search_options": options, "incremental_output": True, "headers": SSE}
    last = frames(chat(client, "今天的天气？", **wanted).content.decode())[-1]["data"]
    assert set(last["output"]["search_info"]["search_results"][0]) == {"index", "site_name", "title", "url", "icon"}
    assert last["usage"]["plugins"] == {"search": {"count": 1, "strategy": "turbo"}}
    not_wanted = frames(chat(client, "[sandbox:no-search] x", **wanted).content.decode())[-1]["data"]
    assert "search_info" not in not_wanted["output"]
    assert "plugins" not in not_wanted["usage"]
    whole = frames(chat(client, "今天的天气？", **{**wanted, "incremental_output": False}).content.decode())[-1]["data"]
    assert "[ref_1]" in whole["output"]["choices"][0]["message"]["content"][0]["text"]


def test_above_the_rate_it_silently_does_not_search() -> None:
    with Sandbox(task_s=0, clock=lambda: 1_000_000.0) as box:
        client = Client(box)
        wanted = {"enable_search": True, "headers": SSE}
        with client.http:
            got = [frames(chat(client, "x", **wanted).content.decode())[-1]["data"]["usage"] for _ in range(16)]
    assert ["plugins" in usage for usage in got].count(True) == 15


TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def test_a_tool_is_called_and_its_result_answered(client: Client) -> None:
    answer = chat(client, "杭州的天气", tools=[TOOL])
    (call,) = message_of(answer)["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "杭州的天气"}
    assert answer.json()["output"]["choices"][0]["finish_reason"] == "tool_calls"
    told = [
        {"role": "user", "content": "杭州的天气"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "晴", "tool_call_id": call["id"]},
    ]
    assert "沙箱" in text_of(chat(client, messages=told, tools=[TOOL]))
    assert "tool_calls" not in message_of(chat(client, "杭州的天气", tools=[TOOL], tool_choice="none"))


def test_the_pieces_of_a_call_make_one(client: Client) -> None:
    got = frames(chat(client, "x", tools=[TOOL], headers=SSE, incremental_output=True).content.decode())
    pieces = [
        piece for frame in got for piece in frame["data"]["output"]["choices"][0]["message"].get("tool_calls", [])
    ]
    assert [bool(piece["id"]) for piece in pieces] == [True] + [False] * (len(pieces) - 1)
    assert json.loads("".join(piece["function"]["arguments"] for piece in pieces)) == {"city": "x"}


def test_faults_on_text_hit_both_paths(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("text", "throttle"), Fault("text", "failed"), Fault("text", "no_choices"))
    assert told_of(chat(client, "x"))[0] == 429
    assert told_of(chat(client, "x"))[:2] == (500, "InternalError.Algo")
    assert chat(client, "x").json()["output"] == {}
    box.faults.add(Fault("text", "stream_error", count=2), Fault("text", "cut"), Fault("text", "reset_after"))
    assert [frame["event"] for frame in frames(chat(client, "x", headers=SSE).content.decode())][-2:] == [
        "result",
        "error",
    ]
    for _ in range(2):
        with pytest.raises(requests.RequestException):
            chat(client, "x", headers=SSE)
    assert {entry.kind for entry in box.requests} == {"text"}
    assert box.sync_calls[-1].request.kind == "text", "a lost answer was paid"


def test_a_refusal_in_a_stream_is_a_frame(client: Client) -> None:
    (frame,) = frames(chat(client, "x", headers=SSE, temperature=2).content.decode())
    assert (frame["event"], frame["status"]) == ("error", 400)


def test_the_rate_of_the_account() -> None:
    with Sandbox(task_s=0, clock=lambda: 1_000_000.0) as box:
        client = Client(box)
        with client.http:
            codes = [chat(client, "x", model="kimi-k2.6").status_code for _ in range(9)]
    assert codes == [200] * 8 + [429]


def test_a_body_that_cannot_be_read_is_still_answered(client: Client, box: Sandbox) -> None:
    answer = client.http.post(box.base_url + SYNC, data=b"{", timeout=10)
    assert answer.json()["code"] == "BadRequest.IllegalInput"
