"""Chat in the shape of OpenAI over real sockets: keys and frames, rules, refusals, pictures, faults."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests
from chat_bodies import chat
from compatible_bodies import CLOCK, WEATHER, choice_of, chunks_of, completions, error_of, user
from message_bodies import picture

from bailian.sandbox import Fault, Sandbox
from bailian.sandbox.text.models import RULES
from tests.support.sandbox_client import Client
from tests.support.served_files import ServedFiles

slow = pytest.mark.slow
TEXTS = [name for name, model in RULES.items() if not model.reads]


def test_an_answer_key_for_key(client: Client) -> None:
    body = completions(client).json()
    assert set(body) == {"choices", "object", "usage", "created", "system_fingerprint", "model", "id"}
    assert body["choices"] == [
        {
            "message": {"content": "1，2，3", "role": "assistant"},
            "finish_reason": "stop",
            "index": 0,
            "logprobs": None,
        }
    ]
    assert (body["object"], body["model"], body["id"][:9]) == ("chat.completion", "qwen-plus", "chatcmpl-")
    usage = {"prompt_tokens": 6, "completion_tokens": 5, "total_tokens": 11}
    assert body["usage"] == {**usage, "prompt_tokens_details": {"cached_tokens": 0}}


def test_a_stream_with_its_usage(client: Client) -> None:
    chunks = chunks_of(completions(client, "数到9", stream=True, stream_options={"include_usage": True}))
    assert all(
        set(one) == {"choices", "object", "usage", "created", "system_fingerprint", "model", "id"} for one in chunks
    )
    *pieces, last = chunks
    assert (last["choices"], last["usage"]["completion_tokens"]) == ([], 17)
    assert pieces[0]["choices"][0]["delta"] == {"content": "", "role": "assistant"}
    assert "".join(one["choices"][0]["delta"]["content"] for one in pieces) == "1，2，3，4，5，6，7，8，9"
    assert [one["choices"][0]["finish_reason"] for one in pieces] == [None] * (len(pieces) - 1) + ["stop"]
    assert all(one["usage"] is None for one in pieces)


@slow
def test_without_the_option_no_usage_comes(client: Client) -> None:
    assert all(one["choices"] and one["usage"] is None for one in chunks_of(completions(client, stream=True)))


@slow
@pytest.mark.few(3)
@pytest.mark.parametrize("model", TEXTS)
def test_every_text_model_has_this_door(client: Client, model: str) -> None:
    assert choice_of(completions(client, model=model))["message"]["content"] == "1，2，3"


@slow
def test_it_counts_as_the_native_path_does(client: Client) -> None:
    native = chat(client, "讲个故事").json()["usage"]
    ours = completions(client, "讲个故事", "qwen3.7-plus", enable_thinking=False).json()["usage"]
    assert (ours["prompt_tokens"], ours["completion_tokens"]) == (native["input_tokens"], native["output_tokens"])


@slow
def test_thoughts_come_beside_the_text(client: Client) -> None:
    body = completions(client, model="qwen3.7-plus").json()
    message = body["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"][:2]) == ("1，2，3", "先看")
    details = body["usage"]["completion_tokens_details"]
    assert sum(details.values()) == body["usage"]["completion_tokens"]
    told = chunks_of(completions(client, model="qwen-plus", stream=True, enable_thinking=True))
    deltas = [one["choices"][0]["delta"] for one in told]
    assert deltas[0] == {"content": None, "role": "assistant", "reasoning_content": ""}
    assert "".join(one.get("reasoning_content") or "" for one in deltas) == message["reasoning_content"]
    assert "".join(one.get("content") or "" for one in deltas) == "1，2，3"
    assert not any(one.get("content") and one.get("reasoning_content") for one in deltas)


@slow
def test_older_models_think_only_in_a_stream(client: Client) -> None:
    assert "non-streaming" in error_of(completions(client, enable_thinking=True))[2]


@slow
@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_text_is_cut(client: Client, name: str) -> None:
    choice = choice_of(completions(client, "数到9", **{name: 3}))
    assert (choice["finish_reason"], choice["message"]["content"]) == ("length", "1，2")


@slow
def test_stop_words_seeds_and_several_answers(client: Client) -> None:
    assert choice_of(completions(client, "数到9", stop=["，4"], seed=7))["message"]["content"] == "1，2，3"
    body = completions(client, "你好", n=3).json()
    texts = {one["message"]["content"] for one in body["choices"]}
    assert ([one["index"] for one in body["choices"]], len(texts)) == ([0, 1, 2], 3)
    chunks = chunks_of(completions(client, "你好", n=2, stream=True))
    assert {one["choices"][0]["index"] for one in chunks} == {0, 1}


@slow
def test_probabilities_word_by_word(client: Client) -> None:
    told = choice_of(completions(client, logprobs=True, top_logprobs=2))["logprobs"]["content"]
    assert [one["token"] for one in told] == ["1", "，", "2", "，", "3"]
    assert all(len(one["top_logprobs"]) == 2 and one["top_logprobs"][0]["token"] == one["token"] for one in told)


@slow
def test_a_tool_is_called_and_its_answer_told(client: Client) -> None:
    answer = choice_of(completions(client, "杭州的天气", tools=[WEATHER, CLOCK]))
    (call,) = answer["message"]["tool_calls"]
    assert (answer["finish_reason"], call["function"]["name"], call["index"]) == ("tool_calls", "get_weather", 0)
    messages = [
        user("杭州的天气"), answer["message"],
        {"role": "tool", "tool_call_id": call["id"], "content": "晴，24 度"},
    ]  # fmt: skip
    told = choice_of(completions(client, messages=messages, tools=[WEATHER, CLOCK]))
    assert told["finish_reason"] == "stop"
    assert "晴，24 度" in told["message"]["content"]


@slow
def test_two_tools_are_called_at_once_only_if_they_may(client: Client) -> None:
    def names(**body: Any) -> list[str]:
        calls = choice_of(completions(client, "?", tools=[WEATHER, CLOCK], **body))["message"].get("tool_calls", [])
        assert len({call["id"] for call in calls}) == len(calls)
        return [call["function"]["name"] for call in calls]

    assert names() == ["get_weather"]
    assert names(parallel_tool_calls=True) == ["get_weather", "get_time"]
    assert names(tool_choice="none") == []
    assert names(tool_choice="required") == ["get_weather"]
    assert names(tool_choice={"type": "function", "function": {"name": "get_time"}}) == ["get_time"]


@slow
def test_the_tool_that_is_named_is_called(client: Client) -> None:
    answer = choice_of(completions(client, "call get_time please", tools=[WEATHER, CLOCK]))
    assert answer["message"]["tool_calls"][0]["function"]["name"] == "get_time"


@slow
def test_a_stream_calls_in_pieces(client: Client) -> None:
    """CAP …-with-parallel-tools-sse: one after the other, id and name in the first piece alone."""
    whole = choice_of(completions(client, "?", tools=[WEATHER, CLOCK], parallel_tool_calls=True))
    chunks = chunks_of(completions(client, "?", tools=[WEATHER, CLOCK], parallel_tool_calls=True, stream=True))
    pieces = [call for one in chunks for call in one["choices"][0]["delta"].get("tool_calls", [])]
    for call in whole["message"]["tool_calls"]:
        first, *others = [piece for piece in pieces if piece["index"] == call["index"]]
        assert (first["id"], first["function"]) == (call["id"], {"name": call["function"]["name"], "arguments": ""})
        assert all(piece["id"] == "" and "name" not in piece["function"] for piece in others)
        assert "".join(piece["function"]["arguments"] for piece in others) == call["function"]["arguments"]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


@slow
@pytest.mark.parametrize("where", ["inline", "served", "far"])
def test_a_picture_is_seen(client: Client, files: ServedFiles, where: str) -> None:
    inline = picture((640, 480), "red")
    served = files.put("red.png", base64.b64decode(inline.partition(",")[2]))
    address = {"inline": inline, "served": served, "far": "https://example.com/a.png"}[where]
    content = [{"type": "image_url", "image_url": {"url": address}}, {"type": "text", "text": "What is it?"}]
    body = completions(client, content, "qwen3-vl-plus").json()
    text = body["choices"][0]["message"]["content"]
    assert ("1024×1024" if where == "far" else "640×480, mostly red") in text
    assert body["usage"]["prompt_tokens_details"]["image_tokens"] > 0


@slow
def test_who_is_blind_refuses_a_picture(client: Client) -> None:
    content = [{"type": "image_url", "image_url": {"url": picture()}}, {"type": "text", "text": "?"}]
    assert error_of(completions(client, content))[:2] == (400, "invalid_parameter_error")
    assert choice_of(completions(client, [{"type": "text", "text": "数到3"}]))["message"]["content"] == "1，2，3"


@slow
@pytest.mark.parametrize(
    "body, status, code, words",
    [
        ({"model": "qwen99"}, 404, "model_not_found", "The model `qwen99` does not exist"),
        ({"model": None}, 400, "BadRequest.EmptyModel", "you must provide a model parameter"),
        ({"messages": None}, 400, "invalid_parameter_error", "'messages' is a required property"),
        ({"messages": []}, 400, "invalid_parameter_error", "[] is too short - 'messages'"),
        ({"messages": [{"role": "developer", "content": "x"}]}, 400, "invalid_parameter_error",
         "developer is not one of ['system', 'assistant', 'user', 'tool', 'function'] - 'messages.[0].role'"),
        ({"messages": [user("x"), {"role": "system", "content": "x"}, user("x")]}, 400, "invalid_parameter_error",
         "Role must be user or assistant"),
        ({"messages": [user("x"), {"role": "tool", "tool_call_id": "1", "content": "x"}]}, 400,
         "invalid_parameter_error", "must be a response to a preceeding message"),
        ({"messages": [user("x"), {"role": "assistant", "tool_calls": [{"id": "c1"}]}, user("x")]}, 400,
         "invalid_parameter_error", "did not have response messages: c1"),
        ({"messages": [user(None)]}, 400, "invalid_parameter_error", "The content field is a required field."),
        ({"messages": [user([{"type": "audio"}])]}, 400, "invalid_parameter_error", "messages.content"),
        ({"temperature": 2}, 400, "invalid_parameter_error", "Temperature should be in [0.0, 2.0)"),
        ({"max_tokens": 0}, 400, "invalid_parameter_error", "Range of max_tokens should be"),
        ({"top_logprobs": 6}, 400, "invalid_parameter_error", "top_logprobs"),
        ({"n": 5}, 400, "invalid_parameter_error", "Range of n should be [1, 4]"),
        ({"n": 2, "tools": [CLOCK]}, 400, "invalid_parameter_error", "n must be 1"),
        ({"stream_options": {"include_usage": True}}, 400, "invalid_parameter_error", "stream_options"),
        ({"tools": [CLOCK], "tool_choice": "any"}, 400, "invalid_parameter_error", 'should be ["none", "auto"]'),
        ({"model": "qwen3.7-plus", "tools": [CLOCK], "tool_choice": "required"}, 400, "invalid_parameter_error",
         "required or object in thinking mode"),
        ({"response_format": {"type": "json_object"}}, 400, "invalid_parameter_error", "the word 'json'"),
        ({"messages": [user("[sandbox:refuse]")]}, 400, "data_inspection_failed", "inappropriate"),
    ],
)  # fmt: skip
@pytest.mark.few(6)
def test_refusals(client: Client, body: dict[str, Any], status: int, code: str, words: str) -> None:
    """Also with a stream, but for the one that a stream mends."""
    ways: list[dict[str, Any]] = [{}] if "stream_options" in body else [{}, {"stream": True}]
    for way in ways:
        told = error_of(completions(client, **{**way, **body}))
        assert told[:2] == (status, code)
        assert words in told[2]


@slow
@pytest.mark.parametrize(
    "key, status, code, kind",
    [
        ("", 401, "invalid_api_key", "invalid_request_error"),
        ("sk-bad", 401, "invalid_api_key", "invalid_request_error"),
        ("sk-singapore", 401, "invalid_api_key", "invalid_request_error"),
        ("sk-overdue", 400, "Arrearage", "Arrearage"),
        ("sk-free", 403, "AllocationQuota.FreeTierOnly", "AllocationQuota.FreeTierOnly"),
    ],
)
def test_keys(client: Client, key: str, status: int, code: str, kind: str) -> None:
    answer = completions(client, key=key)
    assert error_of(answer)[:2] == (status, code)
    assert answer.json()["error"]["type"] == kind


@slow
def test_a_rate_is_kept_and_shared_with_the_native_path() -> None:
    now = [1_000_000.0]
    with Sandbox(task_s=0, clock=lambda: now[0]) as box:
        client = Client(box)
        with client.http:
            answers = [completions(client, model="glm-5.1") for _ in range(8)]
            assert [answer.status_code for answer in answers].count(200) == 8
            refused = completions(client, model="glm-5.1")
            assert (refused.status_code, refused.json()["error"]["type"]) == (429, "limit_requests")
            native = {"model": "glm-5.1", "input": {"prompt": "x"}}
            path = "/services/aigc/text-generation/generation"
            assert client.post(path, native, asks_async=False).status_code == 429


@slow
def test_faults_are_told_in_this_shape(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("text", "throttle", retry_after_s=1))
    answer = completions(client)
    assert (error_of(answer)[:2], answer.headers["retry-after"]) == ((429, "limit_requests"), "1")
    box.faults.add(Fault("text", "failed", match_model="qwen-plus"))
    assert error_of(completions(client))[:2] == (500, "InternalError.Algo")
    box.faults.add(Fault("text", "no_choices"))
    assert "choices" not in completions(client).json()
    box.faults.add(Fault("text", "raw", replace={"usage.total_tokens": "1e400"}))
    assert '"total_tokens": 1e400' in completions(client).text
    box.faults.add(Fault("text", "stream_error", count=2))
    lines = [line for line in completions(client, stream=True).text.split("\n") if line]
    assert len(lines) == 3
    assert '"code":"insufficient_quota"' in lines[-1]
    box.faults.add(Fault("text", "cut"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        completions(client, stream=True)
    assert completions(client).status_code == 200


@slow
def test_a_beginning_is_gone_on_with(client: Client) -> None:
    messages = [user("数到3"), {"role": "assistant", "content": "1，2", "partial": True}]
    assert choice_of(completions(client, messages=messages))["message"]["content"] == "，3"


@slow
def test_the_calls_are_remembered(client: Client, box: Sandbox) -> None:
    completions(client)
    (call,) = box.sync_calls
    assert (call.request.kind, call.model, call.request.prompt) == ("text", "qwen-plus", "数到3")
    assert [(one.path, one.kind) for one in box.requests] == [("/compatible-mode/v1/chat/completions", "text")]
