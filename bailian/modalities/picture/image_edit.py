"""Edit pictures by an instruction: qwen-image-edit and relatives, and the models of today that draw and edit alike.

Facts: docs/wire.md "Image edit" (the service's edit reference, mid 2026; the 2025 texts where they are stricter,
as the seed document is).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from bailian.catalog import Catalog
from bailian.files import formats
from bailian.modalities.picture import message
from bailian.modalities.picture.picture_answers import asked_prompt, charged_cny, items, linked_text, with_paths
from bailian.modalities.picture.picture_request import PictureFields, from_config
from bailian.modalities.rules import choice, fields
from bailian.types import Input, Prepared

__all__ = [
    "DEFAULT_MODELS", "FILE_SUFFIXES", "INPUT_FIELDS", "KIND", "RESULT_SUFFIXES", "RETRY_SAFE", "ImageEditRequest",
    "asked_prompt", "charged_cny", "from_config", "items", "linked_text", "prepare", "with_paths",
]  # fmt: skip
KIND = "image_edit"
DEFAULT_MODELS = ("qwen-image-edit", "qwen-image-2.0")
INPUT_FIELDS = ("image",)
RESULT_SUFFIXES = formats.PICTURES
FILE_SUFFIXES = ("png",)
RETRY_SAFE = False


class ImageEditRequest(PictureFields):
    """What a user asks for; `image` holds references, the last one gives the result its shape."""

    image: list[str] = Field(default_factory=list)
    prompt_extend: bool | None = None
    box: list[str] = Field(default_factory=list)


def prepare(
    values: Mapping[str, Any], catalog: Catalog, region: str, inputs: Mapping[str, Input] | None = None
) -> Prepared:
    """Check the fields and the pictures against the model and build the documented body.

    Raises:
        InvalidRequest: every problem found, each with what is allowed.
    """
    request, told = fields.clean_texts(fields.parse(ImageEditRequest, values), "prompt", "negative_prompt")
    chosen = choice.choose(request.model, KIND, DEFAULT_MODELS, catalog, region)
    found = [(inputs or {}).get(url, Input(url)) for url in request.image]
    return message.prepare(request, chosen, found, told, catalog, region, request.box)
