"""Text to image: wan2.x, wanx2.x, qwen-image and relatives, in both wire styles.

Facts: docs/wire.md "Text to image" (the service's references of spring 2025 to mid 2026, captured traffic);
limits: the catalog. What the seed document forbids is refused, what today's service takes otherwise is adapted.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import BaseModel, ConfigDict

from bailian.catalog import Catalog, Model
from bailian.counts import MOST_PICTURES, count_of
from bailian.errors import Problem
from bailian.files import formats
from bailian.i18n import tr
from bailian.modalities.rules import choice, fields, sizes
from bailian.types import AnswerContext, Input, Item, Notice, Prepared, StoredRequest

KIND = "image"
DEFAULT_MODELS = ("wan2.2-t2i-flash",)
INPUT_FIELDS: tuple[str, ...] = ()
RESULT_SUFFIXES = formats.PICTURES
FILE_SUFFIXES = ("png",)
RETRY_SAFE = False


class ImageRequest(BaseModel):
    """What a user asks for. Ranges depend on the model and are checked by `prepare`."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str | None = None
    prompt: str
    negative_prompt: str = ""
    size: str = ""
    n: int = 1
    seed: int | None = None
    prompt_extend: bool = True
    watermark: bool = False


def from_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields as they are: the service's names are ours."""
    return dict(values)


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
    if request.prompt_extend and model.price_with_prompt_extend_cny is not None and region == "beijing":
        price = model.price_with_prompt_extend_cny
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
    if request.n > 1 and model.n_max == 1:
        n_problems = [Problem("n", tr(f"{model.name} makes 1 picture a call", f"{model.name} 每次只能生成 1 张"))]
    else:
        n_problems = fields.check_range("n", request.n, 1, model.n_max)
    return [
        *fields.region_problems(model, region),
        *fields.check_prompt("prompt", request.prompt, model.prompt_chars),
        *fields.check_prompt(
            "negative_prompt", request.negative_prompt, model.negative_prompt_chars or None, required=False
        ),
        *fields.check_size(model, request.size),
        *n_problems,
        *fields.check_seed(model, request.seed, request.n if not n_problems else 1),
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
    wire_input: dict[str, Any]
    if model.style == "messages":
        # Here the negative prompt is a parameter; in the other style it is input.
        wire_input = {"messages": [{"role": "user", "content": [{"text": request.prompt}]}]}
        if negative:
            parameters["negative_prompt"] = negative
    else:
        wire_input = {"prompt": request.prompt}
        if negative:
            wire_input["negative_prompt"] = negative
    return {"model": wire_model, "input": wire_input, "parameters": parameters}


def items(answer: Mapping[str, Any], prepared: StoredRequest) -> list[Item]:
    """Return the pictures of an answer: `output.results[]` of a task, `output.choices[]` in message style.

    A result may be {"code","message"} instead of a link: one good picture makes the whole task SUCCEEDED.
    """
    entries = _entries(answer)
    return [_item(index, entry, prepared.seed) for index, entry in enumerate(entries) if isinstance(entry, dict)]


def _entries(answer: Mapping[str, Any]) -> list[Any]:
    """Return what stands where results do, readable or not."""
    output = answer.get("output")
    output = output if isinstance(output, dict) else {}
    return [
        *_list(output.get("results")),
        *(part for content in _contents(output) for part in content if _is_image(part)),
    ]


def _contents(output: Mapping[str, Any]) -> list[list[Any]]:
    """Return the content list of each choice, whatever else stands there."""
    messages = [choice.get("message") for choice in _list(output.get("choices")) if isinstance(choice, dict)]
    return [_list(message.get("content")) for message in messages if isinstance(message, dict)]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_image(part: object) -> bool:
    return isinstance(part, dict) and "image" in part


def _item(index: int, entry: dict[str, Any], seed: int | None) -> Item:
    url = entry.get("url") or entry.get("image")
    wire = dict(entry) if seed is None else {**entry, "seed": seed + index}
    if isinstance(url, str) and url.startswith(("https://", "http://")):
        return Item(index, url=url, wire=wire)
    return Item(index, code=str(entry.get("code") or "unknown"), message=str(entry.get("message") or ""), wire=wire)


def charged_cny(answer: Mapping[str, Any], prepared: StoredRequest) -> float | None:
    """Return pictures billed × price. Failed pictures are not billed; `usage.image_count` counts the good ones."""
    unit_cny = prepared.unit_cny
    count = _pictures_billed(answer, prepared)
    return None if unit_cny is None or count is None else round(unit_cny * count, 6)


def _pictures_billed(answer: Mapping[str, Any], prepared: StoredRequest) -> int | None:
    """Return the count told, else the good links; None where neither is readable, or more came than was counted."""
    found = items(answer, prepared)
    good = sum(1 for item in found if item.url)
    usage = answer.get("usage")
    if isinstance(usage, dict) and "image_count" in usage:
        count = count_of(usage["image_count"], MOST_PICTURES)
        return count if count is not None and count >= good else None
    return good if found and len(found) == len(_entries(answer)) else None


def asked_prompt(body: Mapping[str, Any]) -> str:
    """Return the prompt as sent."""
    wire_input = body["input"]
    if "messages" in wire_input:
        return str(wire_input["messages"][0]["content"][0]["text"])
    return str(wire_input["prompt"])


def with_paths(answer: Mapping[str, Any], prepared: StoredRequest, paths: Mapping[int, str]) -> dict[str, Any]:
    """Return the answer's `output` with each good picture's `path` (and seed) beside its link."""
    given = answer.get("output")
    output: dict[str, Any] = deepcopy(given) if isinstance(given, dict) else {}
    entries = [
        {**item.wire, **({"path": paths[item.index]} if item.index in paths else {})}
        for item in items(answer, prepared)
    ]
    if "results" in output:
        output["results"] = entries
        return output
    shown = iter(entries)
    for content in _contents(output):
        content[:] = [next(shown, part) if _is_image(part) else part for part in content]
    return output
