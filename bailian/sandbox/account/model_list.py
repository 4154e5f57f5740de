"""`GET /api/v1/models`: which models there are (LIST: help.aliyun.com/zh/model-studio/list-models, 2026)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bailian.sandbox.model_names import ModelName
from bailian.sandbox.tasks.listing import positive_integer

PAGE_SIZE = 10
"""The SDK's; the page's own default was not found."""
MAX_PAGE_SIZE = 100
"""A larger page is cut to this (a guess)."""
_MODALITIES = {
    "text": (["Text"], ["Text"]),
    "embedding": (["Text"], ["Vector"]),
    "rerank": (["Text"], ["Score"]),
    "image": (["Text"], ["Image"]),
    "image_edit": (["Text", "Image"], ["Image"]),
    "wanx_edit": (["Text", "Image"], ["Image"]),
    "video": (["Text"], ["Video"]),
    "speech": (["Text"], ["Audio"]),
    "transcription": (["Audio"], ["Text"]),
}


class ModelList:
    """Everything that this service has, by name.

    Args:
        listed: the names, in their order.
        known: what the catalog knows of some of them.
        kinds: what the others make.
    """

    def __init__(self, listed: Iterable[str], known: Mapping[str, ModelName], kinds: Mapping[str, str]) -> None:
        self._rows = [_row(name, known.get(name), kinds.get(name, "image")) for name in listed]

    def answer(self, query: Mapping[str, str], request_id: str) -> dict[str, Any]:
        """Answer a query: `model` is one name, `name` a part of one, or of its title.

        Raises:
            Refusal: a page that makes no sense.
        """
        page_no, page_size = (
            positive_integer(query, "page_no", 1),
            min(positive_integer(query, "page_size", PAGE_SIZE), MAX_PAGE_SIZE),
        )
        rows = [
            row
            for row in self._rows
            if query.get("model") in (None, "", row["model"])
            and any(query.get("name", "") in row[key] for key in ("name", "model"))
        ]
        shown = rows[(page_no - 1) * page_size : page_no * page_size]
        output = {"total": len(rows), "page_no": page_no, "page_size": page_size, "models": shown}
        return {"success": True, "output": output, "request_id": request_id}


def _row(name: str, known: ModelName | None, otherwise: str) -> dict[str, Any]:
    """One model. The real list's features, prices and dates are not imitated: the keys are there, empty."""
    kind = known.kinds[-1] if known is not None else otherwise
    entry = known.entry if known is not None else None
    asked, answered = _MODALITIES.get(kind, ([], []))
    limits = {
        "context_window": getattr(entry, "context_tokens", None),
        "max_input_tokens": getattr(entry, "max_input_tokens", None),
        "max_output_tokens": getattr(entry, "max_output_tokens", None),
    }
    return {
        "model": name,
        "name": getattr(entry, "title", "") or name,
        "features": [],
        "prices": [],
        "inference_metadata": {"request_modality": asked, "response_modality": answered},
        "model_info": {key: value for key, value in limits.items() if value is not None},
        "published_time": "",
    }
