"""What the service's list of models has and the catalog has not, as a table for the user's models.toml. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bailian.catalog import Catalog, Model
from bailian.i18n import tr
from bailian.service.model_list import ListedModel

TEXT = ("Text",)
LIMITS = ("context_tokens", "max_input_tokens", "max_output_tokens")
# A name that is to become a key; the list is the network's, so nothing else does.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:+-]{0,99}")


@dataclass(frozen=True)
class Difference:
    """What to tell of one region."""

    new: tuple[ListedModel, ...]
    changed: dict[str, dict[str, tuple[int | None, int]]]
    """Model → field → (here, there)."""
    unlisted: tuple[Model, ...]
    """Not in the list, which is no proof that they ended."""
    listed_though_retired: tuple[Model, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        fields = {
            name: {field: {"here": here, "there": there} for field, (here, there) in own.items()}
            for name, own in self.changed.items()
        }
        return {
            "new": [one.wire for one in self.new],
            "different": fields,
            "not_listed": [model.name for model in self.unlisted],
            "listed_though_retired": [model.name for model in self.listed_though_retired],
        }


def difference(catalog: Catalog, listed: Sequence[ListedModel], region: str) -> Difference:
    """Compare names and lengths; the list's prices have no documented form and are not compared."""
    here = {
        model.wire_name(region): model
        for model in catalog.values()
        if region in model.regions and not model.unknown_to_service
    }
    there = {one.name: one for one in listed}
    pairs = [(model, there[name]) for name, model in here.items() if name in there]
    changed = {model.name: _changes(model, one) for model, one in pairs}
    return Difference(
        new=tuple(one for name, one in there.items() if name not in here and name not in catalog.not_callable),
        changed={name: fields for name, fields in changed.items() if fields},
        unlisted=tuple(model for name, model in here.items() if name not in there),
        listed_though_retired=tuple(model for model, _ in pairs if model.retired(catalog.today)),
    )


def _changes(model: Model, one: ListedModel) -> dict[str, tuple[int | None, int]]:
    if "text" not in model.kinds:
        return {}
    pairs = {field: (getattr(model, field), getattr(one, field)) for field in LIMITS}
    return {field: (mine, theirs) for field, (mine, theirs) in pairs.items() if theirs is not None and mine != theirs}


def as_toml(found: Difference, source: str, today: date) -> list[str]:
    """Return lines of TOML: tables for models.toml, and as comments what no table can say."""
    ours = [one for one in found.new if _NAME.fullmatch(one.name) and (one.takes, one.gives) == (TEXT, TEXT)]
    others = [one for one in found.new if one not in ours]
    head = tr(f"{source} against the catalog, {today}", f"{source} 与本地模型目录的差异，{today}")
    lines = [f"# {_plain(head)}"]
    lines += _part(tr("new: text models", "新增：文本模型"), [_table_of(one, today) for one in ours])
    unknown = tr(
        "new: the list does not tell how they are called; give kind, mode and route",
        "新增：列表未说明调用方式，请补充 kind、mode 与 route",
    )
    lines += _part(unknown, [[f"# [models.{_text(one.name)}]  # {_shape(one)}"] for one in others])
    lines += _part(tr("different", "不同"), [_change_of(name, own) for name, own in found.changed.items()])
    still = tr("listed, though retired here", "列表中仍有，但本地标记为已下线")
    lines += _part(still, [[f"# {model.name}: {model.retired_on}"] for model in found.listed_though_retired])
    gone = tr("not in the list (no proof that they ended)", "列表中没有（不代表已下线）")
    return lines + _part(gone, [[f"# {_ended(model)}"] for model in found.unlisted])


def _part(title: str, tables: Sequence[Sequence[str]]) -> list[str]:
    if not tables:
        return []
    return ["", f"# {title}: {len(tables)}", *(line for table in tables for line in table)]


def _table_of(one: ListedModel, today: date) -> list[str]:
    """Return a model that takes and gives text, called as all of them are; its price is not known."""
    limits = [f"{field} = {getattr(one, field)}" for field in LIMITS if getattr(one, field) is not None]
    return [
        f"[models.{_text(one.name)}]",
        *([f"title = {_text(one.title)}"] if one.title else []),
        'kind = "text"',
        'mode = "sync"',
        'route = "/services/aigc/text-generation/generation"',
        'style = "messages"',
        "negative_prompt_chars = 0",
        "prompt_extend = false",
        'price_unit = "1k_tokens"',
        *limits,
        f'source = "GET /api/v1/models, {today}"',
    ]


def _change_of(name: str, fields: dict[str, tuple[int | None, int]]) -> list[str]:
    was = tr("here", "本地")
    return [f"[models.{_text(name)}]", *(f"{field} = {new}  # {was}: {old}" for field, (old, new) in fields.items())]


def _ended(model: Model) -> str:
    if not model.retired_on:
        return model.name
    return tr(f"{model.name}: retired on {model.retired_on}", f"{model.name}：{model.retired_on} 下线")


def _shape(one: ListedModel) -> str:
    return _plain(f"{', '.join(one.takes) or '?'} → {', '.join(one.gives) or '?'}")


def _text(text: str) -> str:
    """Return a TOML string: JSON's is one, once nothing unprintable is in it."""
    return json.dumps(_plain(text), ensure_ascii=False)


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
