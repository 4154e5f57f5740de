"""What must have been sent: said in Python, over HTTP or in a file, and the difference told so that one sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from bailian.sandbox import Sandbox
from bailian.sandbox.control.expect_file import read_expectation, read_expectation_file
from bailian.sandbox.control.expectations import differences
from bailian.sandbox.http.answers import LoggedRequest
from bailian.sandbox.scripted.fields import WrongEntry
from tests.support.sandbox_client import Client

TEXT = "/api/v1/services/aigc/text-generation/generation"
SUBMIT = "/api/v1/services/aigc/text2image/image-synthesis"


def entry(path: str, kind: str, model: str = "", status: int = 200, method: str = "POST", **body: Any) -> LoggedRequest:
    told = {"model": model, **body} if model else None
    return LoggedRequest(method, path, status, {"x-dashscope-async": "enable"}, told, {}, kind, 0.0)


LOG = [
    entry(SUBMIT, "submit", "wan2.2-t2i-flash", input={"prompt": "一只猫"}, parameters={"n": 1, "size": "512*512"}),
    entry("/api/v1/tasks/1", "poll", method="GET"),
    entry(TEXT, "text", "qwen-plus", input={"messages": [{"role": "user", "content": "你好"}]}),
    entry(TEXT, "text", "qwen-max", 429, input={"prompt": "again"}),
]

MET: dict[str, Any] = {
    "anything": {},
    "a model": {"model": "qwen-*"},
    "how often": {"path": "*/text-generation/*", "times": 2},
    "never": {"model": "qwen-turbo", "times": 0},
    "at most": {"kind": "submit", "at_most": 1},
    "none of at most": {"kind": "speech", "at_most": 1},
    "a prompt": {"prompt": "猫", "method": "post"},
    "an expression": {"prompt": "/^你/", "model": "qwen-plus"},
    "a part of the body": {"body": {"parameters": {"n": 1}}},
    "a header": {"headers": {"X-DashScope-Async": "en*"}, "times": 4},
    "a status": {"status": 429, "times": 1},
    "several": [{"model": "qwen-plus"}, {"model": "wan*"}],
    "in order": {"requests": [{"kind": "submit"}, {"kind": "text", "times": 2}], "in_order": True},
    "nothing else": {"requests": [{"kind": "submit"}, {"kind": "text"}], "only": True},
}


@pytest.mark.parametrize("case", MET)
def test_met(case: str) -> None:
    assert differences(read_expectation(MET[case]), LOG) == []


UNMET: dict[str, tuple[Any, list[str]]] = {
    "too seldom": ({"model": "qwen-plus", "times": 2}, ["expected 2 times, got 1: model=qwen-plus", "nearest: "]),
    "too often": ({"kind": "text", "at_most": 1}, ["expected 0 to 1 times, got 2: kind=text"]),
    "forbidden": ({"kind": "submit", "times": 0}, ["expected never, got 1: kind=submit"]),
    "the nearest is told": (
        {"kind": "submit", "model": "wan*", "body": {"parameters": {"n": 4, "seed": 1}}},
        ["at least 1 time, got 0", f"nearest: POST {SUBMIT} model=wan2.2-t2i-flash → 200", "body.parameters.n is 1, not 4",
         "body.parameters.seed is absent"],
    ),
    "one is no true": ({"body": {"parameters": {"n": True}}}, ["body.parameters.n is 1, not true"]),
    "another prompt": ({"prompt": "狗", "kind": "submit"}, ["no text has '狗': wan2.2-t2i-flash"]),
    "another header": ({"headers": {"X-Own": "1"}}, ["header X-Own is absent"]),
    "out of order": (
        {"requests": [{"kind": "text"}, {"kind": "submit"}], "in_order": True},
        ["not in order: kind=submit", "what came:", "model=qwen-plus → 200"],
    ),
    "something else": ({"requests": [{"kind": "submit"}], "only": True}, [f"not expected: POST {TEXT} model=qwen-plus"]),
}  # fmt: skip


@pytest.mark.parametrize("case", UNMET)
def test_unmet_says_what_differs(case: str) -> None:
    expectation, words = UNMET[case]
    told = "\n".join(differences(read_expectation(expectation), LOG))
    assert [word for word in words if word not in told] == []


def test_of_no_requests_nothing_is_near() -> None:
    assert differences(read_expectation({}), []) == ["expected at least 1 time, got 0: any request"]


WRONG: dict[str, tuple[Any, str]] = {
    "a field": ({"modle": "x"}, "request 1: an expected request has no field 'modle' (meant: model?); allowed: method"),
    "a count": ({"times": -1}, "times is a whole number from 0"),
    "two counts": ({"times": 1, "at_least": 1}, "times goes without at_least and at_most"),
    "an expression": ({"prompt": "/(/"}, "no regular expression"),
    "a body": ({"body": [1]}, "body is an object"),
    "no list": ({"requests": {}}, "requests is a list of objects"),
    "a switch": ({"requests": [], "in_order": 1}, "in_order is true or false"),
    "another option": ({"requests": [], "ordered": True}, "no field 'ordered' (meant: in_order?)"),
    "a number": ([{}, 3], "request 2: an expected request is an object"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_expectation_is_refused(box: Sandbox, case: str) -> None:
    given, words = WRONG[case]
    with pytest.raises(WrongEntry) as raised:
        read_expectation(given)
    assert words in str(raised.value)
    answer = requests.post(box.root_url + "/_sandbox/expect", json=given, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (400, str(raised.value))


def test_over_http_200_or_409(client: Client) -> None:
    client.submit("a cat")
    path = client.box.root_url + "/_sandbox/expect"
    assert client.http.post(path, json={"kind": "submit", "prompt": "cat", "times": 1}, timeout=10).json() == {
        "met": True
    }
    refused = client.http.post(path, json={"kind": "submit", "prompt": "dog"}, timeout=10)
    assert refused.status_code == 409
    assert "no text has 'dog'" in refused.json()["error"]


def test_in_python(client: Client) -> None:
    client.submit("a cat")
    client.box.expect(kind="submit", times=1)
    client.box.expect({"kind": "submit"}, {"kind": "text", "times": 0}, only=True)
    with pytest.raises(AssertionError, match="expected 1 time, got 0: prompt=dog"):
        client.box.expect(prompt="dog", times=1)


def test_from_a_file(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "expect.yaml"
    path.write_text("in_order: true\nrequests:\n- kind: submit\n  prompt: cat\n- kind: poll\n", encoding="utf-8")
    client.poll(client.task_id("a cat"))
    client.box.expect_file(path)
    client.box.reset()
    with pytest.raises(AssertionError, match="got 0"):
        client.box.expect_file(path)


@pytest.mark.parametrize(
    "content, words",
    [
        ("- kind: submit\n  tims: 1\n", "line 2: an expected request has no field 'tims' (meant: times?)"),
        ("ordered: true\nrequests: []\n", "line 1: no field 'ordered'; allowed: requests, in_order, only"),
        ("requests: []\nonly: 1\n", "line 2: only is true or false"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "expect.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(WrongEntry) as raised:
        read_expectation_file(path)
    assert str(raised.value).startswith(f"{path}, {words}")
