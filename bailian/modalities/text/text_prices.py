"""What a text call costs: by the length of its input, and by whether the model thinks."""

from __future__ import annotations

from collections.abc import Mapping

from bailian.catalog import Model
from bailian.types import PriceTier, TextContext


def prices_of(model: Model, region: str) -> tuple[PriceTier, ...]:
    """Return the prices per 1,000 tokens, cheapest tier first; empty if they are not known."""
    if region == "beijing":
        price = model.price_tiers or ([model.price_cny] if isinstance(model.price_cny, Mapping) else [])
    else:
        regional = model.region_price_cny.get(region)
        price = model.region_price_tiers.get(region) or ([regional] if isinstance(regional, Mapping) else [])
    tiers = [PriceTier.from_json(tier) for tier in price]
    return tuple(tier for tier in tiers if tier)


def cost_cny(context: TextContext, input_tokens: int, output_tokens: int) -> float | None:
    """Return the price of a call. The input's length picks one tier for all tokens (price page, mid 2026)."""
    tiers = context.prices
    if not tiers:
        return None
    tier = next((t for t in tiers if t.up_to_input_tokens is None or input_tokens <= t.up_to_input_tokens), tiers[-1])
    output_cny = tier.output if tier.thinking_output is None or not context.thinking else tier.thinking_output
    return round((input_tokens * float(tier.input) + output_tokens * float(output_cny)) / 1000, 6)
