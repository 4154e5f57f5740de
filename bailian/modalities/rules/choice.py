"""From the model a user names, or none, to the model that is sent; and what there is to say about its name and life.

A default is a list, the seed document's name first: the first that lives on the catalog's day is taken. A name that the
user gives is sent as given; only `Catalog.use_successor` exchanges one that is retired.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from bailian.catalog import Catalog, Model
from bailian.i18n import tr
from bailian.instructions import how_to
from bailian.types import Notice, Retirement

# The vendor announces an end three months ahead (model-depreciation page, 2026-07). An end that is known earlier is
# shown by `bailian models`, but is no note of every request yet: `--strict` would refuse them all.
NOTICE_PERIOD = timedelta(days=92)


@dataclass(frozen=True)
class Chosen:
    """The model that is sent."""

    model: Model
    instead_of: Model | None = None
    """The usual default, or the model that the user named: retired, and not sent."""
    by_user: bool = False
    """The user named a model."""
    name: str = ""
    """As the user wrote it, which may be a region's name for it."""

    @property
    def as_named(self) -> bool:
        """Return whether the user named the very model that is sent."""
        return self.by_user and self.instead_of is None


def choose(name: str | None, kind: str, defaults: tuple[str, ...], catalog: Catalog, region: str) -> Chosen:
    """Return the model for a request of this kind; `name` is None where the user named none.

    Raises:
        InvalidRequest: no such model, or one of another kind.
    """
    if name is None:
        return _default([catalog.find(default, kind) for default in defaults], catalog, region)
    model = catalog.find(name, kind)
    if catalog.use_successor and model.retired(catalog.today):
        successor = catalog.successor_of(model, region)
        if successor is not None:
            return Chosen(successor, instead_of=model, by_user=True)
    return Chosen(model, by_user=True, name=name)


def _default(models: list[Model], catalog: Catalog, region: str) -> Chosen:
    """Return the first that lives; of none, the first successor that does; else the last, for the service to judge."""
    usual = models[0]
    living = [model for model in models if not model.retired(catalog.today)]
    successors = [following for model in models if (following := catalog.successor_of(model, region)) is not None]
    taken = next(iter([*living, *successors]), models[-1])
    return Chosen(taken) if taken.name == usual.name else Chosen(taken, instead_of=usual)


def notices(chosen: Chosen, wire_model: str, region: str, catalog: Catalog) -> list[Notice]:
    """Return what to know about a model's name and life."""
    model, told = chosen.model, []
    if chosen.instead_of is not None:
        told.append(_alternatives(chosen.instead_of, model, region, by_user=chosen.by_user))
    if wire_model not in (model.name, chosen.name):
        text = tr(f"{model.name} is called {wire_model} in {region}", f"{model.name} 在 {region} 的名称是 {wire_model}")
        told.append(Notice("name_in_region", text))
    if (life := _life(model, catalog, region)) is not None:
        told.append(life)
    if model.unknown_to_service:
        text = tr(f"the service has never listed {model.name}; sent as named", f"服务从未列出 {model.name}，按原名发送")
        told.append(Notice("unknown_name", text))
    return told


def _alternatives(retired: Model, sent: Model, region: str, *, by_user: bool) -> Notice:
    english, chinese = _ended(retired)
    if by_user:
        price = _price(sent, region)
        told = f" ({price})" if price else ""
        return Notice(
            "successor_sent", tr(f"{english}; {sent.name} is sent{told}", f"{chinese}；改用 {sent.name} 发送{told}")
        )
    return Notice(
        "default_model",
        tr(
            f"{english}; the default is now {sent.name} (--model takes another)",
            f"{chinese}；默认模型现为 {sent.name}（可用 --model 指定其他模型）",
        ),
    )


def _price(model: Model, region: str) -> str:
    """Return what a model costs, for a sentence; "" where that is not known."""
    price = model.price_cny if region == "beijing" else model.region_price_cny.get(region)
    if price is None:
        return ""
    unit = {"image": "image", "second": "s", "10k_characters": "10,000 characters", "1k_tokens": "1,000 tokens"}
    shown = (
        _plain(price)
        if isinstance(price, int | float)
        else ", ".join(f"{name} {_plain(cny)}" for name, cny in price.items())
    )
    return f"{shown} CNY / {unit.get(model.price_unit, model.price_unit)}"


def _plain(cny: float) -> str:
    return f"{cny:.8f}".rstrip("0").rstrip(".")


def _ended(model: Model) -> tuple[str, str]:
    return f"{model.name} was retired on {model.retired_on}", f"{model.name} 已于 {model.retired_on} 下线"


def _life(model: Model, catalog: Catalog, region: str) -> Notice | None:
    if model.retired(catalog.today):
        english, chinese = _ended(model)
        following = catalog.successor_of(model, region)
        if following is not None:
            english += f"; use {following.name}: --use-successor"
            chinese += f"；请改用 {following.name}：--use-successor"
        return Notice("model_retired", tr(english, chinese))
    if not model.retired_on and not model.successor:
        return None
    if model.retired_on:
        if date.fromisoformat(model.retired_on) - catalog.today > NOTICE_PERIOD:
            return None
        text = tr(f"{model.name} retires on {model.retired_on}", f"{model.name} 将于 {model.retired_on} 下线")
    else:
        text = tr(f"{model.name} is no longer developed", f"{model.name} 已不再更新")
    successor = tr(f"; use {model.successor}", f"；请改用 {model.successor}") if model.successor else ""
    return Notice("model_retired", text + successor)


def retirement(chosen: Chosen, catalog: Catalog, region: str) -> Retirement | None:
    """Return what a refusal of a retired name is answered with; None for a model whose end is not known."""
    model = chosen.model
    if not model.retired_on:
        return None
    english, chinese = _ended(model)
    following = catalog.successor_of(model, region)
    advice = (
        tr(
            f"run it with --use-successor, or with --model {following.name}",
            f"请加上 --use-successor，或使用 --model {following.name}",
        )
        if following is not None
        else tr(f"`{how_to().models()}` lists what lives", f"`{how_to().models()}` 列出仍在服务的模型")
    )
    return Retirement(model.retired_on, tr(english, chinese), advice)
