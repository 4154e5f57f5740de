"""What an answer about a film holds: one link, in all dialects."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from bailian.types import Item, StoredRequest
from bailian.types.json_values import object_of


def items(answer: Mapping[str, Any], prepared: StoredRequest) -> list[Item]:
    """Return the video of an answer: `output.video_url`, one string."""
    output = object_of(answer.get("output"))
    url = output.get("video_url")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        return []
    wire: dict[str, Any] = {name: output[name] for name in ("orig_prompt", "actual_prompt") if name in output}
    return [Item(0, url=url, wire=wire if prepared.seed is None else {**wire, "seed": prepared.seed})]


def asked_prompt(body: Mapping[str, Any]) -> str:
    """Return the prompt as sent; "" where the inputs speak for themselves."""
    return str(object_of(body.get("input")).get("prompt", ""))


def with_paths(answer: Mapping[str, Any], prepared: StoredRequest, paths: Mapping[int, str]) -> dict[str, Any]:
    """Return the answer's `output` with the local `path` beside `video_url`."""
    shown: dict[str, Any] = deepcopy(object_of(answer.get("output")))
    if paths:
        shown["path"] = paths[0]
    return shown
