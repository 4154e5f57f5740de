"""The body of a text call, for either route."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bailian.catalog import Model
from bailian.modalities.text import ocr
from bailian.modalities.text.schema_check import response_format
from bailian.modalities.text.text_request import HIGHEST_TEMPERATURE, LOWEST_TOP_P, TextRequest
from bailian.modalities.text.text_turns import Turn, sent_turns

SEARCH_OPTIONS = {"forced_search": True, "enable_source": True, "search_strategy": "turbo"}


def streams(request: TextRequest, model: Model) -> bool:
    """Return whether the answer comes in pieces. Thoughts do, and searches of models whose contents are lists must;
    what is read from a picture, or must fit a schema, comes whole."""
    if request.thinks(model) or (request.search and model.style == "parts"):
        return True
    return request.stream and not request.ocr and request.json_schema is None


def body_of(request: TextRequest, model: Model, wire_model: str, turns: Sequence[Turn]) -> dict[str, Any]:
    """Build the body. The defaults are the seed's, and always sent: the service's own are others."""
    parameters: dict[str, Any] = {} if model.style == "parts" else {"result_format": "message"}
    parameters |= _numbers(request)
    for name in ("top_k", "seed", "repetition_penalty", "presence_penalty", "thinking_budget"):
        if getattr(request, name) is not None:
            parameters[name] = getattr(request, name)
    if request.stop:
        parameters["stop"] = request.stop
    if request.json_object:
        parameters["response_format"] = {"type": "json_object"}
    if request.json_schema is not None:
        parameters["response_format"] = response_format(request.json_schema)
    if request.search:
        parameters |= {"enable_search": True, "search_options": dict(SEARCH_OPTIONS)}
    if request.ocr:
        parameters["ocr_options"] = ocr.options_of(request)
    if model.thinking:  # said either way: from qwen3.5 up it thinks unless it is told not to
        parameters["enable_thinking"] = request.thinks(model)
    if streams(request, model):
        parameters["incremental_output"] = True
    return {
        "model": wire_model,
        "input": {"messages": sent_turns(turns, model.style, request.prefix)},
        "parameters": parameters,
    }


def _numbers(request: TextRequest) -> dict[str, Any]:
    """Return what is always sent; of OCR only what the user has asked for, since it is no writing."""
    numbers: dict[str, Any] = {
        "max_tokens": request.max_tokens,
        "temperature": min(request.temperature, HIGHEST_TEMPERATURE),
        "top_p": max(request.top_p, LOWEST_TOP_P),
    }
    if not request.ocr:
        return numbers
    return {name: value for name, value in numbers.items() if name in ("max_tokens", *request.model_fields_set)}
