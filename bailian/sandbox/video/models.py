"""The video models this service knows: text to video, up to wan2.6 (T2V §"old protocol", RATE).

Frame rates are stated for the image-to-video models of the same generations; that text to video has them too is
likely, not documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.sandbox.images.models import VIDEO_SYNTHESIS, ServiceModel, VideoRules, kinds_of

_480P = ("832*480", "480*832", "624*624")
_720P = ("1280*720", "720*1280", "960*960", "1088*832", "832*1088")
_1080P = ("1920*1080", "1080*1920", "1440*1440", "1632*1248", "1248*1632")
_TIERS = {480: _480P, 720: _720P, 1080: _1080P}

_FIXED = (5,)
"""wan2.1 and wan2.2: five seconds, "cannot be changed" (T2V)."""


def tier_of(size: str) -> int:
    """Return 480, 720 or 1080: what the usage calls `SR` (T2V)."""
    known = (tier for tier, sizes in _TIERS.items() if size in sizes)
    return next(known, min(map(int, size.split("*"))))


def _model(sizes: tuple[str, ...], default: tuple[int, int], prompt_chars: int, rules: VideoRules) -> ServiceModel:
    return ServiceModel(
        routes=frozenset({VIDEO_SYNTHESIS}),
        prompt_chars=prompt_chars,
        default_size=default,
        sizes=sizes,
        n_max=1,
        n_default=1,
        video=rules,
    )


_OLD = VideoRules(fps=30, durations_s=_FIXED, usage="video")
_WAN25 = VideoRules(fps=24, durations_s=(5, 10), usage="video")
_WAN26 = VideoRules(
    fps=24,
    durations_s=tuple(range(2, 16)),
    usage="output",
    shots=True,
    tells_actual_prompt=False,
)

VIDEO_MODELS: Mapping[str, ServiceModel] = {
    "wanx2.1-t2v-turbo": _model(_480P + _720P, (1280, 720), 800, _OLD),
    "wanx2.1-t2v-plus": _model(_720P, (1280, 720), 800, _OLD),
    "wan2.2-t2v-plus": _model(_480P + _1080P, (1920, 1080), 800, _OLD),
    "wan2.5-t2v-preview": _model(_480P + _720P + _1080P, (1920, 1080), 1500, _WAN25),
    "wan2.6-t2v": _model(_720P + _1080P, (1920, 1080), 1500, _WAN26),
}


def video_models(catalog: Mapping[str, Any]) -> dict[str, ServiceModel]:
    """Add the video models of a (user's) catalog that this file does not know, with the loosest rules."""
    models = dict(VIDEO_MODELS)
    loosest = _model(_480P + _720P + _1080P, (1280, 720), 5000, _WAN26)
    for name, entry in catalog.items():
        if "video" not in kinds_of(entry) or getattr(entry, "unknown_to_service", False):
            continue
        path = "/" + str(getattr(entry, "route", "")).strip("/")
        here = getattr(entry, "aliases", {}).get("beijing", name)
        if here not in models and path == VIDEO_SYNTHESIS:
            models[here] = loosest
    return models
