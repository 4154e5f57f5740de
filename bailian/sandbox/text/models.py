"""The text models this service knows, with the service's own rules (API, MODELS, DEF).

Figures of the three old names are the documents'; further names come from the catalog.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.images.models import kinds_of

TEXT_GENERATION = "/services/aigc/text-generation/generation"


@dataclass(frozen=True, kw_only=True)
class TextModel:
    """One text model as the service sees it."""

    max_input: int
    max_output: int
    max_thinking: int = 0
    """The longest chain of thought; 0: the model cannot think."""
    default_format: str = "message"
    """`result_format` when absent: "text" for the three old names, else "message" (API)."""


TEXT_MODELS: Mapping[str, TextModel] = {
    "qwen-turbo": TextModel(max_input=1_000_000, max_output=16_384, max_thinking=38_912, default_format="text"),
    "qwen-plus": TextModel(max_input=997_952, max_output=32_768, max_thinking=81_920, default_format="text"),
    "qwen-max": TextModel(max_input=30_720, max_output=8_192, default_format="text"),
}


def text_models(catalog: Mapping[str, Any]) -> dict[str, TextModel]:
    """Add the text models of a catalog that this file does not know."""
    models = dict(TEXT_MODELS)
    for name, entry in catalog.items():
        path = "/" + str(getattr(entry, "route", "")).strip("/")
        if "text" not in kinds_of(entry) or getattr(entry, "unknown_to_service", False):
            continue
        if name not in models and path == TEXT_GENERATION:
            models[name] = TextModel(
                max_input=getattr(entry, "max_input_tokens", None) or 129_024,
                max_output=getattr(entry, "max_output_tokens", None) or 8_192,
                max_thinking=38_912 if getattr(entry, "thinking", False) else 0,
            )
    return models
