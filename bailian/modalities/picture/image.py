"""Text to image: wan2.x, wanx2.x, qwen-image as tasks; `message` has the models of the other dialect.

Facts: docs/wire.md "Text to image" (the service's references of spring 2025 to mid 2026, captured traffic);
limits: the catalog. What the seed document forbids is refused, what today's service takes otherwise is adapted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.catalog import Catalog, Model
from bailian.errors import Problem
from bailian.files import formats
from bailian.i18n import tr
from bailian.modalities.picture import message
from bailian.modalities.picture.picture_answers import asked_prompt, charged_cny, items, linked_text, with_paths
from bailian.modalities.picture.picture_request import PictureFields, from_config
from bailian.modalities.rules import choice, fields, sizes
from bailian.modalities.rules.ways import way_problems
from bailian.types import AnswerContext, Input, Notice, Prepared

__all__ = [
    "DEFAULT_MODELS", "FILE_SUFFIXES", "INPUT_FIELDS", "KIND", "RESULT_SUFFIXES", "RETRY_SAFE", "ImageRequest",
    "asked_prompt", "charged_cny", "from_config", "items", "linked_text", "prepare", "with_paths",
]  # fmt: skip

KIND = "image"
DEFAULT_MODELS = ("wan2.2-t2i-flash",)
INPUT_FIELDS: tuple[str, ...] = ()
RESULT_SUFFIXES = formats.PICTURES
FILE_SUFFIXES = ("png",)
RETRY_SAFE = False


class ImageRequest(PictureFields):
    """What a user asks for. Ranges depend on the model and are checked by `prepare`."""

    prompt_extend: bool = True


def prepare(
    values: Mapping[str, Any], catalog: Catalog, region: str, inputs: Mapping[str, Input] | None = None
) -> Prepared:
    """Check the fields against the model and build the documented body.

    Raises:
        InvalidRequest: every problem found, each with what is allowed.
    """
    request, told = fields.clean_texts(fields.parse(ImageRequest, values), "prompt", "negative_prompt")
    chosen = choice.choose(request.model, KIND, DEFAULT_MODELS, catalog, region)
    model = chosen.model
    if model.style != "prompt":
        return message.prepare(request, chosen, [], told, catalog, region)
    fields.raise_if_any(way_problems(model, message.ways_of(request, []), catalog))
    size, size_told = sizes.resolved(model, request.size or model.default_size)
    request = request.model_copy(update={"model": model.name, "size": size})
    fields.raise_if_any(_problems(request, model, region))
    wire_model = model.wire_name(region)
    wire_size = model.size_aliases.get(size, size)
    notices = [
        *choice.notices(chosen, wire_model, region, catalog),
        *told,
        *size_told,
        *fields.prompt_notices(model, request.prompt),
        *_size_notices(model, size, wire_size),
        *_unsupported_notices(request, model),
    ]
    price = fields.price_cny(model, region)
    return Prepared(
        model=model,
        wire_model=wire_model,
        request=request.model_dump(exclude_none=True),
        body=_body(request, model, wire_model, wire_size),
        unit_cny=price,
        units=request.n,
        count=request.n,
        notices=tuple(notices),
        context=AnswerContext(retired=choice.retirement(chosen, catalog, region)),
    )


def _problems(request: ImageRequest, model: Model, region: str) -> list[Problem]:
    return [
        *fields.region_problems(model, region),
        *fields.check_prompt("prompt", request.prompt, model.prompt_chars),
        *fields.check_prompt(
            "negative_prompt", request.negative_prompt, model.negative_prompt_chars or None, required=False
        ),
        *fields.check_size(model, request.size),
        *message.count_problems(request, model),
        *message.undocumented(request, model),
    ]


def _size_notices(model: Model, size: str, wire_size: str) -> list[Notice]:
    if wire_size != size:
        return [
            Notice(
                "size_adapted",
                tr(
                    f"{size} is sent as {wire_size}, the size today's service has",
                    f"{size} 以 {wire_size} 发送，这是服务当前支持的尺寸",
                ),
            )
        ]
    if model.suggested_sizes and size not in model.suggested_sizes:
        known = ", ".join(model.suggested_sizes)
        return [
            Notice(
                "size_untested",
                tr(
                    f"{model.name} may refuse {size}; it is known to take {known}",
                    f"{model.name} 可能拒绝 {size}；已知支持 {known}",
                ),
            )
        ]
    return []


def _unsupported_notices(request: ImageRequest, model: Model) -> list[Notice]:
    if request.negative_prompt and model.negative_prompt_chars == 0:
        return [
            Notice(
                "negative_prompt_not_sent",
                tr(f"{model.name} has no negative prompt; it is not sent", f"{model.name} 不支持反向提示词，不会发送"),
            )
        ]
    return []


def _body(request: ImageRequest, model: Model, wire_model: str, wire_size: str) -> dict[str, Any]:
    """Build the body. All defaults are sent: the service's own differ (its n is 4, and billed)."""
    parameters: dict[str, Any] = {"size": wire_size, "n": request.n}
    if model.prompt_extend:
        parameters["prompt_extend"] = request.prompt_extend
    parameters["watermark"] = request.watermark
    if request.seed is not None:
        parameters["seed"] = request.seed
    negative = request.negative_prompt if model.negative_prompt_chars != 0 else ""
    # In message style the negative prompt is a parameter; here it is input.
    wire_input = {"prompt": request.prompt}
    if negative:
        wire_input["negative_prompt"] = negative
    return {"model": wire_model, "input": wire_input, "parameters": parameters}
