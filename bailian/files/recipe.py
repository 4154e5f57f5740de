"""How a picture was made: written into it, read from it, and turned back into the command."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from bailian import __version__
from bailian.files import png
from bailian.text.quoting import line_of
from bailian.types import Item, StoredRequest

KEY = "bailian"


class Made(Protocol):
    """What a recipe is taken from."""

    kind: str
    model: str
    wire_model: str
    request: Mapping[str, Any]
    prepared: StoredRequest
    task_id: str | None
    request_id: str | None
    created_at_s: float


def recipe(job: Made, item: Item, cost_cny: float | None) -> dict[str, Any]:
    """Return what is worth knowing about one result, as plain JSON; no key and no link are in it."""
    made = {
        "kind": job.kind,
        **{name: without_folders(value) for name, value in job.request.items()},
        "sent_as": job.prepared.size,
        "wire_model": job.wire_model,
        "picture": item.index + 1,
        "picture_seed": item.wire.get("seed"),
        "actual_prompt": item.wire.get("actual_prompt"),
        "task_id": job.task_id,
        "request_id": job.request_id,
        "cost_cny": cost_cny,
        "created_at_s": round(job.created_at_s, 3),
        "toolkit": __version__,
    }
    return {name: value for name, value in made.items() if value is not None}


def without_folders(value: Any) -> Any:
    """Return a field with local files by their names: a picture is made to be published, a folder's name is not."""
    if isinstance(value, list):
        return [without_folders(one) for one in value]
    if isinstance(value, dict):
        return {name: without_folders(one) for name, one in value.items()}
    is_local = isinstance(value, str) and value.startswith("file://")
    return unquote(value.rpartition("/")[2]) if is_local else value


def png_texts(made: Mapping[str, Any]) -> dict[str, str]:
    """Return the text chunks: the recipe for us, and the prompt where picture viewers show it."""
    return {
        KEY: json.dumps(made, ensure_ascii=False),
        "Description": str(made.get("prompt") or ""),
        "Source": str(made.get("model") or ""),
    }


def read(path: Path) -> dict[str, Any] | None:
    """Return the recipe of a file: from inside, else from its sidecar; None if it has none."""
    inside = png.texts(path.read_bytes()).get(KEY)
    sidecar = path.with_suffix(path.suffix + ".json")
    try:
        text = inside or (sidecar.read_text(encoding="utf-8") if sidecar.is_file() else "null")
        made = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return made if isinstance(made, dict) and "kind" in made else None


SWITCHES = ("prompt_extend", "watermark", "is_sketch", "thinking", "interleave", "search")
FLAGS = (
    *("function", "vace", "image", "last_frame", "references", "reference_voices", "video", "continue", "last_clip"),
    *("audio", "document", "link", "mask", "model", "size", "ratio", "duration", "n", "seed", "negative_prompt"),
    *("no_audio", "audio_setting", "shots", "template", "prompt_extend_mode", "set", "palette", "box"),
    *("mask_frame_id", "mask_type", "expand_ratio", "expand_mode", "control_condition", "obj_or_bg"),
    *("strength", "upscale_factor", "top_scale", "bottom_scale", "left_scale", "right_scale"),
    *("system", "image_max_tokens", "ocr", "ocr_schema", "json_object", "json_schema", "prefix", "max_tokens"),
    *("temperature", "top_p", "stop", "thinking_budget"),
    *SWITCHES,
)
NAMES = {"references": "reference", "reference_voices": "reference-voice", "ocr_schema": "schema"}
"""Fields whose flag is not their own name."""


def command(made: Mapping[str, Any], script: str) -> str:
    """Return the shell line that makes it again; with a seed, from the first picture's seed on."""
    words = [word for name in FLAGS for word in _words(name, made.get(name))]
    prompt = str(made.get("prompt") or "")
    words += ["--", prompt] if prompt.startswith("-") else [prompt] if prompt or not words else []
    return f"{script} {line_of(words)}"


def _words(name: str, value: Any) -> list[str]:
    """Return a field as options."""
    flag = NAMES.get(name, name.replace("_", "-"))
    if name in SWITCHES and isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    if isinstance(value, bool):
        return [f"--{flag}"] if value else []
    if isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False)
    given = value if isinstance(value, list) else [] if value in (None, "") else [value]
    if name == "reference_voices":  # which of the references it is, in front of the file
        given = [f"{number}={one}" for number, one in enumerate(given, 1) if one]
    return [word for one in given for word in (f"--{flag}", str(one))]
