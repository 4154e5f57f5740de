"""Answers that a test has written: which request gets which, on every face of every model."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bailian.sandbox import Sandbox
from bailian.sandbox.scripted.answers import ScriptedAnswer, ScriptedCall
from bailian.sandbox.scripted.fields import WrongEntry
from bailian.sandbox.scripted.patterns import Conversation, conversation_of
from bailian.sandbox.scripted.script import Script
from bailian.sandbox.scripted.script_file import read_entries, read_here, read_script
from bailian.sandbox.text.writer import said_in
from tests.support.pictures import bytes_of, drawn, uri
from tests.support.sandbox_client import EMBEDDING, SYNC, TEXT, Client, instruct
from tests.support.speech_socket import answers, dial, error, run_task, speak

TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
RECORDING = "http://example.com/a.wav"


def text(client: Client, prompt: str, model: str = "qwen-plus", **parameters: Any) -> requests.Response:
    messages = [{"role": "user", "content": prompt}]
    body = {"model": model, "input": {"messages": messages}, "parameters": {"result_format": "message", **parameters}}
    return client.post(SYNC if model == "qwen3.7-plus" else TEXT, body, asks_async=False)


def said(answer: requests.Response) -> str:
    content = answer.json()["output"]["choices"][0]["message"]["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


# Which answer fits.

FITS = {
    "anything": (ScriptedAnswer(), True),
    "a glob": (ScriptedAnswer(model="qwen-*"), True),
    "another model": (ScriptedAnswer(model="wan*"), False),
    "a part": (ScriptedAnswer(prompt="天气"), True),
    "another part": (ScriptedAnswer(prompt="weather"), False),
    "an expression": (ScriptedAnswer(prompt="/北京.*吗/"), True),
    "another expression": (ScriptedAnswer(prompt="/^天气/"), False),
    "two signs are a text": (ScriptedAnswer(prompt="//"), False),
    "its turn": (ScriptedAnswer(turn=2), True),
    "another turn": (ScriptedAnswer(turn=1), False),
    "a call after a tool's result": (ScriptedAnswer(tool_calls=(ScriptedCall("f", "{}"),)), False),
    "a call of that turn": (ScriptedAnswer(turn=2, tool_calls=(ScriptedCall("f", "{}"),)), True),
}


@pytest.mark.parametrize("case", FITS)
def test_what_fits(case: str) -> None:
    answer, fits = FITS[case]
    assert answer.fits(Conversation("qwen-plus", "北京的天气好吗", 2, after_tool=True)) is fits


USER, ASSISTANT = {"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}
BODIES: dict[str, tuple[Any, int, bool]] = {
    "native": ({"input": {"messages": [USER, ASSISTANT, USER]}}, 2, False),
    "compatible": ({"messages": [USER, ASSISTANT, USER]}, 2, False),
    "responses": ({"input": [USER, ASSISTANT, {"type": "function_call_output", "output": "1"}]}, 2, True),
    "a tool": ({"messages": [USER, ASSISTANT, {"role": "tool", "content": "1"}]}, 2, True),
    "anthropic": ({"messages": [USER, ASSISTANT, {"role": "user", "content": [{"type": "tool_result"}]}]}, 2, True),
    "a prompt": ({"input": {"prompt": "x"}}, 1, False),
    "no body": (None, 1, False),
    "nonsense": ({"input": {"messages": [1, None, {}]}}, 1, False),
}


@pytest.mark.parametrize("case", BODIES)
def test_which_turn_it_is(case: str) -> None:
    body, turn, after_tool = BODIES[case]
    about = conversation_of("m", "p", body)
    assert (about.turn, about.after_tool) == (turn, after_tool)


@pytest.mark.slow
@given(st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_no_body_is_too_odd(body: Any) -> None:
    assert conversation_of("m", "p", {"input": body, "messages": body}).turn >= 1


def test_the_first_that_fits_is_given_as_often_as_it_says() -> None:
    script = Script([ScriptedAnswer(text="once", times=1), ScriptedAnswer(text="then", times=2)])
    about = Conversation("m", "p")
    given = [script.take(about, "text") for _ in range(4)]
    assert [one and one.text for one in given] == ["once", "then", "then", None]
    assert script.take(about, "picture") is None
    script.reset()
    assert [one.text for one in script.unused] == ["once", "then"]


# How an answer may be written.

WRONG = {
    "no object": ([1], "an object with model, prompt"),
    "a field misspelt": ([{"txt": "x"}], "no field 'txt' (meant: text?); allowed: model, prompt, turn"),
    "nothing said": ([{"model": "x"}], "says something: give text, thought, tool_call"),
    "two things": ([{"text": "x", "error": {}}], "text and error do not go together"),
    "a thought and a picture": ([{"thought": "x", "transcript": "y"}], "thought and transcript do not go together"),
    "a bad expression": ([{"prompt": "/(/", "text": "x"}], "is no regular expression"),
    "no number": ([{"times": "3", "text": "x"}], "times is a whole number from 1"),
    "a turn of nothing": ([{"turn": 0, "text": "x"}], "turn is a whole number from 1"),
    "a call without name": ([{"tool_call": {"arguments": {}}}], "tool_call needs a name"),
    "arguments": ([{"tool_call": {"name": "f", "arguments": 3}}], "arguments is an object, or a text"),
    "a status": ([{"error": {"status": 200}}], "status is a whole number from 400 to 599"),
    "an error's field": ([{"error": {"cod": "x"}}], "no field 'cod' (meant: code?); allowed: code, message, status"),
    "a delay": ([{"delay_s": -1}], "delay_s is a number of seconds"),
    "a text": ([{"text": 3}], "text is a text, not 3"),
    "a file from afar": ([{"picture": "/etc/passwd"}], "a script file may also name a file"),
    "no base64": ([{"picture": "data:image/png;base64,???"}], "no valid base64"),
    "no picture": ([{"picture": "data:image/png;base64,AAAA"}], "is no picture; allowed: image/bmp"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_bad_answer_is_refused_over_http(client: Client, case: str) -> None:
    entries, words = WRONG[case]
    answer = client.http.post(client.box.root_url + "/_sandbox/answers", json=entries, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("answer 1: ")
    assert words in answer.json()["error"]
    assert client.box.script.is_empty


FILES = {
    "a list": ("- text: x\n", ""),
    "under a name": ("answers:\n- text: x\n", ""),
    "a misspelt field": ("answers:\n- text: x\n- model: m\n  txt: y\n", "line 4: an answer has no field 'txt'"),
    "a field of a field": ("- text: x\n- error:\n    code: A\n    cod: B\n", "line 4: error has no field 'cod'"),
    "a wrong value": ("- text: x\n  times: 0\n", "line 2: times is a whole number"),
    "two things": ("- text: x\n\n- text: y\n  transcript: z\n", "line 4: an answer is one thing"),
    "nothing": ("- model: x\n", "line 1: an answer says something"),
    "a name twice": ("- text: x\n  text: y\n", "line 2: text stands twice (first in line 1)"),
    "another name": ("answer:\n- text: x\n", "line 1: no field 'answer'; allowed: answers"),
    "no list": ("answers: 3\n", "line 1: answers is a list of objects"),
    "no yaml": ("- text: [\n", "line 2: "),
    "no file": ("- picture: nowhere.png\n", "line 1: picture 'nowhere.png' cannot be read"),
    "empty": ("", "line 1: answers is a list"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, case: str) -> None:
    content, words = FILES[case]
    path = tmp_path / "answers.yaml"
    path.write_text(content, encoding="utf-8")
    if not words:
        assert [one.text for one in read_script(path)] == ["x"]
        return
    with pytest.raises(WrongEntry) as raised:
        read_script(path)
    assert str(raised.value).startswith(f"{path}, {words}")


@given(st.text())
def test_no_file_is_too_odd(content: str) -> None:
    path = Path("odd.yaml")
    path.write_text(content, encoding="utf-8", errors="surrogatepass")
    with contextlib.suppress(WrongEntry):
        read_script(path)


def test_all_fields_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(bytes_of(drawn()))
    path = tmp_path / "answers.yaml"
    path.write_text(
        "- {model: 'qwen-*', prompt: x, turn: 2, times: 3, thought: hm, text: y, delay_s: 1}\n"
        "- tool_call: [{name: f, arguments: {city: 北京}}, {name: g}]\n"
        "- picture: a.png\n- transcript: 你好\n- error: {code: A.B, status: 429, message: no}\n- delay_s: 2\n",
        encoding="utf-8",
    )
    first, second, *others = read_script(path)
    expected = ScriptedAnswer("qwen-*", "x", turn=2, times=3, text="y", thought="hm", delay_s=1.0)
    assert first == expected
    assert second.tool_calls == (ScriptedCall("f", '{"city": "北京"}'), ScriptedCall("g", "{}"))
    assert [one.kind for one in others] == ["picture", "transcript", "error", "delay"]


@given(st.text())
def test_say_never_breaks(prompt: str) -> None:
    said_in(f"[sandbox:say {prompt}")


# What comes of it.


def test_say_in_a_prompt(client: Client) -> None:
    assert said(text(client, "a [sandbox:say yes [really] so] b")) == "yes [really] so"
    assert said(text(client, "[sandbox:say 晴]", model="qwen3.7-plus")) == "晴"
    assert "made up" in said(text(client, "[sandbox:say never ends"))


def test_texts_by_prompt_and_count(client: Client) -> None:
    client.box.say("sunny", prompt="weather", times=1)
    client.box.say("who knows")
    assert [said(text(client, prompt)) for prompt in ("weather?", "weather?", "x")] == [
        "sunny",
        "who knows",
        "who knows",
    ]
    assert said(text(client, "x", model="qwen3.7-plus")) == "who knows"


def test_a_tool_is_called_and_its_result_answered(client: Client) -> None:
    """One answer calls, the next speaks, as an agent needs it: no turn has to be named."""
    client.box.answer(tool_call={"name": "get_weather", "arguments": {"city": "北京"}}, thought="让我看看")
    client.box.say("北京晴")
    first = text(client, "北京天气", tools=[TOOL]).json()["output"]["choices"][0]
    assert first["finish_reason"] == "tool_calls"
    call = first["message"]["tool_calls"][0]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("get_weather", {"city": "北京"})
    messages = [{"role": "user", "content": "北京天气"}, first["message"], {"role": "tool", "content": "晴"}]
    body = {"model": "qwen-plus", "input": {"messages": messages}, "parameters": {"result_format": "message"}}
    assert said(client.post(TEXT, body, asks_async=False)) == "北京晴"


def test_a_thought_is_told_where_the_model_thinks(client: Client) -> None:
    client.box.answer(text="42", thought="six times seven")
    body = {"model": "qwen3.7-max", "input": {"messages": [USER]}, "parameters": {"incremental_output": True}}
    frames = client.post(TEXT, body, asks_async=False, **{"X-DashScope-SSE": "enable"}).text
    pieces = [
        json.loads(line[5:])["output"]["choices"][0]["message"] for line in frames.split("\n") if line[:5] == "data:"
    ]
    assert "".join(piece["reasoning_content"] for piece in pieces) == "six times seven"
    assert "".join(piece["content"] for piece in pieces) == "42"
    assert "reasoning_content" not in text(client, "x").json()["output"]["choices"][0]["message"]


def picture(kind: str = "PNG") -> bytes:
    return bytes_of(drawn((320, 200), (10, 200, 30)), kind)


@pytest.mark.parametrize("kind", ["a task", "a call", "an edit"])
def test_the_file_is_the_picture(client: Client, kind: str) -> None:
    made = picture("JPEG")
    Path("mine.jpg").write_bytes(made)
    client.box.answer(picture=Path("mine.jpg"), prompt="猫")
    if kind == "a task":
        link = client.link("一只猫")
    else:
        got = client.blocking("一只猫") if kind == "a call" else instruct(client, uri(drawn()), text="换成猫")
        link = got.json()["output"]["choices"][0]["message"]["content"][0]["image"]
    answer = client.download(link)
    assert (answer.content, answer.headers["content-type"]) == (made, "image/jpeg")
    assert Image.open(io.BytesIO(client.download(client.link("a dog")).content)).size == (512, 512)


def test_a_transcript_for_every_face_of_recognition(client: Client) -> None:
    client.box.answer(transcript="第一句。\n第二句。")
    body = {"model": "paraformer-v2", "input": {"file_urls": [RECORDING]}}
    task = client.post("/services/audio/asr/transcription", body).json()["output"]["task_id"]
    document = client.download(client.wait(task)["output"]["results"][0]["transcription_url"]).json()
    assert [one["text"] for one in document["transcripts"][0]["sentences"]] == ["第一句。", "第二句。"]
    times = [one[key] for one in document["transcripts"][0]["sentences"] for key in ("begin_time", "end_time")]
    assert times == sorted(times)
    messages = [{"role": "user", "content": [{"audio": RECORDING}]}]
    instant = client.post(SYNC, {"model": "qwen3-asr-flash", "input": {"messages": messages}}, asks_async=False)
    assert said(instant) == "第一句。第二句。"


def test_silence_can_be_scripted(client: Client) -> None:
    client.box.answer(transcript="")
    messages = [{"role": "user", "content": [{"audio": RECORDING}]}]
    answer = client.post(SYNC, {"model": "qwen3-asr-flash", "input": {"messages": messages}}, asks_async=False).json()
    content = answer["output"]["choices"][0]["message"]["content"]
    assert "".join(part["text"] for part in content) == ""


@pytest.mark.parametrize("kind", ["text", "vectors", "a task", "a call", "a film"])
def test_an_error_for_any_kind(client: Client, kind: str) -> None:
    client.box.answer(error={"code": "Throttling.RateQuota", "status": 429, "message": "slow down"}, times=1)

    def ask() -> requests.Response:
        if kind == "text":
            return text(client, "x")
        if kind == "vectors":
            body = {"model": "text-embedding-v4", "input": {"texts": ["x"]}}
            return client.post(EMBEDDING, body, asks_async=False)
        if kind == "a film":
            body = {"model": "wanx2.1-t2v-turbo", "input": {"prompt": "x"}}
            return client.post("/services/aigc/video-generation/video-synthesis", body)
        return client.submit() if kind == "a task" else client.blocking()

    refused = ask()
    assert (refused.status_code, refused.json()["code"], refused.json()["message"]) == (
        429, "Throttling.RateQuota", "slow down")  # fmt: skip
    assert client.box.tasks + client.box.sync_calls == []
    assert ask().status_code == 200


@pytest.mark.parametrize("model, voice", [("sambert-zhichu-v1", None), ("cosyvoice-v3-flash", "longanyang")])
def test_an_error_on_the_socket(box: Sandbox, model: str, voice: str | None) -> None:
    box.answer(error={"code": "Engine.Tired", "message": "zzz"}, model=model, times=1)
    with dial(box) as socket:
        socket.send(run_task(model, voice).replace('"input": {}', '"input": {"text": "x"}'))
        assert error(list(answers(socket))) == ("Engine.Tired", "zzz")
    if voice:
        assert speak(box, "你好。")[-1]["header"]["event"] == "task-finished"  # type: ignore[index,call-overload]


def test_a_delay_passes_by_the_sandboxs_own_clock() -> None:
    from bailian.sandbox.control.clock import Clock

    async def wait() -> None:
        clock = Clock(lambda: 100.0)
        waiting = asyncio.ensure_future(clock.until(4000.0))
        await asyncio.sleep(0)
        clock.advance(3000)
        await asyncio.sleep(0)
        assert not waiting.done()
        clock.advance(1000)
        await asyncio.wait_for(waiting, 10)

    asyncio.run(wait())


def test_a_refused_request_does_not_use_up_an_answer(client: Client) -> None:
    client.box.say("once", times=1)
    assert text(client, "x", temperature=9).status_code == 400
    assert said(text(client, "x")) == "once"
    assert "made up" in said(text(client, "x"))


def test_what_nobody_asked_for_is_shown(client: Client) -> None:
    client.box.say("used")
    client.box.say("never", model="qwen-max")
    text(client, "x")
    state = client.http.get(client.box.root_url + "/_sandbox/state", timeout=10).json()
    assert state["answers"] == [
        {"model": "*", "text": "used", "used": 1}, {"model": "qwen-max", "text": "never", "used": 0}]  # fmt: skip
    assert state["unused_answers"] == [1]
    client.http.delete(client.box.root_url + "/_sandbox/answers", timeout=10)
    assert client.box.script.is_empty


def test_a_file_is_loaded_and_comes_back_with_a_reset(tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text("- {text: once, times: 1}\n", encoding="utf-8")
    with Sandbox(task_s=0, script=path) as box, Client(box).http:
        client = Client(box)
        assert [said(text(client, "x"))[:4] for _ in range(2)] == ["once", "This"]
        box.say("added")
        box.reset()
        assert [said(text(client, "x"))[:4] for _ in range(2)] == ["once", "This"]
        client.http.close()


def test_lines_of_a_batch_get_them_too(box: Sandbox) -> None:
    box.say("scripted", prompt="batch line")
    root = box.root_url + "/compatible-mode/v1"
    headers = {"Authorization": "Bearer sk-x"}
    body = {"model": "qwen-plus", "messages": [{"role": "user", "content": "batch line"}]}
    line = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": body}
    upload = {"file": ("a.jsonl", json.dumps(line).encode())}
    file = requests.post(root + "/files", files=upload, data={"purpose": "batch"}, headers=headers, timeout=10).json()
    wanted = {"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    made = requests.post(root + "/batches", json=wanted, headers=headers, timeout=10).json()
    box.advance(3600)
    done = requests.get(f"{root}/batches/{made['id']}", headers=headers, timeout=10).json()
    content = requests.get(f"{root}/files/{done['output_file_id']}/content", headers=headers, timeout=10).text
    assert json.loads(content)["response"]["body"]["choices"][0]["message"]["content"] == "scripted"


def test_entries_and_keyword_arguments_are_one_reader() -> None:
    assert read_entries({"text": "x"}) == [read_here({"text": "x"})] == [ScriptedAnswer(text="x")]


FACES = {
    "chat": ("/compatible-mode/v1/chat/completions", {"messages": [{"role": "user", "content": "天气"}]}),
    "responses": ("/compatible-mode/v1/responses", {"input": "天气"}),
    "anthropic": (
        "/apps/anthropic/v1/messages", {"max_tokens": 99, "messages": [{"role": "user", "content": "天气"}]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("face", FACES)
def test_the_compatible_faces_get_them_too(client: Client, face: str) -> None:
    path, body = FACES[face]

    def ask(**more: Any) -> requests.Response:
        return client.http.post(client.box.root_url + path, json={"model": "qwen3.7-plus", **body, **more}, timeout=10)

    client.box.answer(error={"code": "Throttling.RateQuota", "status": 429, "message": "slow down"}, times=1)
    client.box.answer(tool_call={"name": "get_weather", "arguments": {"city": "北京"}}, prompt="天气", times=1)
    client.box.answer(text="北京晴", model="qwen3.7-*")
    refused = ask()
    assert (refused.status_code, refused.json()["error"]["message"]) == (429, "slow down")
    assert "get_weather" in ask().text
    assert "北京晴" in ask().text
    assert client.box.script.unused == []


def test_a_stream_of_chat_is_the_text(client: Client) -> None:
    client.box.say("北京晴，有风。")
    body = {"model": "qwen-plus", "messages": [{"role": "user", "content": "x"}], "stream": True}
    got = client.http.post(client.box.root_url + FACES["chat"][0], json=body, timeout=10).content.decode()
    pieces = [json.loads(line[5:]) for line in got.split("\n") if line.startswith("data:") and "[DONE]" not in line]
    assert (
        "".join(one["choices"][0]["delta"].get("content") or "" for one in pieces if one["choices"]) == "北京晴，有风。"
    )
