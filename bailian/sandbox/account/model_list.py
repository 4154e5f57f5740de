"""`GET /api/v1/models`: which models there are (LIST: help.aliyun.com/zh/model-studio/list-models, 2026)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from bailian.sandbox.http.refusals import off_specification
from bailian.sandbox.images.models import kinds_of
from bailian.sandbox.speech.models import VOICES
from bailian.sandbox.text.models import text_models
from bailian.sandbox.transcription.models import RECOGNIZERS

PAGE_SIZE = 10
"""The SDK's; the page's own default was not found."""
MAX_PAGE_SIZE = 100
"""A larger page is cut to this (a guess)."""
_MODALITIES = {
    "text": (["Text"], ["Text"]),
    "image": (["Text"], ["Image"]),
    "image_edit": (["Text", "Image"], ["Image"]),
    "wanx_edit": (["Text", "Image"], ["Image"]),
    "video": (["Text"], ["Video"]),
    "speech": (["Text"], ["Audio"]),
    "transcription": (["Audio"], ["Text"]),
}


SNAPSHOT = re.compile(r"(.+)-20\d\d-\d\d-\d\d")


def retired_names(catalog: Mapping[str, Any], day: date | None, known: Iterable[str] = ()) -> frozenset[str]:
    """Return the names, as Beijing has them, that are retired on a day; None: everything is served.

    Of `known` names, dated snapshots end with their model (notice 118434 of 2026-07-10 names both).
    """
    if day is None:
        return frozenset()
    ended = {_wire_name(name, entry): getattr(entry, "retired_on", "") for name, entry in catalog.items()}
    gone = {name for name, on in ended.items() if on and on <= day.isoformat()}
    snapshots = {name for name in known if (dated := SNAPSHOT.fullmatch(name)) and dated[1] in gone}
    return frozenset(gone | snapshots)


def _wire_name(name: str, entry: Any) -> str:
    return str(getattr(entry, "aliases", {}).get("beijing", name))


class ModelList:
    """Everything that this service has, by name.

    Args:
        catalog: what a client may know of the models.
        pictures: names of the models of pictures and videos.
        retired: names that are gone.
    """

    def __init__(self, catalog: Mapping[str, Any], pictures: Iterable[str], retired: frozenset[str]) -> None:
        known = {
            _wire_name(name, entry): entry
            for name, entry in catalog.items()
            if not getattr(entry, "unknown_to_service", False)
        }
        own = [*pictures, *text_models(catalog), *VOICES, *RECOGNIZERS]
        names = dict.fromkeys([*known, *own])
        self._rows = [_row(name, known.get(name)) for name in names if name not in retired]

    def answer(self, query: Mapping[str, str], request_id: str) -> dict[str, Any]:
        """Answer a query: `model` is one name, `name` a part of one.

        Raises:
            Refusal: a page that makes no sense.
        """
        page_no, page_size = _number(query, "page_no", 1), min(_number(query, "page_size", PAGE_SIZE), MAX_PAGE_SIZE)
        rows = [
            row
            for row in self._rows
            if query.get("model") in (None, "", row["model"]) and query.get("name", "") in row["name"]
        ]
        shown = rows[(page_no - 1) * page_size : page_no * page_size]
        output = {"total": len(rows), "page_no": page_no, "page_size": page_size, "models": shown}
        return {"success": True, "output": output, "request_id": request_id}


def _row(name: str, entry: Any) -> dict[str, Any]:
    """One model. The real list's features, prices and dates are not imitated: the keys are there, empty."""
    asked, answered = _MODALITIES.get(kinds_of(entry)[-1] or "image", ([], []))
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


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    value = query.get(name)
    if not value:
        return default
    if not value.isdecimal() or not 1 <= int(value) <= 10**6:
        raise off_specification(f"{name} must be a positive integer")
    return int(value)
