"""What a tool takes, as JSON Schema: the fields of its requests, within what the catalog allows today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bailian.batch.input.json_fields import SHOWN_AS
from bailian.batch.input.row_schema import form_of
from bailian.catalog import Catalog, Model
from bailian.modalities import modality_of
from bailian.modalities.audio import speech_rules
from bailian.modalities.picture.wanx_functions import ARGUMENTS, FUNCTIONS
from bailian.modalities.recognition.transcription_rules import SPEAKERS
from bailian.modalities.rules import fields
from bailian.modalities.text.text_request import TEMPERATURE, TOP_P

Schema = dict[str, Any]
NOT_OFFERED = ("stream", "reference_types", "mask_media", "resolution", "fps")
"""What belongs to other doors, or has another name."""
RANGES: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "text": {"temperature": TEMPERATURE, "top_p": TOP_P},
    "speech": {
        "volume": speech_rules.VOLUME,
        "rate": speech_rules.RATE,
        "pitch": speech_rules.PITCH,
        "seed": (0, speech_rules.SEED_MAX),
    },
    "transcription": {"speaker_count": SPEAKERS},
}
"""What holds for all models of a kind, of the fields that the catalog says nothing of."""
OTHER_LIMITS: Mapping[str, Mapping[str, Schema]] = {
    "text": {"max_tokens": {"minimum": 1}},
    "speech": {"format": {"enum": [*modality_of("speech").RESULT_SUFFIXES]}},
}
WORDS: Mapping[str, str] = {
    "prompt": "What is to be made, in any language.",
    "model": "Leave it out for the recommended one. The tool `models` lists limits and prices.",
    "size": 'WIDTH*HEIGHT, a shape ("16:9") or a tier ("720P").',
    "image": "Paths on this machine, or URLs.",
    "file": "Path on this machine, or URL.",
    "n": "How many pictures; each is paid.",
    "seed": "The same seed and request: the same result, where the model can.",
}


def input_schema(kind: str, models: Catalog, options: Mapping[str, Schema]) -> Schema:
    """Return the schema of a kind's tool; `options` stand beside the fields of its requests."""
    form = form_of(kind)
    own = form.request_type.model_json_schema(by_alias=True)
    living = [model for model in models.of_kind(kind) if model.callable and not model.unavailable]
    living = [model for model in living if not model.retired(models.today)]
    limits = _limits(kind, living)
    properties: Schema = {}
    for name, given in own["properties"].items():
        if name not in form.known or name in NOT_OFFERED:
            continue
        shown = SHOWN_AS.get(name, name)
        words = {"description": WORDS[name]} if name in WORDS else {}
        properties[name] = {**_plain(given), **words, **limits.get(shown, {})}
    required = [name for name in own.get("required", ()) if name in properties]
    required += ["image"] if kind in ("image_edit", "wanx_edit") else []
    required += ["function"] if kind == "wanx_edit" else []
    for name in modality_of(kind).INPUT_FIELDS:
        if name in properties:
            properties[name].setdefault("description", WORDS["image"])
    return {
        "type": "object",
        "properties": {**properties, **options},
        "required": [*dict.fromkeys(required)],
        "additionalProperties": False,
    }


def _plain(given: Mapping[str, Any]) -> Schema:
    """Return a field's schema without what tells an agent nothing: titles, and null for "left out"."""
    choices = [one for one in given.get("anyOf", ()) if one.get("type") != "null"]
    shown = {**(choices[0] if len(choices) == 1 else given)}
    default = given.get("default")
    shown.pop("title", None)
    shown.pop("default", None)
    if default not in (None, "", []):
        shown["default"] = default
    return shown


def _limits(kind: str, living: Iterable[Model]) -> dict[str, Schema]:
    """Return the widest limits of a kind's models: what none of them takes is none of the schema."""
    models = list(living)
    ranges = {"seed": (0, fields.SEED_MAX), **RANGES.get(kind, {})}
    limits: dict[str, Schema] = {name: {"minimum": low, "maximum": high} for name, (low, high) in ranges.items()}
    limits |= OTHER_LIMITS.get(kind, {})
    limits["model"] = {"enum": [model.name for model in models]}
    most = max((_n_max(model) for model in models), default=1)
    limits["n"] = {"minimum": 1, "maximum": most}
    for field, longest in (
        ("prompt", [model.prompt_chars for model in models]),
        ("negative_prompt", [model.negative_prompt_chars for model in models]),
    ):
        known = [chars for chars in longest if chars is not None]
        if kind not in ("speech", "text") and known and len(known) == len(longest):
            limits[field] = {"maxLength": max(known)}
    seconds = {second for model in models for second in model.durations_s}
    if seconds:
        limits["duration"] = {"enum": sorted(seconds), "description": "Seconds."}
    ratios = {ratio for model in models for ratio in model.ratios}
    if ratios:
        limits["ratio"] = {"enum": sorted(ratios)}
    if kind == "wanx_edit":
        limits["function"] = {"enum": [*FUNCTIONS]}
        limits |= {name: {"minimum": rule.low, "maximum": rule.high} for name, rule in ARGUMENTS.items()}
    return limits


def _n_max(model: Model) -> int:
    ways = (int(way["n_max"]) for way in model.ways.values() if "n_max" in way)
    return max(model.n_max, *ways, 1)
