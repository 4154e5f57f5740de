"""Text to text on the service's own protocol, whole or as a stream: it reads, sees, searches, and answers by a schema.

Facts: docs/wire.md "Text generation" and "Texts of today" (Qwen API reference and error page, 2025-12; parameter
defaults, mid 2026; the vendor's catalogue and pages of August to October 2026).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bailian.catalog import Catalog, Model
from bailian.errors import InvalidRequest
from bailian.files import tokens
from bailian.i18n import tr
from bailian.modalities.rules import choice, fields
from bailian.modalities.text import sight, text_rules, unknown_models
from bailian.modalities.text.schema_check import schema_of
from bailian.modalities.text.text_again import other_texts
from bailian.modalities.text.text_answers import (
    answer_error,
    answer_notices,
    asked_prompt,
    charged_at,
    charged_cny,
    items,
    opening,
    with_paths,
)
from bailian.modalities.text.text_body import body_of, streams
from bailian.modalities.text.text_prices import SEARCH_CNY, ceiling_cny, longest_answer, prices_of
from bailian.modalities.text.text_request import LONGEST_THOUGHT_TOKENS, TextRequest
from bailian.modalities.text.text_turns import Turn, cleaned, text_in, turns_of
from bailian.types import Input, Notice, Prepared, TextContext

__all__ = [  # what a modality provides
    "answer_error",
    "answer_notices",
    "asked_prompt",
    "charged_at",
    "charged_cny",
    "from_config",
    "items",
    "opening",
    "other_texts",
    "prepare",
    "refine_estimate",
    "with_paths",
]

KIND = "text"
IS_TEXT = True
DEFAULT_MODELS = ("qwen-plus",)
SEEING_MODELS = ("qwen3.7-plus", "qwen3.7-flash")
"""The defaults of what qwen-plus cannot: seeing, and answering by a schema."""
READING_MODELS = ("qwen-vl-ocr", "qwen3.5-ocr")
INPUT_FIELDS: tuple[str, ...] = ("image", "video")
DOCUMENT_FIELDS = ("json_schema", "ocr_schema")
"""Fields that hold an object of JSON, or the path of a file with one."""
RESULT_SUFFIXES = ("txt",)
FILE_SUFFIXES: tuple[str, ...] = ()
RETRY_SAFE = True
NOTICES_NAME_COMMANDS = True


def from_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return our fields for the service's: `response_format`, `enable_thinking`; what is always sent is dropped."""
    flat = dict(values)
    for dropped in ("result_format", "incremental_output"):
        flat.pop(dropped, None)
    if "enable_thinking" in flat:
        if "thinking" in flat:
            raise InvalidRequest.one("enable_thinking", tr("is given twice", "重复出现"))
        flat["thinking"] = flat.pop("enable_thinking")
    if "response_format" in flat:
        flat = {**_wanted_format(flat.pop("response_format")), **flat}
    for theirs, ours in (("schema", "ocr_schema"), ("enable_search", "search")):
        if theirs in flat:
            flat.setdefault(ours, flat.pop(theirs))
    if isinstance(flat.get("stop"), str):
        flat["stop"] = [flat["stop"]]
    return flat


def _wanted_format(wanted: Any) -> dict[str, Any]:
    """Return our fields for the service's `response_format`."""
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind in ("text", "json_object"):
        return {"json_object": kind == "json_object"}
    if kind == "json_schema" and (schema := schema_of({"response_format": wanted})) is not None:
        return {"json_schema": dict(schema)}
    raise InvalidRequest.one(
        "response_format",
        tr(
            'must be {"type": "text"}, {"type": "json_object"} or {"type": "json_schema", "json_schema": {"schema": …}}',
            '应为 {"type": "text"}、{"type": "json_object"} 或 {"type": "json_schema", "json_schema": {"schema": …}}',
        ),
    )


def prepare(
    values: Mapping[str, Any], catalog: Catalog, region: str, inputs: Mapping[str, Input] | None = None
) -> Prepared:
    """Check the fields against the model and build the documented body.

    The cost is a ceiling (every byte a token, the longest answer allowed) until `refine_estimate` counts it.

    Raises:
        InvalidRequest: every problem found, each with what is allowed.
    """
    request, told = cleaned(fields.parse(TextRequest, values))
    chosen, unknown = _chosen(request, catalog, region)
    model = chosen.model
    request = _with_longest_reading(request, model)
    found = inputs or {}
    turns = turns_of(request, sight.media_of(request, model))
    fields.raise_if_any(text_rules.problems(request, model, turns, catalog, region, found))
    picture_tokens, media_tokens = (f(request, model, found) for f in (sight.picture_tokens, sight.tokens_of))
    length, length_known = _length(turns, request, picture_tokens, model)
    fields.raise_if_any(text_rules.length_problems(length, model) if length_known else [])
    wire_model = model.wire_name(region)
    notices = [
        *unknown,
        *choice.notices(chosen, wire_model, region, catalog),
        *told,
        *_input_notices(request, found),
        *text_rules.notices(request, model, found),
        *([] if length_known else [text_rules.length_unknown(model)]),
    ]
    context = _context(request, chosen, catalog, region, media_tokens)
    return Prepared(
        model=model,
        wire_model=wire_model,
        request=_asked(request, model, turns),
        body=body_of(request, model, wire_model, turns),
        unit_cny=None,
        units=0,
        count=1,
        notices=tuple(notices),
        upload=sight.must_upload(found[url] for url in (*request.image, *request.video) if url in found),
        ceiling_cny=ceiling_cny(context, length - picture_tokens + media_tokens, _longest_answer(request, model)),
        stream=streams(request, model),
        context=context,
    )


def _context(
    request: TextRequest, chosen: choice.Chosen, catalog: Catalog, region: str, media_tokens: int
) -> TextContext:
    model = chosen.model
    return TextContext(
        retired=choice.retirement(chosen, catalog, region),
        prices=prices_of(model, region),
        thinking=request.thinks(model),
        search_cny=SEARCH_CNY if request.search else 0.0,
        media_tokens=media_tokens,
        goes_on="prefix" in model.abilities and not request.thinks(model) and not request.ocr,
    )


def _chosen(request: TextRequest, catalog: Catalog, region: str) -> tuple[choice.Chosen, list[Notice]]:
    """Return the model, and what is to be said where the catalog does not know it."""
    if request.model is not None and unknown_models.is_unknown(request.model, catalog):
        model = unknown_models.guessed(request.model)
        return choice.Chosen(replace(model, regions=(region,)), by_user=True), [unknown_models.notice(model, catalog)]
    defaults: tuple[str, ...] = DEFAULT_MODELS
    if request.ocr:
        defaults = READING_MODELS
    elif request.sees or request.json_schema is not None:
        defaults = SEEING_MODELS
    return choice.choose(request.model, KIND, defaults, catalog, region), []


def _with_longest_reading(request: TextRequest, model: Model) -> TextRequest:
    """Let OCR write down as much as the model can: what stands in a picture is not known before."""
    if not request.ocr or "max_tokens" in request.model_fields_set or not model.max_output_tokens:
        return request
    return request.model_copy(update={"max_tokens": model.max_output_tokens})


def _length(turns: Sequence[Turn], request: TextRequest, picture_tokens: int, model: Model) -> tuple[int, bool]:
    """Return the tokens that go in, at most, and whether that is certain enough to refuse by."""
    spoken = [*turns, *([{"content": request.prefix}] if request.prefix else [])]
    length = picture_tokens + sum(
        tokens.ceiling(text_in(turn.get("content")) or "") + tokens.TOKENS_A_MESSAGE for turn in spoken
    )
    if not model.max_input_tokens or length <= model.max_input_tokens:
        return length, True
    counted = _counted(spoken)
    return (length, False) if counted is None else (counted + picture_tokens, True)


def _input_notices(request: TextRequest, inputs: Mapping[str, Input]) -> list[Notice]:
    given = [inputs[url] for url in (*request.image, *request.video) if url in inputs]
    return [one.notice for one in given if one.notice is not None]


def _asked(request: TextRequest, model: Model, turns: Sequence[Turn]) -> dict[str, Any]:
    """Return the user's fields: the last turn is the prompt, whichever way it was given."""
    asked = {**request.model_dump(exclude_defaults=True, exclude={"messages"}), "model": model.name}
    last = turns[-1].get("content")
    if isinstance(last, list) and not request.prompt and not request.sees:
        return {**asked, "messages": [dict(turn) for turn in turns]}
    before = [dict(turn) for turn in turns[:-1] if not (request.system and turn.get("role") == "system")]
    return {**asked, **({"messages": before} if before else {}), "prompt": text_in(last) or ""}


def refine_estimate(prepared: Prepared) -> Prepared:
    """Return the request with its input counted by the vendor's tokenizer, where that is installed."""
    counted = _counted(prepared.body["input"]["messages"])
    if counted is None:
        return prepared
    context = TextContext.of(prepared.context)
    longest = longest_answer(prepared.body["parameters"], thinks=context.thinking)
    return replace(prepared, ceiling_cny=ceiling_cny(context, counted + context.media_tokens, longest))


def _counted(turns: Sequence[Mapping[str, Any]]) -> int | None:
    counts = [tokens.count_tokens(text_in(turn.get("content")) or "") for turn in turns]
    known = [count + tokens.TOKENS_A_MESSAGE for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _longest_answer(request: TextRequest, model: Model) -> int:
    thought = (request.thinking_budget or LONGEST_THOUGHT_TOKENS) if request.thinks(model) else 0
    return request.max_tokens + thought
