"""What a film model is documented to have, and what a function of it needs. All of it is refused before sending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bailian.catalog import Catalog, Model, did_you_mean
from bailian.catalog.roles import FUNCTIONS
from bailian.errors import Problem
from bailian.i18n import tr
from bailian.modalities.rules import fields
from bailian.modalities.rules.ways import called, documents
from bailian.modalities.video.film_bodies import ARGUMENTS, extends
from bailian.modalities.video.film_inputs import FilmInput, Others, named, roles_of
from bailian.modalities.video.video_request import VideoRequest

PARAMETERS: Mapping[str, str] = {
    "negative_prompt": "negative_prompt",
    "prompt_extend": "prompt_extend",
    "watermark": "watermark",
    "seed": "seed",
    "no_audio": "audio",
    "shots": "shot_type",
    "template": "template",
    "mask_frame_id": "mask_frame_id",
    **{name: name for name in ARGUMENTS},
}
"""A field that not every model has → the service's parameter."""
WORDS: Mapping[str, tuple[str, ...]] = {
    "shots": ("single", "multi"),
    "audio_setting": ("auto", "origin"),
    "mask_type": ("tracking", "fixed"),
    "expand_mode": ("hull", "bbox", "original"),
}
RANGES: Mapping[str, tuple[float, float]] = {
    "strength": (0, 1),
    "expand_ratio": (0, 1),
    "mask_frame_id": (1, 1_000_000),
    **dict.fromkeys(("top_scale", "bottom_scale", "left_scale", "right_scale"), (1.0, 2.0)),
}
SCALES = ("top_scale", "bottom_scale", "left_scale", "right_scale")


def function_problems(request: VideoRequest, model: Model, catalog: Catalog) -> list[Problem]:
    """Check that a function is named for a model that has them, and for no other."""
    listed = ", ".join(FUNCTIONS)
    if request.vace and request.vace not in FUNCTIONS:
        near = did_you_mean(request.vace, FUNCTIONS)
        text = tr(f"{request.vace!r} is none of {listed}{near}", f"{request.vace!r} 不是 {listed} 之一{near}")
        return [Problem("vace", text)]
    if request.vace and model.style != "function":
        able = ", ".join(one.name for one in catalog.of_kind(model.kind) if one.style == "function")
        return [
            Problem("vace", tr(f"{model.name} has no functions; {able} has", f"{model.name} 没有功能；请用 {able}"))
        ]
    if model.style == "function" and not request.vace:
        return [Problem("vace", tr(f"{model.name} needs one of {listed}", f"{model.name} 需要以下之一：{listed}"))]
    return []


def parameter_problems(
    request: VideoRequest, model: Model, inputs: Sequence[FilmInput], others: Others
) -> list[Problem]:
    """Refuse what the model does not document, and values that it does not take. The model is as it is called."""
    problems = [
        Problem(name, _undocumented(name, request, model, others))
        for name in PARAMETERS
        if _is_given(request, name)
        and not documents(model, PARAMETERS[name])
        and not (name == "no_audio" and model.silent)
    ]
    wrong = {problem.field for problem in problems}
    for name, allowed in WORDS.items():
        word = getattr(request, name)
        if word and name not in wrong and word not in allowed:
            listed = ", ".join(allowed)
            problems.append(Problem(name, tr(f"{word!r} is none of {listed}", f"{word!r} 不是 {listed} 之一")))
    for name, (low, high) in RANGES.items():
        problems += fields.check_number(name, getattr(request, name), low, high) if name not in wrong else []
    return [
        *problems,
        *_template_problems(request, model, wrong),
        *_extension_problems(request, model, inputs),
        *_sound_problems(request),
    ]


def _is_given(request: VideoRequest, name: str) -> bool:
    value = getattr(request, name)
    if name in ("watermark", "no_audio"):  # what it cannot go against is met without it
        return bool(value)
    return value not in (None, "", [])


def _undocumented(name: str, request: VideoRequest, model: Model, others: Others) -> str:
    having = [one for one in others.all() if documents(one, PARAMETERS[name])]
    if name == "template":
        having = [one for one in having if request.template in one.templates] or having
    fitting = [one.name for one in others.with_these_inputs()]
    able = named([one for one in having if one.name in fitting] or having)
    if request.model is None and able and model.style != "function":
        return tr(
            f"{model.name}, the usual model, has no such parameter here: name a model that has it: {able}",
            f"默认模型 {model.name} 此处没有该参数；请指定支持该参数的模型：{able}",
        )
    text = tr(f"{model.name} has no such parameter here: leave it out", f"{model.name} 此处没有该参数，请去掉")
    if model.style == "function":
        able = ", ".join(one for one in FUNCTIONS if documents(called(model, [one]), PARAMETERS[name]))
    return text + (tr(f" ({able} have it)", f"（{able} 有该参数）") if able else "")


def _template_problems(request: VideoRequest, model: Model, wrong: set[str]) -> list[Problem]:
    if not request.template or "template" in wrong or request.template in model.templates:
        return []
    listed = ", ".join(model.templates)
    near = did_you_mean(request.template, model.templates)
    text = tr(f"{request.template!r} is none of {listed}{near}", f"{request.template!r} 不是 {listed} 之一{near}")
    return [Problem("template", text)]


def _extension_problems(request: VideoRequest, model: Model, inputs: Sequence[FilmInput]) -> list[Problem]:
    """Check what works only while the prompt is extended."""
    if extends(request, model) is not False:
        return []
    needing = [one.field for one in inputs if one.role in ("file", "link")]
    needing += ["shots"] if request.shots and documents(model, "shot_type") else []
    return [Problem(name, tr("needs prompt_extend", "需要同时开启 prompt_extend")) for name in needing]


def _sound_problems(request: VideoRequest) -> list[Problem]:
    if not (request.no_audio and request.audio):
        return []
    return [Problem("no_audio", tr("stands beside audio: give one of them", "与 audio 同时出现：只需给出一个"))]


def argument_problems(request: VideoRequest, model: Model, inputs: Sequence[FilmInput]) -> list[Problem]:
    """Check the arguments of a function against each other and against what goes in."""
    if not request.vace:
        return []
    return [
        *_condition_problems(request, model, inputs),
        *_kind_problems(request, model),
        *_mask_problems(request, inputs),
    ]


def _condition_problems(request: VideoRequest, model: Model, inputs: Sequence[FilmInput]) -> list[Problem]:
    allowed, said = model.control_conditions, request.control_condition
    listed = ", ".join(word or '""' for word in allowed)
    if not allowed:
        return []
    if said is None:
        needed = tr(f"is required: one of {listed}", f"必填：{listed} 之一")
        return [] if "" in allowed else [Problem("control_condition", needed)]
    if said not in allowed:
        text = tr(f"{said!r}: {request.vace} takes {listed}", f"{said!r}：{request.vace} 支持 {listed}")
        return [Problem("control_condition", text)]
    if "video" not in roles_of(inputs):
        return [Problem("control_condition", tr("needs a video", "需要同时给出 video"))]
    return []


def _kind_problems(request: VideoRequest, model: Model) -> list[Problem]:
    """Check `obj_or_bg`: one word a reference, needed for more than one, and one background at most."""
    words, count = request.obj_or_bg, len(request.references)
    if not documents(model, "obj_or_bg") or (not words and count < 2):
        return []
    texts = []
    if len(words) != count:
        texts.append(
            tr(
                f"needs a word (obj, bg) for each reference: {count}, not {len(words)}",
                f"每个 references 需要一个词（obj、bg）：应为 {count} 个，给出了 {len(words)} 个",
            )
        )
    if any(word not in ("obj", "bg") for word in words):
        texts.append(tr("each must be obj or bg", "每项应为 obj 或 bg"))
    if words.count("bg") > 1:
        texts.append(tr("at most one can be bg", "最多一个 bg"))
    return [Problem("obj_or_bg", text) for text in texts]


def _mask_problems(request: VideoRequest, inputs: Sequence[FilmInput]) -> list[Problem]:
    masks = [one for one in inputs if one.field == "mask"]
    film = next((one.given.film for one in inputs if one.role == "video" and one.given.film), None)
    problems = []
    if request.mask_frame_id is not None and not any(one.role == "mask_image" for one in masks):
        problems.append(Problem("mask_frame_id", tr("needs a mask that is a picture", "需要图片形式的 mask")))
    for one in masks:
        found = one.given.probe or one.given.film
        sides, wanted = _sides(found), _sides(film)
        if sides and wanted and sides != wanted:
            shown = ("{}*{}".format(*sides), "{}*{}".format(*wanted))
            text = tr(
                f"is {shown[0]}; it must have the video's size, {shown[1]}",
                f"尺寸为 {shown[0]}，应与视频相同：{shown[1]}",
            )
            problems.append(Problem("mask", text))
        if one.given.mask and not one.given.mask.pure:
            text = tr("must be pure black and white, nothing between", "应为纯黑白，不含中间色")
            problems.append(Problem("mask", text))
    return problems


def _sides(of: Any) -> tuple[int, int] | None:
    return (of.width_px, of.height_px) if of and of.width_px and of.height_px else None
