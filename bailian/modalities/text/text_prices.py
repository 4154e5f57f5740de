"""What a text call costs: by the length of its input, whether the model thinks, and when it was sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from bailian.catalog import Model
from bailian.modalities.text.text_request import LONGEST_THOUGHT_TOKENS
from bailian.types import PriceTier, TextContext

BEIJING = timezone(timedelta(hours=8))
PEAK_HOURS = range(8, 22)
"""Some models cost less from 22:00 to 08:00 in Beijing (model cards, autumn 2026)."""
SEARCH_CNY = 0.003
"""A search of the strategy "turbo" (web search page, autumn 2026)."""
SEARCH_TOKENS = 10_000
"""What a search finds is read, and paid, as input; how much it is, nobody says: a guess for estimates."""


def prices_of(model: Model, region: str) -> tuple[PriceTier, ...]:
    """Return the prices per 1,000 tokens, cheapest tier first; empty if they are not known."""
    if region == "beijing":
        price = model.price_tiers or ([model.price_cny] if isinstance(model.price_cny, Mapping) else [])
    else:
        regional = model.region_price_cny.get(region)
        price = model.region_price_tiers.get(region) or ([regional] if isinstance(regional, Mapping) else [])
    tiers = [PriceTier.from_json(tier) for tier in price]
    return tuple(tier for tier in tiers if tier)


def cost_cny(
    context: TextContext,
    input_tokens: int,
    output_tokens: int,
    *,
    cached_tokens: int = 0,
    searches: int = 0,
    sent_at_s: float | None = None,
) -> float | None:
    """Return the price of a call. The input's length picks one tier for all tokens (price page, mid 2026).

    Args:
        cached_tokens: how many of `input_tokens` the service has found in its cache.
        sent_at_s: when it was sent; None: by day, when it is dearest.
    """
    tiers = context.prices
    if not tiers:
        return None
    tier = next((t for t in tiers if t.up_to_input_tokens is None or input_tokens <= t.up_to_input_tokens), tiers[-1])
    if sent_at_s is not None and not is_peak(sent_at_s):
        tier = tier.off_peak()
    output_cny = tier.output if tier.thinking_output is None or not context.thinking else tier.thinking_output
    cached_cny = tier.input if tier.cached_input is None else tier.cached_input
    cached = min(cached_tokens, input_tokens)
    tokens_cny = (input_tokens - cached) * tier.input + cached * cached_cny + output_tokens * output_cny
    return round(tokens_cny / 1000 + searches * context.search_cny, 6)


def ceiling_cny(context: TextContext, input_tokens: int, output_tokens: int) -> float | None:
    """Return what a call costs at most, with what it may find on the web."""
    searches = 1 if context.search_cny else 0
    return cost_cny(context, input_tokens + searches * SEARCH_TOKENS, output_tokens, searches=searches)


def longest_answer(parameters: Mapping[str, Any], *, thinks: bool) -> int:
    """Return how many tokens an answer has at most, by what is sent; thoughts are paid, too."""
    thought = (parameters.get("thinking_budget") or LONGEST_THOUGHT_TOKENS) if thinks else 0
    return int(parameters["max_tokens"]) + thought


def is_peak(at_s: float) -> bool:
    """Return whether a moment lies in the dear hours of the day."""
    return datetime.fromtimestamp(at_s, BEIJING).hour in PEAK_HOURS
