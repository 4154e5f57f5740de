"""What a text model does not take, and what is told about what it takes otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from bailian.catalog import Catalog, Model
from bailian.errors import Problem
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.modalities.rules import fields
from bailian.modalities.text import ocr, sight
from bailian.modalities.text.schema_check import can_check, schema_trouble
from bailian.modalities.text.text_prices import SEARCH_CNY, SEARCH_TOKENS
from bailian.modalities.text.text_request import (
    HIGHEST_TEMPERATURE,
    LONGEST_THOUGHT_TOKENS,
    LOWEST_TOP_P,
    TEMPERATURE,
    TOP_P,
    TextRequest,
)
from bailian.modalities.text.text_turns import Turn, media_in, text_in, turn_problems
from bailian.types import Input, Notice


def able(catalog: Catalog, ability: str) -> str:
    """Return the names of the living models that can do something, for a sentence."""
    return _living(catalog, lambda model: ability in model.abilities)


def _living(catalog: Catalog, can: Callable[[Model], bool]) -> str:
    names = [
        model.name
        for model in catalog.of_kind("text")
        if can(model) and not model.retired(catalog.today) and not model.unavailable
    ]
    return ", ".join(names) or "-"


def _seeing(catalog: Catalog, field: str) -> str:
    """Return the names of the models that take a field that is looked at."""
    return able(catalog, "sees") if field == "image" else _living(catalog, lambda model: model.films_max > 0)


def problems(
    request: TextRequest,
    model: Model,
    turns: Sequence[Turn],
    catalog: Catalog,
    region: str,
    inputs: Mapping[str, Input],
) -> list[Problem]:
    """Return all that is wrong with a request, but for its length."""
    if model.unavailable:
        return [Problem("model", _unavailable(model))]
    return [
        *fields.region_problems(model, region),
        *turn_problems(turns, prompt_needed=not request.ocr, last_is_ours=request.sees),
        *fields.check_range("max_tokens", request.max_tokens, 1, model.max_output_tokens or 2**31 - 1),
        *(problem for text in request.stop for problem in fields.check_prompt("stop", text, None)),
        *fields.check_number("temperature", request.temperature, *TEMPERATURE),
        *fields.check_number("top_p", request.top_p, *TOP_P),
        *fields.check_range("top_k", request.top_k, 0, 100),
        *fields.check_seed(model, request.seed, 1),
        *fields.check_number("presence_penalty", request.presence_penalty, -2, 2),
        *fields.check_number("repetition_penalty", request.repetition_penalty, 0.01, 2),
        *fields.check_range("thinking_budget", request.thinking_budget, 1, LONGEST_THOUGHT_TOKENS),
        *_thinking_problems(request, model),
        *_json_problems(request, model, turns, catalog),
        *_ability_problems(request, model, catalog),
        *sight.problems(request, model, inputs, partial(_seeing, catalog)),
        *_history_problems(turns[:-1], model, catalog),
        *ocr.problems(request, model),
    ]


def _unavailable(model: Model) -> str:
    return tr(
        f"the service has {model.name} on its OpenAI-compatible route only, which this toolkit does not call",
        f"{model.name} 仅在服务端的 OpenAI 兼容接口上提供，本工具不调用该接口",
    )


def _history_problems(turns: Sequence[Turn], model: Model, catalog: Catalog) -> list[Problem]:
    if "sees" in model.abilities or not any(media_in(turn.get("content")) for turn in turns):
        return []
    names = able(catalog, "sees")
    text = tr(
        f"the conversation has pictures, which {model.name} does not see; {names} do",
        f"对话中有图片，{model.name} 不支持；可用 {names}",
    )
    return [Problem("messages", text)]


def _thinking_problems(request: TextRequest, model: Model) -> list[Problem]:
    if request.thinking and not model.thinking:
        return [Problem("thinking", tr(f"{model.name} does not think", f"{model.name} 不支持思考模式"))]
    if request.thinking is False and model.thinking_default == "always":
        return [Problem("thinking", tr(f"{model.name} always thinks", f"{model.name} 的思考模式无法关闭"))]
    if request.thinking_budget is not None and not model.thinking_budget:
        text = tr(f"{model.name} takes no limit of its thoughts", f"{model.name} 不支持限制思考长度")
        return [Problem("thinking_budget", text)]
    if request.thinking_budget is not None and not request.thinks(model):
        return [Problem("thinking_budget", tr("needs thinking", "需要同时开启 thinking"))]
    if request.thinks(model) and request.json_object and "json_thinking" not in model.abilities:
        return [Problem("json_object", tr("is not possible with thinking", "不能与 thinking 同时使用"))]
    return []


def _json_problems(request: TextRequest, model: Model, turns: Sequence[Turn], catalog: Catalog) -> list[Problem]:
    found = []
    if request.json_schema is not None:
        found += _schema_problems(request, model, catalog)
    if request.json_object and not any("json" in (text_in(turn.get("content")) or "").lower() for turn in turns):
        text = tr(
            'the service wants the word "json" in the prompt: say which JSON you want',
            "服务要求提示词中出现 “json” 一词：请说明需要什么样的 JSON",
        )
        found.append(Problem("json_object", text))
    return found


def _schema_problems(request: TextRequest, model: Model, catalog: Catalog) -> list[Problem]:
    if request.json_object:
        return [Problem("json_object", tr("stands beside json_schema: give one", "与 json_schema 只需给出一个"))]
    if "json_schema" not in model.abilities:
        return [Problem("json_schema", _cannot(model, catalog, "json_schema"))]
    trouble = schema_trouble(request.json_schema or {})
    return [Problem("json_schema", trouble)] if trouble else []


def _ability_problems(request: TextRequest, model: Model, catalog: Catalog) -> list[Problem]:
    wanted = {"ocr": bool(request.ocr), "search": request.search, "prefix": bool(request.prefix)}
    missing = [name for name, asked in wanted.items() if asked and name not in model.abilities]
    found = [Problem(name, _cannot(model, catalog, name)) for name in missing]
    if request.prefix and "prefix" not in missing and request.thinks(model):
        found.append(Problem("prefix", tr("goes without thinking only", "不能与思考模式同时使用")))
    return found


def _cannot(model: Model, catalog: Catalog, ability: str) -> str:
    names = able(catalog, ability)
    return tr(f"{model.name} has no such thing; {names} have", f"{model.name} 不支持；可用 {names}")


def length_problems(length_tokens: int, model: Model) -> list[Problem]:
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


def length_unknown(model: Model) -> Notice:
    return Notice(
        "length_not_checked",
        tr(
            f"the text may be longer than the {model.max_input_tokens:,} tokens {model.name} reads; "
            f"to check it: {how_to().with_extra('tokens')}",
            f"文本可能超过 {model.name} 的 {model.max_input_tokens:,} token 上限；如需检查：{how_to().with_extra('tokens')}",
        ),
    )


def notices(request: TextRequest, model: Model, inputs: Mapping[str, Input]) -> list[Notice]:
    """Return what is sent otherwise than asked, and what costs more than it seems."""
    told: list[tuple[str, str] | None] = [
        _temperature(request),
        _top_p(request),
        _always_thinks(model),
        _searches(request),
        _unchecked(request),
        _unknown_film(request, model, inputs),
    ]
    return [Notice(*one) for one in told if one is not None]


def _temperature(request: TextRequest) -> tuple[str, str] | None:
    if request.temperature <= HIGHEST_TEMPERATURE:
        return None
    text = tr(
        f"the service takes temperatures below 2; {HIGHEST_TEMPERATURE} is sent",
        f"服务只接受小于 2 的 temperature，以 {HIGHEST_TEMPERATURE} 发送",
    )
    return "temperature_adapted", text


def _top_p(request: TextRequest) -> tuple[str, str] | None:
    if request.top_p >= LOWEST_TOP_P:
        return None
    text = tr(
        f"the service takes top_p above 0; {LOWEST_TOP_P} is sent",
        f"服务只接受大于 0 的 top_p，以 {LOWEST_TOP_P} 发送",
    )
    return "top_p_adapted", text


def _always_thinks(model: Model) -> tuple[str, str] | None:
    if model.thinking_default != "always":
        return None
    text = tr(
        f"{model.name} always thinks first; its thoughts are paid as output",
        f"{model.name} 总会先思考，思考过程按输出计费",
    )
    return "always_thinks", text


def _searches(request: TextRequest) -> tuple[str, str] | None:
    if not request.search:
        return None
    text = tr(
        f"a search costs {SEARCH_CNY} CNY, and what it finds is paid as input; up to {SEARCH_TOKENS:,} tokens are "
        "reckoned with, the service names no limit",
        f"每次搜索 {SEARCH_CNY} 元，搜到的内容按输入计费；估算按 {SEARCH_TOKENS:,} 个 token 计，服务未公布上限",
    )
    return "search_price", text


def _unchecked(request: TextRequest) -> tuple[str, str] | None:
    if request.json_schema is None or can_check():
        return None
    text = tr(
        f"whether the answer fits the schema will not be checked; to check it: {how_to().with_extra('schema')}",
        f"不会检查回答是否符合 schema；如需检查：{how_to().with_extra('schema')}",
    )
    return "schema_not_checked", text


def _unknown_film(request: TextRequest, model: Model, inputs: Mapping[str, Input]) -> tuple[str, str] | None:
    films = [inputs.get(url, Input(url)).film for url in request.video]
    if all(film is not None and film.duration_s is not None for film in films) or not model.max_input_tokens:
        return None
    text = tr(
        f"how long a film is, is not known here; the estimate takes all that {model.name} can read",
        f"本地无法得知视频时长，估算按 {model.name} 的最大输入计算",
    )
    return "film_length_unknown", text
