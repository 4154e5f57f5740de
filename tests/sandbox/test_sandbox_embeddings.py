"""Vectors of texts over real sockets: shapes, limits, likeness, refusals, and the vendor's SDK."""

from __future__ import annotations

import math
from typing import Any

import pytest
import requests
from chat_bodies import told_of

from bailian.sandbox import Fault, Sandbox
from bailian.sandbox.embeddings.models import RULES
from bailian.sandbox.embeddings.vectors import dense
from tests.support.sandbox_client import EMBEDDING, Client

pytestmark = pytest.mark.slow


def embed(client: Client, *texts: Any, model: str = "text-embedding-v4", **parameters: Any) -> requests.Response:
    body = {"model": model, "input": {"texts": list(texts)}, "parameters": parameters}
    return client.post(EMBEDDING, body, asks_async=False)


def near(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "model, dimension", [(name, wide) for name, rules in RULES.items() for wide in rules.dimensions]
)
def test_every_model_makes_vectors_of_length_one(client: Client, model: str, dimension: int) -> None:
    first, second = (
        embed(client, "风急天高猿啸哀", "a cat", model=model, dimension=dimension).json() for _ in range(2)
    )
    assert list(first) == ["output", "usage", "request_id"]
    assert first["output"] == second["output"], "the same texts have the same vectors"
    entries = first["output"]["embeddings"]
    assert [set(entry) for entry in entries] == [{"embedding", "text_index"}] * 2
    assert [entry["text_index"] for entry in entries] == [0, 1]
    for entry in entries:
        assert len(entry["embedding"]) == dimension
        assert math.isclose(near(entry["embedding"], entry["embedding"]), 1, abs_tol=1e-4)
    assert first["usage"] == {"total_tokens": 9}


def test_the_dimension_of_a_model_when_none_is_named(client: Client) -> None:
    lengths = {
        name: len(embed(client, "x", model=name).json()["output"]["embeddings"][0]["embedding"]) for name in RULES
    }
    assert lengths == {name: 1536 if name[-1] in "12" else 1024 for name in RULES}


@pytest.mark.parametrize("dimension", [64, 1024])
@pytest.mark.parametrize(
    "text, like, other",
    [
        ("一只橘猫在窗台上睡觉", "橘猫在窗台上睡着了", "股票市场今天大幅下跌"),
        ("how do I reset my password", "Reset my password, please", "the weather in Hangzhou is fine"),
    ],
)
def test_like_texts_are_near(dimension: int, text: str, like: str, other: str) -> None:
    one, two, three = (dense(each, dimension) for each in (text, like, other))
    assert near(one, two) > 0.4 > near(one, three)


@pytest.mark.parametrize("output_type", ["sparse", "dense&sparse"])
def test_sparse_vectors(client: Client, output_type: str) -> None:
    (entry,) = embed(client, "猫 cat cat", output_type=output_type).json()["output"]["embeddings"]
    assert ("embedding" in entry) == (output_type == "dense&sparse")
    assert [word["token"] for word in entry["sparse_embedding"]] == ["猫", "cat"]
    assert set(entry["sparse_embedding"][0]) == {"index", "value", "token"}


@pytest.mark.parametrize(
    "model, texts, parameters, words",
    [
        ("text-embedding-v4", ["x"] * 11, {}, "batch size is invalid, it should not be larger than 10."),
        ("qwen3.7-text-embedding", ["x"] * 21, {}, "batch size is invalid, it should not be larger than 20."),
        ("text-embedding-v4", [], {}, "input.texts"),
        ("text-embedding-v4", ["a", ""], {}, "input.texts"),
        ("text-embedding-v4", [1], {}, "input.texts"),
        ("text-embedding-v4", ["好" * 8193], {}, "Range of input length should be [1, 8192]"),
        ("text-embedding-v4", ["x"], {"dimension": 100}, "dimension must be one of 64, 128"),
        ("text-embedding-v3", ["x"], {"dimension": 2048}, "dimension must be one of"),
        ("text-embedding-v2", ["x"], {"output_type": "sparse"}, "output_type sparse"),
        ("text-embedding-v4", ["x"], {"text_type": "title"}, "text_type must be one of"),
    ],
)
def test_refusals(client: Client, model: str, texts: list[Any], parameters: dict[str, Any], words: str) -> None:
    answer = told_of(embed(client, *texts, model=model, **parameters))
    assert answer[:2] == (400, "InvalidParameter")
    assert words in answer[2]


def test_names_keys_and_headers(client: Client) -> None:
    assert told_of(embed(client, "x", model="text-embedding-v9"))[:2] == (404, "ModelNotFound")
    body = {"model": "text-embedding-v4", "input": {"texts": ["x"]}}
    assert told_of(client.post(EMBEDDING, body))[:2] == (403, "AccessDenied")
    client.http.headers["Authorization"] = "Bearer sk-overdue"
    assert told_of(embed(client, "x"))[:2] == (400, "Arrearage")


def test_faults(client: Client, box: Sandbox) -> None:
    box.faults.add(Fault("embedding", "failed"))
    assert told_of(embed(client, "x"))[:2] == (500, "InternalError.Algo")
    assert told_of(embed(client, "[sandbox:refuse]"))[1] == "DataInspectionFailed"
    box.faults.add(Fault("embedding", "reset_after"))
    with pytest.raises(requests.ConnectionError):
        embed(client, "x")
    (paid,) = box.sync_calls
    assert (paid.request.kind, paid.model, paid.request.n) == ("embedding", "text-embedding-v4", 1)


def test_the_rate_of_the_account() -> None:
    with Sandbox(task_s=0, clock=lambda: 1_000_000.0) as box:
        client = Client(box)
        with client.http:
            codes = [embed(client, "x").status_code for _ in range(31)]
    assert codes == [200] * 30 + [429]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_official_sdk(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    dashscope = pytest.importorskip("dashscope")
    monkeypatch.setattr(dashscope, "base_http_api_url", box.base_url)
    monkeypatch.setattr(dashscope, "api_key", "sk-sdk")
    call = dashscope.TextEmbedding.call
    answer = call("text-embedding-v4", input=["一", "二"], dimension=256, text_type="query", output_type="dense&sparse")
    assert answer.status_code == 200
    assert [len(entry["embedding"]) for entry in answer.output["embeddings"]] == [256, 256]
    assert answer.usage["total_tokens"] == 2
    assert call("qwen3.7-text-embedding", input="one text").output["embeddings"][0]["text_index"] == 0
    assert "batch size is invalid" in call("text-embedding-v4", input=["x"] * 11).message
