"""What a film costs: price of its tier, with or without sound, × its own seconds and those billed of what goes in.

Before: the most it can cost; a length that is not known counts as the longest taken. After: what `usage` says, in each
of its dialects (docs/wire.md "Films of today").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bailian.catalog import Model
from bailian.catalog.roles import InputLimits
from bailian.counts import MOST_SECONDS, amount_of
from bailian.i18n import tr
from bailian.modalities.video.film_inputs import FilmInput, says_type
from bailian.types import FilmContext, Notice, StoredRequest
from bailian.types.json_values import object_of

SECONDS_KEYS = ("duration", "video_duration")
"""Of these the first that is above 0 is what is billed: samples of new models carry an empty `video_duration`, too."""
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def prices_of(model: Model, region: str) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Return CNY a second by tier, with sound and without; the latter is empty where sound makes no difference."""
    price = model.price_cny if region == "beijing" else model.region_price_cny.get(region)
    silent = model.price_silent_cny if region == "beijing" else model.region_price_silent_cny.get(region, {})
    return (price if isinstance(price, Mapping) else {}), silent


def unit_cny(model: Model, region: str, tier: str, *, sound: bool) -> float | None:
    """Return the price of a second; None where it is not known."""
    prices, silent = prices_of(model, region)
    return prices.get(tier) if sound or tier not in silent else silent[tier]


def most_seconds(model: Model, inputs: Sequence[FilmInput], duration_s: int) -> float:
    """Return how many seconds can be billed at most. The model is as it is called."""
    own_s = _output_s(model, inputs, duration_s)
    billed = {id(one): _billed_s(model, one, inputs) for one in inputs}
    for group in model.together:
        members = [one for one in inputs if one.role in group["roles"]]
        together_s = sum(billed.pop(id(one), 0.0) for one in members)
        # What was measured and let in may end a frame above the limit, and is billed so.
        measured_s = sum(one.duration_s or 0.0 for one in members)
        together_s = min(together_s, max(group.get("seconds", together_s), measured_s))
        if members and "with_output_s" in group:
            left_s = group["with_output_s"] - own_s
            together_s = max(0.0, min(together_s, max(left_s, measured_s) if duration_s > 0 else left_s))
        billed[id(group)] = together_s
    return own_s + sum(billed.values())


def _output_s(model: Model, inputs: Sequence[FilmInput], duration_s: int) -> float:
    if duration_s > 0:
        return duration_s
    longest_s = float(max(model.durations_s))
    sources = [one for one in inputs if one.role == model.length_of] if duration_s == 0 else []
    for one in sources:
        limits = model.limits_of(one.role)
        most_s = (limits.billed_s if limits else None) or longest_s
        return _counted_s(one, limits, most_s)
    return longest_s


def _billed_s(model: Model, one: FilmInput, inputs: Sequence[FilmInput]) -> float:
    """Return the most seconds that are billed of one input."""
    limits = model.limits_of("reference_video" if one.guessed and not says_type(model) else one.role)
    if limits is None or not limits.billed_s:
        return 0.0
    sharing = sum(1 for other in inputs if other.role in limits.billed_shared)
    return _counted_s(one, limits, limits.billed_s / max(sharing, 1))


def _counted_s(one: FilmInput, limits: InputLimits | None, most_s: float) -> float:
    """Return the seconds of an input up to the most that counts; all of one whose length alone is the limit.

    Such a one may end a frame above its limit (`film_limits.SLACK_S`), and is billed so.
    """
    if one.duration_s is None:
        return most_s
    is_whole = limits is not None and limits.seconds is not None and most_s >= limits.seconds[1]
    return one.duration_s if is_whole else min(one.duration_s, most_s)


def price_notices(
    model: Model, region: str, tier: str, inputs: Sequence[FilmInput], *, sound: bool | None
) -> list[Notice]:
    """Say what would be cheaper, and which part of the price is not known. `sound` is None where nothing was said."""
    prices, silent = prices_of(model, region)
    told = []
    if sound is None and tier in silent:
        text = tr(
            f"with sound a second costs {prices[tier]:.7g} CNY; without (--no-audio) {silent[tier]:.7g}",
            f"有声视频每秒 {prices[tier]:.7g} 元；无声（--no-audio）每秒 {silent[tier]:.7g} 元",
        )
        told.append(Notice("silent_price", text))
    if region in model.assumed_prices and tier in prices:
        text = tr(
            f"no price of {model.name} in {region} is published; {prices[tier]:.7g} CNY a second is reckoned with",
            f"{model.name} 在 {region} 的价格未公布，按每秒 {prices[tier]:.7g} 元估算",
        )
        told.append(Notice("price_assumed", text))
    unknown = [one for one in inputs if one.duration_s is None and _billed_s(model, one, inputs)]
    if unknown:
        fields = ", ".join(dict.fromkeys(one.field for one in unknown))
        text = tr(
            f"how long {fields} lasts is not known here, and it is billed: the longest is reckoned with",
            f"无法得知 {fields} 的时长，而输入时长也计费：按最长时长估算",
        )
        told.append(Notice("length_unknown", text))
    return told


def charged_cny(answer: Mapping[str, Any], prepared: StoredRequest) -> float | None:
    """Return seconds billed × price of the tier that was billed, which need not be the one that was asked for."""
    usage = object_of(answer.get("usage"))
    price_cny = _billed_price_cny(usage, prepared)
    seconds = _billed_seconds(usage, prepared)
    return None if price_cny is None or seconds is None else round(price_cny * seconds, 6)


def _billed_price_cny(usage: Mapping[str, Any], prepared: StoredRequest) -> float | None:
    context = FilmContext.of(prepared.context)
    sound = usage.get("audio", prepared.parameters.get("audio", True))
    silent = sound is False or str(sound).lower() == "false"
    prices = {**context.prices, **(context.silent_prices if silent else {})}
    tier = _amount(str(usage.get("SR", "")).upper().removesuffix("P"))
    return prices.get(f"{tier:g}P" if tier else "", prepared.unit_cny)


def _billed_seconds(usage: Mapping[str, Any], prepared: StoredRequest) -> float | None:
    """Return the seconds that are billed; as many as asked for where no word is said of them, None where it is rubbish."""
    parts = [_amount(usage.get(key)) or 0 for key in ("input_video_duration", "output_video_duration")]
    told = [*(_amount(usage.get(key)) for key in SECONDS_KEYS), sum(parts) if parts[1] else 0]
    # No film lasts 0 s: such a figure is as good as none.
    seconds = next(filter(None, told), None)
    if seconds is None and not any(key in usage for key in (*SECONDS_KEYS, "output_video_duration")):
        return prepared.units
    return seconds


def _amount(value: object) -> float | None:
    """Return a number that may stand there as a text, too (samples of the SDK)."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    return amount_of(value, MOST_SECONDS)
