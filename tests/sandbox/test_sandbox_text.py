"""The text endpoint over real sockets: whole answers, streams, refusals, faults, and the vendor's SDK."""

from __future__ import annotations

import json
import socket
import threading
import time
from itertools import pairwise
from typing import Any

import pytest
import requests
from chat_bodies import SSE, frames

from bailian.sandbox import Fault, Sandbox
from tests.support.sandbox_client import TEXT, Client


def ask(
    client: Client,
    prompt: Any = "你好",
    model: str = "qwen-plus",
    headers: dict[str, str] | None = None,
    given: dict[str, Any] | None = None,
    **parameters: Any,
) -> requests.Response:
    given = {"messages": [{"role": "user", "content": prompt}]} if given is None else given
    body = {"model": model, "input": given, "parameters": parameters}
    return client.post(TEXT, body, asks_async=False, **(headers or {}))


def content(frame: dict[str, Any]) -> str:
    return str(frame["data"]["output"]["choices"][0]["message"]["content"])


def test_the_text_format_is_the_default_of_the_old_names(client: Client) -> None:
    answer = ask(client, given={"prompt": "你好"})

    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["output", "usage", "request_id"]
    assert set(body["output"]) == {"finish_reason", "text"}
    assert body["output"]["finish_reason"] == "stop"
    assert "沙箱" in body["output"]["text"]
    assert "你好" in body["output"]["text"]
    assert set(body["usage"]) == {"prompt_tokens_details", "total_tokens", "output_tokens", "input_tokens"}
    assert body["usage"]["total_tokens"] == body["usage"]["input_tokens"] + body["usage"]["output_tokens"]
    assert answer.headers["x-request-id"] == body["request_id"]
    assert answer.headers["x-dashscope-timeout"] == "298"


def test_the_message_format(client: Client) -> None:
    body = ask(client, "Hello there", result_format="message").json()

    (choice,) = body["output"]["choices"]
    assert set(choice) == {"finish_reason", "message"}
    assert choice["message"]["role"] == "assistant"
    assert "sandbox" in choice["message"]["content"]
    assert set(body["usage"]) == {"total_tokens", "output_tokens", "input_tokens"}


def test_newer_models_answer_in_messages(client: Client) -> None:
    assert "choices" in ask(client, model="qwen-flash").json()["output"]


def test_the_same_question_gets_the_same_answer(client: Client) -> None:
    first, second = (ask(client, "1+1?").json() for _ in range(2))
    assert first["output"] == second["output"]
    assert first["request_id"] != second["request_id"]


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("从3数到6", "3，4，5，6"),
        ("数到4", "1，2，3，4"),
        ("Count to 3", "1, 2, 3"),
        ("count from 8 to 10", "8, 9, 10"),
    ],
)
def test_it_can_count(client: Client, prompt: str, text: str) -> None:
    assert ask(client, prompt).json()["output"]["text"] == text


def test_a_wish_for_length_and_max_tokens(client: Client) -> None:
    long = ask(client, "写一篇300字的短文").json()["output"]
    assert len(long["text"]) >= 300
    cut = ask(client, "写一篇300字的短文", max_tokens=20).json()
    assert cut["output"]["finish_reason"] == "length"
    assert cut["usage"]["output_tokens"] == 20
    assert long["text"].startswith(cut["output"]["text"])


def test_stop_words(client: Client) -> None:
    assert ask(client, "数到9", stop=["，4"]).json()["output"]["text"] == "1，2，3"


def test_json_mode(client: Client) -> None:
    answer = ask(client, "以 JSON 回答：天气", response_format={"type": "json_object"}).json()
    assert json.loads(answer["output"]["text"])["sandbox"] is True


def test_a_whole_conversation(client: Client) -> None:
    messages = [
        {"role": "system", "content": "简短"},
        {"role": "user", "content": "数到3"},
        {"role": "assistant", "content": "1，2，3"},
        {"role": "user", "content": "数到2"},
    ]
    answer = ask(client, given={"messages": messages}).json()
    assert answer["output"]["text"] == "1，2"
    assert answer["usage"]["input_tokens"] > 12


@pytest.mark.parametrize("headers", [SSE, {"Accept": "text/event-stream"}])
@pytest.mark.parametrize("result_format", ["text", "message"])
def test_a_stream_without_increments_repeats_the_text(
    client: Client, headers: dict[str, str], result_format: str
) -> None:
    answer = ask(client, "数到12", headers=headers, result_format=result_format)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream;charset=UTF-8"
    assert "content-length" not in answer.headers
    got = frames(answer.content.decode())
    assert [frame["id"] for frame in got] == [str(number) for number in range(1, len(got) + 1)]
    assert {(frame["event"], frame["status"]) for frame in got} == {("result", 200)}
    outputs = [frame["data"]["output"] for frame in got]
    flat = [output if result_format == "text" else output["choices"][0] for output in outputs]
    assert [output["finish_reason"] for output in flat] == ["null"] * (len(got) - 1) + ["stop"]
    texts = [output["text"] if result_format == "text" else output["message"]["content"] for output in flat]
    assert texts[-1] == "，".join(str(number) for number in range(1, 13))
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    spent = [frame["data"]["usage"]["output_tokens"] for frame in got]
    assert spent == sorted(spent)
    assert len({frame["data"]["request_id"] for frame in got}) == 1


def test_increments_and_their_empty_end(client: Client) -> None:
    got = frames(ask(client, "数到12", headers=SSE, result_format="message", incremental_output=True).content.decode())

    assert "".join(content(frame) for frame in got) == "，".join(str(number) for number in range(1, 13))
    assert content(got[-1]) == ""
    assert got[-1]["data"]["output"]["choices"][0]["finish_reason"] == "stop"
    whole = ask(client, "数到12", result_format="message").json()
    assert got[-1]["data"]["usage"] == whole["usage"]


def test_a_cut_stream_ends_with_length(client: Client) -> None:
    got = frames(ask(client, "数到50", headers=SSE, max_tokens=9).content.decode())
    assert got[-1]["data"]["output"]["finish_reason"] == "length"
    assert got[-1]["data"]["usage"]["output_tokens"] == 9


def test_thinking(client: Client) -> None:
    wanted = {"enable_thinking": True, "result_format": "message", "incremental_output": True}
    got = frames(ask(client, "数到3", headers=SSE, thinking_budget=10, **wanted).content.decode())

    messages = [frame["data"]["output"]["choices"][0]["message"] for frame in got]
    assert "".join(message["reasoning_content"] for message in messages).startswith("先看")
    assert "".join(message["content"] for message in messages) == "1，2，3"
    first_answer = next(index for index, message in enumerate(messages) if message["content"])
    assert all(not message["reasoning_content"] for message in messages[first_answer:])
    assert got[-1]["data"]["usage"]["output_tokens_details"] == {"reasoning_tokens": 10}


def test_blank_lines_and_heartbeats_are_settings(client: Client, box: Sandbox) -> None:
    with_blanks = ask(client, headers=SSE).content
    box.settings.change({"sse_blank_lines": False, "sse_heartbeats": True})
    without = ask(client, headers=SSE).content

    assert b"\n\n" in with_blanks
    assert b":heartbeat" not in with_blanks
    assert b"\n\n" not in without
    assert without.startswith(b":heartbeat\nid:1\nevent:result\n:HTTP_STATUS/200\ndata:{")
    assert len(frames(without.decode())) == len(frames(with_blanks.decode()))


def test_characters_are_split_between_chunks(client: Client, box: Sandbox) -> None:
    body = {"model": "qwen-plus", "input": {"prompt": "你好"}}
    with client.http.post(box.base_url + TEXT, json=body, headers=SSE, stream=True, timeout=10) as answer:
        pieces = [bytes(piece) for piece in answer.raw.stream(decode_content=False)]

    def broken(piece: bytes) -> bool:
        try:
            piece.decode()
        except UnicodeDecodeError:
            return True
        return False

    assert any(broken(piece) for piece in pieces)
    assert "沙箱" in b"".join(pieces).decode()


def test_the_frames_come_one_after_the_other(client: Client, box: Sandbox) -> None:
    box.settings.task_s = 2.0
    body = {"model": "qwen-plus", "input": {"prompt": "数到9"}}
    start = time.monotonic()
    with client.http.post(box.base_url + TEXT, json=body, headers=SSE, stream=True, timeout=60) as answer:
        lines = answer.iter_lines()
        next(lines)
        first = time.monotonic() - start
        list(lines)
    whole = time.monotonic() - start
    assert first < 0.8 * whole
    assert whole > 1.8


def refused(answer: requests.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert set(body) == {"code", "message", "request_id"}
    return answer.status_code, body["code"], body["message"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"temperature": 2}, "Temperature should be in [0.0, 2.0)"),
        ({"temperature": "hot"}, "'temperature' must be Float"),
        ({"top_p": 0}, "Range of top_p should be (0.0, 1.0]"),
        ({"top_k": -1}, "Parameter top_k be greater than or equal to 0"),
        ({"max_tokens": 0}, "Range of max_tokens should be [1, 32768]"),
        ({"max_tokens": 32769}, "Range of max_tokens should be [1, 32768]"),
        ({"seed": -1}, "Range of seed should be [0, 9223372036854775807]"),
        ({"repetition_penalty": 0}, "Repetition_penalty should be greater than 0.0"),
        ({"presence_penalty": 2.5}, "Presence_penalty should be in [-2.0, 2.0]"),
        ({"n": 5}, "Range of n should be [1, 4]"),
        ({"enable_thinking": True}, "parameter.enable_thinking must be set to false for non-streaming calls"),
        (
            {"response_format": {"type": "json_object"}},
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
        ),
    ],
)
def test_parameters_out_of_range(client: Client, parameters: dict[str, Any], message: str) -> None:
    assert refused(ask(client, **parameters)) == (400, "InvalidParameter", message)
    (frame,) = frames(ask(client, headers=SSE, **parameters, **({} if parameters != {"enable_thinking": True} else {
        "temperature": 2})).content.decode())  # fmt: skip
    assert (frame["event"], frame["status"], frame["data"]["code"]) == ("error", 400, "InvalidParameter")


@pytest.mark.parametrize(
    "parameters", [{"temperature": 0}, {"temperature": 1.99}, {"top_p": 1}, {"top_k": None}, {"n": 1}]
)
def test_the_ends_of_the_ranges(client: Client, parameters: dict[str, Any]) -> None:
    assert ask(client, **parameters).status_code == 200


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"incremental_output": True}, 'The result_format parameter must be "message" when enable_thinking is true'),
        ({"result_format": "message"}, 'The incremental_output parameter must be "true" when enable_thinking is true'),
    ],
)
def test_what_thinking_needs(client: Client, parameters: dict[str, Any], message: str) -> None:
    (frame,) = frames(ask(client, headers=SSE, enable_thinking=True, **parameters).content.decode())
    assert frame["data"]["message"] == message


def test_a_model_that_cannot_think(client: Client) -> None:
    answer = ask(client, model="qwen-max", headers=SSE, enable_thinking=True, result_format="message")
    assert frames(answer.content.decode())[0]["data"]["code"] == "InvalidParameter.NotSupportEnableThinking"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, 'Either "prompt" or "messages" must exist and cannot both be none'),
        ({"messages": [], "prompt": "x"}, "Role must be user or assistant and Content length must be greater than 0"),
        ({"messages": [{"role": "bot", "content": "x"}]}, "Role must be user or assistant and Content length must be greater than 0"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "input content must be a string."),
        ({"messages": [{"role": "user"}]}, "The content field is a required field."),
    ],
)  # fmt: skip
def test_bad_input(client: Client, given: dict[str, Any], message: str) -> None:
    assert refused(ask(client, given=given)) == (400, "InvalidParameter", message)


def test_messages_at_top_level(client: Client) -> None:
    answer = client.post(TEXT, {"model": "qwen-plus", "messages": [{"role": "user", "content": "x"}]}, asks_async=False)
    assert refused(answer)[2] == 'Either "prompt" or "messages" must exist and cannot both be none'


def test_the_last_message_must_be_the_users(client: Client) -> None:
    messages = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]
    assert refused(ask(client, given={"messages": messages})) == (500, "InternalError.Algo", "list index out of range")
    messages[1]["partial"] = True  # type: ignore[assignment]
    assert ask(client, given={"messages": messages}).status_code == 200


def test_too_long_an_input(client: Client) -> None:
    answer = refused(ask(client, "一" * 31_000, model="qwen-max"))
    assert answer == (400, "InvalidParameter", "Range of input length should be [1, 30720]")


def test_the_async_header_is_forbidden(client: Client) -> None:
    answer = ask(client, headers={"X-DashScope-Async": "enable"})
    assert refused(answer) == (403, "AccessDenied", "Current user api does not support asynchronous calls.")


def test_unknown_and_misplaced_models(client: Client) -> None:
    assert refused(ask(client, model="qwen-none"))[:2] == (404, "ModelNotFound")
    assert "url error" in refused(ask(client, model="wan2.2-t2i-flash"))[2]


def test_keys(client: Client) -> None:
    client.http.headers["Authorization"] = "Bearer sk-bad"
    assert refused(ask(client, headers=SSE))[:2] == (401, "InvalidApiKey")
    client.http.headers["Authorization"] = "Bearer sk-overdue"
    assert refused(ask(client))[:2] == (400, "Arrearage")


@pytest.mark.parametrize("parameters", [{"n": 2}, {"enable_code_interpreter": True}])
def test_what_is_not_imitated_is_said(client: Client, parameters: dict[str, Any]) -> None:
    assert refused(ask(client, **parameters))[:2] == (400, "Sandbox.NotImitated")


def test_translation_is_not_imitated(client: Client) -> None:
    assert refused(ask(client, model="qwen-mt-flash"))[:2] == (400, "Sandbox.NotImitated")


def test_the_rate_of_the_account() -> None:
    with Sandbox(task_s=0) as box:
        client = Client(box)
        with client.http:
            codes = [ask(client, model="qwen-turbo").status_code for _ in range(11)]
            throttled = frames(ask(client, model="qwen-turbo", headers=SSE).content.decode())
    assert codes == [200] * 10 + [429]
    assert (throttled[0]["event"], throttled[0]["status"]) == ("error", 429)


def test_trigger_words(client: Client) -> None:
    assert refused(ask(client, "[sandbox:refuse]"))[:2] == (400, "DataInspectionFailed")
    assert refused(ask(client, "[sandbox:fail]"))[1] == "DataInspectionFailed"
    got = frames(ask(client, "[sandbox:fail]", headers=SSE).content.decode())
    assert [frame["event"] for frame in got] == ["result", "result", "error"]
    assert got[-1]["status"] == 400


def test_an_error_in_the_middle_of_a_stream(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("text", "stream_error", count=3, status=503, code="ModelServingError", message="busy"))
    got = frames(ask(client, "数到99", headers=SSE).content.decode())

    assert [frame["event"] for frame in got] == ["result"] * 3 + ["error"]
    assert got[-1]["status"] == 503
    assert (got[-1]["data"]["code"], got[-1]["data"]["message"]) == ("ModelServingError", "busy")
    assert got[-1]["id"] == "4"


def test_an_error_of_the_model_without_a_stream(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("text", "stream_error"), Fault("text", "failed"))
    assert refused(ask(client))[:2] == (429, "Throttling.AllocationQuota")
    assert refused(ask(client))[:2] == (500, "InternalError.Algo")


def test_an_empty_code_or_message_is_left_out_with_and_without_a_stream(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("text", "failed", code="", message="", times=2))
    assert ask(client).json().keys() == {"request_id"}
    assert frames(ask(client, headers=SSE).content.decode())[-1]["data"].keys() == {"request_id"}


def test_a_cut_stream(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("text", "cut", times=2))
    body = {"model": "qwen-plus", "input": {"prompt": "数到99"}}
    got: list[bytes] = []
    answer = client.http.post(box.base_url + TEXT, json=body, headers=SSE, stream=True, timeout=10)
    with answer, pytest.raises(requests.exceptions.ChunkedEncodingError):
        got.extend(answer.iter_content(None))
    assert b"data:{" in b"".join(got)
    assert b'"stop"' not in b"".join(got)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask(client)


def test_a_reset_leaves_the_work_done(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("text", "reset_after"), Fault("text", "reset_before"))
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            ask(client, headers=SSE)
    (call,) = box.sync_calls
    assert (call.request.kind, call.request.prompt, call.model) == ("text", "你好", "qwen-plus")


def test_a_stream_that_nobody_reads_ends(client: Client, box: Sandbox) -> None:
    box.settings.task_s = 60
    body = json.dumps({"model": "qwen-plus", "input": {"prompt": "数到9"}}).encode()
    head = f"POST /api/v1{TEXT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer k\r\nAccept: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", box.port), timeout=10) as sock:
        sock.sendall(head.encode() + body)
        assert sock.recv(100).startswith(b"HTTP/1.1 200")
    assert any(thread.name == "bailian-sandbox" for thread in threading.enumerate())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestTheOfficialSdk:
    """The vendor's own SDK, unchanged."""

    def test_whole_answers(self, sdk: Any) -> None:
        messages = [{"role": "user", "content": "数到3"}]
        answer = sdk.Generation.call("qwen-plus", messages=messages, result_format="message", max_tokens=100)
        assert answer.status_code == 200
        assert answer.output.choices[0].message.content == "1，2，3"
        assert answer.usage.output_tokens == 5
        plain = sdk.Generation.call("qwen-turbo", prompt="数到3")
        assert plain.output.text == "1，2，3"

    @pytest.mark.parametrize("blank_lines", [True, False])
    def test_streams(self, sdk: Any, box: Sandbox, blank_lines: bool) -> None:
        box.settings.change({"sse_blank_lines": blank_lines, "sse_heartbeats": not blank_lines})
        messages = [{"role": "user", "content": "数到9"}]
        wanted = {"result_format": "message", "stream": True, "messages": messages}
        parts = list(sdk.Generation.call("qwen-plus", incremental_output=True, **wanted))
        assert "".join(part.output.choices[0].message.content for part in parts) == "1，2，3，4，5，6，7，8，9"
        assert parts[-1].output.choices[0].finish_reason == "stop"
        whole = list(sdk.Generation.call("qwen-plus", **wanted))
        assert whole[-1].output.choices[0].message.content == "1，2，3，4，5，6，7，8，9"

    def test_refusals(self, sdk: Any) -> None:
        messages = [{"role": "user", "content": "x"}]
        answer = sdk.Generation.call("qwen-plus", messages=messages, temperature=2)
        assert (answer.status_code, answer.code) == (400, "InvalidParameter")
        (frame,) = sdk.Generation.call("qwen-plus", messages=messages, temperature=2, stream=True)
        assert (frame.status_code, frame.message) == (400, "Temperature should be in [0.0, 2.0)")
