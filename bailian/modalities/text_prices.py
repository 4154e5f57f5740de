"""What a text call costs: by the length of its input, and by whether the model thinks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.catalog import Model


def prices_of(model: Model, region: str) -> list[dict[str, float]]:
    """Return the prices per 1,000 tokens, cheapest tier first; empty if they are not known."""
    if region == "beijing":
        price = model.price_tiers or ([model.price_cny] if isinstance(model.price_cny, Mapping) else [])
    else:
        regional = model.region_price_cny.get(region)
        price = model.region_price_tiers.get(region) or ([regional] if isinstance(regional, Mapping) else [])
    return [dict(tier) for tier in price]


def cost_cny(facts: Mapping[str, Any], input_tokens: int, output_tokens: int) -> float | None:
    """Return the price of a call. The input's length picks one tier for all tokens (price page, mid 2026)."""
    tiers = facts.get("prices") or []
    if not tiers:
        return None
    tier = next((t for t in tiers if input_tokens <= t.get("up_to_input_tokens", float("inf"))), tiers[-1])
    output = tier.get("thinking_output", tier["output"]) if facts.get("thinking") else tier["output"]
    return round((input_tokens * float(tier["input"]) + output_tokens * float(output)) / 1000, 6)
