"""The answers with vectors, key for key (EMB; CAP text-embedding, and the compatible shape for batches)."""

from __future__ import annotations

import struct
from base64 import b64encode
from typing import Any

from bailian.sandbox.embeddings.requests import EmbeddingRequest
from bailian.sandbox.embeddings.vectors import dense, sparse


def native_answer(request: EmbeddingRequest, request_id: str) -> dict[str, Any]:
    embeddings = [_entry(request, index, text) for index, text in enumerate(request.texts)]
    return {
        "output": {"embeddings": embeddings},
        "usage": {"total_tokens": request.total_tokens},
        "request_id": request_id,
    }


def _entry(request: EmbeddingRequest, index: int, text: str) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    if "sparse" in request.output_type:
        entry["sparse_embedding"] = sparse(text)
    if "dense" in request.output_type:
        entry["embedding"] = dense(text, request.dimension)
    return {**entry, "text_index": index}


def _encoded(vector: list[float], request: EmbeddingRequest) -> list[float] | str:
    """Four bytes a number, the low one first: what OpenAI's clients read."""
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode() if request.base64 else vector


def compatible_answer(name: str, request: EmbeddingRequest, request_id: str) -> dict[str, Any]:
    data = [
        {"embedding": _encoded(dense(text, request.dimension), request), "index": index, "object": "embedding"}
        for index, text in enumerate(request.texts)
    ]
    usage = {"prompt_tokens": request.total_tokens, "total_tokens": request.total_tokens}
    return {"data": data, "model": name, "object": "list", "usage": usage, "id": request_id}
