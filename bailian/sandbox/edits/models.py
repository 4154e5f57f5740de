"""The models that edit pictures (D-QIE, D-IE)."""

from __future__ import annotations

from collections.abc import Iterable

from bailian.sandbox.images.models import IMAGE2IMAGE, MULTIMODAL, EditRules, ServiceModel
from bailian.sandbox.model_names import ModelName

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


_BY_THE_FIRST = _qwen(n_max=1, takes_size=False)
_BY_INSTRUCTION = _qwen(n_max=6, takes_size=True)
_BY_FUNCTION = ServiceModel(
    routes=frozenset({IMAGE2IMAGE}),
    prompt_chars=800,
    default_size=(1024, 1024),
    n_max=4,
    n_default=1,
    edit=EditRules(image_side_px=(512, 4096), formats=_FORMATS),
)


def edit_models(names: Iterable[ModelName]) -> dict[str, ServiceModel]:
    """Return the models of these names that only edit."""
    models: dict[str, ServiceModel] = {}
    for known in names:
        if "image_edit" in known.kinds and known.path == MULTIMODAL:
            models[known.name] = _BY_THE_FIRST if known.name == "qwen-image-edit" else _BY_INSTRUCTION
        elif "wanx_edit" in known.kinds and known.path == IMAGE2IMAGE:
            models[known.name] = _BY_FUNCTION
    return models
