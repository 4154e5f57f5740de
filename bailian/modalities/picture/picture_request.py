"""What a user may ask of a picture model, and how the service's own names for it are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from bailian.errors import InvalidRequest
from bailian.i18n import tr
from bailian.modalities.rules.picture_marks import boxes_of, palette_of
from bailian.modalities.rules.values import Wanted, read


class PictureFields(BaseModel):
    """The fields of drawing and editing alike. Ranges depend on the model and are checked by `prepare`."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str | None = None
    prompt: str
    negative_prompt: str = ""
    size: str = ""
    n: int = 1
    seed: int | None = None
    watermark: bool = False
    thinking: bool | None = None
    prompt_extend_mode: str | None = None
    palette: str | None = None
    set: int | None = None
    """Most pictures of a set; the model decides how many."""
    interleave: bool | None = None
    """A text with pictures in it, at most `n`."""


def from_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return our fields where the service's own stand: its `messages`, switches and lists.

    Raises:
        InvalidRequest: not one user message with pictures and one text.
    """
    flat = dict(values)
    for name in ("thinking_mode", "enable_thinking"):
        if name in flat:
            flat["thinking"] = flat.pop(name)
    if "bbox_list" in flat:
        flat["box"] = boxes_of(flat.pop("bbox_list"))
    if "color_palette" in flat:
        flat["palette"] = flat.pop("color_palette")
    if "palette" in flat:
        flat["palette"] = palette_of(flat["palette"])
    if "images" in flat and "image" not in flat:
        flat["image"] = flat.pop("images")
    _read_ways(flat)
    return _read_messages(flat)


def _read_ways(flat: dict[str, Any]) -> None:
    """A set counts with `n`, interleaving with `max_images` beside `n` = 1; how the answer comes is our choice."""
    if read(flat.pop("enable_sequential", None), Wanted(bool)) is True:
        flat["set"] = flat.pop("n", 12)
    interleaved = flat.pop("enable_interleave", None)
    if interleaved is not None:
        flat["interleave"] = interleaved
        flat.pop("stream", None)
    if "max_images" in flat:
        flat["n"] = flat.pop("max_images")


def _read_messages(flat: dict[str, Any]) -> dict[str, Any]:
    messages = flat.pop("messages", None)
    if messages is None:
        return flat
    content = messages[0].get("content") if _is_single_turn(messages) else None
    parts = content if isinstance(content, list) and all(isinstance(part, dict) for part in content) else []
    texts = [part["text"] for part in parts if "text" in part]
    if len(texts) != 1 or "prompt" in flat or "image" in flat:
        raise InvalidRequest.one(
            "messages",
            tr(
                "must be one user message whose content is pictures and one text",
                "应为一条 user 消息，content 为若干图片和一段文字",
            ),
        )
    pictures = [part["image"] for part in parts if "image" in part]
    return {**flat, "prompt": texts[0], **({"image": pictures} if pictures else {})}


def _is_single_turn(messages: object) -> bool:
    return isinstance(messages, list) and len(messages) == 1 and isinstance(messages[0], dict)
