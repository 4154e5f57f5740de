"""From a body to the texts that shall become vectors, or a refusal (EMB; ERR where its words are known)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bailian.sandbox.embeddings.models import EmbeddingModel
from bailian.sandbox.http.refusals import field_required, invalid, off_specification
from bailian.sandbox.tasks.requests import is_integer, parts_of
from bailian.sandbox.text.tokens import count_tokens

OUTPUT_TYPES = ("dense", "sparse", "dense&sparse")
ENCODINGS = ("float", "base64")
TEXT_TYPES = ("query", "document")
_ALGO = "<400> InternalError.Algo.InvalidParameter: "


@dataclass(frozen=True)
class EmbeddingRequest:
    """What one accepted request asks for."""

    texts: tuple[str, ...]
    dimension: int
    output_type: str
    total_tokens: int
    base64: bool = False
    """Whether the numbers are wanted as bytes; only the compatible shape has that."""


def first_text(body: Mapping[str, Any]) -> str:
    """Return the texts in one, without judging the body (for faults and logs)."""
    inputs = body.get("input")
    texts = inputs.get("texts") if isinstance(inputs, dict) else inputs
    return "\n".join(map(str, texts)) if isinstance(texts, list) else str(texts or "")


def read_embedding_request(model: EmbeddingModel, body: Mapping[str, Any]) -> EmbeddingRequest:
    """Check the body of a native call.

    Raises:
        Refusal: with the field that is wrong.
    """
    inputs, parameters = parts_of(body)
    if "texts" not in inputs:
        raise field_required("input.texts")
    if parameters.get("text_type", "document") not in TEXT_TYPES:
        raise off_specification(f"text_type must be one of {', '.join(TEXT_TYPES)}")
    if not isinstance(parameters.get("instruct", ""), str):
        raise off_specification("instruct must be a string")
    output_type = parameters.get("output_type", "dense")
    if output_type not in (OUTPUT_TYPES if model.sparse else OUTPUT_TYPES[:1]):
        raise off_specification(f"output_type {output_type} is not supported by this model")
    return _checked(model, inputs["texts"], parameters.get("dimension"), output_type)


def read_compatible(model: EmbeddingModel, body: Mapping[str, Any]) -> EmbeddingRequest:
    """Check the body of a compatible call or a batch line: `input` is a text or a list, `dimensions` has an s.

    EMB knows the format float alone; the official clients of OpenAI ask for base64 unless told otherwise and read
    both, so both are taken here.

    Raises:
        Refusal: with the field that is wrong.
    """
    if "input" not in body:
        raise field_required("input")
    given = body["input"]
    wanted = body.get("encoding_format") or "float"
    if wanted not in ENCODINGS:
        raise off_specification(f"encoding_format must be one of {', '.join(ENCODINGS)}")
    request = _checked(model, [given] if isinstance(given, str) else given, body.get("dimensions"), "dense")
    return replace(request, base64=wanted == "base64")


def _checked(model: EmbeddingModel, texts: Any, dimension: Any, output_type: str) -> EmbeddingRequest:
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise invalid(f"{_ALGO}Input should be a valid list of strings: input.texts")
    if not texts or not all(texts):
        raise invalid(f"{_ALGO}Value error, contents is neither str nor list of str.: input.texts")
    if len(texts) > model.texts_max:
        words = f"batch size is invalid, it should not be larger than {model.texts_max}."
        raise invalid(f"{_ALGO}Value error, {words}: input.texts")
    counts = [count_tokens(text) for text in texts]
    if max(counts) > model.tokens_max:
        raise invalid(f"{_ALGO}Range of input length should be [1, {model.tokens_max}]")
    if dimension is not None and not (is_integer(dimension, 1, 2**31) and dimension in model.dimensions):
        known = ", ".join(map(str, sorted(model.dimensions)))
        raise off_specification(f"dimension must be one of {known}")
    return EmbeddingRequest(tuple(texts), dimension or model.dimensions[0], output_type, sum(counts))
