"""The picture models of this service, with the service's own rules (D-T2I, D-QI, D-ERR, LQ).

The rules are from the vendor's documents and live messages, not from the toolkit's catalog. What a client
believes about sizes must not be what the sandbox believes. Names and the account's limits come from the catalog.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bailian.sandbox.model_names import ModelName

TEXT2IMAGE = "/services/aigc/text2image/image-synthesis"
IMAGE_GENERATION = "/services/aigc/image-generation/generation"
MULTIMODAL = "/services/aigc/multimodal-generation/generation"
IMAGE2IMAGE = "/services/aigc/image2image/image-synthesis"
VIDEO_SYNTHESIS = "/services/aigc/video-generation/video-synthesis"
IMAGE2VIDEO = "/services/aigc/image2video/video-synthesis"


@dataclass(frozen=True, kw_only=True)
class AccountLimits:
    """The limits of an account that has no others."""

    submit_per_s: float | None = None
    running_limit: int | None = None
    queue_limit: int | None = None


NO_LIMITS = AccountLimits()


@dataclass(frozen=True, kw_only=True)
class EditRules:
    """What a model that edits pictures has besides (D-QIE, D-IE); see edits/models.py."""

    image_side_px: tuple[int, int] | None
    """None: any that can be read; the pages only advise."""
    formats: frozenset[str]
    images_max: int = 1
    takes_size: bool = False
    aspect: tuple[float, float] | None = None
    takes_alpha: bool = True
    """Whether a picture may have transparent parts."""
    max_bytes: int = 10 * 1024**2
    """D-QIE, D-IE: 10 MB a picture."""


@dataclass(frozen=True, kw_only=True)
class ServiceModel:
    """One model as the service sees it."""

    routes: frozenset[str]
    prompt_chars: int
    """Longer prompts are cut without a word (D-T2I)."""
    default_size: tuple[int, int]
    sizes: tuple[str, ...] = ()
    """The only sizes taken; empty: see `side_px` and `pixels`."""
    side_px: tuple[int, int] | None = None
    pixels: tuple[int, int] | None = None
    aspect: tuple[float, float] | None = None
    n_max: int = 4
    n_default: int = 4
    """What is made, and billed, when `n` is absent."""
    family: str = "wan"
    """"wan" or "qwen": which shape the answers have."""
    own_size_list_quotes: bool = False
    """wanx2.0 and wanx-v1 print their list as Python does, qwen-image as plain words (LQ)."""
    edit: EditRules | None = None


_QWEN_SIZES = ("1664*928", "1472*1104", "1328*1328", "1104*1472", "928*1664")  # D-QI 2026-02-08, LQ
_WANX20_SIZES = (
    "768*768", "576*1024", "1024*576", "1024*1024", "720*1280", "1280*720", "864*1152", "1152*864",
)  # fmt: skip  # LQ
_WANX_V1_SIZES = ("1024*1024", "720*1280", "1280*720", "768*1152")  # LQ

_TASK_ONLY = frozenset({TEXT2IMAGE})
_SYNC_ONLY = frozenset({MULTIMODAL})

# D-T2I: side 512-1440, 1440*1440 accepted, service default of n is 4.
_WAN = ServiceModel(routes=_TASK_ONLY, prompt_chars=500, default_size=(1024, 1024), side_px=(512, 1440))
_WANX20 = ServiceModel(
    routes=_TASK_ONLY,
    prompt_chars=800,
    default_size=(1024, 1024),
    sizes=_WANX20_SIZES,
    own_size_list_quotes=True,
)
_WANX_V1 = replace(_WANX20, sizes=_WANX_V1_SIZES)
_WAN25 = ServiceModel(
    routes=_TASK_ONLY,
    prompt_chars=2000,
    default_size=(1280, 1280),
    pixels=(589824, 2073600),
    aspect=(0.25, 4.0),
)


def _qwen(routes: frozenset[str]) -> ServiceModel:
    """D-QI: five sizes and n = 1."""
    return ServiceModel(
        routes=routes,
        prompt_chars=800,
        default_size=(1664, 928),
        sizes=_QWEN_SIZES,
        n_max=1,
        n_default=1,
        family="qwen",
    )


RULES: tuple[tuple[str, ServiceModel], ...] = (
    (r"wan2\.2-t2i-\w+", _WAN),
    (r"wanx2\.1-t2i-\w+", _WAN),
    (r"wanx2\.0-t2i-\w+", _WANX20),
    (r"wanx-v1", _WANX_V1),
    (r"wan2\.5-t2i-\w+", _WAN25),
    (r"qwen-image(-plus)?", _qwen(_TASK_ONLY | _SYNC_ONLY)),
    (r"qwen-image-(max|plus-[\d-]+)", _qwen(_SYNC_ONLY)),
)
"""The rules by name, as a regular expression. Newer models are in message_images/models.py."""

UNLISTED = ("wanx-v1", "qwen-image-plus-2026-01-09")
"""Names that the service has and the catalog has not."""


def rules_by_name(rules: Iterable[tuple[str, ServiceModel]], name: str) -> ServiceModel | None:
    """Return the rules whose expression matches the whole name."""
    return next((model for pattern, model in rules if re.fullmatch(pattern, name)), None)


def image_models(names: Iterable[ModelName]) -> dict[str, ServiceModel]:
    """Return the picture models of these names; one without rules here gets the loosest."""
    models: dict[str, ServiceModel] = {}
    for known in names:
        if "image" not in known.kinds:
            continue
        rules = rules_by_name(RULES, known.name)
        if rules is not None:
            models[known.name] = rules
        elif known.path in (TEXT2IMAGE, IMAGE_GENERATION, MULTIMODAL):
            models[known.name] = ServiceModel(
                routes=frozenset({known.path}),
                prompt_chars=5000,
                default_size=(1024, 1024),
                pixels=(4096, 4096 * 4096),
            )
    unlisted = {name: rules for name in UNLISTED if (rules := rules_by_name(RULES, name)) is not None}
    return {**models, **unlisted}
