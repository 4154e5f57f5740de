"""The tasks of the models that read: what stands in a picture, in the shape each task has (OCR; CAP …-vl-ocr-…).

Only what the sandbox itself has drawn can be read. For any other picture a fixed sentence says so.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bailian.sandbox.http.refusals import invalid, off_specification
from bailian.sandbox.text.messages import Messages
from bailian.sandbox.text.models import TextModel
from bailian.sandbox.vision.sightings import Drawn, Label, Sighting

EXTRACTION, ADVANCED = "key_information_extraction", "advanced_recognition"
TASKS = (
    "text_recognition", EXTRACTION, "document_parsing", "table_parsing", "formula_recognition", "multi_lan", ADVANCED,
)  # fmt: skip
SCHEMA_DEPTH_MAX = 3
SQUARE = 1000
"""In the text, places are told in thousandths of the picture."""

UNREADABLE = (
    "沙箱读不出这张图片：它只认得自己画的字。 The sandbox cannot read this picture: it only knows what it has drawn."
)


@dataclass(frozen=True)
class Reading:
    """What shall be read."""

    task: str
    """Empty: no task, so plain lines."""
    schema: Mapping[str, Any] | None = None


def read_reading(name: str, model: TextModel, parameters: Mapping[str, Any], messages: Messages) -> Reading | None:
    """Return the task; None: the model is none that reads.

    Raises:
        Refusal: tasks for another model, an unknown task, a wrong schema; the words are guesses.
    """
    options = parameters.get("ocr_options")
    if not model.reads:
        if options:
            raise off_specification(f"ocr_options is not supported by {name}")
        return None
    if any(part.kind == "video" for part in messages.media):
        raise invalid("This model does not support video input.")
    if options is None:
        return Reading("")
    if not isinstance(options, dict) or options.get("task") not in TASKS:
        raise off_specification(f"ocr_options.task must be one of {', '.join(TASKS)}")
    config = options.get("task_config") or {}
    schema = config.get("result_schema") if isinstance(config, dict) else None
    if schema is None:
        return Reading(options["task"])
    if options["task"] != EXTRACTION:
        raise off_specification(f"task_config.result_schema is only supported by {EXTRACTION}")
    if not isinstance(schema, dict) or not schema or _depth(schema) > SCHEMA_DEPTH_MAX:
        raise off_specification(f"task_config.result_schema must be an object of at most {SCHEMA_DEPTH_MAX} levels")
    return Reading(options["task"], schema)


def _depth(schema: Any) -> int:
    if isinstance(schema, dict):
        return 1 + max((_depth(value) for value in schema.values()), default=0)
    return max((_depth(value) for value in schema), default=0) if isinstance(schema, list) else 0


def answer_of(reading: Reading, sightings: Sequence[Sighting]) -> tuple[str, dict[str, Any] | None]:
    """Return the text, and what stands beside it as `ocr_result`."""
    lines = [line for seen in sightings for line in seen.labels]
    if reading.task == EXTRACTION:
        drawn = next(((seen.drawn, seen) for seen in sightings if seen.drawn is not None), None)
        found = _filled(reading.schema, drawn) if reading.schema else _pairs(drawn)
        return _fenced("json", json.dumps(found, ensure_ascii=False, indent=1)), {"kv_result": found}
    if reading.task == ADVANCED:
        words = [_word(line) for line in lines]
        told = [_told(line, seen) for seen in sightings for line in seen.labels]
        inner = ",\n".join("\t" + json.dumps(one, ensure_ascii=False) for one in told)
        return _fenced("json", f"[\n{inner}\n]" if told else "[]"), {"words_info": words}
    texts = [line.text for line in lines]
    if not texts:
        return UNREADABLE, None
    if reading.task == "table_parsing":
        rows = "".join(f"<tr><td>{html.escape(text)}</td></tr>" for text in texts)
        return _fenced("html", f"<table>{rows}</table>"), None
    if reading.task == "document_parsing":
        return _fenced("latex", "\\section*{" + texts[0] + "}\n\n" + "\n\n".join(texts[1:])), None
    if reading.task == "formula_recognition":
        return f"$$\\text{{{' '.join(texts[1:] or texts)}}}$$", None
    return "\n".join(texts), None


def _word(line: Label) -> dict[str, Any]:
    """The corners clockwise from the upper left, and middle, height, width, angle (CAP)."""
    left, top, right, low = line.box
    return {
        "location": [left, top, right, top, right, low, left, low],
        "rotate_rect": [(left + right) // 2, (top + low) // 2, low - top, right - left, 90],
        "text": line.text,
    }


def _told(line: Label, seen: Sighting) -> dict[str, Any]:
    *places, angle = _word(line)["rotate_rect"]
    sides = (seen.width, seen.height, seen.height, seen.width)
    return {
        "rotate_rect": [*(place * SQUARE // side for place, side in zip(places, sides, strict=True)), angle],
        "text": line.text,
    }


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


_Source = tuple[Drawn, Sighting] | None
_PAIR = re.compile(r"([^\s:：,，;；]{1,20})\s*[:：]\s*([^,，;；\n]{1,60})")


def _pairs(source: _Source) -> dict[str, str]:
    """Return what a prompt says as `name: value`, and the facts of the ribbon."""
    if source is None:
        return {}
    drawn, seen = source
    pairs = {name: value.strip() for name, value in _PAIR.findall(drawn.prompt)}
    return {"text": drawn.prompt, "model": drawn.model, "size": f"{seen.width}*{seen.height}", **pairs}


def _filled(schema: Any, source: _Source) -> Any:
    """Return the schema with values where they are known, else empty texts."""
    if isinstance(schema, dict):
        pairs = _pairs(source)
        return {
            name: _filled(inner, source) if isinstance(inner, dict | list) else pairs.get(name, "")
            for name, inner in schema.items()
        }
    return [_filled(inner, source) for inner in schema] if isinstance(schema, list) else ""
