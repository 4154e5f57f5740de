"""The models that edit pictures (D-QIE, D-IE)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bailian.sandbox.images.models import IMAGE2IMAGE, IMAGE_MODELS, MULTIMODAL, EditRules, ServiceModel, kinds_of

FUNCTIONS = (
    "stylization_all", "stylization_local", "description_edit", "description_edit_with_mask", "remove_watermark",
    "expand", "super_resolution", "colorization", "doodle", "control_cartoon_feature",
)  # fmt: skip
"""D-IE. The SDKs' `remove_watermaker` is in no document; whether the service takes it is not known."""

PROMPT_MAY_BE_EMPTY = frozenset({"description_edit_with_mask", "colorization"})
"""D-IEG: small removals, and colours of the model's own choice."""

_FORMATS = frozenset({"JPEG", "MPO", "PNG", "BMP", "TIFF", "WEBP"})
"""MPO is what Pillow calls the JPEGs of some cameras."""


def _qwen(*, n_max: int, takes_size: bool) -> ServiceModel:
    """D-QIE: 384-3072 px was a rule in 2025 and is advice since 2026; GIF came in 2026 (its first picture)."""
    return ServiceModel(
        routes=frozenset({MULTIMODAL}),
        prompt_chars=800,
        default_size=(1024, 1024),
        n_max=n_max,
        n_default=1,
        family="qwen",
        edit=EditRules(
            image_side_px=(384, 3072), formats=_FORMATS | {"GIF"}, images_max=3, takes_size=takes_size
        ),
    )  # fmt: skip


_DRAWS_AND_EDITS = EditRules(
    image_side_px=None, formats=_FORMATS | {"GIF"}, images_min=0, images_max=3, takes_size=True
)  # fmt: skip
"""qwen-image-2.0 (vendor's page, 2026-10-12): 0-3 pictures of up to 10 MB; 384-3072 px is advice."""

EDIT_MODELS: Mapping[str, ServiceModel] = {
    "qwen-image-edit": _qwen(n_max=1, takes_size=False),
    "qwen-image-edit-plus": _qwen(n_max=6, takes_size=True),
    "qwen-image-edit-max": _qwen(n_max=6, takes_size=True),
    "qwen-image-2.0": replace(IMAGE_MODELS["qwen-image-2.0"], edit=_DRAWS_AND_EDITS, grid_px=16),
    "qwen-image-2.0-pro": replace(IMAGE_MODELS["qwen-image-2.0-pro"], edit=_DRAWS_AND_EDITS, grid_px=16),
    "wanx2.1-imageedit": ServiceModel(
        routes=frozenset({IMAGE2IMAGE}),
        prompt_chars=800,
        default_size=(1024, 1024),
        n_max=4,
        n_default=1,
        edit=EditRules(image_side_px=(512, 4096), formats=_FORMATS),
    ),
}


def edit_models(catalog: Mapping[str, Any]) -> dict[str, ServiceModel]:
    """Add the editing models of a (user's) catalog that this file does not know, with the loosest rules."""
    models = dict(EDIT_MODELS)
    like = {"image_edit": (MULTIMODAL, "qwen-image-edit-plus"), "wanx_edit": (IMAGE2IMAGE, "wanx2.1-imageedit")}
    for name, entry in catalog.items():
        kinds = kinds_of(entry)
        path, pattern = next((like[kind] for kind in kinds if kind in like), ("", ""))
        if "image" in kinds and pattern:
            pattern = "qwen-image-2.0"
        if not path or name in models or getattr(entry, "unknown_to_service", False):
            continue
        if "/" + str(getattr(entry, "route", "")).strip("/") == path:
            models[name] = EDIT_MODELS[pattern]
    return models
