"""Texts to vectors, for search, clustering and the like: up to a model's number of texts in one request.

Facts: docs/wire.md "Embeddings" (text-embedding-synchronous-api, copies of 2026).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict

from bailian.catalog import Catalog, Model
from bailian.errors import InvalidRequest, Problem
from bailian.files import tokens
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities.rules import choice, fields
from bailian.modalities.rules.texts import text_notice
from bailian.modalities.text.embedding_answers import (
    asked_prompt,
    charged_cny,
    compacted,
    items,
    texts_of,
    with_paths,
)
from bailian.modalities.text.text_prices import cost_cny
from bailian.text import characters
from bailian.types import Input, Notice, Prepared, PriceTier, TextContext

__all__ = [  # what a modality provides
    "asked_prompt",
    "charged_cny",
    "compacted",
    "from_config",
    "items",
    "prepare",
    "refine_estimate",
    "with_paths",
]

KIND = "embedding"
DEFAULT_MODELS = ("text-embedding-v4",)
INPUT_FIELDS: tuple[str, ...] = ()
RESULT_SUFFIXES: tuple[str, ...] = ()
HAS_FILES = False
FILE_SUFFIXES: tuple[str, ...] = ()
RETRY_SAFE = True
TEXT_TYPES = ("document", "query")
# The service's names for our fields: those of its own route, and of the OpenAI-compatible one.
OTHER_NAMES = {"texts": "text", "dimensions": "dimension"}


class EmbeddingRequest(BaseModel):
    """What a user asks for."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str | None = None
    text: Any = None
    """One text, or a list of them. Not typed: the cell of a table is one text, whatever `|` is in it."""
    dimension: int | None = None
    text_type: str = TEXT_TYPES[0]
    output_type: str = "dense"
    instruct: str = ""


def from_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return our fields for the service's: `texts`, `dimensions`; `encoding_format` "float" is the only one there is."""
    flat = dict(values)
    for theirs, ours in OTHER_NAMES.items():
        if theirs in flat:
            if ours in flat:
                raise InvalidRequest.one(theirs, tr(f"is another name of {ours}", f"与 {ours} 含义相同"))
            flat[ours] = flat.pop(theirs)
    if flat.get("encoding_format") == "float":
        flat.pop("encoding_format")
    return flat


def prepare(
    values: Mapping[str, Any], catalog: Catalog, region: str, inputs: Mapping[str, Input] | None = None
) -> Prepared:
    """Check the fields against the model and build the documented body.

    The cost is a ceiling (every byte a token) until `refine_estimate` counts it.

    Raises:
        InvalidRequest: every problem found, each with what is allowed.
    """
    request = fields.parse(EmbeddingRequest, values)
    chosen = choice.choose(request.model, KIND, DEFAULT_MODELS, catalog, region)
    model = chosen.model
    texts, told, problems = _texts(request.text)
    lengths, unknown = _lengths(texts, model)
    dimensions = model.region_dimensions.get(region, model.dimensions)
    fields.raise_if_any(
        [
            *fields.region_problems(model, region),
            *problems,
            *_count_problems(texts, model),
            *_length_problems(lengths, model, several=len(texts) > 1),
            *_parameter_problems(request, model, dimensions),
        ]
    )
    price_cny = fields.price_cny(model, region)
    context = TextContext(
        retired=choice.retirement(chosen, catalog, region),
        prices=() if price_cny is None else (PriceTier(price_cny, 0.0),),
    )
    wire_model = model.wire_name(region)
    return Prepared(
        model=model,
        wire_model=wire_model,
        request={**request.model_dump(exclude_defaults=True), "model": model.name},
        body=_body(request, wire_model, texts, dimensions),
        unit_cny=None,
        units=0,
        count=len(texts),
        notices=(
            *choice.notices(chosen, wire_model, region, catalog),
            *told,
            *([_length_unknown(model)] if unknown else []),
            *_instruct_notices(request),
        ),
        ceiling_cny=cost_cny(context, sum(lengths), 0),
        context=context,
    )


def _texts(value: Any) -> tuple[list[str], list[Notice], list[Problem]]:
    """Return the texts as they are sent, what was changed in them, and what is wrong with them."""
    given = [value] if isinstance(value, str) else value
    if value is None or given == []:
        return [], [], [Problem("text", tr("is required: a text, or a list of texts", "必填：一段文本或文本列表"))]
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        return [], [], [Problem("text", tr("must be a text, or a list of texts", "应为文本或文本列表"))]
    found = [characters.cleaned(text) for text in given]
    names = [_place(index, several=len(given) > 1) for index in range(len(given))]
    told = [text_notice(name, one) for name, one in zip(names, found, strict=True) if one.remark]
    wrong = [
        problem for name, one in zip(names, found, strict=True) for problem in fields.check_prompt(name, one.text, None)
    ]
    return [one.text for one in found], told, wrong


def _place(index: int, *, several: bool) -> str:
    return f"text[{index}]" if several else "text"


def _lengths(texts: Sequence[str], model: Model) -> tuple[list[int], bool]:
    """Return the tokens of each text: a number it cannot exceed, counted where that is above the limit.

    The second: whether one could not be counted, and may be too long.
    """
    limit, lengths, unknown = model.max_input_tokens, [], False
    for text in texts:
        length = tokens.ceiling(text)
        if limit and length > limit:
            counted = tokens.count_tokens(text)
            unknown = unknown or counted is None
            length = min(length, limit) if counted is None else counted
        lengths.append(length)
    return lengths, unknown


def _count_problems(texts: Sequence[str], model: Model) -> list[Problem]:
    if not model.texts_max or len(texts) <= model.texts_max:
        return []
    return [
        Problem(
            "text",
            tr(
                f"has {len(texts)} texts, {model.name} takes at most {model.texts_max} in one row: make more rows",
                f"共 {len(texts)} 段文本，{model.name} 每行最多 {model.texts_max} 段：请拆成多行",
            ),
        )
    ]


def _length_problems(lengths: Sequence[int], model: Model, *, several: bool) -> list[Problem]:
    limit = model.max_input_tokens
    return [
        Problem(
            _place(index, several=several),
            tr(
                f"has about {length:,} tokens, {model.name} reads at most {limit:,} of a text: split it",
                f"约 {length:,} 个 token，{model.name} 每段最多 {limit:,} 个：请拆分",
            ),
        )
        for index, length in enumerate(lengths)
        if limit and length > limit
    ]


def _parameter_problems(request: EmbeddingRequest, model: Model, dimensions: Sequence[int]) -> list[Problem]:
    problems = []
    if request.dimension is not None and dimensions and request.dimension not in dimensions:
        listed = ", ".join(map(str, dimensions))
        problems.append(Problem("dimension", tr(f"must be one of {listed}", f"只能是 {listed} 之一")))
    for name, allowed in (("text_type", TEXT_TYPES), ("output_type", model.output_types or ("dense",))):
        if getattr(request, name) not in allowed:
            listed = ", ".join(allowed)
            text = tr(f"must be one of {listed} with {model.name}", f"{model.name} 只支持 {listed}")
            problems.append(Problem(name, text))
    if request.instruct and not model.instruct:
        problems.append(
            Problem("instruct", tr(f"{model.name} takes no instruction", f"{model.name} 不支持任务说明（instruct）"))
        )
    elif request.instruct:
        problems += fields.check_prompt("instruct", request.instruct, None)
    return problems


def _instruct_notices(request: EmbeddingRequest) -> list[Notice]:
    if not request.instruct or request.text_type == "query":
        return []
    text = tr(
        "an instruction is for queries: add text_type query, or leave instruct out",
        "任务说明（instruct）用于查询文本：请设置 text_type 为 query，或去掉 instruct",
    )
    return [Notice("instruct_without_query", text)]


def _length_unknown(model: Model) -> Notice:
    return Notice(
        "length_not_checked",
        tr(
            f"a text may be longer than the {model.max_input_tokens:,} tokens {model.name} reads; "
            f"to check it: {how_to().with_extra('tokens')}",
            f"文本可能超过 {model.name} 的 {model.max_input_tokens:,} token 上限；如需检查：{how_to().with_extra('tokens')}",
        ),
    )


def _body(request: EmbeddingRequest, wire_model: str, texts: list[str], dimensions: Sequence[int]) -> dict[str, Any]:
    """Build the body. The length is sent where a model has more than one: the rows of a matrix are all of one."""
    parameters: dict[str, Any] = {"text_type": request.text_type}
    if len(dimensions) > 1:
        parameters["dimension"] = request.dimension or dimensions[0]
        parameters["output_type"] = request.output_type
    if request.instruct:
        parameters["instruct"] = request.instruct
    return {"model": wire_model, "input": {"texts": texts}, "parameters": parameters}


def refine_estimate(prepared: Prepared) -> Prepared:
    """Return the request with its texts counted by the vendor's tokenizer, where that is installed."""
    counted = [tokens.count_tokens(text) for text in texts_of(prepared.body)]
    known = [count for count in counted if count is not None]
    if len(known) != len(counted):
        return prepared
    return replace(prepared, ceiling_cny=cost_cny(TextContext.of(prepared.context), sum(known), 0))
