"""Edit a picture by an instruction: qwen-image-edit and relatives, qwen-image-2.0; one blocking call.

Facts: docs/wire.md "Image edit" (the service's edit reference, mid 2026; the 2025 texts where they are stricter,
as the seed document is).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from bailian.catalog import Catalog, Model
from bailian.errors import InvalidRequest, Problem
from bailian.files import formats
from bailian.i18n import tr
from bailian.modalities import image
from bailian.modalities.rules import choice, fields, sizes
from bailian.types import AnswerContext, Input, Notice, Prepared

KIND = "image_edit"
DEFAULT_MODELS = ("qwen-image-edit", "qwen-image-2.0")
INPUT_FIELDS = ("image",)
RESULT_SUFFIXES = formats.PICTURES
FILE_SUFFIXES = ("png",)
RETRY_SAFE = False


class ImageEditRequest(BaseModel):
    """What a user asks for; `image` holds references, the last one gives the result its shape."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str | None = None
    prompt: str
    image: list[str] = []
    negative_prompt: str = ""
    n: int = 1
    size: str = ""
    seed: int | None = None
    prompt_extend: bool | None = None
    watermark: bool = False


def from_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return flat fields where the service's own `messages` stand.

    Raises:
        InvalidRequest: not one user message with pictures and one text.
    """
    flat = dict(values)
    messages = flat.pop("messages", None)
    if messages is None:
        return flat
    content = messages[0].get("content") if _is_single_turn(messages) else None
    parts = content if isinstance(content, list) and all(isinstance(part, dict) for part in content) else []
    texts = [part["text"] for part in parts if "text" in part]
    if len(texts) != 1 or "prompt" in flat or "image" in flat:
        raise InvalidRequest.one(
            "messages",
            tr(
                "must be one user message whose content is pictures and one text",
                "应为一条 user 消息，content 为若干图片和一段文字",
            ),
        )
    return {**flat, "prompt": texts[0], "image": [part["image"] for part in parts if "image" in part]}


def _is_single_turn(messages: object) -> bool:
    return isinstance(messages, list) and len(messages) == 1 and isinstance(messages[0], dict)


def prepare(
    values: Mapping[str, Any], catalog: Catalog, region: str, inputs: Mapping[str, Input] | None = None
) -> Prepared:
    """Check the fields and the pictures against the model and build the documented body.

    Raises:
        InvalidRequest: every problem found, each with what is allowed.
    """
    request, told = fields.clean_texts(fields.parse(ImageEditRequest, values), "prompt", "negative_prompt")
    chosen = choice.choose(request.model, KIND, DEFAULT_MODELS, catalog, region)
    model = chosen.model
    found = [(inputs or {}).get(url, Input(url)) for url in request.image]
    size, size_told = sizes.resolved(model, request.size) if _takes_size(model) else (request.size, [])
    request = request.model_copy(update={"size": size})
    # Who forgot the picture did not ask for a drawing: only a model that is named for it draws without one.
    fewest = 0 if chosen.as_named and model.images_min == 0 else 1
    fields.raise_if_any(_problems(request, model, found, region, fewest))
    wire_model = model.wire_name(region)
    price = fields.price_cny(model, region)
    asked = request.model_copy(update={"model": model.name})
    return Prepared(
        model=model,
        wire_model=wire_model,
        request=asked.model_dump(exclude_none=True, exclude_defaults=True) | {"model": model.name},
        body=_body(request, model, wire_model),
        unit_cny=price,
        units=request.n,
        count=request.n,
        notices=(
            *choice.notices(chosen, wire_model, region, catalog),
            *told,
            *size_told,
            *fields.prompt_notices(model, request.prompt),
            *([] if found else [_drawn(model)]),
            *(one.notice for one in found if one.notice),
            *_unsupported(request, model),
            *(notice for one in found for notice in _size_notices(one, model)),
        ),
        context=AnswerContext(retired=choice.retirement(chosen, catalog, region)),
    )


def _drawn(model: Model) -> Notice:
    return Notice(
        "no_picture",
        tr(
            f"no picture is given: {model.name} draws from the text alone (--image gives one)",
            f"未给出图片：{model.name} 仅按文字生成（可用 --image 提供图片）",
        ),
    )


def _problems(
    request: ImageEditRequest, model: Model, found: Sequence[Input], region: str, fewest: int
) -> list[Problem]:
    problems = [
        *fields.region_problems(model, region),
        *fields.check_prompt("prompt", request.prompt, model.prompt_chars),
        *fields.check_prompt("negative_prompt", request.negative_prompt, model.negative_prompt_chars, required=False),
        *fields.check_range("n", request.n, 1, model.n_max),
        *fields.check_seed(model, request.seed, request.n),
    ]
    if not fewest <= len(found) <= model.images_max:
        allowed = f"{fewest}-{model.images_max}" if model.images_max > fewest else str(fewest)
        problems.append(
            Problem(
                "image",
                tr(f"give {allowed} pictures, not {len(found)}", f"需要 {allowed} 张输入图片，给出了 {len(found)} 张"),
            )
        )
    for one in found:
        problems += fields.check_input("image", one, model)
    if request.size and _takes_size(model):
        problems += fields.check_size(model, request.size)
    return problems


def _takes_size(model: Model) -> bool:
    return bool(model.side_px or model.sizes or model.max_pixels)


def _unsupported(request: ImageEditRequest, model: Model) -> list[Notice]:
    if not request.size or _takes_size(model):
        return []
    return [
        Notice(
            "size_not_sent",
            tr(f"{model.name} chooses the size itself; size is not sent", f"{model.name} 自行决定尺寸，size 不会发送"),
        )
    ]


def _size_notices(given: Input, model: Model) -> list[Notice]:
    """Tell of a picture that the service takes, though the vendor advises another size."""
    probe, advised = given.probe, model.image_advised_px
    if (
        probe is None
        or advised is None
        or all(advised[0] <= side <= advised[1] for side in (probe.width_px, probe.height_px))
    ):
        return []
    shown, (low, high) = f"{probe.width_px}*{probe.height_px}", advised
    return [
        Notice(
            "picture_size_unadvised",
            tr(
                f"a picture is {shown}; sides of {low} to {high} px are advised for {model.name}",
                f"输入图片为 {shown}；{model.name} 建议边长在 {low} 到 {high} 像素之间",
            ),
        )
    ]


def _body(request: ImageEditRequest, model: Model, wire_model: str) -> dict[str, Any]:
    """Build the body: pictures first, one text, and the negative prompt among the parameters."""
    content: list[dict[str, str]] = [*({"image": url} for url in request.image), {"text": request.prompt}]
    parameters: dict[str, Any] = {"n": request.n, "watermark": request.watermark}
    if request.negative_prompt:
        parameters["negative_prompt"] = request.negative_prompt
    # Without a picture to follow, the size is the model's default for drawing.
    size = request.size or ("" if request.image else model.default_size)
    if size and _takes_size(model):
        parameters["size"] = size
    if model.prompt_extend:
        parameters["prompt_extend"] = request.prompt_extend is not False
    if request.seed is not None:
        parameters["seed"] = request.seed
    return {
        "model": wire_model,
        "input": {"messages": [{"role": "user", "content": content}]},
        "parameters": parameters,
    }


# The pictures of an answer, what they cost, and where they are: as of pictures that are made from nothing.
items, charged_cny, with_paths = image.items, image.charged_cny, image.with_paths


def asked_prompt(body: Mapping[str, Any]) -> str:
    """Return the instruction as sent."""
    return next(str(part["text"]) for part in body["input"]["messages"][0]["content"] if "text" in part)
