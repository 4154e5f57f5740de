"""What a recognition costs: by seconds, or by tokens; before it from the recording's length, after it from `usage`.

Facts: docs/wire.md "Recognition" and "Recognition of today" (PRICE, GRP and a model's card; 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.catalog import Model
from bailian.counts import MOST_SECONDS, MOST_TOKENS, amount_of, count_of
from bailian.i18n import tr
from bailian.modalities.rules import fields
from bailian.types import Notice, TranscriptionContext

TOKENS_A_SECOND = 25
"""QASR, of qwen3-asr-flash. For the models that are billed by tokens nothing is published."""


def token_prices(model: Model, region: str) -> tuple[float, float] | None:
    """Return CNY per 1,000 tokens of the recording and of the text; None: it is not billed by tokens."""
    price = model.price_cny if region == "beijing" else model.region_price_cny.get(region)
    if model.price_unit != "1k_tokens" or not isinstance(price, Mapping):
        return None
    return float(price["input"]), float(price["output"])


def most_a_second_cny(model: Model, region: str) -> float | None:
    """Return what a second costs at most: of tokens, as many are reckoned for the text as for the sound."""
    tokens = token_prices(model, region)
    if tokens is None:
        return fields.price_cny(model, region)
    return round(sum(tokens) * TOKENS_A_SECOND / 1000, 8)


def price_notices(model: Model, usual: Model, region: str, *, fast: bool) -> list[Notice]:
    """Return what is to be known of a price before it is paid."""
    notices = []
    here, there = fields.price_cny(model, region), fields.price_cny(usual, region)
    if fast and here is not None and there is not None:
        text = tr(
            f"{model.name} costs {here:.5f} CNY a second, {usual.name} as a task {there:.5f}",
            f"{model.name} 每秒 {here:.5f} 元，以任务方式用 {usual.name} 为 {there:.5f} 元",
        )
        notices.append(Notice("fast_price", text))
    if token_prices(model, region) is not None:
        text = tr(
            f"{model.name} is billed by tokens; how many a second has is not published: "
            f"{TOKENS_A_SECOND} are reckoned, and as many for the text",
            f"{model.name} 按 token 计费；每秒的 token 数未公布：按 {TOKENS_A_SECOND} 个估算，文本同样计",
        )
        notices.append(Notice("price_unverified", text))
    return notices


def charged_cny(usage: Mapping[str, Any], context: TranscriptionContext) -> float | None:
    """Return what is billed by an answer's `usage`; None where that is not told in what is billed."""
    if context.token_cny is not None:
        counts = [_tokens(usage, side) for side in ("input", "output")]
        if None in counts:
            return None
        return round(sum((count or 0) * cny for count, cny in zip(counts, context.token_cny, strict=True)) / 1000, 6)
    seconds = amount_of(usage.get("duration", usage.get("seconds")), MOST_SECONDS)
    return None if seconds is None or context.second_cny is None else round(context.second_cny * seconds, 6)


def _tokens(usage: Mapping[str, Any], side: str) -> int | None:
    """Return the tokens of one side: their sum, or their parts added up."""
    whole = count_of(usage.get(f"{side}_tokens"), MOST_TOKENS)
    if whole is not None:
        return whole
    parts = usage.get(f"{side}_tokens_details")
    counts = [count_of(part, MOST_TOKENS) for part in parts.values()] if isinstance(parts, dict) else []
    return None if not counts or None in counts else sum(count or 0 for count in counts)
