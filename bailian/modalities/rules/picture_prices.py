"""What pictures cost where the price goes by area, or where pictures that go in are paid too.

Before: the most it can cost. After: what `usage` says, in each of its dialects (docs/wire.md "Pictures of today").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.catalog import Model
from bailian.counts import MOST_PICTURES, count_of
from bailian.i18n import tr
from bailian.modalities.rules.fields import parse_size
from bailian.types import Notice, PicturePrices, StoredRequest
from bailian.types.json_values import object_of, objects_of

# A side beyond this is rubbish.
MOST_SIDE_PX = 100_000


def output_cny(model: Model, region: str, size: str) -> float | None:
    """Return the price of one picture: of the size, or the dearest where it may become another."""
    price = _regional(model, region)
    if not isinstance(price, Mapping):
        return None if price is None else float(price)
    sides = parse_size(size)
    if sides is None or not model.size_kept:
        return max(price.values())
    return price[class_of(sides[0] * sides[1], model.price_max_px, tuple(price))]


def input_cny(model: Model, region: str) -> float:
    """Return the price of one picture that goes in; 0 where it is free."""
    price = model.price_input_image_cny if region == "beijing" else model.region_price_input_image_cny.get(region)
    return price or 0.0


def _regional(model: Model, region: str) -> float | Mapping[str, float] | None:
    return model.price_cny if region == "beijing" else model.region_price_cny.get(region)


def class_of(pixels: int, max_px: Mapping[str, float], classes: tuple[str, ...]) -> str:
    """Return the price class of a picture: the smallest that holds it, else the one without a bound."""
    bounded = sorted((limit, name) for name, limit in max_px.items() if name in classes and pixels <= limit)
    return bounded[0][1] if bounded else next((name for name in classes if name not in max_px), classes[-1])


def prices_of(model: Model, region: str) -> PicturePrices | None:
    """Return what settling needs; nothing where it is pictures times one price."""
    price = _regional(model, region)
    if price is None or not (isinstance(price, Mapping) or input_cny(model, region)):
        return None
    output = dict(price) if isinstance(price, Mapping) else {"": price}
    return PicturePrices(output, dict(model.price_max_px), input_cny(model, region))


def settled_cny(prices: PicturePrices, usage: Mapping[str, Any], good: int, prepared: StoredRequest) -> float:
    """Return what an answer with so many good pictures costs. What `usage` leaves open is reckoned as before sending."""
    made = _count(usage, "output_image_count", "image_count")
    given = _count(usage, "input_image_count")
    pictures = good if made is None or made < good else made
    went_in = _pictures_in(prepared.body) if given is None else given
    return round(_output_cny(prices, usage, prepared) * pictures + prices.input * went_in, 6)


def _output_cny(prices: PicturePrices, usage: Mapping[str, Any], prepared: StoredRequest) -> float:
    output = prices.output
    if "" in output:
        return output[""]
    told = str(usage.get("output_image_type") or "").rpartition("_")[2].upper()
    if told not in output:
        pixels = _pixels(usage)
        if pixels is None:
            return max(output.values()) if prepared.unit_cny is None else prepared.unit_cny
        told = class_of(pixels, prices.max_px, tuple(output))
    return output[told]


def _pixels(usage: Mapping[str, Any]) -> int | None:
    for width, height in (("output_width", "output_height"), ("width", "height")):
        sides = [_whole(usage.get(name), MOST_SIDE_PX) for name in (width, height)]
        if all(sides):
            return (sides[0] or 0) * (sides[1] or 0)
    size = parse_size(str(usage.get("size")))
    return size[0] * size[1] if size else None


def _count(usage: Mapping[str, Any], *names: str) -> int | None:
    return next((count for name in names if (count := _whole(usage.get(name), MOST_PICTURES)) is not None), None)


def _whole(value: object, most: int) -> int | None:
    """Return a count that may stand there as a text, too (samples of the SDK)."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        return count_of(int(value), most)
    return count_of(value, most)


def _pictures_in(body: Mapping[str, Any]) -> int:
    """Return how many pictures a body of ours holds."""
    messages = object_of(body.get("input")).get("messages")
    parts = [part for message in objects_of(messages) for part in objects_of(message.get("content"))]
    return sum(1 for part in parts if "image" in part)


def price_notices(model: Model, region: str, pictures: int, unit_cny: float | None) -> list[Notice]:
    """Say which part of the price is not the vendor's own word."""
    told = []
    if region in model.assumed_prices:
        told.append(
            tr(
                f"no price of {model.name} in {region} is published; {unit_cny or 0:g} CNY a picture is reckoned with",
                f"{model.name} 在 {region} 的价格未公布，按每张 {unit_cny or 0:g} 元估算",
            )
        )
    if pictures and "input_image" in model.assumed_prices:
        told.append(
            tr(
                f"what {model.name} bills for a picture that goes in is not published; {input_cny(model, region):g} CNY "
                "is reckoned with",
                f"{model.name} 的输入图片价格未公布，按每张 {input_cny(model, region):g} 元估算",
            )
        )
    if isinstance(_regional(model, region), Mapping) and not model.size_kept:
        told.append(
            tr(
                f"whether {model.name} keeps to a size is not known: up to {unit_cny or 0:g} CNY a picture",
                f"未证实 {model.name} 是否遵守指定尺寸：每张最高 {unit_cny or 0:g} 元",
            )
        )
    return [Notice("price_assumed", text) for text in told]
