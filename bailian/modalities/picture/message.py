"""Pictures of the "message" dialect: one call draws from a text and edits the pictures given (docs/wire.md "Pictures of today").

text2image and image_edit both end here. What a model takes is data: `parameters`, `ways` and the limits of its table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bailian.catalog import Catalog, Model
from bailian.errors import Problem
from bailian.i18n import tr
from bailian.modalities.picture.picture_request import PictureFields
from bailian.modalities.rules import choice, fields, picture_inputs, picture_marks, picture_prices, sizes
from bailian.modalities.rules.ways import called, documents, way_problems
from bailian.types import Input, Notice, PictureContext, Prepared

THINKING = ("thinking_mode", "enable_thinking")
"""How the models call it."""
NAMES = {"prompt_extend_mode": "prompt_extend_mode", "palette": "color_palette", "negative_prompt": "negative_prompt"}
"""A field that not every model has → the service's parameter."""


def prepare(
    request: PictureFields,
    chosen: choice.Chosen,
    found: Sequence[Input],
    told: Sequence[Notice],
    catalog: Catalog,
    region: str,
    boxes: Sequence[str] = (),
) -> Prepared:
    """Check the fields and the pictures against the model as it is called, and build the documented body.

    Raises:
        InvalidRequest: every problem found, each with what is allowed.
    """
    ways = ways_of(request, found)
    fields.raise_if_any(way_problems(chosen.model, ways, catalog))
    model = called(chosen.model, ways)
    size, size_told = _size(request.size, model, found)
    complete = bool(request.size) or model.kind == "image"
    told_extend = "prompt_extend" in request.model_fields_set and getattr(request, "prompt_extend", None)
    problems = _undocumented_extension(model) if told_extend else []
    own = {"prompt_extend": _extends(request, model)} if "prompt_extend" in type(request).model_fields else {}
    request = request.model_copy(update={"model": model.name, "size": size if complete else "", **own})
    fields.raise_if_any([*problems, *_problems(request, chosen, model, found, boxes, region, size)])
    wire_model = model.wire_name(region)
    body = {
        "model": wire_model,
        "input": _input(request, model, found),
        "parameters": _parameters(request, model, size, boxes, len(found)),
    }
    count = request.n if request.set is None else request.set
    unit_cny = _unit_cny(request, model, region, size)
    inputs_cny = picture_prices.input_cny(model, region) * len(found)
    return Prepared(
        model=model,
        wire_model=wire_model,
        request=request.model_dump(exclude_none=True, exclude_defaults=model.kind != "image") | {"model": model.name},
        body=body,
        unit_cny=unit_cny,
        units=count,
        count=count,
        notices=(
            *choice.notices(chosen, wire_model, region, catalog),
            *told,
            *size_told,
            *fields.prompt_notices(model, request.prompt),
            *([_drawn(model)] if model.kind == "image_edit" and not found else []),
            *(one.notice for one in found if one.notice),
            *_unsized_notices(request, model),
            *(notice for one in found for notice in picture_inputs.advice(one, model)),
            *picture_prices.price_notices(model, region, len(found), unit_cny),
        ),
        ceiling_cny=unit_cny * count + inputs_cny if unit_cny is not None and inputs_cny else None,
        open_count=bool(request.set is not None or request.interleave),
        context=PictureContext(
            retired=choice.retirement(chosen, catalog, region), prices=picture_prices.prices_of(model, region)
        ),
    )


def ways_of(request: PictureFields, found: Sequence[Input]) -> list[str]:
    """Return in which ways beside plain drawing the model is called."""
    asked = (("edit", bool(found)), ("set", request.set is not None), ("interleave", bool(request.interleave)))
    return [way for way, is_so in asked if is_so]


def _unit_cny(request: PictureFields, model: Model, region: str, size: str) -> float | None:
    extra_cny = model.price_with_prompt_extend_cny
    if extra_cny is not None and region == "beijing" and _extends(request, model):
        return extra_cny
    return picture_prices.output_cny(model, region, size)


def _extends(request: PictureFields, model: Model) -> bool | None:
    """Return whether the prompt is extended; None where that cannot be chosen. Nobody gets what costs more unasked."""
    if not (model.prompt_extend and documents(model, "prompt_extend")):
        return None
    asked = getattr(request, "prompt_extend", None)
    if "prompt_extend" not in request.model_fields_set or asked is None:
        return model.price_with_prompt_extend_cny is None
    return bool(asked)


def _undocumented_extension(model: Model) -> list[Problem]:
    if model.prompt_extend and documents(model, "prompt_extend"):
        return []
    return [Problem("prompt_extend", _no_parameter(model))]


def _no_parameter(model: Model) -> str:
    return tr(f"{model.name} has no such parameter here: leave it out", f"{model.name} 此处没有该参数，请去掉")


def takes_size(model: Model) -> bool:
    """Return whether a size can be chosen."""
    return documents(model, "size") and bool(model.side_px or model.sizes or model.max_pixels)


def _size(written: str, model: Model, found: Sequence[Input]) -> tuple[str, list[Notice]]:
    """Return the size that is sent, and what is to be said about it; "" leaves it to the service."""
    if not takes_size(model):
        return written, []
    probe = found[-1].probe if found else None
    shape = (probe.width_px, probe.height_px) if probe else None
    if written:
        return sizes.resolved(model, written, shape)
    if not found:
        return model.default_size, []
    if not model.parameters or (shape is None and model.follows_picture):
        return "", []
    if shape is not None:
        return sizes.fitted(model, shape, sizes.AREA_PX["1K"]), []
    return model.default_size, [] if model.default_size in model.size_words else [_square(model)]


def _square(model: Model) -> Notice:
    return Notice(
        "shape_unknown",
        tr(
            f"the shape of a linked picture is not known here: {model.default_size} is sent (--size 16:9 gives another)",
            f"无法得知链接图片的比例：以 {model.default_size} 发送（可用 --size 16:9 指定）",
        ),
    )


def _problems(
    request: PictureFields,
    chosen: choice.Chosen,
    model: Model,
    found: Sequence[Input],
    boxes: Sequence[str],
    region: str,
    size: str,
) -> list[Problem]:
    problems = [
        *fields.region_problems(model, region),
        *fields.check_prompt("prompt", request.prompt, model.prompt_chars),
        *fields.check_prompt(
            "negative_prompt", request.negative_prompt, model.negative_prompt_chars or None, required=False
        ),
        *_picture_problems(chosen, model, found),
        *count_problems(request, model),
        *undocumented(request, model, boxes),
        *(picture_marks.box_problems(boxes, found) if boxes else []),
        *(picture_marks.palette_problems(request.palette) if request.palette else []),
    ]
    if size and takes_size(model):
        problems += fields.check_size(model, size)
    needing = {"thinking": documents(model, "enable_thinking"), "prompt_extend_mode": True}
    for name in needing:
        if getattr(request, name) and needing[name] and _extends(request, model) is False:
            problems.append(Problem(name, tr("needs prompt_extend", "需要同时开启 prompt_extend")))
    return problems


def _picture_problems(chosen: choice.Chosen, model: Model, found: Sequence[Input]) -> list[Problem]:
    fewest = 1 if model.images_min is None else model.images_min
    if model.kind == "image_edit" and not chosen.as_named:
        fewest = 1  # who forgot the picture did not ask for a drawing
    problems = [problem for one in found for problem in picture_inputs.check_input("image", one, model)]
    if model.kind == "image" and "image_edit" not in model.kinds:
        return problems
    if not fewest <= len(found) <= model.images_max:
        allowed = f"{fewest}-{model.images_max}" if model.images_max > fewest else str(fewest)
        text = tr(f"give {allowed} pictures, not {len(found)}", f"需要 {allowed} 张输入图片，给出了 {len(found)} 张")
        if model.kind == "image":
            text += tr(
                f": {model.name} draws from a text with interleave only", f"：{model.name} 仅在图文混排时可以只用文字"
            )
        problems.append(Problem("image", text))
    return problems


def count_problems(request: PictureFields, model: Model) -> list[Problem]:
    """Check how many pictures are asked for: `set` counts instead of `n`."""
    if request.set is not None:
        problems = [*fields.check_range("set", request.set, 1, model.n_max), *fields.check_seed(model, request.seed, 1)]
        if request.n != 1:
            problems.append(Problem("n", tr("stands beside set, which counts the pictures", "与 set 同时出现")))
        if request.interleave:
            problems.append(Problem("set", tr("is not possible with interleave", "不能与 interleave 同时使用")))
        return problems
    if request.n > 1 and model.n_max == 1:
        problems = [Problem("n", tr(f"{model.name} makes 1 picture a call", f"{model.name} 每次只能生成 1 张"))]
    else:
        problems = fields.check_range("n", request.n, 1, model.n_max)
    return [*problems, *fields.check_seed(model, request.seed, request.n if not problems else 1)]


def undocumented(request: PictureFields, model: Model, boxes: Sequence[str] = ()) -> list[Problem]:
    """Refuse what the model is not documented to have; a wish that it cannot go against is met without it."""
    asked = {name: NAMES[name] for name in NAMES if getattr(request, name)}
    wrong = [name for name, parameter in asked.items() if not documents(model, parameter)]
    wrong += ["watermark"] if request.watermark and not documents(model, "watermark") else []
    wrong += ["thinking"] if request.thinking and not any(documents(model, name) for name in THINKING) else []
    wrong += ["box"] if boxes and not documents(model, "bbox_list") else []
    problems = [Problem(name, _no_parameter(model)) for name in wrong]
    mode, modes = request.prompt_extend_mode, model.prompt_extend_modes
    if mode and "prompt_extend_mode" not in wrong and mode not in modes:
        allowed = ", ".join(modes)
        text = tr(f"{mode!r}: {model.name} takes {allowed} here", f"{mode!r}：{model.name} 此处只支持 {allowed}")
        problems.append(Problem("prompt_extend_mode", text))
    return problems


def _unsized_notices(request: PictureFields, model: Model) -> list[Notice]:
    if not request.size or takes_size(model):
        return []
    return [
        Notice(
            "size_not_sent",
            tr(f"{model.name} chooses the size itself; size is not sent", f"{model.name} 自行决定尺寸，size 不会发送"),
        )
    ]


def _drawn(model: Model) -> Notice:
    return Notice(
        "no_picture",
        tr(
            f"no picture is given: {model.name} draws from the text alone (--image gives one)",
            f"未给出图片：{model.name} 仅按文字生成（可用 --image 提供图片）",
        ),
    )


def _input(request: PictureFields, model: Model, found: Sequence[Input]) -> dict[str, Any]:
    """Return pictures and text as the dialect has them: the pictures in front, their order is their number."""
    if model.style == "images":
        negative = {"negative_prompt": request.negative_prompt} if request.negative_prompt else {}
        return {"prompt": request.prompt, **negative, "images": [one.url for one in found]}
    content: list[dict[str, str]] = [*({"image": one.url} for one in found), {"text": request.prompt}]
    return {"messages": [{"role": "user", "content": content}]}


def _parameters(request: PictureFields, model: Model, size: str, boxes: Sequence[str], pictures: int) -> dict[str, Any]:
    """Return all that is asked for and documented. Defaults are sent: the service's own may be four pictures, or dear."""
    asked: dict[str, Any] = {
        "size": size if takes_size(model) else "",
        "n": 1 if request.interleave else request.n if request.set is None else request.set,
        "seed": request.seed,
        "watermark": request.watermark,
        "prompt_extend": _extends(request, model),
        "negative_prompt": request.negative_prompt if model.style != "images" else "",
        "prompt_extend_mode": request.prompt_extend_mode,
        "bbox_list": picture_marks.wire_boxes(boxes, pictures) if boxes else None,
        "color_palette": picture_marks.wire_palette(request.palette) if request.palette else None,
        "enable_sequential": True if request.set is not None else None,
        "enable_interleave": request.interleave or None,
        "max_images": request.n if request.interleave else None,
        **dict.fromkeys(THINKING, request.thinking),
    }
    return {name: value for name, value in asked.items() if value not in (None, "") and documents(model, name)}
