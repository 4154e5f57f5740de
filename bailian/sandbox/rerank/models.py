"""The models that rank texts, with the service's own rules (RER; the newest name: SDK `rerank/text_rerank.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TEXT_RERANK = "/services/rerank/text-rerank/text-rerank"


@dataclass(frozen=True)
class RerankRate:
    """What an account may send of a model; no page was found that says so for these."""

    submit_per_s: float | None = None
    running_limit: int | None = None
    queue_limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class RerankModel:
    """One model as the service sees it."""

    documents_max: int = 500
    tokens_max: int = 4_000
    """Of the query and of each document; what is longer is cut."""
    request_tokens_max: int = 120_000
    """The query's tokens times the documents, and the documents' own."""
    compatible: bool = False
    """Whether the route in OpenAI's shape serves it, too."""
    retired_on: str = ""
    limits: RerankRate = RerankRate()


RULES: Mapping[str, RerankModel] = {
    "qwen3-rerank": RerankModel(compatible=True),
    "qwen3.7-text-rerank": RerankModel(),
    "qwen3-vl-rerank": RerankModel(documents_max=100, tokens_max=8_000),
    "gte-rerank-v2": RerankModel(request_tokens_max=30_000),
    "gte-rerank": RerankModel(request_tokens_max=30_000, retired_on="2026-05-30"),
}
"""gte-rerank: aliyun.com/notice/118217."""
