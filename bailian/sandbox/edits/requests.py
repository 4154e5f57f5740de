"""From the body of an editing request to an order, or the documented refusal (D-QIE, D-IE, D-ERR).

The pictures are fetched here, before the work is accepted. For the task model a picture that cannot be used lets
the task fail (D-FAQ's example of a failed task); for the blocking models it is a refusal. Importing this needs Pillow.
"""

from __future__ import annotations

import asyncio
import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image, ImageDraw

from bailian.sandbox.edits.models import FUNCTIONS, PROMPT_MAY_BE_EMPTY
from bailian.sandbox.http.refusals import Refusal, field_required, invalid, invalid_url, off_specification
from bailian.sandbox.images.models import IMAGE2IMAGE, MULTIMODAL, EditRules, ServiceModel
from bailian.sandbox.storage.input_fetcher import (
    MAX_BYTES,
    FetchFailed,
    InputFetcher,
    NotOnLoopback,
    placeholder,
    unreadable,
)
from bailian.sandbox.storage.upload_store import UploadStore
from bailian.sandbox.tasks.requests import (
    TaskRequest,
    on_grid,
    parts_of,
    read_count,
    read_negative,
    read_seed,
    read_size,
    read_switch,
)

OUTPUT_PIXELS = 1024 * 1024
"""D-QIE: about so many, in the ratio of the last picture."""

GRID_PX = 16
"""D-QIE: -plus and -max round a size to this; that the others round to it too is a guess."""

SIZE_SIDE_PX = (512, 2048)
MAX_SIDE_PX = 100_000
"""Larger than anything that fits in 10 MB of any use."""
MOST_OUTPUT_PIXELS = 4096 * 4096
"""The service refuses results above 10 MB (D-ERR); where that begins in pixels is a guess."""

_SIZE = re.compile(r"(\d{1,5})\*(\d{1,5})")
_TWO_COLOURS = {(0, 0, 0), (255, 255, 255)}


@dataclass(frozen=True)
class InputImage:
    """A picture that was fetched: the name it is kept by, and its size."""

    digest: str
    width: int
    height: int


class InputImageError(Exception):
    """A picture that cannot be used, in the service's words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class EditRequests:
    """Reads bodies and fetches their pictures."""

    def __init__(self, store: UploadStore) -> None:
        self._store = store

    async def read(
        self, name: str, model: ServiceModel, path: str, body: Mapping[str, Any], fetcher: InputFetcher
    ) -> TaskRequest:
        """Return the order.

        Raises:
            Refusal: with the documented code and message.
        """
        assert model.edit is not None  # noqa: S101  # the caller chose by it
        if path == MULTIMODAL:
            return await self._by_instruction(name, model, model.edit, body, fetcher)
        return await self._by_function(name, model, model.edit, body, fetcher)

    async def _by_instruction(
        self, name: str, model: ServiceModel, rules: EditRules, body: Mapping[str, Any], fetcher: InputFetcher
    ) -> TaskRequest:
        inputs, parameters = parts_of(body)
        urls, prompt = _message(name, inputs, rules)
        size = _size_of(name, model, rules, parameters.get("size"))
        request = TaskRequest(
            model=name,
            path=MULTIMODAL,
            prompt=prompt,
            read_prompt=prompt[: model.prompt_chars],
            negative_prompt=read_negative(inputs, parameters),
            n=read_count(model, parameters.get("n")),
            width=0,
            height=0,
            seed=read_seed(parameters.get("seed")),
            prompt_extend=rules.takes_size and read_switch(parameters, "prompt_extend", default=True),
            watermark=read_switch(parameters, "watermark", default=False),
            kind="edit",
        )
        try:
            pictures = [await self._picture(url, rules, fetcher, blocking=True) for url in urls]
        except InputImageError as error:
            raise Refusal(400, error.code, error.message) from None
        size = size or _like(pictures[-1])
        details = {"function": "", "pictures": [picture.digest for picture in pictures]}
        return _completed(request, size, details)

    async def _by_function(
        self, name: str, model: ServiceModel, rules: EditRules, body: Mapping[str, Any], fetcher: InputFetcher
    ) -> TaskRequest:
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
            negative_prompt="",
            n=read_count(model, parameters.get("n")),
            width=0,
            height=0,
            seed=read_seed(parameters.get("seed")),
            prompt_extend=False,
            watermark=read_switch(parameters, "watermark", default=False),
            kind="edit",
        )
        try:
            base = await self._picture(base_url, rules, fetcher, blocking=False)
            details["pictures"] = [base.digest]
            if mask_url:
                details["mask"] = (await self._mask(mask_url, rules, fetcher, base)).digest
            size = _output_size(function, base, details)
            if size[0] * size[1] > MOST_OUTPUT_PIXELS:
                raise InputImageError("InvalidParameter", "The image size is not supported for the data inspection.")
        except InputImageError as error:
            return _completed(request, (0, 0), {**details, "trouble": [error.code, error.message]})
        return _completed(request, size, details)

    async def _picture(self, url: str, rules: EditRules, fetcher: InputFetcher, *, blocking: bool) -> InputImage:
        try:
            data = await fetcher.get(url)
        except NotOnLoopback:
            data = await placeholder(url)
        except FetchFailed:
            raise _not_fetched(blocking=blocking) from None
        return await asyncio.to_thread(self._checked, data, rules, blocking=blocking)

    def _checked(self, data: bytes, rules: EditRules, *, blocking: bool) -> InputImage:
        """Look at the picture itself; texts from D-ERR."""
        too_big = InputImageError("InvalidParameter", "the size of input image is too small or too large")
        if len(data) > MAX_BYTES:
            raise too_big
        try:
            with Image.open(io.BytesIO(data)) as image:
                if image.format not in rules.formats:
                    raise InputImageError("InvalidParameter", "image format error")
                smallest, largest = rules.image_side_px or (1, MAX_SIDE_PX)
                if not all(smallest <= side <= largest for side in image.size):
                    raise too_big
                image.load()
                width, height = image.size
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise too_big from None
        except (OSError, ValueError, SyntaxError):  # what Pillow raises for files it cannot read
            if blocking:
                raise InputImageError("InvalidParameter", "Invalid image format or corrupted file") from None
            raise unreadable() from None
        return InputImage(self._store.add_input(data), width, height)

    async def _mask(self, url: str, rules: EditRules, fetcher: InputFetcher, base: InputImage) -> InputImage:
        """D-IE: as large as the picture, pure white where it shall change, pure black elsewhere."""
        try:
            data = await fetcher.get(url)
        except NotOnLoopback:
            return InputImage(self._store.add_input(_drawn_mask(base)), base.width, base.height)
        except FetchFailed:
            raise _not_fetched(blocking=False) from None
        mask = await asyncio.to_thread(self._checked, data, rules, blocking=False)
        words = "the parameters must conform to the specification: mask_image_url must "
        if (mask.width, mask.height) != (base.width, base.height):
            raise InputImageError("InvalidParameter", words + "have the size of base_image_url")
        if not await asyncio.to_thread(_is_pure, data):
            raise InputImageError("InvalidParameter", words + "be pure black (0,0,0) and white (255,255,255)")
        return mask


def _message(name: str, inputs: Mapping[str, Any], rules: EditRules) -> tuple[list[str], str]:
    """D-QIE: one message of role user; one to three pictures and exactly one text. The sentences are D-ERR's."""
    messages = inputs.get("messages")
    if not isinstance(messages, list) or not messages:
        raise invalid("No messages found in input")
    if len(messages) != 1:
        raise invalid("messages length only support 1")
    message = messages[0]
    if not isinstance(message, dict) or message.get("role") != "user":
        raise off_specification("messages[0].role must be user")
    content = message.get("content")
    items = content if isinstance(content, list) else []
    urls = [item["image"] for item in items if isinstance(item, dict) and isinstance(item.get("image"), str)]
    texts = [item["text"] for item in items if isinstance(item, dict) and isinstance(item.get("text"), str)]
    if not urls or not texts or not texts[0].strip():
        raise invalid("lack of image or text")
    if rules.images_min == 0 and len(urls) > rules.images_max:  # live, of the alias; the other names' words are a guess
        raise invalid(f"Model '{name}-2in1' supports 0~{rules.images_max} image content items.")
    if len(texts) != 1 or len(urls) > rules.images_max or len(items) != len(urls) + 1:
        raise invalid(f"content length only support {rules.images_max + 1}")  # D-ERR's says 2, of one picture
    return urls, texts[0]


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
        if isinstance(factor, bool) or not isinstance(factor, int) or not 1 <= factor <= 4:
            raise off_specification("upscale_factor must be an integer between 1 and 4")
        return {"upscale_factor": factor}
    if function == "doodle":
        return {"is_sketch": read_switch(parameters, "is_sketch", default=False)}
    return {}


def _number(parameters: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = parameters.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise off_specification(f"{name} must be between {low} and {high}")
    return float(value)


def _size_of(name: str, model: ServiceModel, rules: EditRules, value: Any) -> tuple[int, int] | None:
    """The size that is asked for; None: the picture's own shape. Models that draw have one rule for both."""
    if value is None or not rules.takes_size:
        return None
    return _size(value) if model.pixels is None else read_size(name, model, value)


def _size(value: Any) -> tuple[int, int]:
    """-plus and -max (D-QIE); the words for a wrong side are those of wan (LQ)."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise off_specification(f"size {value} is not W*H")
    width, height = int(match[1]), int(match[2])
    if not all(SIZE_SIDE_PX[0] <= side <= SIZE_SIDE_PX[1] for side in (width, height)):
        raise invalid("Either width or height should be between {} and {}.".format(*SIZE_SIDE_PX))
    return on_grid(width, GRID_PX), on_grid(height, GRID_PX)


def _like(picture: InputImage) -> tuple[int, int]:
    scale = math.sqrt(OUTPUT_PIXELS / (picture.width * picture.height))
    return on_grid(picture.width * scale, GRID_PX), on_grid(picture.height * scale, GRID_PX)


def _output_size(function: str, base: InputImage, options: Mapping[str, Any]) -> tuple[int, int]:
    """Guesses, all of them, but D-IEG: four scales of 1.5 give 1.5 times the picture.

    So a scale widens its half of the picture, counted from the middle.
    """
    if function == "expand":
        width = base.width * (options["left_scale"] + options["right_scale"]) / 2
        return round(width), round(base.height * (options["top_scale"] + options["bottom_scale"]) / 2)
    factor = options.get("upscale_factor", 1)
    return base.width * factor, base.height * factor


def _completed(request: TaskRequest, size: tuple[int, int], details: dict[str, Any]) -> TaskRequest:
    return replace(request, width=size[0], height=size[1], details=details)


def _not_fetched(*, blocking: bool) -> InputImageError:
    """D-ERR for qwen-image-edit; D-FAQ for the task."""
    if blocking:
        return InputImageError("InvalidParameter", "download image failed")
    return InputImageError("BadRequest.InputDownloadFailed", "Reference image download failed, please check image url.")


def _is_pure(data: bytes) -> bool:
    with Image.open(io.BytesIO(data)) as image:
        colours = image.convert("RGB").getcolors(maxcolors=2)
    return colours is not None and {colour for _, colour in colours} <= _TWO_COLOURS


def _drawn_mask(base: InputImage) -> bytes:
    """What stands in for a foreign mask: the middle may change."""
    mask = Image.new("L", (base.width, base.height))
    box = (base.width // 4, base.height // 4, base.width * 3 // 4, base.height * 3 // 4)
    ImageDraw.Draw(mask).ellipse(box, fill=255)
    file = io.BytesIO()
    mask.save(file, "PNG")
    return file.getvalue()
