"""From the body of a drawing request to a task request, or the documented refusal (D-T2I, D-QI)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from bailian.sandbox.http.refusals import invalid, off_specification
from bailian.sandbox.images.models import TEXT2IMAGE, ServiceModel
from bailian.sandbox.tasks.requests import (
    TaskRequest,
    parts_of,
    read_negative,
    read_prompt,
    read_seed,
    read_sides,
    read_switch,
)


def prompt_of(body: Mapping[str, Any]) -> str:
    """Return the prompt wherever it stands, without judging the body (for faults and logs)."""
    inputs = body.get("input")
    if not isinstance(inputs, dict):
        return ""
    if isinstance(inputs.get("prompt"), str):
        return str(inputs["prompt"])
    return "\n".join(part["text"] for part in _message_parts(inputs) if isinstance(part.get("text"), str))


def _message_parts(inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    messages = inputs.get("messages")
    messages = messages if isinstance(messages, list) else []
    contents = [message.get("content") for message in messages if isinstance(message, dict)]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    return [part for part in parts if isinstance(part, dict)]


def read_image_request(name: str, model: ServiceModel, path: str, body: Mapping[str, Any]) -> TaskRequest:
    """Check a body against the service's rules for that model.

    Raises:
        Refusal: with the documented code and message.
    """
    inputs, parameters = parts_of(body)
    prompt = read_prompt(inputs) if path == TEXT2IMAGE else _message_text(inputs)
    width, height = read_size(name, model, parameters.get("size"))
    return TaskRequest(
        model=name,
        path=path,
        prompt=prompt,
        read_prompt=prompt[: model.prompt_chars],
        negative_prompt=read_negative(inputs, parameters),
        n=read_count(model, parameters.get("n")),
        width=width,
        height=height,
        seed=read_seed(parameters.get("seed")),
        prompt_extend=read_switch(parameters, "prompt_extend", default=True),
        watermark=read_switch(parameters, "watermark", default=False),
    )


def message_content(inputs: Mapping[str, Any]) -> Any:
    """D-QI, D-QIE: the content of exactly one message of role user; the sentences are D-ERR's."""
    messages = inputs.get("messages")
    if not isinstance(messages, list) or not messages:
        raise invalid("No messages found in input")
    if len(messages) != 1:
        raise invalid("messages length only support 1")
    message = messages[0]
    if not isinstance(message, dict) or message.get("role") != "user":
        raise off_specification("messages[0].role must be user")
    return message.get("content")


def _message_text(inputs: Mapping[str, Any]) -> str:
    """D-QI: exactly one text; the sentences are D-ERR's."""
    content = message_content(inputs)
    if not isinstance(content, list) or not content or not isinstance(content[0], dict):
        raise invalid("lack of image or text")
    if len(content) != 1:
        raise invalid("content length only support 1")
    text = content[0].get("text")
    if not isinstance(text, str) or not text.strip():
        raise invalid("lack of image or text")
    return text


def read_size(name: str, model: ServiceModel, value: Any) -> tuple[int, int]:
    """D-T2I, D-QI; every message is a live one (LQ) except the aspect's."""
    if value is None:
        return model.default_size
    if not isinstance(value, str):
        raise off_specification("size must be a string")
    width, height = read_sides(value)
    if model.sizes and value not in model.sizes:
        if name == "qwen-image-max" and not 512 * 512 <= width * height <= 1664 * 1664:
            raise invalid(f"Size {value} is out of range [512*512, 1664*1664]")
        allowed = str(list(model.sizes)) if model.own_size_list_quotes else ",".join(model.sizes)
        raise invalid(f"The size does not match the allowed size {allowed}")
    if model.side_px and not all(model.side_px[0] <= side <= model.side_px[1] for side in (width, height)):
        raise invalid(f"Either width or height should be between {model.side_px[0]} and {model.side_px[1]}.")
    if model.pixels and not model.pixels[0] <= width * height <= model.pixels[1]:
        fewest, most = model.pixels
        raise invalid(f"Total pixels ({width}*{height}) must be between {fewest} and {most}.")
    if model.aspect and not model.aspect[0] <= width / height <= model.aspect[1]:
        raise off_specification(f"size {value}: the ratio of width and height is out of range")
    return width, height


def on_grid(side: float, grid_px: int) -> int:
    """Return the nearest multiple of `grid_px`, at least one of it."""
    return max(grid_px, round(side / grid_px) * grid_px)


class Counts(Protocol):
    """How many pictures there may be."""

    @property
    def n_max(self) -> int: ...
    @property
    def n_default(self) -> int: ...


def read_count(model: Counts, value: Any) -> int:
    if value is None:
        return model.n_default
    if isinstance(value, bool) or not isinstance(value, int):
        raise off_specification("n must be an integer")
    if model.n_max == 1 and value != 1:
        raise invalid("num_images_per_prompt must be 1")  # D-QI
    if not 1 <= value <= model.n_max:
        raise off_specification(f"n must be between 1 and {model.n_max}")
    return value
