"""The film models: a table (T2V, FILM, HORSE, WAN3, VACE in README.md).

The rules are from the vendor's pages, not from the toolkit's catalog. Defaults are the service's own, and they are dear.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from bailian.sandbox.films import roles
from bailian.sandbox.films.rules import FilmModel
from bailian.sandbox.images.models import IMAGE2VIDEO, VIDEO_SYNTHESIS, AccountLimits
from bailian.sandbox.model_names import ModelName

_TWO = AccountLimits(submit_per_s=2.0, running_limit=2, queue_limit=500)
_FIVE = AccountLimits(submit_per_s=5.0, running_limit=5, queue_limit=500)

_FIVE_S = (5,)
_TO_15_S = tuple(range(2, 16))

_EFFECTS = frozenset(
    {
        "squish", "rotation", "poke", "inflate", "dissolve", "carousel", "singleheart", "flying", "rose", "crystalrose",
        "hug", "frenchkiss", "coupleheart",
    }
)  # fmt: skip
_PLUS_EFFECTS = frozenset(
    {
        "melt", "icecream", "dance1", "dance2", "dance3", "dance4", "dance5", "mermaid", "graduation", "dragon", "money",
        "jellyfish", "pupil",
    }
)  # fmt: skip
_FRAME_EFFECTS = frozenset({"hanfu-1", "solaron", "magazine", "mech1", "mech2"})

_FIVE_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4")


def _model(**rules: Any) -> FilmModel:
    common = {"routes": frozenset({VIDEO_SYNTHESIS}), "default_size": (1280, 720), "n_max": 1, "n_default": 1}
    return FilmModel(**{**common, **rules})


_OLD = _model(
    prompt_chars=800,
    dialect="fields",
    fields={"img_url": "first_frame"},
    required=frozenset({"img_url"}),
    roles=roles.OLD_FIRST,
    tiers=(480, 720, 1080),
    tier=720,
    durations_s=_FIVE_S,
    fps=30,
    usage="seconds",
    tells_actual_prompt=True,
    limits=_TWO,
)
_WAN25 = replace(
    _OLD,
    prompt_chars=1500,
    fields={"img_url": "first_frame", "audio_url": "driving_audio"},
    roles=roles.FIRST_WITH_SOUND,
    tier=1080,
    durations_s=(5, 10),
    fps=24,
    sound="always",
    limits=_FIVE,
)
_WAN26 = replace(
    _WAN25,
    tiers=(720, 1080),
    durations_s=_TO_15_S,
    usage="split",
    shots=True,
    tells_actual_prompt=False,
)
_WAN26_FLASH = replace(_WAN26, sound="switch", usage="split_audio")
_FRAMES = replace(
    _OLD,
    routes=frozenset({IMAGE2VIDEO}),
    fields={"first_frame_url": "first_frame", "last_frame_url": "last_frame"},
    required=frozenset({"first_frame_url"}),
    roles=roles.OLD_FRAMES,
    usage="kf2v",
)

_I2V_TURBO = replace(_OLD, tiers=(480, 720), durations_s=(3, 4, 5), usage="video", templates=_EFFECTS)
_I2V_PLUS = replace(_OLD, tiers=(720,), usage="video", templates=_EFFECTS | _PLUS_EFFECTS)
_KF2V_PLUS = replace(_FRAMES, tiers=(720,), templates=_FRAME_EFFECTS)

# T2V: up to wan2.6, a text alone has a size. A wrong one fails in the task.
_TEXT = replace(
    _OLD,
    fields={},
    required=frozenset(),
    roles={},
    tiers=(480, 720),
    ratio="size",
    size="1280*720",
    usage="text",
    needs_prompt=True,
)
_TEXT_PLUS = replace(_TEXT, tiers=(720,))
_WAN25_TEXT = replace(
    _WAN25,
    fields={"audio_url": "driving_audio"},
    required=frozenset(),
    roles=roles.OLD_T2V,
    ratio="size",
    usage="text",
    needs_prompt=True,
)
_WAN26_TEXT = replace(
    _WAN25_TEXT,
    tiers=(720, 1080),
    durations_s=_TO_15_S,
    usage="text_sized",
    shots=True,
    tells_actual_prompt=False,
)

_WAN27 = _model(
    prompt_chars=5000,
    dialect="media",
    roles=roles.I2V,
    sets=roles.I2V_SETS,
    tiers=(720, 1080),
    tier=1080,
    durations_s=_TO_15_S,
    fps=24,
    sound="always",
    usage="new",
    bills="first_clip",
    fails_late=True,
    limits=_FIVE,
)
_WAN27_T2V = replace(
    _WAN27,
    dialect="fields",
    fields={"audio_url": "driving_audio"},
    roles=roles.T2V,
    sets=(),
    ratios=_FIVE_RATIOS,
    ratio="16:9",
    needs_prompt=True,
    bills="output",
)
_WAN27_R2V = replace(
    _WAN27_T2V,
    dialect="media",
    roles=roles.REFERENCES,
    together=(frozenset({"reference_image", "reference_video"}), 1, 5),
    bills="references",
)
_WAN27_EDIT = replace(
    _WAN27,
    roles=roles.EDIT,
    sets=(frozenset({"video"}), frozenset({"video", "reference_image"})),
    ratios=_FIVE_RATIOS,
    ratio="input",
    durations_s=(0, *range(2, 11)),
    audio_setting=True,
    bills="edit",
)
_WAN26_R2V = replace(
    _WAN26,
    dialect="reference_urls",
    roles=roles.OLD_REFERENCES,
    together=(frozenset({"reference_image", "reference_video"}), 1, 5),
    ratio="size",
    durations_s=tuple(range(2, 11)),
    usage="sized",
    needs_prompt=True,
    bills="all_references",
)

_HORSE = replace(
    _WAN27,
    tiers=(480, 720, 1080),
    durations_s=tuple(range(3, 16)),
    bills="output",
    han_counts=2,
    marked=True,
    mark="Happy Horse",
)
_HORSE_RATIOS = (*_FIVE_RATIOS, "4:5", "5:4", "9:21", "21:9")
_HORSE_T2V = replace(_HORSE, dialect="fields", roles={}, sets=(), ratios=_HORSE_RATIOS, ratio="16:9", needs_prompt=True)
_HORSE_I2V = replace(_HORSE, roles=roles.HORSE_I2V, sets=(frozenset({"first_frame"}),))
_HORSE_R2V = replace(_HORSE_T2V, dialect="media", roles=roles.HORSE_R2V, sets=(frozenset({"reference_image"}),))
_HORSE_EDIT = replace(
    _HORSE,
    tiers=(720, 1080),
    roles=roles.HORSE_EDIT,
    sets=(frozenset({"video"}), frozenset({"video", "reference_image"})),
    durations_s=(0,),
    needs_prompt=True,
    audio_setting=True,
    bills="edit",
)
_BEFORE_480 = (720, 1080)

_WAN3 = _model(
    prompt_chars=20000,
    dialect="media",
    roles=roles.WAN3,
    tiers=(480, 720, 1080),
    tier=1080,
    ratios=("adaptive", "16:9", "4:3", "1:1", "3:4", "9:16"),
    ratio="adaptive",
    durations_s=(-1, *range(2, 31)),
    fps=30,
    sound="switch",
    usage="wan3",
    bills="wan3",
    fails_late=True,
    limits=_FIVE,
)

_VACE = replace(
    _OLD,
    dialect="function",
    fields={},
    required=frozenset(),
    roles=roles.VACE,
    tiers=(720,),
    needs_prompt=True,
    usage="video",
)

RULES: Mapping[str, FilmModel] = {
    "wanx2.1-t2v-turbo": _TEXT,
    "wanx2.1-t2v-plus": _TEXT_PLUS,
    "wan2.2-t2v-plus": replace(_TEXT, tiers=(480, 1080), size="1920*1080"),
    "wan2.5-t2v-preview": _WAN25_TEXT,
    "wan2.6-t2v": _WAN26_TEXT,
    "wanx2.1-i2v-turbo": _I2V_TURBO,
    "wanx2.1-i2v-plus": _I2V_PLUS,
    "wan2.2-i2v-flash": _OLD,
    "wan2.2-i2v-plus": replace(_OLD, tiers=(480, 1080), tier=1080),
    "wan2.5-i2v-preview": _WAN25,
    "wan2.6-i2v": _WAN26,
    "wan2.6-i2v-flash": _WAN26_FLASH,
    "wan2.2-kf2v-flash": _FRAMES,
    "wanx2.1-kf2v-plus": _KF2V_PLUS,
    "wan2.7-i2v": _WAN27,
    "wan2.7-t2v": _WAN27_T2V,
    "wan2.7-r2v": _WAN27_R2V,
    "wan2.7-videoedit": _WAN27_EDIT,
    "wan2.6-r2v": _WAN26_R2V,
    "wan2.6-r2v-flash": replace(_WAN26_R2V, sound="switch", usage="sized_audio"),
    "wanx2.1-vace-plus": _VACE,
    "happyhorse-1.1-t2v": _HORSE_T2V,
    "happyhorse-1.1-i2v": _HORSE_I2V,
    "happyhorse-1.1-r2v": _HORSE_R2V,
    "happyhorse-1.0-t2v": replace(_HORSE_T2V, tiers=_BEFORE_480),
    "happyhorse-1.0-i2v": replace(_HORSE_I2V, tiers=_BEFORE_480),
    "happyhorse-1.0-r2v": replace(_HORSE_R2V, tiers=_BEFORE_480),
    "happyhorse-1.0-video-edit": _HORSE_EDIT,
    "wan3.0-video": _WAN3,
    "wan3.0-video-prime": _WAN3,
}
"""The rules by name; a dated snapshot has its model's."""

_ELSEWHERE = {
    "wan2.1-t2v-turbo": replace(_TEXT, region="singapore"),
    "wan2.1-t2v-plus": replace(_TEXT_PLUS, region="singapore"),
    "wan2.1-i2v-turbo": replace(_I2V_TURBO, region="singapore"),
    "wan2.1-i2v-plus": replace(_I2V_PLUS, region="singapore"),
    "wan2.1-kf2v-plus": replace(
        _KF2V_PLUS, region="singapore", limits=AccountLimits(submit_per_s=1.0, running_limit=2, queue_limit=500)
    ),
    "wan2.1-vace-plus": replace(_VACE, region="singapore"),
    "wan2.6-t2v-us": replace(_WAN26_TEXT, region="virginia", durations_s=(5, 10)),
    "wan2.6-i2v-us": replace(_WAN26, region="virginia", durations_s=(5, 10, 15)),
}
"""The names that only another region has."""

_SNAPSHOTS = (
    "wan2.7-i2v-2026-04-25", "wan2.7-t2v-2026-04-25", "wan2.7-t2v-2026-06-12", "wan2.7-r2v-2026-06-12",
)  # fmt: skip

_LOOSEST = replace(_WAN26_TEXT, tiers=(480, 720, 1080), size="1280*720", prompt_chars=5000)

_DATE = re.compile(r"-20\d\d-\d\d-\d\d$")


def film_models(names: Iterable[ModelName]) -> dict[str, FilmModel]:
    """Return the table, and the snapshots: those that the pages name and those among these names.

    A film model of these names that has no rules here gets the loosest for a text alone.
    """
    paths = {known.name: known.path for known in names if "video" in known.kinds}
    others = {name: _LOOSEST for name, path in paths.items() if path == VIDEO_SYNTHESIS}
    dated = {name: RULES[plain] for name in (*_SNAPSHOTS, *paths) if (plain := _DATE.sub("", name)) in RULES}
    return {**others, **dated, **RULES, **_ELSEWHERE}
