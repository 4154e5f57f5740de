"""Embeddings against the sandbox: one by one, and at half the price by the vendor's Batch API."""

from __future__ import annotations

import math
from typing import Any

import pytest

from bailian.sandbox import Sandbox
from tests.support.batches import jobs, records, write
from tests.support.commands import Run

pytestmark = pytest.mark.usefixtures("quick")


def row(text: Any, **own: Any) -> dict[str, Any]:
    return {"kind": "embedding", "text": text, "dimension": 256, **own}


def vectors(folder: str = "outputs/all") -> list[list[float]]:
    return [one["embedding"] for told in records(folder) for one in told["embeddings"]]


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True)) / math.hypot(*one) / math.hypot(*other)


def paths(box: Sandbox) -> list[str]:
    return [entry.path for entry in box.requests if entry.method == "POST"]


def test_like_texts_are_near_each_other(bailian: Run, box: Sandbox) -> None:
    assert bailian("batch", "run", write([row(["如何给咖啡机除垢", "咖啡机怎么除垢", "今天的股市"])])).code == 0
    first, like, other = vectors()
    assert cosine(first, like) > cosine(first, other)
    assert len(first) == 256
    assert [path.rpartition("/")[2] for path in paths(box)] == ["text-embedding"]


def test_a_service_batch_gives_the_same_vectors_at_half_the_price(bailian: Run, box: Sandbox) -> None:
    rows = [row(["一", "二二"]), row("三三三"), row("四", text_type="query")]
    bailian("batch", "run", write(rows, "alone.json"))
    bailian("batch", "run", write(rows), "--batch-api")
    for one, other in zip(vectors(), vectors("outputs/alone"), strict=True):
        assert one == pytest.approx(other, abs=1e-6)
    half, whole = records(), records("outputs/alone")
    assert [one["cost_cny"] for one in half[:2]] == pytest.approx([one["cost_cny"] / 2 for one in whole[:2]], abs=1e-6)
    assert half[2]["cost_cny"] == whole[2]["cost_cny"]
    assert [path.rpartition("/")[2] for path in paths(box)].count("batches") == 1
    (sent,) = [entry.body for entry in box.requests if entry.method == "POST" and entry.path.endswith("/batches")]
    assert sent["endpoint"] == "/v1/embeddings"
    assert {row["state"] for row in jobs()} == {"done"}


@pytest.mark.slow
def test_texts_and_embeddings_are_batches_of_their_own(bailian: Run, box: Sandbox) -> None:
    bailian("batch", "run", write([row("一"), {"kind": "text", "prompt": "好"}]), "--batch-api")
    sent = [entry.body for entry in box.requests if entry.method == "POST" and entry.path.endswith("/batches")]
    assert {one["endpoint"] for one in sent} == {"/v1/embeddings", "/v1/chat/completions"}
    assert [one["state"] for one in records()] == ["done", "done"]
