"""Bodies read by the rules alone, without a server, and the models by family."""

from __future__ import annotations

from typing import Any

import pytest
from message_bodies import FAR, body_of

from bailian.sandbox.edits.input_images import InputImage
from bailian.sandbox.http.refusals import Refusal
from bailian.sandbox.images.models import IMAGE2IMAGE, IMAGE_GENERATION
from bailian.sandbox.message_images.models import RULES
from bailian.sandbox.message_images.requests import Draft, read_draft, with_pictures
from bailian.sandbox.tasks.requests import TaskRequest

OFF = "the parameters must conform to the specification: "
ALL_3 = ("qwen-image-3.0", "qwen-image-3.0-pro")
ALL_21 = ("qwen-image-2.1-pro", "qwen-image-2.1-turbo")
ALL_2 = ("qwen-image-2.0", "qwen-image-2.0-pro")
ALL_27 = ("wan2.7-image", "wan2.7-image-pro")
SET, IN_TURN = {"enable_sequential": True}, {"enable_interleave": True}


def draft(model: str, pictures: int = 0, text: str = "一只猫", **parameters: Any) -> Draft:
    path = IMAGE2IMAGE if model == "wan2.5-i2i-preview" else IMAGE_GENERATION
    return read_draft(model, RULES[model], path, body_of(model, [FAR] * pictures, text, **parameters))


def request(model: str, *sizes: tuple[int, int], **parameters: Any) -> TaskRequest:
    return with_pictures(draft(model, len(sizes), **parameters), [InputImage("x", *size) for size in sizes])


def refusal(model: str, pictures: int = 0, **parameters: Any) -> str:
    with pytest.raises(Refusal) as caught:
        draft(model, pictures, **parameters)
    assert caught.value.status == 400
    return caught.value.message


def each(names: tuple[str, ...], *cases: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return [(name, *case) for name in names for case in cases]
