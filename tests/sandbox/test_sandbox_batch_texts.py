"""Batches of the texts of today: vectors, one thinking mode a file, which models a file may name, pictures in lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from message_bodies import picture

from bailian.sandbox import Sandbox
from bailian.sandbox.embeddings.vectors import dense
from tests.support.batch_client import BatchClient, line

pytestmark = pytest.mark.slow

VECTORS = "/v1/embeddings"


@pytest.fixture
def client(box: Sandbox) -> Iterator[BatchClient]:
    made = BatchClient(box)
    with made.http:
        yield made


def vector_line(custom_id: str, texts: Any, model: str = "text-embedding-v4", **body: Any) -> dict[str, Any]:
    return {
        "custom_id": custom_id, "method": "POST", "url": VECTORS, "body": {"model": model, "input": texts, **body},
    }  # fmt: skip


def ended(client: BatchClient, *lines: Any, endpoint: str) -> dict[str, Any]:
    made = client.create(client.upload(*lines).json()["id"], endpoint).json()
    return client.ended(made["id"])


def test_vectors_of_a_text_and_of_a_list(client: BatchClient) -> None:
    batch = ended(
        client, vector_line("one", "一"), vector_line("two", ["一", "二"], dimensions=64),
        vector_line("bad", ["x"] * 11), endpoint=VECTORS,
    )  # fmt: skip
    assert batch["request_counts"] == {"total": 3, "completed": 2, "failed": 1}
    bodies = {one["custom_id"]: one["response"]["body"] for one in client.results(batch["output_file_id"])}
    assert set(bodies["one"]) == {"data", "model", "object", "usage", "id"}
    assert bodies["one"]["data"] == [{"embedding": dense("一", 1024), "index": 0, "object": "embedding"}]
    assert [len(entry["embedding"]) for entry in bodies["two"]["data"]] == [64, 64]
    assert bodies["two"]["usage"] == {"prompt_tokens": 2, "total_tokens": 2}
    (failed,) = client.results(batch["error_file_id"])
    assert "batch size is invalid" in failed["response"]["body"]["error"]["message"]


@pytest.mark.parametrize(
    "lines, code",
    [
        ([vector_line("1", "x", "qwen3.7-text-embedding")], "model_not_found"),
        ([vector_line("1", "x", "qwen-plus")], "model_not_found"),
        ([vector_line("1", "x"), line("2")], "url_not_found"),
        ([vector_line("1", "x"), vector_line("2", "x", "text-embedding-v3")], "mismatched_model"),
    ],
)
def test_a_file_of_vectors_that_is_refused(client: BatchClient, lines: list[Any], code: str) -> None:
    batch = ended(client, *lines, endpoint=VECTORS)
    assert (batch["status"], batch["errors"]["data"][0]["code"]) == ("failed", code)


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "model, known",
    [
        ("qwen3.7-plus", True), ("qwen3.8-max", True), ("qwen3.5-flash", True), ("qwen-long", True),
        ("qwen-vl-ocr", True), ("qwen3.8-flash", False), ("deepseek-v4-pro", False), ("glm-5.2", False),
        ("kimi-k2.6", False), ("qwen-max", False), ("qwen3-vl-plus", False),
    ],
)  # fmt: skip
def test_which_models_a_file_may_name(client: BatchClient, model: str, known: bool) -> None:
    batch = client.ended(client.begin(line("1", body={"model": model})))
    assert batch["status"] == ("completed" if known else "failed")


@pytest.mark.parametrize(
    "model, modes, fits",
    [
        ("qwen3.7-plus", [None, True], True),
        ("qwen3.7-plus", [None, False], False),
        ("qwen-plus", [None, False], True),
        ("qwen-plus", [True, False], False),
    ],
)
def test_one_thinking_mode_a_file(client: BatchClient, model: str, modes: list[bool | None], fits: bool) -> None:
    bodies = [{"model": model} | ({} if mode is None else {"enable_thinking": mode}) for mode in modes]
    batch = client.ended(client.begin(*(line(str(n), body=body) for n, body in enumerate(bodies))))
    assert batch["status"] == ("completed" if fits else "failed")
    if not fits:
        assert [error["line"] for error in batch["errors"]["data"]] == [2]


def test_a_line_with_a_picture_and_one_with_thoughts(client: BatchClient) -> None:
    content = [
        {"type": "image_url", "image_url": {"url": picture((640, 480), "orange")}},
        {"type": "text", "text": "?"},
    ]
    lines = [
        line("1", body={"model": "qwen3.7-plus", "messages": [{"role": "user", "content": content}]}),
        line("2", "数到3", body={"model": "qwen3.7-plus"}),
    ]
    batch = client.ended(client.begin(*lines))
    bodies = {one["custom_id"]: one["response"]["body"] for one in client.results(batch["output_file_id"])}
    messages = {number: body["choices"][0]["message"] for number, body in bodies.items()}
    assert messages["1"]["content"].startswith("A picture of 640×480, mostly orange.")
    assert (messages["2"]["content"], bool(messages["2"]["reasoning_content"])) == ("1，2，3", True)
