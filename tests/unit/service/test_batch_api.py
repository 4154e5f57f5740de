"""Batch inference on the wire: what is sent where, what each answer means, and what a line becomes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.batch.service_batches import line_format as lines
from bailian.config.settings import Secret, Settings
from bailian.errors import InvalidRequest, MaybeSent, NotSent, ServiceError, TransportError
from bailian.service import batch_api
from bailian.service.batch_api import BatchApi
from bailian.types import StoredRequest
from tests.support.local_web import Answer, LocalWeb, hang_up, http, silence

KEY = "sk-0123456789abcdef"


def settings(base_url: str) -> Settings:
    return Settings(base_url, api_key=Secret(KEY), workspace="ws-1")


@contextmanager
def api_at(*answers: Answer) -> Iterator[tuple[BatchApi, LocalWeb]]:
    with LocalWeb(*answers) as web, closing(BatchApi(settings(web.url + "/api/v1"))) as api:
        yield api, web


def said(value: Any, status: str = "200 OK") -> Answer:
    return http(status, json.dumps(value).encode())


def test_an_upload_is_a_form_with_the_purpose_and_the_file(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    path.write_bytes("第一行\n".encode() * 50_000)
    with api_at(said({"id": "file-batch-1"})) as (api, web):
        assert api.upload(path) == "file-batch-1"
    (seen,) = web.seen
    assert seen.line.startswith("POST /compatible-mode/v1/files ")
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["x-dashscope-workspace"] == "ws-1"
    assert int(seen.headers["content-length"]) == len(seen.body)
    assert b'name="purpose"\r\n\r\nbatch\r\n' in seen.body
    assert path.read_bytes() in seen.body


def test_a_batch_is_created_with_its_name(tmp_path: Path) -> None:
    with api_at(said({"id": "batch_1", "status": "validating"})) as (api, web):
        assert api.create("file-batch-1", "名字", 48) == "batch_1"
    assert web.seen[0].line.startswith("POST /compatible-mode/v1/batches ")
    assert json.loads(web.seen[0].body) == {
        "input_file_id": "file-batch-1",
        "endpoint": "/v1/chat/completions",
        "completion_window": "48h",
        "metadata": {"ds_name": "名字"},
    }


@pytest.mark.parametrize(
    "answer",
    [
        hang_up,
        http(body=b'{"id": "batch_1"', length=200),
        http("502 Bad Gateway", b"<html><title>502</title></html>"),
        http(body=b"not json"),
        said({}),
        said({"id": None}),
    ],
)
def test_an_unreadable_answer_to_a_paid_call_means_maybe_sent(answer: Answer) -> None:
    with api_at(answer) as (api, web):
        with pytest.raises(MaybeSent):
            api.create("file-batch-1", "n")
        assert len(web.seen) == 1


def test_silence_means_maybe_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_api, "QUERY_TIMEOUT_S", 0.05)
    with api_at(silence) as (api, _), pytest.raises(MaybeSent):
        api.create("file-batch-1", "n")


def test_a_closed_port_means_not_sent(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    path.write_text("{}\n")
    with LocalWeb(said({})) as web:
        url = web.url
    with closing(BatchApi(settings(url + "/api/v1"))) as api:
        with pytest.raises(NotSent):
            api.create("file-batch-1", "n")
        with pytest.raises(NotSent):
            api.upload(path)


@pytest.mark.parametrize(
    ("status", "code", "category"),
    [
        ("401 Unauthorized", "invalid_api_key", "Unauthorized"),
        ("429 Too Many Requests", "limit_requests", "RateLimitExceeded"),
        ("400 Bad Request", "invalid_parameter_error", "InvalidParameter"),
        ("404 Not Found", "NotFound", "ResourceNotFound"),
    ],
)
def test_nested_errors_are_read_and_never_show_the_key(status: str, code: str, category: str, tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    path.write_text("{}\n")
    refused = said({"error": {"message": f"no: {KEY}", "type": "x", "param": None, "code": code}}, status)
    with api_at(refused) as (api, _):
        for call in (
            lambda: api.create("f", "n"),
            lambda: api.upload(path),
            lambda: api.batch("b"),
            lambda: api.content("f", tmp_path / "out"),
            lambda: api.find("n"),
            lambda: api.cancel("b"),
        ):
            with pytest.raises(ServiceError) as raised:
                call()
            assert (raised.value.code, raised.value.wire_code) == (category, code)
            assert KEY not in str(raised.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("status", ["301 Moved", "307 Temporary Redirect"])
def test_a_redirect_is_not_followed_with_the_key(status: str, tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    path.write_text("{}\n")
    with LocalWeb(said({"id": "stolen"})) as elsewhere, api_at(http(status, Location=elsewhere.url)) as (api, _):
        for call in (
            lambda: api.upload(path),
            lambda: api.content("f", tmp_path / "out"),
            lambda: api.create("f", "n"),
        ):
            with pytest.raises((ServiceError, TransportError)):
                call()
        assert elsewhere.seen == []


def test_ids_are_escaped_in_paths() -> None:
    with api_at(said({"id": "b", "status": "completed"})) as (api, web):
        api.batch("../files?x=1")
    assert web.seen[0].line.startswith("GET /compatible-mode/v1/batches/..%2Ffiles%3Fx%3D1 ")


def test_a_batch_without_status_is_no_answer() -> None:
    with api_at(said({"id": "b"})) as (api, _), pytest.raises(TransportError):
        api.batch("b")


def test_a_download_is_whole_or_not_there(tmp_path: Path) -> None:
    target = tmp_path / "b.output.jsonl"
    whole = "行\n".encode() * 100_000
    with api_at(http(body=whole[:1000], length=len(whole)), http(body=whole)) as (api, web):
        with pytest.raises(TransportError):
            api.content("file-1", target)
        assert list(tmp_path.iterdir()) == []
        api.content("file-1", target)
    assert target.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["b.output.jsonl"]
    assert web.seen[1].line.startswith("GET /compatible-mode/v1/files/file-1/content ")


def named(batch_id: str, name: str | None) -> dict[str, Any]:
    return {"id": batch_id, "metadata": None if name is None else {"ds_name": name}}


def test_find_takes_the_very_name_from_all_pages() -> None:
    pages = [
        {"data": [named("3", "名"), named("2", "名-2")], "has_more": True, "last_id": "2"},
        {"data": [named("1", "名"), named("0", None)], "has_more": False, "last_id": "0"},
    ]
    with api_at(*(said(page) for page in pages)) as (api, web):
        assert [batch["id"] for batch in api.find("名")] == ["1", "3"]
    assert "after=2" in web.seen[1].line


def test_an_empty_list_is_null() -> None:
    with api_at(said({"object": "list", "data": None, "has_more": False})) as (api, _):
        assert api.find("名") == []


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"data": {"0": {}}, "has_more": False},
        {"data": [], "has_more": True},
        {"data": [None], "has_more": False},
        {"data": [{"id": ["1"], "metadata": {"ds_name": "名"}}], "has_more": False},
        {"data": [{"id": None, "metadata": {"ds_name": "名"}}], "has_more": False},
    ],
)
def test_a_list_that_cannot_be_read_to_its_end_proves_nothing_absent(answer: dict[str, Any]) -> None:
    with api_at(said(answer)) as (api, _), pytest.raises(TransportError):
        api.find("名")


# Lines.

BODY = {
    "model": "qwen-plus",
    "input": {"messages": [{"role": "user", "content": "你好"}]},
    "parameters": {"result_format": "message", "incremental_output": True, "max_tokens": 5, "enable_thinking": True},
}


def test_parameters_stand_beside_the_messages() -> None:
    line = json.loads(lines.line_of("job-1", BODY))
    assert line == {
        "custom_id": "job-1",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": "qwen-plus",
            "messages": [{"role": "user", "content": "你好"}],
            "max_tokens": 5,
            "enable_thinking": True,
        },
    }


@given(st.text())
def test_any_prompt_is_one_line(prompt: str) -> None:
    body = {**BODY, "input": {"messages": [{"role": "user", "content": prompt}]}}
    line = lines.line_of("j", body)
    assert line.count(b"\n") == 1
    assert json.loads(line)["body"]["messages"][0]["content"] == prompt


def test_a_line_has_at_most_six_megabytes() -> None:
    body = {**BODY, "input": {"messages": [{"role": "user", "content": "x" * lines.LINE_BYTES_MAX}]}}
    with pytest.raises(InvalidRequest, match="6,000,000"):
        lines.line_of("j", body)


@given(st.lists(st.integers(1, 40), max_size=60), st.integers(1, 8), st.integers(40, 200))
def test_files_hold_all_jobs_in_order_and_keep_both_limits(sizes: list[int], most_lines: int, most_bytes: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "LINES_MAX", most_lines)
        patch.setattr(lines, "FILE_BYTES_MAX", most_bytes)
        left = [(str(i), size) for i, size in enumerate(sizes)]
        files = []
        while left:
            chosen = lines.first_file(iter(left))
            files.append(left[: len(chosen)])
            assert chosen == [job_id for job_id, _ in files[-1]]
            left = left[len(chosen) :]
    assert all(1 <= len(file) <= most_lines and sum(size for _, size in file) <= most_bytes for file in files)


@given(st.floats(0, 1, width=32), st.one_of(st.none(), st.integers(1, 10**6)))
def test_halving_is_undone_exactly(price: float, up_to: int | None) -> None:
    tier = {"input": price, "output": price * 3, **({"up_to_input_tokens": up_to} if up_to else {})}
    stored = {"body": BODY, "facts": {"prices": [tier], "thinking": False}}
    prepared = StoredRequest.from_json(stored, "text")
    half = lines.discounted(prepared)
    kept = half.to_json()
    assert kept["facts"]["prices"][0]["input"] == price / 2
    assert kept["facts"]["prices"][0].get("up_to_input_tokens") == up_to
    assert lines.undiscounted(half) == prepared
    earlier = StoredRequest.from_json({**kept, "half_price": "as an earlier version had it"}, "text")
    assert lines.undiscounted(earlier) == prepared


CAPTURED = (
    '{"id":"153fa1be","custom_id":"1","response":{"status_code":200,"request_id":"153fa1be","body":{"created":1776432582,'
    '"usage":{"completion_tokens":49,"prompt_tokens":26,"total_tokens":75},"model":"qwen-flash","id":"chatcmpl-153fa1be",'
    '"choices":[{"finish_reason":"stop","index":0,"message":{"role":"assistant","content":"你好！"}}],'
    '"object":"chat.completion"}},"error":null}'
)


def test_a_captured_result_line_becomes_a_native_answer() -> None:
    (result,) = lines.results([CAPTURED.encode()])
    assert result.job_id == "1"
    assert result.answer == {
        "request_id": "153fa1be",
        "output": {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "你好！"}}]},
        "usage": {"input_tokens": 26, "output_tokens": 49, "total_tokens": 75},
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            {"response": {"status_code": 400, "body": {"error": {"code": "c", "message": "m"}}}, "error": None},
            ("c", "m", 400),
        ),
        ({"response": {"status_code": 400, "body": {"code": "c", "message": "m"}}}, ("c", "m", 400)),
        ({"response": None, "error": {"code": "batch_expired", "message": "late"}}, ("batch_expired", "late", None)),
        ({"response": {"status_code": 500, "body": None}, "error": None}, ("", "", 500)),
        ({"response": {"status_code": 200, "body": {}}}, ("", "", 200)),
        ({}, ("", "", None)),
    ],
)
def test_every_shape_of_a_failed_line_is_read(line: dict[str, Any], expected: tuple[str, str, int | None]) -> None:
    (result,) = lines.results([json.dumps({"custom_id": "1", **line}).encode()])
    assert result.answer is None
    assert (result.wire_code, result.message, result.status) == expected


@pytest.mark.slow
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["custom_id", "response", "error", "status_code", "body", "choices", "usage", "code", "message"])
    , inner)))  # fmt: skip
def test_no_line_is_a_crash(value: Any) -> None:
    list(lines.results([json.dumps(value).encode(), b"\xff{", b""]))
    if isinstance(value, dict):
        list(lines.results([json.dumps({**value, "custom_id": "x"}).encode()]))
        lines.refusal({"errors": value})
        lines.line_errors({"errors": value}, ["a"])


def test_validation_errors_are_found_by_line() -> None:
    errors = {"object": "list", "data": [{"code": "url_not_found", "message": "m", "param": "url", "line": 2}]}
    batch = {"status": "failed", "errors": errors}
    assert lines.line_errors(batch, ["a", "b"]) == {"b": ("url_not_found", "m")}
    assert lines.line_errors(batch, ["a"]) == {}
    assert lines.refusal(batch) == ("url_not_found", "m")
