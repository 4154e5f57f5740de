"""The text models of this service, with the service's own rules (API, MODELS, DEF).

Figures of the three old names are the documents'; names come from the catalog.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.model_names import ModelName

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


RULES: Mapping[str, TextModel] = {
    "qwen-turbo": TextModel(max_input=1_000_000, max_output=16_384, max_thinking=38_912, default_format="text"),
    "qwen-plus": TextModel(max_input=997_952, max_output=32_768, max_thinking=81_920, default_format="text"),
    "qwen-max": TextModel(max_input=30_720, max_output=8_192, default_format="text"),
}
"""The three old names; the figures of the others are the catalog's."""


def text_models(names: Iterable[ModelName]) -> dict[str, TextModel]:
    """Return the text models of these names."""
    return {
        known.name: RULES.get(known.name) or _by_catalog(known.entry)
        for known in names
        if "text" in known.kinds and known.path == TEXT_GENERATION
    }


def _by_catalog(entry: Any) -> TextModel:
    return TextModel(
        max_input=getattr(entry, "max_input_tokens", None) or 129_024,
        max_output=getattr(entry, "max_output_tokens", None) or 8_192,
        max_thinking=38_912 if getattr(entry, "thinking", False) else 0,
    )
