"""The answers of embedding models: a vector a text, or nothing."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from copy import copy
from typing import Any

from bailian.counts import MOST_TOKENS, count_of
from bailian.modalities.text.text_prices import cost_cny
from bailian.modalities.text.vectors import packed, unpacked
from bailian.types import Item, StoredRequest, TextContext
from bailian.types.json_values import object_of, objects_of

DENSE, SPARSE = "embedding", "sparse_embedding"


def charged_cny(answer: Mapping[str, Any], prepared: StoredRequest) -> float | None:
    """Return what the tokens read cost; nothing that comes out is billed."""
    total_tokens = count_of(object_of(answer.get("usage")).get("total_tokens"), MOST_TOKENS)
    return None if total_tokens is None else cost_cny(TextContext.of(prepared.context), total_tokens, 0)


def compacted(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with its vectors packed, as the journal keeps it. What is no vector stays as it came."""
    output = object_of(answer.get("output"))
    entries = output.get("embeddings")
    if not isinstance(entries, list):
        return answer
    return {**answer, "output": {**output, "embeddings": [_compact(entry) for entry in entries]}}


def _compact(entry: Any) -> Any:
    numbers = entry.get(DENSE) if isinstance(entry, dict) else None
    text = packed(numbers) if isinstance(numbers, list) else None
    return entry if text is None else {**entry, DENSE: text}


def items(answer: Mapping[str, Any], prepared: StoredRequest) -> list[Item]:
    """Return an item a text, in the order of the texts; none at all where one of them has no vector."""
    entries = _by_text(answer)
    whole = [index for index in range(prepared.count) if _is_whole(entries.get(index, {}), prepared)]
    return [Item(index, vector=True) for index in whole] if len(whole) == prepared.count else []


def _is_whole(entry: Mapping[str, Any], prepared: StoredRequest) -> bool:
    """Return whether an entry has what was asked for, in the length that was asked for."""
    words = str(prepared.parameters.get("output_type") or "dense").split("&")
    if "sparse" in words and not isinstance(entry.get(SPARSE), list):
        return False
    if "dense" not in words:
        return True
    numbers, dimension = unpacked(entry.get(DENSE)), prepared.parameters.get("dimension")
    return numbers is not None and dimension in (None, len(numbers))


def _by_text(answer: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    found = objects_of(object_of(answer.get("output")).get("embeddings"))
    return {index: entry for entry in found if (index := count_of(entry.get("text_index"), MOST_TOKENS)) is not None}


def packed_vectors(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of an answer in the order of the texts, their vectors packed."""
    entries = _by_text(answer)
    return [entries[index] for index in sorted(entries)]


def vectors_of(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of an answer in the order of the texts, their vectors as arrays."""
    found = [(entry, unpacked(entry.get(DENSE))) for entry in packed_vectors(answer)]
    return [dict(entry) if numbers is None else {**entry, DENSE: numbers} for entry, numbers in found]


def embeddings_of(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of an answer in the order of the texts, their vectors as lists."""
    found = vectors_of(answer)
    return [
        {**entry, DENSE: entry[DENSE].tolist()} if isinstance(entry.get(DENSE), array) else entry for entry in found
    ]


def with_paths(answer: Mapping[str, Any], prepared: StoredRequest, paths: Mapping[int, str]) -> dict[str, Any]:
    """Return the answer's `output` as the service sends it: vectors as numbers. They have no file of their own."""
    output = copy(object_of(answer.get("output")))
    return {**output, "embeddings": embeddings_of(answer)}


def asked_prompt(body: Mapping[str, Any]) -> str:
    """Return the first text as sent."""
    return str(texts_of(body)[0])


def texts_of(body: Mapping[str, Any]) -> list[str]:
    """Return the texts of a request."""
    texts = object_of(body.get("input")).get("texts")
    return [text for text in texts if isinstance(text, str)] if isinstance(texts, list) else []


def native_answer(body: Mapping[str, Any], request_id: str | None) -> dict[str, Any]:
    """Return an answer of the OpenAI-compatible route in the shape of a native one, its vectors packed."""
    entries = objects_of(body.get("data"))
    usage = object_of(body.get("usage"))
    return compacted(
        {
            "request_id": request_id,
            "output": {"embeddings": [{"text_index": one.get("index"), DENSE: one.get(DENSE)} for one in entries]},
            "usage": {name: usage[name] for name in ("total_tokens",) if name in usage},
        }
    )
