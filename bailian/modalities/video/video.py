"""Films: from a text, from pictures, between two frames, with references, edits. Always a task.

Facts: docs/wire.md "Text to video", "Films of today". What a model takes is data: `input_sets`, `inputs`, `parameters` and
`ways` of its table. This module puts the pieces beside it together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bailian.catalog import Catalog, Model
from bailian.errors import Problem
from bailian.files import formats
from bailian.i18n import tr
from bailian.modalities.rules import choice, fields
from bailian.modalities.rules.ways import called, documents
from bailian.modalities.video import film_answers, film_inputs, film_limits, film_prices, film_rules
from bailian.modalities.video.film_bodies import body_of, extends
from bailian.modalities.video.film_defaults import DEFAULT_MODELS, KIND, chosen_model
from bailian.modalities.video.film_inputs import FilmInput
from bailian.modalities.video.film_shapes import shape_problems
from bailian.modalities.video.film_sizes import FilmSize, size_of
from bailian.modalities.video.video_request import INPUT_FIELDS, VideoRequest, from_config
from bailian.text import characters
from bailian.types import FilmContext, Input, Notice, Prepared

__all__ = [
    "DEFAULT_MODELS", "FILE_SUFFIXES", "INPUT_FIELDS", "KIND", "RESULT_SUFFIXES", "RETRY_SAFE", "VideoRequest",
    "asked_prompt", "charged_cny", "from_config", "items", "prepare", "with_paths",
]  # fmt: skip
RESULT_SUFFIXES = formats.FILMS
FILE_SUFFIXES = formats.FILMS
RETRY_SAFE = False
CALLED_OTHERWISE = re.compile("(图|图片|视频) ?[1-9]")
"""How the prompts of most models call references."""
ALWAYS_SHOWN = ("prompt", "negative_prompt", "watermark", "control_condition")


def prepare(
    values: Mapping[str, Any], catalog: Catalog, region: str, inputs: Mapping[str, Input] | None = None
) -> Prepared:
    """Check the fields and what goes in against the model, and build the documented body.

    Raises:
        InvalidRequest: every problem found, each with what is allowed.
    """
    request, told = fields.clean_texts(fields.parse(VideoRequest, values), "prompt", "negative_prompt")
    found = inputs or {}
    fields.raise_if_any([*film_inputs.list_problems(request), *shape_problems(request)])
    chosen = chosen_model(request, found, catalog, region)
    usual = _documented(chosen.model)
    fields.raise_if_any(film_rules.function_problems(request, usual, catalog))
    given = film_inputs.inputs_of(request, usual, found)
    model = called(usual, film_inputs.ways_of(request, given))
    size, duration_s = size_of(request, model), _duration_s(request, model, region, given)
    others = film_inputs.Others(request, model, found, catalog, region)
    problems = [
        *fields.region_problems(model, region),
        *_prompt_problems(request, model, given),
        *film_inputs.set_problems(request, model, given, others),
        *film_limits.limit_problems(given, model, duration_s),
        *size.problems,
        *_tier_problems(model, region, size),
        *_duration_problems(request, model, region, others),
        *film_limits.part_problems(given, model, duration_s, said=request.duration is not None),
        *film_rules.parameter_problems(request, model, given, others),
        *film_rules.argument_problems(request, model, given),
        *fields.check_seed(model, request.seed, 1),
        *fields.check_range("fps", request.fps, 1, 240),
    ]
    fields.raise_if_any(problems)
    wire_model, sound = model.wire_name(region), not (request.no_audio and documents(model, "audio"))
    prices, silent_prices = film_prices.prices_of(model, region)
    return Prepared(
        model=model,
        wire_model=wire_model,
        request=_shown(request, model, size, duration_s),
        body=body_of(request, model, wire_model, given, size, duration_s),
        unit_cny=film_prices.unit_cny(model, region, size.tier, sound=sound),
        units=film_prices.most_seconds(model, given, duration_s),
        count=1,
        notices=(
            *choice.notices(chosen, wire_model, region, catalog),
            *told,
            *size.notices,
            *fields.prompt_notices(model, request.prompt),
            *_notices(request, model, duration_s),
            *film_limits.part_notices(given, model, duration_s, said=request.duration is not None),
            *film_inputs.guess_notices(given, model),
            *(one.notice for one in _every_input(given) if one.notice),
            *film_prices.price_notices(
                model, region, size.tier, given, sound=None if request.no_audio is None else sound
            ),
        ),
        upload=film_limits.must_be_uploaded(given, model),
        context=FilmContext(
            retired=choice.retirement(chosen, catalog, region), prices=prices, silent_prices=silent_prices
        ),
    )


def _documented(model: Model) -> Model:
    """Return a model of a user's own table as one from a text, if it says no more."""
    if model.parameters:
        return model
    duration = ["duration"] if len(model.durations_s) > 1 else []
    usual = ("size", *duration, "prompt_extend", "negative_prompt", "watermark", "seed")
    return replace(model, parameters=usual, input_sets=((),), duration_adapted=not duration)


def _prompt_problems(request: VideoRequest, model: Model, given: Sequence[FilmInput]) -> list[Problem]:
    required = not request.template and (model.prompt_required or not given)
    if required and "prompt" not in request.model_fields_set:
        return [Problem("prompt", tr("is required", "必填"))]
    return [
        *fields.check_prompt("prompt", request.prompt, model.prompt_chars, required=required),
        *_han_problems(request.prompt, model),
        *fields.check_prompt(
            "negative_prompt", request.negative_prompt, model.negative_prompt_chars or None, required=False
        ),
    ]


def _han_problems(prompt: str, model: Model) -> list[Problem]:
    """Check a limit that is lower for Chinese: each of its characters counts for as many more."""
    most, most_han = model.prompt_chars, model.prompt_han_chars
    if not most or not most_han or len(prompt) > most:
        return []
    han = characters.wide_count(prompt)
    if len(prompt) - han + han * most / most_han <= most:
        return []
    text = tr(
        f"has {len(prompt)} characters, {han} of them Chinese; at most {most}, or {most_han} Chinese ones, are allowed",
        f"共 {len(prompt)} 个字符，其中汉字 {han} 个；最多 {most} 个字符或 {most_han} 个汉字",
    )
    return [Problem("prompt", text)]


def _tier_problems(model: Model, region: str, size: FilmSize) -> list[Problem]:
    """Refuse a tier that the region does not list; where no price of it is known at all, nothing is."""
    prices, _ = film_prices.prices_of(model, region)
    if not prices or size.tier in prices or size.problems or region not in model.regions:
        return []
    listed = ", ".join(prices)
    text = tr(
        f"{model.name} has no {size.tier} in {region}; there: {listed}",
        f"{model.name} 在 {region} 没有 {size.tier}；可用 {listed}",
    )
    return [Problem("size", text)]


def _durations_s(model: Model, region: str) -> tuple[int, ...]:
    return model.region_durations_s.get(region, model.durations_s)


def _duration_problems(request: VideoRequest, model: Model, region: str, others: film_inputs.Others) -> list[Problem]:
    """Only the seed's models, which have one duration, run it whatever is asked (with a notice)."""
    duration_s, durations_s = request.duration, _durations_s(model, region)
    if duration_s is None or duration_s in durations_s or (model.duration_adapted and duration_s > 0):
        return []
    if not documents(model, "duration") and model.length_of:
        text = tr(
            f"the film of {model.name} is as long as its input: leave it out",
            f"{model.name} 的视频与输入等长：请去掉",
        )
        return [Problem("duration", text)]
    where = region if region in model.region_durations_s else ""
    name = model.name + (tr(f" in {where}", f" 在 {where}") if where else "")
    known = ", ".join(_spans(durations_s))
    text = tr(f"{name} makes {known} s, not {duration_s}", f"{name} 支持 {known} 秒，不支持 {duration_s} 秒")
    able = [one for one in others.with_these_inputs() if duration_s in _durations_s(one, region)]
    if request.model is None and able:
        listed = film_inputs.named(able)
        text += tr(f"; name a model that makes it: {listed}", f"；请指定支持该时长的模型：{listed}")
    return [Problem("duration", text)]


def _spans(durations_s: Sequence[int]) -> list[str]:
    """Return whole seconds in words: what is not a number of seconds by its meaning, rows of them by their ends."""
    words = {0: tr("0 (as the input)", "0（与输入相同）"), -1: tr("-1 (the model decides)", "-1（由模型决定）")}
    spans = [[one, one] for one in durations_s[:1]]
    for one in durations_s[1:]:
        if one == spans[-1][1] + 1 and spans[-1][0] > 0:
            spans[-1][1] = one
        else:
            spans.append([one, one])
    return [
        words.get(low, str(low)) if low == high else tr(f"{low} to {high}", f"{low} 到 {high}") for low, high in spans
    ]


def _duration_s(request: VideoRequest, model: Model, region: str, given: Sequence[FilmInput]) -> int:
    """Return how long the film becomes; where nothing is said of it, so much longer than what it goes on from."""
    durations_s = _durations_s(model, region)
    part_s = film_limits.part_s(given, model)
    if part_s and request.duration is None:
        return min(math.ceil(part_s) + (model.default_duration_s or 0), max(durations_s))
    if request.duration is None and film_limits.unmeasured_parts(given, model):
        return max(durations_s)  # another row makes it: asked again when it is there
    if model.duration_adapted or (request.duration is None and model.default_duration_s not in durations_s):
        return durations_s[0]
    return request.duration if request.duration is not None else model.default_duration_s or 0


def _notices(request: VideoRequest, model: Model, duration_s: int) -> list[Notice]:
    notices = []
    if request.duration not in (None, duration_s):
        text = tr(
            f"{model.name} always makes {duration_s} s, not {request.duration}",
            f"{model.name} 固定生成 {duration_s} 秒，不支持 {request.duration} 秒",
        )
        notices.append(Notice("duration_adapted", text))
    if request.fps is not None:
        text = tr("the frame rate is the model's own; fps is not sent", "帧率由模型决定，fps 不会发送")
        notices.append(Notice("fps_not_sent", text))
    if request.template and request.prompt:
        text = tr("with a template the service ignores the prompt", "使用 template 时，服务端忽略提示词")
        notices.append(Notice("prompt_ignored", text))
    if model.reference_name and request.references and CALLED_OTHERWISE.search(request.prompt):
        text = tr(
            f"{model.name} knows the first reference as {model.reference_name}, not as 图1: write it so in the prompt",
            f"{model.name} 的提示词用 {model.reference_name} 指代第一个参考，而不是 图1：请改写提示词",
        )
        notices.append(Notice("reference_name", text))
    if documents(model, "top_scale") and all((getattr(request, name) or 1) <= 1 for name in film_rules.SCALES):
        text = tr(
            "all scales are 1: nothing will be extended, and it is billed; --top-scale 1.5 extends the top by half",
            "四个方向的比例都是 1：画面不会扩展，但仍会计费；--top-scale 1.5 表示向上扩展一半",
        )
        notices.append(Notice("nothing_to_expand", text))
    return notices


def _every_input(given: Sequence[FilmInput]) -> list[Input]:
    return [one for film_input in given for one in (film_input.given, film_input.voice) if one]


def _shown(request: VideoRequest, model: Model, size: FilmSize, duration_s: int) -> dict[str, Any]:
    """Return the request that makes the same film again: what is said in it, and the defaults that were filled in."""
    asked = request.model_copy(
        update={
            "model": model.name,
            "size": size.asked,
            "resolution": "",
            "ratio": size.ratio,
            "duration": duration_s,
            "prompt_extend": extends(request, model),
        }
    )
    own = asked.model_dump(by_alias=True, exclude_none=True, exclude={"fps"})
    return {name: value for name, value in own.items() if value not in ("", []) or name in ALWAYS_SHOWN}


items, charged_cny, with_paths = film_answers.items, film_prices.charged_cny, film_answers.with_paths
asked_prompt = film_answers.asked_prompt
