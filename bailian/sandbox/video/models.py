"""The video models this service knows: text to video, up to wan2.6 (T2V §"old protocol", RATE).

The frame rates are documented for the image-to-video models of the same generations. That text to video has
them, too, is likely.
"""

from __future__ import annotations

from collections.abc import Iterable

from bailian.sandbox.images.models import VIDEO_SYNTHESIS, ServiceModel, VideoRules, rules_by_name
from bailian.sandbox.model_names import ModelName

_480P = ("832*480", "480*832", "624*624")
_720P = ("1280*720", "720*1280", "960*960", "1088*832", "832*1088")
_1080P = ("1920*1080", "1080*1920", "1440*1440", "1632*1248", "1248*1632")
SIZES = {480: _480P, 720: _720P, 1080: _1080P}

_FIXED = (5,)
"""wan2.1 and wan2.2: five seconds, "cannot be changed" (T2V)."""


def tier_of(size: str) -> int:
    """Return 480, 720 or 1080: what the usage calls `SR` (T2V)."""
    known = (tier for tier, sizes in SIZES.items() if size in sizes)
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

RULES: tuple[tuple[str, ServiceModel], ...] = (
    (r"wanx2\.1-t2v-turbo", _model(_480P + _720P, (1280, 720), 800, _OLD)),
    (r"wanx2\.1-t2v-\w+", _model(_720P, (1280, 720), 800, _OLD)),
    (r"wan2\.2-t2v-\w+", _model(_480P + _1080P, (1920, 1080), 800, _OLD)),
    (r"wan2\.5-t2v-\w+", _model(_480P + _720P + _1080P, (1920, 1080), 1500, _WAN25)),
    (r"wan2\.6-t2v", _model(_720P + _1080P, (1920, 1080), 1500, _WAN26)),
)
"""The rules by name, as a regular expression."""

_LOOSEST = _model(_480P + _720P + _1080P, (1280, 720), 5000, _WAN26)


def video_models(names: Iterable[ModelName]) -> dict[str, ServiceModel]:
    """Return the video models of these names; one without rules here gets the loosest."""
    return {
        known.name: rules_by_name(RULES, known.name) or _LOOSEST
        for known in names
        if "video" in known.kinds and known.path == VIDEO_SYNTHESIS
    }
