"""What one accepted request asks for, and how fields are read that several services share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bailian.sandbox.http.refusals import Refusal, field_required, off_specification

SEED_MAX = 2147483647
SCRIPTED = "scripted"
"""In the details of a task: what a script says the result is, a file's digest or a transcript."""
NEGATIVE_PROMPT_CHARS = 500
_SIDES = re.compile(r"(\d{1,5})\*(\d{1,5})")


@dataclass(frozen=True)
class TaskRequest:
    """What one accepted request asks for."""

    model: str
    path: str
    prompt: str
    """As sent."""
    read_prompt: str
    """What the model reads of it: cut at the model's limit (D-T2I)."""
    negative_prompt: str = ""
    n: int = 1
    width: int = 0
    height: int = 0
    seed: int | None = None
    prompt_extend: bool = False
    watermark: bool = False
    kind: str = "image"
    """What the result is: "image", "edit", "message", "film", "text", "speech" or "transcription"."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What only this kind has; JSON values."""


def plain_request(
    kind: str, model: str, path: str, prompt: str, details: Mapping[str, Any] | None = None, *, parts: int = 1
) -> TaskRequest:
    """Return the request of work that is no picture; `parts` is how many results it brings."""
    return TaskRequest(model, path, prompt, prompt, n=parts, kind=kind, details=dict(details or {}))


def parts_of(body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return `input` and `parameters`.

    Raises:
        Refusal: no input, or parameters that are no object.
    """
    inputs = body.get("input")
    if not isinstance(inputs, dict) or not inputs:
        raise Refusal(400, "BadRequest.EmptyInput", 'Required parameter "input" missing from request.')
    return inputs, read_parameters(body)


def read_parameters(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return `parameters`.

    D-T2I, PF-REST: optional; which models raise BadRequest.EmptyParameters was never found out.

    Raises:
        Refusal: they are no object.
    """
    parameters = {} if body.get("parameters") is None else body["parameters"]
    if not isinstance(parameters, dict):
        raise off_specification("parameters must be an object")
    return parameters


def is_integer(value: Any, least: int, most: int) -> bool:
    """JSON's true and false are no numbers, although Python's are."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def is_number(value: Any, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def read_negative(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    """Return the negative prompt from either place, cut (D-T2I, D-QI, T2V)."""
    negative = inputs.get("negative_prompt") or parameters.get("negative_prompt") or ""
    if not isinstance(negative, str):
        raise off_specification("negative_prompt must be a string")
    return negative[:NEGATIVE_PROMPT_CHARS]


def read_prompt(inputs: Mapping[str, Any]) -> str:
    if "prompt" not in inputs:
        raise field_required("input.prompt")
    prompt = inputs["prompt"]
    if not isinstance(prompt, str) or not prompt.strip():
        raise off_specification("prompt must be a non-empty string")
    return prompt


def read_seed(value: Any) -> int | None:
    if value is None:
        return None
    if not is_integer(value, 0, SEED_MAX):
        raise off_specification(f"seed must be an integer between 0 and {SEED_MAX}")
    return int(value)


def read_sides(value: Any) -> tuple[int, int]:
    """Return width and height of a size written `W*H`."""
    match = _SIDES.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise off_specification(f"size {value} is not W*H")
    return int(match[1]), int(match[2])


def read_switch(parameters: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = parameters.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise off_specification(f"{name} must be a boolean")
    return value
