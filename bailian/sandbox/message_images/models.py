"""The models of late 2026 that draw and edit in one call: a table (MSG, LIVE in README.md).

The rules are from the vendor's documents and live messages, not from the toolkit's catalog. Defaults are the
service's own, and they are dear.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from bailian.sandbox.http.refusals import ERROR_URL
from bailian.sandbox.images.models import IMAGE2IMAGE, IMAGE_GENERATION, MULTIMODAL, AccountLimits, EditRules
from bailian.sandbox.message_images.modes import MessageModel, Mode
from bailian.sandbox.model_names import ModelName

MEGABYTES = 1024**2


_SYNC = frozenset({MULTIMODAL})
_BOTH = frozenset({MULTIMODAL, IMAGE_GENERATION})

_WAN_FORMATS = frozenset({"JPEG", "MPO", "PNG", "BMP", "WEBP"})
"""MPO is what Pillow calls the JPEGs of some cameras."""
_QWEN_FORMATS = _WAN_FORMATS | {"TIFF", "GIF"}

_EIGHTH, _QUARTER = (1 / 8, 8.0), (1 / 4, 4.0)
_PAGE_PIXELS, _LIVE_PIXELS = (512 * 512, 2048 * 2048), (512 * 512, 6_553_600)
_WAN_PIXELS = (768 * 768, 2048 * 2048)

_COMMON = frozenset({"size", "n", "seed", "watermark", "prompt_extend"})
_NEGATIVE = _COMMON | {"negative_prompt"}
_THINKING = frozenset({"prompt_extend_mode", "enable_thinking"})

_QWEN_COUNT = "Model '{name}' supports {fewest}~{most} image content items."
_WAN_COUNT = "the last message must contain {fewest} to {most} images"
_TOTAL = "Total pixels ({area}) must be between {fewest} and {most}"
_TOTAL_STOP = _TOTAL + "."
_AREA = "Image area must be between {fewest} and {most}"
_RANGE = "Size {size} is out of range [512*512, 2048*2048]"


def _qwen3(per_minute: float, parameters: frozenset[str], pictures_max: int = 3) -> MessageModel:
    """3.0 and 2.1; the figures of 2.1 that nobody knows are 3.0's."""
    draws = Mode(n_max=6, pixels=_LIVE_PIXELS, aspect=_EIGHTH, default_px=2048, parameters=parameters)
    return MessageModel(
        routes=_BOTH,
        prompt_chars=4500,
        prompt_in_tokens=True,
        default_size=(2048, 2048),
        draws=draws,
        edits=replace(draws, pictures=(1, pictures_max), pixels=_PAGE_PIXELS, keeps_size=False, scenario="i2i"),
        inputs=EditRules(image_side_px=None, formats=_QWEN_FORMATS, images_max=pictures_max),
        area_words=_AREA,
        count_words=_QWEN_COUNT,
        usage="qima",
        family="qwen",
        tells_rewrite=True,
        async_is_throttled=True,
        limits=AccountLimits(submit_per_s=per_minute / 60, running_limit=10),
    )


def _qwen2(submit_per_s: float) -> MessageModel:
    draws = Mode(n_max=6, pixels=_PAGE_PIXELS, default_px=2048, grid_px=16, parameters=_NEGATIVE)
    return MessageModel(
        routes=_SYNC,
        prompt_chars=1300,
        prompt_in_tokens=True,
        default_size=(2048, 2048),
        draws=draws,
        edits=replace(draws, pictures=(1, 3), default_px=1024, scenario="i2i"),
        inputs=EditRules(image_side_px=None, formats=_QWEN_FORMATS, images_max=3),
        takes_uploads=True,
        area_words=_RANGE,
        count_words=_QWEN_COUNT.replace("{name}", "{name}-2in1"),
        usage="sides",
        family="qwen",
        limits=AccountLimits(submit_per_s=submit_per_s),
    )


_PALETTE = _COMMON - {"prompt_extend"} | {"color_palette"}


def _wan27(*, pro: bool) -> MessageModel:
    names = {"1K": 1024, "2K": 2048}
    edits = Mode(
        pictures=(1, 9),
        n_max=4,
        n_default=4,
        named_px=names,
        pixels=_WAN_PIXELS,
        aspect=_EIGHTH,
        default_px=2048,
        parameters=_PALETTE | {"bbox_list"},
        scenario="i2i",
    )
    draws = replace(edits, pictures=(0, 0), parameters=_PALETTE | {"thinking_mode"}, scenario="t2i")
    if pro:
        draws = replace(draws, named_px={**names, "4K": 4096}, pixels=(768 * 768, 4096 * 4096))
    return MessageModel(
        routes=_BOTH,
        prompt_chars=5000,
        default_size=(2048, 2048),
        draws=draws,
        edits=edits,
        sets=replace(
            edits,
            pictures=(0, 9),
            n_max=12,
            n_default=12,
            parameters=_COMMON - {"prompt_extend"} | {"bbox_list", "enable_sequential"},
            scenario="sequential",
        ),
        inputs=EditRules(
            image_side_px=(240, 8000),
            formats=_WAN_FORMATS,
            images_max=9,
            aspect=_EIGHTH,
            takes_alpha=False,
            max_bytes=20 * MEGABYTES,
        ),
        area_words=_TOTAL,
        count_words=_WAN_COUNT,
        usage="tokens",
        one_choice=False,
        limits=_FIVE,
    )


_FIVE = AccountLimits(submit_per_s=5.0, running_limit=5, queue_limit=500)

_WAN26_EDITS = Mode(
    pictures=(1, 4),
    n_max=4,
    n_default=4,
    named_px={"1K": 1280, "2K": 2048},
    pixels=_WAN_PIXELS,
    aspect=_QUARTER,
    default_px=1280,
    parameters=_NEGATIVE,
    scenario="i2i",
)
_WAN26_IMAGE = MessageModel(
    routes=_BOTH,
    prompt_chars=2000,
    default_size=(1280, 1280),
    edits=_WAN26_EDITS,
    interleaves=Mode(
        pictures=(0, 1),
        pixels=(768 * 768, 1280 * 1280),
        aspect=_QUARTER,
        default_px=1280,
        parameters=_NEGATIVE - {"prompt_extend"} | {"enable_interleave", "max_images", "stream"},
        scenario="interleave",
    ),
    inputs=EditRules(image_side_px=(240, 8000), formats=_WAN_FORMATS, images_max=4),
    takes_uploads=True,
    area_words=_TOTAL_STOP,
    count_words=_WAN_COUNT,
    usage="tokens",
    one_choice=False,
    limits=_FIVE,
)
_WAN25_I2I = MessageModel(
    routes=frozenset({IMAGE2IMAGE}),
    prompt_chars=2000,
    default_size=(1280, 1280),
    edits=Mode(
        pictures=(1, 3),
        n_max=4,
        n_default=4,
        pixels=(768 * 768, 1280 * 1280),
        aspect=_QUARTER,
        default_px=1280,
        parameters=_COMMON,
        scenario="i2i",
    ),
    inputs=EditRules(image_side_px=(384, 5000), formats=_WAN_FORMATS, images_max=3, takes_alpha=False),
    area_words=_TOTAL_STOP,
    count_words="the parameters must conform to the specification: images must have {fewest} to {most} items",
    usage="count",
    seed_plus_index=True,
    limits=_FIVE,
)

_LONG_URL_ERROR = f"url error, please check url！ For details, see: {ERROR_URL}"
"""As an issue quotes it; the mark is full-width."""

_WAN26_T2I = MessageModel(
    routes=_BOTH,
    prompt_chars=2100,
    default_size=(1280, 1280),
    draws=Mode(
        n_max=4, n_default=4, pixels=(589824, 2073600), aspect=_QUARTER, default_px=1280, parameters=_NEGATIVE
    ),
    area_words=_TOTAL_STOP,
    count_words="content length only support 1",
    usage="tokens",
    one_choice=False,
    url_error=_LONG_URL_ERROR,
    limits=AccountLimits(submit_per_s=1.0, running_limit=5, queue_limit=500),
)  # fmt: skip
_Z_IMAGE = MessageModel(
    routes=_SYNC,
    prompt_chars=800,
    default_size=(2048, 2048),
    draws=Mode(pixels=_PAGE_PIXELS, default_px=2048, parameters=_COMMON),
    area_words=_RANGE,
    count_words="content length only support 1",
    usage="sides",
    family="qwen",
    url_error=_LONG_URL_ERROR,
    limits=AccountLimits(submit_per_s=2.0),
)

RULES: Mapping[str, MessageModel] = {
    "qwen-image-2.0": _qwen2(2.0),
    "qwen-image-2.0-pro": _qwen2(2 / 60),
    "qwen-image-2.1-pro": _qwen3(20, _COMMON | _THINKING, 10),
    "qwen-image-2.1-turbo": _qwen3(120, _NEGATIVE, 10),
    "qwen-image-3.0": _qwen3(20, _NEGATIVE | _THINKING),
    "qwen-image-3.0-pro": _qwen3(5, _NEGATIVE | _THINKING),
    "wan2.7-image": _wan27(pro=False),
    "wan2.7-image-pro": _wan27(pro=True),
    "wan2.6-image": _WAN26_IMAGE,
    "wan2.6-t2i": _WAN26_T2I,
    "wan2.5-i2i-preview": _WAN25_I2I,
    "z-image-turbo": _Z_IMAGE,
}
"""The rules by name; a dated snapshot has its model's."""

EVERY_PARAMETER = frozenset().union(*(model.parameters for model in RULES.values()))
"""What any model of this table takes. A name outside it is ignored, as everywhere."""

_SNAPSHOTS = {
    f"{name}-{day}": RULES[name]
    for name in ("qwen-image-2.0", "qwen-image-2.0-pro")
    for day in ("2026-03-03", "2026-04-22", "2026-06-22")
}
"""The days that the page names; which of the two had one on which day it does not say."""

_DATE = re.compile(r"-20\d\d-\d\d-\d\d$")


def message_models(names: Iterable[ModelName]) -> dict[str, MessageModel]:
    """Return the table, the snapshots among these names, and those of both kinds with the rules of a like one."""
    models: dict[str, MessageModel] = {}
    for known in names:
        undated = _DATE.sub("", known.name)
        like = "wan2.7-image" if known.path == IMAGE_GENERATION else "qwen-image-2.0"
        if undated in RULES:
            models[known.name] = RULES[undated]
        elif {"image", "image_edit"} <= {*known.kinds} and known.path in _BOTH:
            models[known.name] = RULES[like]
    return {**models, **_SNAPSHOTS, **RULES}
