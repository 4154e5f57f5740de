"""wanx2.1-imageedit: ten functions over one picture, each with exactly its own arguments; always a task.

Facts: docs/wire.md "The ten functions" (the service's image-edit reference and guide, mid 2025 to 2026). The functions
are data: a new argument is a row of `ARGUMENTS`, a new function a row of `FUNCTIONS`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from bailian.catalog import Catalog, Model, did_you_mean
from bailian.errors import Problem
from bailian.files import formats
from bailian.i18n import tr
from bailian.modalities.picture import image
from bailian.modalities.picture.wanx_functions import ARGUMENTS, BY_TITLE, FUNCTIONS, Function
from bailian.modalities.rules import choice, fields, mask_rules, picture_inputs
from bailian.types import AnswerContext, Input, Notice, Prepared

KIND = "wanx_edit"
DEFAULT_MODELS = ("wanx2.1-imageedit",)
INPUT_FIELDS = ("image", "mask", "mask_diff")
RESULT_SUFFIXES = formats.PICTURES
FILE_SUFFIXES = ("png",)
RETRY_SAFE = False


class WanxEditRequest(BaseModel):
    """What a user asks for."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str | None = None
    function: str = ""
    prompt: str | None = None
    image: list[str] = []
    mask: list[str] = []
    n: int = 1
    seed: int | None = None
    watermark: bool = False
    strength: float | None = None
    top_scale: float | None = None
    bottom_scale: float | None = None
    left_scale: float | None = None
    right_scale: float | None = None
    upscale_factor: int | None = None
    is_sketch: bool | None = None
    # What makes the mask, or mends the given one; `inputs.made_masks` puts `mask` in their place before the rest.
    mask_fix: bool = False
    mask_from: str | None = None
    mask_box: list[str] = []
    mask_ellipse: list[str] = []
    mask_polygon: list[str] = []
    mask_color: list[str] = []
    mask_alpha: bool = False
    mask_diff: list[str] = []
    mask_invert: bool = False
    mask_grow: int | None = None
    mask_feather: float | None = None


MASK_OPTIONS = tuple(name for name in WanxEditRequest.model_fields if name.startswith("mask_"))
LISTS = ("mask_box", "mask_ellipse", "mask_polygon", "mask_color", "mask_diff")
AREAS = ("mask_box", "mask_ellipse", "mask_polygon")
_ONE_NUMBER = re.compile(r"\s*[-+0-9.]+\s*%?\s*")


def from_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return flat fields under our names: the service says `base_image_url` and `mask_image_url`."""
    names = {"base_image_url": "image", "mask_image_url": "mask"}
    flat = {names.get(name, name): value for name, value in values.items()}
    return {name: _areas(value) if name in AREAS else value for name, value in flat.items()}


def _areas(value: Any) -> Any:
    """Return areas as texts, also where JSON has numbers: `[10, 10, 50, 50]`, or a list of such lists."""
    if not isinstance(value, list | tuple):
        return value
    if value and all(_is_number(one) for one in value):
        return [",".join(map(str, value))]
    return [",".join(map(str, one)) if _are_numbers(one) else one for one in value]


def _are_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(_is_number(one) for one in value)


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return _ONE_NUMBER.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


WITH_MASK = "description_edit_with_mask"
"""The function of a request that has a mask and names none."""


def prepare(
    values: Mapping[str, Any], catalog: Catalog, region: str, inputs: Mapping[str, Input] | None = None
) -> Prepared:
    """Check the fields, the picture and the mask, and build the documented body.

    Raises:
        InvalidRequest: every problem found, each with what is allowed.
    """
    if not values.get("function") and any(values.get(name) for name in ("mask", *MASK_OPTIONS)):
        values = {**values, "function": WITH_MASK}
    request, told = fields.clean_texts(fields.parse(WanxEditRequest, values), "prompt")
    chosen = choice.choose(request.model, KIND, DEFAULT_MODELS, catalog, region)
    model = chosen.model
    name = BY_TITLE.get(request.function, request.function)
    fields.raise_if_any(_function_problems(name))
    function = FUNCTIONS[name]
    prompt = request.prompt if request.prompt is not None else function.default_prompt or ""
    found = {url: (inputs or {}).get(url, Input(url)) for url in (*request.image, *request.mask)}
    fields.raise_if_any(_problems(request, model, name, prompt, found, region))
    wire_model = model.wire_name(region)
    body = _body(request, wire_model, name, prompt)
    asked = {"model": model.name, "function": name, "prompt": prompt, "image": request.image[0]}
    made = {"model", "function", "prompt", "image", "mask", *MASK_OPTIONS}
    rest = request.model_dump(exclude_none=True, exclude=made)
    return Prepared(
        model=model,
        wire_model=wire_model,
        request={**asked, **({"mask": request.mask[0]} if request.mask else {}), **rest},
        body=body,
        unit_cny=fields.price_cny(model, region),
        units=request.n,
        count=request.n,
        notices=(
            *choice.notices(chosen, wire_model, region, catalog),
            *told,
            *fields.prompt_notices(model, prompt),
            *(one.notice for one in found.values() if one.notice),
            *(mask_rules.notices(found[request.image[0]], found[request.mask[0]]) if request.mask else ()),
            *_style_notices(function, prompt),
            *_idle_notices(name, body["parameters"]),
        ),
        context=AnswerContext(retired=choice.retirement(chosen, catalog, region)),
    )


def _function_problems(name: str) -> list[Problem]:
    if not name:
        return [Problem("function", tr("is required", "必填"))]
    if name in FUNCTIONS:
        return []
    listed = ", ".join(f"{known} {function.title}" for known, function in FUNCTIONS.items())
    near = did_you_mean(name, [*FUNCTIONS, *BY_TITLE])
    return [
        Problem(
            "function",
            tr(f"{name!r} is not a function{near}; all: {listed}", f"没有名为 {name!r} 的功能{near}；全部：{listed}"),
        )
    ]


def _problems(
    request: WanxEditRequest, model: Model, name: str, prompt: str, found: Mapping[str, Input], region: str
) -> list[Problem]:
    function = FUNCTIONS[name]
    problems = [
        *fields.region_problems(model, region),
        *fields.check_prompt("prompt", prompt, model.prompt_chars, required=function.default_prompt is None),
        *fields.check_range("n", request.n, 1, model.n_max),
        *fields.check_seed(model, request.seed, request.n),
        *_argument_problems(request, name),
        *(Problem(option, _unmade()) for option in MASK_OPTIONS if getattr(request, option) not in (None, False, [])),
    ]
    if len(request.image) != 1:
        problems.append(Problem("image", tr("give one picture", "需要一张输入图片")))
    if function.mask != bool(request.mask):
        problems.append(
            Problem(
                "mask",
                tr(f"{name} needs a mask", f"{name} 需要 mask 图片")
                if function.mask
                else tr(
                    f"{name} takes no mask; description_edit_with_mask does",
                    f"{name} 不使用 mask；请用 description_edit_with_mask",
                ),
            )
        )
    for field, urls in (("image", request.image), ("mask", request.mask)):
        for url in urls:
            problems += picture_inputs.check_input(field, found[url], model)
    if len(request.mask) > 1:
        problems.append(Problem("mask", tr(f"give one mask, not {len(request.mask)}", "只能给出一张 mask 图片")))
    if function.mask and request.image and request.mask:
        problems += mask_rules.problems(found[request.image[0]], found[request.mask[0]])
    return problems


def _unmade() -> str:
    return tr(
        "makes a mask, which must be made first: `inputs.made_masks`", "用于制作 mask，须先由 `inputs.made_masks` 制作"
    )


def _argument_problems(request: WanxEditRequest, name: str) -> list[Problem]:
    own = FUNCTIONS[name].arguments
    problems = []
    for argument, rule in ARGUMENTS.items():
        value = getattr(request, argument)
        if value is None:
            continue
        if argument not in own:
            listed = ", ".join(own) or tr("none", "无")
            problems.append(
                Problem(
                    argument,
                    tr(f"is not an argument of {name}; its own: {listed}", f"不是 {name} 的参数；它的参数：{listed}"),
                )
            )
        elif not rule.low <= value <= rule.high:
            problems.append(
                Problem(
                    argument,
                    tr(
                        f"{value:g} is not in {rule.low:g} to {rule.high:g}",
                        f"{value:g} 不在 {rule.low:g} 到 {rule.high:g} 之间",
                    ),
                )
            )
    return problems


def _style_notices(function: Function, prompt: str) -> list[Notice]:
    if not function.styles or any(style in prompt for style in function.styles):
        return []
    listed = ", ".join(function.styles)
    return [
        Notice(
            "style_unlisted",
            tr(f"the prompt names none of the listed styles: {listed}", f"提示词未包含列出的风格：{listed}"),
        )
    ]


def _idle_notices(name: str, parameters: Mapping[str, Any]) -> list[Notice]:
    """Tell what would be paid for and change nothing. The seed's own examples ask so: it is no refusal."""
    if name == "expand" and all(parameters[scale] <= 1 for scale in FUNCTIONS["expand"].arguments):
        text = tr(
            "all scales are 1: nothing will be extended, and it is billed; --top-scale 1.5 extends the top by half",
            "四个方向的比例都是 1：图片不会扩展，但仍会计费；--top-scale 1.5 表示向上扩展一半",
        )
        return [Notice("nothing_to_expand", text)]
    if name == "super_resolution" and parameters["upscale_factor"] <= 1:
        text = tr(
            "upscale_factor is 1: the picture will be no larger, only sharper at best, and it is billed; "
            "--upscale-factor 2 doubles it",
            "upscale_factor 为 1：图片不会放大，最多只会变清晰，但仍会计费；--upscale-factor 2 放大到两倍",
        )
        return [Notice("nothing_to_upscale", text)]
    return []


def _body(request: WanxEditRequest, wire_model: str, name: str, prompt: str) -> dict[str, Any]:
    """Build the body: `prompt` is always there, even empty; a function's arguments stand among the parameters."""
    wire_input = {"function": name, "prompt": prompt, "base_image_url": request.image[0]}
    if request.mask:
        wire_input["mask_image_url"] = request.mask[0]
    parameters: dict[str, Any] = {"n": request.n, "watermark": request.watermark}
    for argument in FUNCTIONS[name].arguments:
        value = getattr(request, argument)
        parameters[argument] = ARGUMENTS[argument].default if value is None else value
    if request.seed is not None:
        parameters["seed"] = request.seed
    return {"model": wire_model, "input": wire_input, "parameters": parameters}


# The pictures of an answer, what they cost, and where they are: as of pictures that are made from nothing.
items, charged_cny, with_paths = image.items, image.charged_cny, image.with_paths


def asked_prompt(body: Mapping[str, Any]) -> str:
    """Return the prompt as sent."""
    return str(body["input"]["prompt"])
