"""An edit by instruction: pictures and one text in a message (D-QIE). Importing this needs Pillow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bailian.sandbox.edits.input_images import InputImageError, InputImages
from bailian.sandbox.http.refusals import Refusal, invalid
from bailian.sandbox.images.models import MULTIMODAL, EditRules, ServiceModel
from bailian.sandbox.images.requests import message_content, on_grid, read_count
from bailian.sandbox.tasks.requests import TaskRequest, parts_of, read_negative, read_seed, read_sides, read_switch

OUTPUT_PIXELS = 1024 * 1024
"""D-QIE: about so many, in the ratio of the last picture."""

GRID_PX = 16
"""D-QIE: -plus and -max round a size to this; that the others round to it too is a guess."""

SIZE_SIDE_PX = (512, 2048)


async def read_instruction(
    name: str, model: ServiceModel, rules: EditRules, body: Mapping[str, Any], images: InputImages
) -> TaskRequest:
    """Check a body and fetch its pictures.

    Raises:
        Refusal: with the documented code and message.
    """
    inputs, parameters = parts_of(body)
    urls, prompt = _message(inputs, rules)
    asked = parameters.get("size")
    size = _size(asked) if rules.takes_size and asked is not None else None
    request = TaskRequest(
        model=name,
        path=MULTIMODAL,
        prompt=prompt,
        read_prompt=prompt[: model.prompt_chars],
        negative_prompt=read_negative(inputs, parameters),
        n=read_count(model, parameters.get("n")),
        seed=read_seed(parameters.get("seed")),
        prompt_extend=rules.takes_size and read_switch(parameters, "prompt_extend", default=True),
        watermark=read_switch(parameters, "watermark", default=False),
        kind="edit",
    )
    try:
        pictures = [await images.picture(url) for url in urls]
    except InputImageError as error:
        raise Refusal(400, error.code, error.message) from None
    last = pictures[-1]
    width, height = size or like(last.width, last.height, OUTPUT_PIXELS)
    details = {"function": "", "pictures": [picture.digest for picture in pictures]}
    return replace(request, width=width, height=height, details=details)


def _message(inputs: Mapping[str, Any], rules: EditRules) -> tuple[list[str], str]:
    """D-QIE: one message of role user; one to three pictures and exactly one text. The sentences are D-ERR's."""
    content = message_content(inputs)
    items = content if isinstance(content, list) else []
    urls = [item["image"] for item in items if isinstance(item, dict) and isinstance(item.get("image"), str)]
    texts = [item["text"] for item in items if isinstance(item, dict) and isinstance(item.get("text"), str)]
    if not urls or not texts or not texts[0].strip():
        raise invalid("lack of image or text")
    if len(texts) != 1 or len(urls) > rules.images_max or len(items) != len(urls) + 1:
        raise invalid(f"content length only support {rules.images_max + 1}")  # D-ERR's says 2, of one picture
    return urls, texts[0]


def _size(value: Any) -> tuple[int, int]:
    """-plus and -max (D-QIE); the words for a wrong side are those of wan (LQ)."""
    width, height = read_sides(value)
    if not all(SIZE_SIDE_PX[0] <= side <= SIZE_SIDE_PX[1] for side in (width, height)):
        raise invalid("Either width or height should be between {} and {}.".format(*SIZE_SIDE_PX))
    return on_grid(width, GRID_PX), on_grid(height, GRID_PX)


def like(width: int, height: int, pixels: int) -> tuple[int, int]:
    """Return a size of that ratio with about so many pixels."""
    scale = math.sqrt(pixels / (width * height))
    return on_grid(width * scale, GRID_PX), on_grid(height * scale, GRID_PX)
