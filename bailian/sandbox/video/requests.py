"""From the body of a text-to-video request to a task request, or the documented refusal (T2V)."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

from bailian.sandbox.http import refusals
from bailian.sandbox.http.refusals import off_specification
from bailian.sandbox.images.models import ServiceModel, VideoRules
from bailian.sandbox.tasks.requests import (
    TaskRequest,
    parts_of,
    read_negative,
    read_prompt,
    read_seed,
    read_sides,
    read_switch,
)

DEFAULT_DURATION_S = 5


def read_video_request(name: str, model: ServiceModel, path: str, body: Mapping[str, Any]) -> TaskRequest:
    """Check a body against the service's rules for that model. Unknown parameters are ignored.

    Raises:
        Refusal: with the documented code and message.
    """
    rules = model.video
    assert rules is not None  # noqa: S101  # the caller chose by it
    if importlib.util.find_spec("av") is None:
        raise refusals.not_imitated(f"{name} without the package av (pip install '.[sandbox]')")
    inputs, parameters = parts_of(body)
    prompt = read_prompt(inputs)
    size = parameters.get("size")
    size = "{}*{}".format(*model.default_size) if size is None else size
    width, height = read_sides(size)  # T2V: a concrete value, neither `16:9` nor `720P`
    details: dict[str, Any] = {"duration_s": _duration(rules, parameters.get("duration")), "fps": rules.fps}
    if model.sizes and size not in model.sizes:
        # T2V's example of a failed task. What stands at its "xxxxxx" is a guess.
        details["trouble"] = ["InvalidParameter", f"The size is not match {size}"]
    if rules.shots and parameters.get("shot_type", "single") not in ("single", "multi"):
        raise off_specification("shot_type must be single or multi")
    return TaskRequest(
        model=name,
        path=path,
        prompt=prompt,
        read_prompt=prompt[: model.prompt_chars],
        negative_prompt=read_negative(inputs, parameters),
        n=1,
        width=width,
        height=height,
        seed=read_seed(parameters.get("seed")),
        prompt_extend=read_switch(parameters, "prompt_extend", default=True),
        watermark=read_switch(parameters, "watermark", default=False),
        kind="video",
        details={**details, "usage": rules.usage, "tells_actual_prompt": rules.tells_actual_prompt},
    )


def _duration(rules: VideoRules, value: Any) -> int:
    """T2V: whole seconds. What the 2.1 models do with another value than 5 is not documented; here: a refusal."""
    if value is None:
        return DEFAULT_DURATION_S
    if isinstance(value, bool) or not isinstance(value, int):
        raise off_specification("duration must be an integer")
    if value not in rules.durations_s:
        allowed = ", ".join(map(str, rules.durations_s))
        raise off_specification(f"duration must be one of {allowed}")
    return value
