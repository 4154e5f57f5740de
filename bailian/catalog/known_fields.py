"""All that the catalog says of a model, as JSON has it."""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import fields as fields_of
from datetime import date
from typing import Any

from bailian.catalog.model import Model


def known(model: Model, today: date) -> dict[str, Any]:
    """Return every field that says something, and `life`: "living", "retiring" or "retired"."""
    usual = {one.name: one.default for one in fields_of(model)}
    fields = {
        name: value
        for name, value in asdict(model).items()
        if value not in (None, "", (), {}) and value is not False and (value or usual[name] is None)
    }
    if model.unavailable:
        fields = {name: value for name, value in fields.items() if name != "route"} | {"callable": False}
    return {**fields, "life": life_of(model, today)}


def life_of(model: Model, today: date) -> str:
    if model.retired(today):
        return "retired"
    return "retiring" if model.retired_on else "living"
