"""Answer or error: every shape in which the service says no, and nothing but our own errors."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.errors import BailianError, MaybeSent, ServiceError
from bailian.service.json_reader import json_object
from bailian.service.responses import read, wire_error
from bailian.service.transport.http import Reply

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = dict.fromkeys(("code", "message", "type", "request_id", "output"), JSON)
BODY = st.fixed_dictionaries({}, optional={**FIELDS, "error": st.fixed_dictionaries({}, optional=FIELDS) | JSON})


def reply(status: int, body: object, **headers: str) -> Reply:
    text = body if isinstance(body, str) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, named, text, json_object(text.encode("utf-8", "surrogatepass")))


def refusal(status: int, body: object, **headers: str) -> ServiceError:
    with pytest.raises(ServiceError) as raised:
        read(reply(status, body, **headers), task_id="t-1")
    return raised.value


@pytest.mark.parametrize(
    "body",
    [
        {"output": {"task_id": "t", "task_status": "PENDING"}, "request_id": "r"},
        {"output": {"task_status": "FAILED", "code": "InvalidParameter", "message": "x"}, "request_id": "r"},
        {"code": "200", "message": "ok", "output": {}},
        {"code": 200, "output": {}},
        {"code": "Success", "output": {}},
        {"code": "", "message": "", "output": {}},
        {"code": None, "output": {}},
        {"error": None, "output": {}},
        {"request_id": "r"},
        {},
    ],
)
def test_a_good_answer_is_returned_as_it_came(body: dict[str, Any]) -> None:
    """An object with a 2xx and no error code is the answer; what a task's own fate is, is not judged here."""
    assert read(reply(200, body)) == body


def test_the_flat_shape() -> None:
    """`{"code","message","request_id"}` with a 4xx: the usual refusal."""
    error = refusal(401, {"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "r-1"})
    assert (error.code, error.wire_code, error.http_status) == ("Unauthorized", "InvalidApiKey", 401)
    assert (str(error), error.request_id, error.task_id) == ("Invalid API-key provided.", "r-1", "t-1")


def test_a_task_that_was_created_is_never_an_error() -> None:
    """A task id is a paid task, whatever code stands beside it."""
    body = {"code": "Strange", "message": "x", "output": {"task_id": "t", "task_status": "PENDING"}}
    assert read(reply(200, body)) == body


def test_the_flat_shape_with_http_200() -> None:
    """HTTP 200 is not success: a code in the body is an error, and 200 is not its status."""
    error = refusal(200, {"code": "InvalidParameter", "message": "bad", "request_id": "r-1"})
    assert (error.code, error.http_status) == ("InvalidParameter", None)


@pytest.mark.parametrize("status", [200, 400, 404])
def test_the_nested_shape(status: int) -> None:
    """`{"error": {…}}` of the OpenAI-style routes."""
    body = {"error": {"message": "no such model", "type": "invalid_request_error", "code": "model_not_found"}}
    error = refusal(status, body)
    assert (error.code, error.wire_code, str(error)) == ("ModelNotFound", "model_not_found", "no such model")


def test_the_nested_shape_without_a_code() -> None:
    """`code` may be null: the type, then the status, say what it is."""
    error = refusal(400, {"error": {"message": "bad file", "type": "invalid_request_error", "code": None}})
    assert (error.code, error.wire_code) == ("InvalidParameter", "invalid_request_error")
    assert refusal(200, {"error": {}}).wire_code == "unknown"


@pytest.mark.parametrize("status", [200, 201, 500, 502, 503, 504])
@pytest.mark.parametrize("body", ["", "<html><title>502 Bad Gateway</title></html>", "[1, 2]", "null", '{"output":'])
def test_what_is_no_answer_leaves_open_what_happened(status: int, body: str) -> None:
    """A gateway's page or half a body: if the request was paid, nobody knows whether it was executed."""
    with pytest.raises(MaybeSent) as raised:
        read(reply(status, body, x_request_id="r-1"), task_id="t-1")
    assert (raised.value.http_status, raised.value.request_id, raised.value.task_id) == (status, "r-1", "t-1")


def test_a_5xx_with_a_code_keeps_its_code() -> None:
    """It proves nothing, but its words are shown, and say how soon to come again."""
    assert refusal(500, {"code": "InternalError", "message": "x"}).again == "few"
    assert refusal(503, {"code": "ModelUnavailable", "message": "x"}).again == "wait"


def test_a_5xx_without_a_code_is_not() -> None:
    """An object that is not the service's error form may come from anything in between."""
    with pytest.raises(MaybeSent):
        read(reply(502, {"status": "bad gateway"}))


def test_a_pages_title_is_shown_not_the_page() -> None:
    """The message stays one short line."""
    page = "<html><head><title>\n 502 Bad\x1b[2J Gateway </title></head>" + "x" * 10_000
    with pytest.raises(MaybeSent, match="502 Bad") as raised:
        read(reply(502, page))
    assert len(str(raised.value)) < 200
    assert "\x1b" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_servers_pause_is_kept() -> None:
    """Retry-After of a 429 reaches whoever decides when to send again."""
    assert refusal(429, {"code": "Throttling", "message": "slow"}, retry_after="7").retry_after_s == 7


def test_the_error_of_a_good_body_is_empty() -> None:
    """`wire_error` gives a code only where there is an error."""
    assert wire_error({"output": {}, "message": "fine"})[0] == ""
    assert wire_error({"code": "Success", "message": "fine"})[0] == ""
    assert wire_error({"code": 5, "message": None}) == ("5", "")


@given(st.integers(100, 599), BODY | JSON)
def test_any_json_gives_an_answer_or_our_own_error(status: int, body: object) -> None:
    """Whatever the service says, no other exception comes out."""
    try:
        answer = read(reply(status, body))
    except BailianError as error:
        json.dumps(error.to_json())
    else:
        assert isinstance(answer, dict)
        assert 200 <= status < 300


@given(st.integers(100, 599), st.text(), st.text())
def test_any_text_gives_an_answer_or_our_own_error(status: int, text: str, pause: str) -> None:
    """Nonsense in body and headers is survived too."""
    with contextlib.suppress(BailianError):
        read(reply(status, text, retry_after=pause))
