"""Text to video: wan2.1 to wan2.6 (the service's "old protocol"), always a task.

Facts: docs/wire.md "Text to video" (the service's text-to-video reference, mid 2026; price and rate pages).
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import BaseModel, ConfigDict

from bailian.catalog import Catalog, Model
from bailian.counts import MOST_SECONDS, amount_of
from bailian.errors import Problem
from bailian.files import formats
from bailian.i18n import tr
from bailian.modalities.rules import choice, fields, sizes
from bailian.types import AnswerContext, Input, Item, Notice, Prepared, StoredRequest

KIND = "video"
DEFAULT_MODELS = ("wan2.1-t2v-turbo",)
INPUT_FIELDS: tuple[str, ...] = ()
RESULT_SUFFIXES = formats.FILMS
FILE_SUFFIXES = formats.FILMS
RETRY_SAFE = False


class VideoRequest(BaseModel):
    """What a user asks for. `resolution` is the seed document's name for `size`."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str | None = None
    prompt: str
    negative_prompt: str = ""
    size: str = ""
    resolution: str = ""
    duration: int | None = None
    fps: int | None = None
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
    request, told = fields.clean_texts(fields.parse(VideoRequest, values), "prompt", "negative_prompt")
    chosen = choice.choose(request.model, KIND, DEFAULT_MODELS, catalog, region)
    model = chosen.model
    size, size_told = sizes.resolved(model, request.size or request.resolution or model.default_size)
    fields.raise_if_any(_problems(request, model, size, region))
    wire_model, wire_size = model.wire_name(region), model.size_aliases.get(size, size)
    duration_s = _duration_s(request, model)
    unit_cny = fields.tier_price_cny(model, region, _tier(model, wire_size))
    notices = [
        *choice.notices(chosen, wire_model, region, catalog),
        *told,
        *size_told,
        *fields.prompt_notices(model, request.prompt),
        *_notices(request, model, size, wire_size, duration_s),
    ]
    asked = request.model_copy(update={"model": model.name, "size": size, "resolution": "", "duration": duration_s})
    return Prepared(
        model=model,
        wire_model=wire_model,
        request=asked.model_dump(exclude_none=True, exclude={"resolution", "fps"}),
        body=_body(request, model, wire_model, wire_size, duration_s),
        unit_cny=unit_cny,
        units=duration_s,
        count=1,
        notices=tuple(notices),
        context=AnswerContext(retired=choice.retirement(chosen, catalog, region)),
    )


def _problems(request: VideoRequest, model: Model, size: str, region: str) -> list[Problem]:
    problems = [
        *fields.region_problems(model, region),
        *fields.check_prompt("prompt", request.prompt, model.prompt_chars),
        *fields.check_prompt("negative_prompt", request.negative_prompt, model.negative_prompt_chars, required=False),
        *_size_problems(model, size),
        *fields.check_seed(model, request.seed, 1),
        *fields.check_range("fps", request.fps, 1, 240),
    ]
    if request.size and request.resolution and size != sizes.resolved(model, request.resolution)[0]:
        problems.append(
            Problem("resolution", tr("says something else than size: give one", "与 size 不一致：只需给出一个"))
        )
    problems += _duration_problems(request.duration, model)
    return problems


def _size_problems(model: Model, size: str) -> list[Problem]:
    known = [known for tier in model.size_tiers.values() for known in tier]
    if size in known or size in model.size_aliases:
        return []
    tiers = "; ".join(f"{tier}: {', '.join(known)}" for tier, known in model.size_tiers.items())
    return [Problem("size", tr(f"{model.name} does not take {size}; {tiers}", f"{model.name} 不支持 {size}；{tiers}"))]


def _tier(model: Model, size: str) -> str:
    return next(tier for tier, sizes in model.size_tiers.items() if size in sizes)


def _duration_problems(duration_s: int | None, model: Model) -> list[Problem]:
    """A model with one duration runs it whatever is asked (with a notice); one with a choice takes only its own."""
    if duration_s is None or duration_s in model.durations_s or (len(model.durations_s) == 1 and duration_s > 0):
        return []
    known = ", ".join(str(known_s) for known_s in model.durations_s)
    return [
        Problem(
            "duration",
            tr(
                f"{model.name} makes {known} s, not {duration_s}",
                f"{model.name} 支持 {known} 秒，不支持 {duration_s} 秒",
            ),
        )
    ]


def _duration_s(request: VideoRequest, model: Model) -> int:
    if len(model.durations_s) == 1:
        return model.durations_s[0]
    return request.duration or model.default_duration_s or model.durations_s[0]


def _notices(request: VideoRequest, model: Model, size: str, wire_size: str, duration_s: int) -> list[Notice]:
    notices = []
    if wire_size != size:
        notices.append(
            Notice(
                "size_adapted",
                tr(
                    f"{model.name} has no {size}; {wire_size} is sent, its nearest size",
                    f"{model.name} 没有 {size}，以最接近的 {wire_size} 发送",
                ),
            )
        )
    if request.duration not in (None, duration_s):
        notices.append(
            Notice(
                "duration_adapted",
                tr(
                    f"{model.name} always makes {duration_s} s, not {request.duration}",
                    f"{model.name} 固定生成 {duration_s} 秒，不支持 {request.duration} 秒",
                ),
            )
        )
    if request.fps is not None:
        notices.append(
            Notice(
                "fps_not_sent",
                tr("the frame rate is the model's own; fps is not sent", "帧率由模型决定，fps 不会发送"),
            )
        )
    return notices


def _body(request: VideoRequest, model: Model, wire_model: str, wire_size: str, duration_s: int) -> dict[str, Any]:
    """Build the body. `duration` is sent only where the model has a choice: a fixed one has no such parameter."""
    wire_input = {"prompt": request.prompt}
    if request.negative_prompt:
        wire_input["negative_prompt"] = request.negative_prompt
    parameters: dict[str, Any] = {"size": wire_size}
    if len(model.durations_s) > 1:
        parameters["duration"] = duration_s
    parameters["prompt_extend"] = request.prompt_extend
    parameters["watermark"] = request.watermark
    if request.seed is not None:
        parameters["seed"] = request.seed
    return {"model": wire_model, "input": wire_input, "parameters": parameters}


def items(answer: Mapping[str, Any], prepared: StoredRequest) -> list[Item]:
    """Return the video of an answer: `output.video_url`, one string."""
    output = answer.get("output")
    url = output.get("video_url") if isinstance(output, dict) else None
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        return []
    wire = {
        name: output[name] for name in ("orig_prompt", "actual_prompt") if isinstance(output, dict) and name in output
    }
    return [Item(0, url=url, wire=wire if prepared.seed is None else {**wire, "seed": prepared.seed})]


def charged_cny(answer: Mapping[str, Any], prepared: StoredRequest) -> float | None:
    """Return seconds billed × price. The seconds stand in one of three places, by the model's generation."""
    unit_cny = prepared.unit_cny
    usage = answer.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    told = [usage[key] for key in ("video_duration", "output_video_duration", "duration") if key in usage]
    # No video lasts 0 s: such a figure is as good as none.
    seconds = next(filter(None, (amount_of(value, MOST_SECONDS) for value in told)), None)
    if not told:
        seconds = prepared.units
    return None if unit_cny is None or seconds is None else round(unit_cny * float(seconds), 6)


def asked_prompt(body: Mapping[str, Any]) -> str:
    """Return the prompt as sent."""
    return str(body["input"]["prompt"])


def with_paths(answer: Mapping[str, Any], prepared: StoredRequest, paths: Mapping[int, str]) -> dict[str, Any]:
    """Return the answer's `output` with the local `path` beside `video_url`."""
    output = answer.get("output")
    shown: dict[str, Any] = deepcopy(output) if isinstance(output, dict) else {}
    if paths:
        shown["path"] = paths[0]
    return shown
