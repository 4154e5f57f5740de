"""An edit by function: one picture, for one function also a mask, as a task (D-IE, D-IEG). Importing this needs Pillow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bailian.sandbox.edits.input_images import InputImage, InputImageError, InputImages
from bailian.sandbox.edits.models import FUNCTIONS, PROMPT_MAY_BE_EMPTY
from bailian.sandbox.http.refusals import field_required, invalid_url, off_specification
from bailian.sandbox.images.models import IMAGE2IMAGE, ServiceModel
from bailian.sandbox.images.requests import read_count
from bailian.sandbox.tasks.requests import TaskRequest, is_integer, is_number, parts_of, read_seed, read_switch

MOST_OUTPUT_PIXELS = 4096 * 4096
"""The service refuses results above 10 MB (D-ERR); where that begins in pixels is a guess."""


async def read_function(name: str, model: ServiceModel, body: Mapping[str, Any], images: InputImages) -> TaskRequest:
    """Check a body and fetch its pictures.

    Raises:
        Refusal: with the documented code and message.
    """
    inputs, parameters = parts_of(body)
    function = _function(inputs)
    prompt = _prompt(inputs, function)
    base_url, mask_url = _url(inputs, "base_image_url"), ""
    if function == "description_edit_with_mask":
        mask_url = _url(inputs, "mask_image_url")
    details = {"function": function, "pictures": [], **_options(function, parameters)}
    request = TaskRequest(
        model=name,
        path=IMAGE2IMAGE,
        prompt=prompt,
        read_prompt=prompt[: model.prompt_chars],
        n=read_count(model, parameters.get("n")),
        seed=read_seed(parameters.get("seed")),
        watermark=read_switch(parameters, "watermark", default=False),
        kind="edit",
    )
    try:
        width, height = await _fetch(function, details, base_url, mask_url, images)
    except InputImageError as error:
        return replace(request, details={**details, "trouble": [error.code, error.message]})
    return replace(request, width=width, height=height, details=details)


async def _fetch(
    function: str, details: dict[str, Any], base_url: str, mask_url: str, images: InputImages
) -> tuple[int, int]:
    """Note the pictures in `details`; return the size of the result."""
    base = await images.picture(base_url)
    details["pictures"] = [base.digest]
    if mask_url:
        details["mask"] = (await images.mask(mask_url, base)).digest
    width, height = _output_size(function, base, details)
    if width * height > MOST_OUTPUT_PIXELS:
        raise InputImageError("InvalidParameter", "The image size is not supported for the data inspection.")
    return width, height


def _function(inputs: Mapping[str, Any]) -> str:
    if "function" not in inputs:
        raise field_required("input.function")
    if inputs["function"] not in FUNCTIONS:
        raise off_specification(f"function must be one of {', '.join(FUNCTIONS)}")
    return str(inputs["function"])


def _prompt(inputs: Mapping[str, Any], function: str) -> str:
    """D-IE: the key is required everywhere; D-IEG: `""` where the function can do without."""
    if "prompt" not in inputs:
        raise field_required("input.prompt")
    prompt = inputs["prompt"]
    if not isinstance(prompt, str) or (not prompt.strip() and function not in PROMPT_MAY_BE_EMPTY):
        raise off_specification("prompt must be a non-empty string")
    return prompt


def _url(inputs: Mapping[str, Any], name: str) -> str:
    """D-IE: no Chinese in an address."""
    value = inputs.get(name)
    if value is None:
        raise field_required(f"input.{name}")
    if not isinstance(value, str) or not value.isascii():
        raise invalid_url()
    return value


def _options(function: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of this function (D-IE); those of the others are ignored."""
    if function in ("stylization_all", "description_edit"):
        return {"strength": _number(parameters, "strength", 0.5, 0.0, 1.0)}
    if function == "expand":
        sides = ("top_scale", "bottom_scale", "left_scale", "right_scale")
        return {side: _number(parameters, side, 1.0, 1.0, 2.0) for side in sides}
    if function == "super_resolution":
        factor = parameters.get("upscale_factor", 1)
        if not is_integer(factor, 1, 4):
            raise off_specification("upscale_factor must be an integer between 1 and 4")
        return {"upscale_factor": factor}
    if function == "doodle":
        return {"is_sketch": read_switch(parameters, "is_sketch", default=False)}
    return {}


def _number(parameters: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = parameters.get(name, default)
    if not is_number(value, low, high):
        raise off_specification(f"{name} must be between {low} and {high}")
    return float(value)


def _output_size(function: str, base: InputImage, options: Mapping[str, Any]) -> tuple[int, int]:
    """Guesses, all of them, but D-IEG: four scales of 1.5 give 1.5 times the picture.

    So a scale widens its half of the picture, counted from the middle.
    """
    if function == "expand":
        width = base.width * (options["left_scale"] + options["right_scale"]) / 2
        return round(width), round(base.height * (options["top_scale"] + options["bottom_scale"]) / 2)
    factor = options.get("upscale_factor", 1)
    return base.width * factor, base.height * factor
