"""From a body to a query and the texts that shall be put in order, or a refusal (RER; its words are guesses)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.http.refusals import field_required, invalid, not_imitated, off_specification
from bailian.sandbox.rerank.models import RerankModel
from bailian.sandbox.tasks.requests import is_integer, parts_of, read_switch
from bailian.sandbox.text.tokens import tokens_of


@dataclass(frozen=True)
class RerankRequest:
    """What one accepted request asks for."""

    query: str
    documents: tuple[str, ...]
    top_n: int
    returns_documents: bool
    total_tokens: int


def query_of(body: Mapping[str, Any]) -> str:
    """Return the query, without judging the body (for faults and logs)."""
    inputs = body.get("input")
    return str((inputs if isinstance(inputs, dict) else body).get("query") or "")


def read_native(model: RerankModel, body: Mapping[str, Any]) -> RerankRequest:
    """Check the body of a native call.

    Raises:
        Refusal: with the field that is wrong.
    """
    inputs, parameters = parts_of(body)
    return _checked(model, inputs, parameters, "input.")


def read_flat(model: RerankModel, body: Mapping[str, Any]) -> RerankRequest:
    """Check the body of a compatible call: everything stands side by side.

    Raises:
        Refusal: with the field that is wrong.
    """
    return _checked(model, body, body, "")


def _checked(model: RerankModel, inputs: Mapping[str, Any], options: Mapping[str, Any], path: str) -> RerankRequest:
    for name in ("query", "documents"):
        if inputs.get(name) in (None, "", []):
            raise field_required(path + name)
    documents = inputs["documents"]
    if not isinstance(documents, list):
        raise off_specification(f"{path}documents must be a list")
    if len(documents) > model.documents_max:
        raise off_specification(f"at most {model.documents_max} documents are supported, got {len(documents)}")
    top_n = options.get("top_n")
    if top_n is not None and not is_integer(top_n, 1, 2**31):
        raise off_specification("top_n must be a positive integer")
    if not isinstance(options.get("instruct", ""), str):
        raise off_specification("instruct must be a string")
    query = _cut(_text(inputs["query"]), model)
    texts = [_cut(_text(document), model) for document in documents]
    total = len(query) * len(texts) + sum(map(len, texts))
    if total > model.request_tokens_max:
        raise invalid(f"Range of input length should be [1, {model.request_tokens_max}]")
    return RerankRequest(
        "".join(query), tuple(map("".join, texts)), min(top_n or len(texts), len(texts)),
        read_switch(options, "return_documents", default=False), total,
    )  # fmt: skip


def _text(given: Any) -> str:
    if isinstance(given, dict) and isinstance(given.get("text"), str):
        return str(given["text"])
    if isinstance(given, dict) and ("image" in given or "video" in given):
        raise not_imitated("ranking pictures and films")
    if not isinstance(given, str):
        raise off_specification("a query and a document must be a string")
    return given


def _cut(text: str, model: RerankModel) -> list[str]:
    return tokens_of(text)[: model.tokens_max]
