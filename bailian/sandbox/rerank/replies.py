"""The answers with ranks, key for key (RER), and the scores: how near a text is to the query.

The same texts always have the same score. What a text means is not known here, only which characters it shares.
"""

from __future__ import annotations

from typing import Any

from bailian.sandbox.embeddings.vectors import dense
from bailian.sandbox.rerank.requests import RerankRequest

_DIMENSION = 512


def native_answer(request: RerankRequest, request_id: str) -> dict[str, Any]:
    output = {"results": _results(request)}
    return {"output": output, "usage": {"total_tokens": request.total_tokens}, "request_id": request_id}


def flat_answer(name: str, request: RerankRequest, request_id: str) -> dict[str, Any]:
    usage = {"total_tokens": request.total_tokens}
    return {"object": "list", "results": _results(request), "model": name, "id": request_id, "usage": usage}


def _results(request: RerankRequest) -> list[dict[str, Any]]:
    query = dense(request.query, _DIMENSION)
    scores = [_nearness(query, dense(document, _DIMENSION)) for document in request.documents]
    order = sorted(range(len(scores)), key=lambda index: -scores[index])
    return [_entry(request, index, scores[index]) for index in order[: request.top_n]]


def _nearness(one: list[float], other: list[float]) -> float:
    """Zero to one, as the service's scores are."""
    return min(1.0, max(0.0, sum(a * b for a, b in zip(one, other, strict=True))))


def _entry(request: RerankRequest, index: int, score: float) -> dict[str, Any]:
    entry: dict[str, Any] = {"document": {"text": request.documents[index]}} if request.returns_documents else {}
    return {**entry, "index": index, "relevance_score": score}
