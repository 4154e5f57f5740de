"""Text to text: the Qwen models on the service's own protocol, whole or as a stream.

Facts: docs/wire.md "Text generation" (Qwen API reference and error page, 2025-12; parameter defaults, mid 2026).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bailian.catalog import Catalog, Model
from bailian.errors import InvalidRequest, Problem
from bailian.files import tokens
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities.rules import choice, fields
from bailian.modalities.rules.texts import text_notice
from bailian.modalities.text.text_answers import answer_notices, asked_prompt, charged_cny, items, with_paths
from bailian.modalities.text.text_prices import cost_cny, prices_of
from bailian.modalities.text.text_request import (
    HIGHEST_TEMPERATURE,
    LONGEST_THOUGHT_TOKENS,
    LOWEST_TOP_P,
    ROLES,
    TextRequest,
)
from bailian.text import characters
from bailian.types import Input, Notice, Prepared, TextContext

__all__ = [  # what a modality provides
    "answer_notices",
    "asked_prompt",
    "charged_cny",
    "from_config",
    "items",
    "prepare",
    "refine_estimate",
    "with_paths",
]

KIND = "text"
DEFAULT_MODELS = ("qwen-plus",)
INPUT_FIELDS: tuple[str, ...] = ()
RESULT_SUFFIXES = ("txt",)
FILE_SUFFIXES: tuple[str, ...] = ()
RETRY_SAFE = True


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
        wanted = flat.pop("response_format")
        if not isinstance(wanted, dict) or wanted.get("type") not in ("text", "json_object"):
            raise InvalidRequest.one(
                "response_format",
                tr(
                    'must be {"type": "text"} or {"type": "json_object"}',
                    '应为 {"type": "text"} 或 {"type": "json_object"}',
                ),
            )
        flat.setdefault("json_object", wanted["type"] == "json_object")
    if isinstance(flat.get("stop"), str):
        flat["stop"] = [flat["stop"]]
    return flat


def prepare(
    values: Mapping[str, Any], catalog: Catalog, region: str, inputs: Mapping[str, Input] | None = None
) -> Prepared:
    """Check the fields against the model and build the documented body.

    The cost is a ceiling (every byte a token, the longest answer allowed) until `exact` counts it.

    Raises:
        InvalidRequest: every problem found, each with what is allowed.
    """
    request, told = _clean(fields.parse(TextRequest, values))
    chosen = choice.choose(request.model, KIND, DEFAULT_MODELS, catalog, region)
    model = chosen.model
    messages = _messages(request)
    length = sum(tokens.ceiling(str(message.get("content"))) + tokens.TOKENS_A_MESSAGE for message in messages)
    length_known = True
    if model.max_input_tokens and length > model.max_input_tokens:
        counted = _counted(messages)
        length, length_known = (length, False) if counted is None else (counted, True)
    fields.raise_if_any(
        [
            *_problems(request, model, messages, region),
            *(_length_problems(length, model) if length_known else []),
        ]
    )
    wire_model = model.wire_name(region)
    notices = [
        *choice.notices(chosen, wire_model, region, catalog),
        *told,
        *_notices(request, model),
        *([] if length_known else [_length_unknown(model)]),
    ]
    context = TextContext(
        retired=choice.retirement(chosen, catalog, region), prices=prices_of(model, region), thinking=request.thinking
    )
    return Prepared(
        model=model,
        wire_model=wire_model,
        request=_asked(request, model, messages),
        body=_body(request, model, wire_model, messages),
        unit_cny=None,
        units=0,
        count=1,
        notices=tuple(notices),
        ceiling_cny=cost_cny(context, length, _longest_answer(request)),
        stream=request.stream or request.thinking,
        context=context,
    )


def _clean(request: TextRequest) -> tuple[TextRequest, list[Notice]]:
    """Return the request with all its texts as they are sent, those of earlier turns too."""
    request, told = fields.clean_texts(request, "prompt", "system")
    turns = []
    for index, message in enumerate(request.messages):
        content = message.get("content")
        found = characters.cleaned(content if isinstance(content, str) else "")
        told += [text_notice(f"messages[{index}]", found)] if found.remark else []
        turns.append({**message, "content": found.text} if isinstance(content, str) else message)
    return request.model_copy(update={"messages": turns}), told


def _asked(request: TextRequest, model: Model, messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the user's fields: the last turn is the prompt, whichever way it was given."""
    before = [dict(turn) for turn in messages[:-1] if not (request.system and turn.get("role") == "system")]
    asked = request.model_dump(exclude_defaults=True, exclude={"messages"})
    turns = {"messages": before} if before else {}
    return {**asked, **turns, "model": model.name, "prompt": messages[-1]["content"]}


def refine_estimate(prepared: Prepared) -> Prepared:
    """Return the request with its input counted by the vendor's tokenizer, where that is installed."""
    counted = _counted(prepared.body["input"]["messages"])
    if counted is None:
        return prepared
    parameters = prepared.body["parameters"]
    context = TextContext.of(prepared.context)
    thought = (parameters.get("thinking_budget") or LONGEST_THOUGHT_TOKENS) if context.thinking else 0
    return replace(prepared, ceiling_cny=cost_cny(context, counted, parameters["max_tokens"] + thought))


def _counted(messages: Sequence[Mapping[str, Any]]) -> int | None:
    counts = [tokens.count_tokens(str(message.get("content"))) for message in messages]
    known = [count + tokens.TOKENS_A_MESSAGE for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _messages(request: TextRequest) -> list[dict[str, Any]]:
    """Return the whole conversation; a system prompt given now replaces the one of the turns before."""
    turns = [dict(message) for message in request.messages]
    if request.system:
        turns = [{"role": "system", "content": request.system}, *(t for t in turns if t.get("role") != "system")]
    if request.prompt or not turns:
        turns.append({"role": "user", "content": request.prompt})
    return turns


def _problems(request: TextRequest, model: Model, messages: Sequence[Mapping[str, Any]], region: str) -> list[Problem]:
    return [
        *fields.region_problems(model, region),
        *_message_problems(messages),
        *fields.check_range("max_tokens", request.max_tokens, 1, model.max_output_tokens or 2**31 - 1),
        *(problem for text in request.stop for problem in fields.check_prompt("stop", text, None)),
        *fields.check_number("temperature", request.temperature, 0, 2),
        *fields.check_number("top_p", request.top_p, 0, 1),
        *fields.check_range("top_k", request.top_k, 0, 100),
        *fields.check_seed(model, request.seed, 1),
        *fields.check_number("presence_penalty", request.presence_penalty, -2, 2),
        *fields.check_number("repetition_penalty", request.repetition_penalty, 0.01, 2),
        *fields.check_range("thinking_budget", request.thinking_budget, 1, LONGEST_THOUGHT_TOKENS),
        *_thinking_problems(request, model),
        *_json_problems(request, messages),
    ]


def _message_problems(messages: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """Roles in an order the service takes: one system message first, the user's last (error page, 2025-12)."""
    problems = []
    for index, message in enumerate(messages):
        role, content = message.get("role"), message.get("content")
        last = index == len(messages) - 1
        field = "prompt" if last else f"messages[{index}]"
        if set(message) != {"role", "content"} or role not in ROLES or not isinstance(content, str):
            problems.append(
                Problem(
                    f"messages[{index}]",
                    tr(
                        f"must be a role ({', '.join(ROLES)}) and a content that is a text",
                        f"应含 role（{'、'.join(ROLES)}）和文本类型的 content",
                    ),
                )
            )
        elif (role == "system") != (index == 0) and role == "system":
            problems.append(Problem(field, tr("a system message can only be the first", "system 消息只能是第一条")))
        elif last and role != "user":
            problems.append(Problem(field, tr("the last message must be the user's", "最后一条消息应为 user")))
        else:
            problems += fields.check_prompt(field, content, None)
    return problems


def _thinking_problems(request: TextRequest, model: Model) -> list[Problem]:
    if request.thinking and not model.thinking:
        return [Problem("thinking", tr(f"{model.name} does not think", f"{model.name} 不支持思考模式"))]
    if request.thinking_budget is not None and not request.thinking:
        return [Problem("thinking_budget", tr("needs thinking", "需要同时开启 thinking"))]
    if request.thinking and request.json_object:
        return [Problem("json_object", tr("is not possible with thinking", "不能与 thinking 同时使用"))]
    return []


def _json_problems(request: TextRequest, messages: Sequence[Mapping[str, Any]]) -> list[Problem]:
    if not request.json_object or any("json" in str(message.get("content")).lower() for message in messages):
        return []
    return [
        Problem(
            "json_object",
            tr(
                'the service wants the word "json" in the prompt: say which JSON you want',
                "服务要求提示词中出现 “json” 一词：请说明需要什么样的 JSON",
            ),
        )
    ]


def _length_problems(length_tokens: int, model: Model) -> list[Problem]:
    limit = model.max_input_tokens
    if not limit or length_tokens <= limit:
        return []
    return [
        Problem(
            "prompt",
            tr(
                f"the conversation has about {length_tokens:,} tokens, {model.name} reads at most {limit:,}",
                f"对话约 {length_tokens:,} 个 token，{model.name} 最多读取 {limit:,} 个",
            ),
        )
    ]


def _length_unknown(model: Model) -> Notice:
    return Notice(
        "length_not_checked",
        tr(
            f"the text may be longer than the {model.max_input_tokens:,} tokens {model.name} reads; "
            f"to check it: {how_to().with_extra('tokens')}",
            f"文本可能超过 {model.name} 的 {model.max_input_tokens:,} token 上限；如需检查：{how_to().with_extra('tokens')}",
        ),
    )


def _notices(request: TextRequest, model: Model) -> list[Notice]:
    notices = []
    if request.temperature > HIGHEST_TEMPERATURE:
        notices.append(
            Notice(
                "temperature_adapted",
                tr(
                    f"the service takes temperatures below 2; {HIGHEST_TEMPERATURE} is sent",
                    f"服务只接受小于 2 的 temperature，以 {HIGHEST_TEMPERATURE} 发送",
                ),
            )
        )
    if request.top_p < LOWEST_TOP_P:
        notices.append(
            Notice(
                "top_p_adapted",
                tr(
                    f"the service takes top_p above 0; {LOWEST_TOP_P} is sent",
                    f"服务只接受大于 0 的 top_p，以 {LOWEST_TOP_P} 发送",
                ),
            )
        )
    return notices


def _body(request: TextRequest, model: Model, wire_model: str, messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Build the body. The defaults are the seed's, and always sent: the service's own are others."""
    parameters: dict[str, Any] = {
        "result_format": "message",
        "max_tokens": request.max_tokens,
        "temperature": min(request.temperature, HIGHEST_TEMPERATURE),
        "top_p": max(request.top_p, LOWEST_TOP_P),
    }
    for name in ("top_k", "seed", "repetition_penalty", "presence_penalty", "thinking_budget"):
        if getattr(request, name) is not None:
            parameters[name] = getattr(request, name)
    if request.stop:
        parameters["stop"] = request.stop
    if request.json_object:
        parameters["response_format"] = {"type": "json_object"}
    if model.thinking:  # said either way: what a model does unasked is documented for few (open point of docs/wire.md)
        parameters["enable_thinking"] = request.thinking
    if request.stream or request.thinking:
        parameters["incremental_output"] = True
    return {
        "model": wire_model,
        "input": {"messages": [dict(message) for message in messages]},
        "parameters": parameters,
    }


def _longest_answer(request: TextRequest) -> int:
    thought = (request.thinking_budget or LONGEST_THOUGHT_TOKENS) if request.thinking else 0
    return request.max_tokens + thought
