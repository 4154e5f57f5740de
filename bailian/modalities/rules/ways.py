"""A model as it is called: drawing, with pictures, for a set of them, for a text with pictures in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bailian.catalog import Catalog, Model
from bailian.errors import Problem
from bailian.i18n import tr

# What all pictures have whose model lists no parameters; the model's own fields say what it lacks of them.
USUAL = ("size", "n", "seed", "watermark", "prompt_extend", "negative_prompt")
ASKED_FOR = ("set", "interleave")
"""Ways that a model must have to be called so; any model that takes pictures can be called with them."""


def called(model: Model, ways: Iterable[str]) -> Model:
    """Return the model with the fields that are different when it is called in these ways."""
    for way in ways:
        model = replace(model, **dict(model.ways.get(way, {})))
    return model


def documents(model: Model, parameter: str) -> bool:
    """Return whether the service's page lists a parameter for this model."""
    return parameter in (model.parameters or USUAL)


def way_problems(model: Model, ways: Iterable[str], catalog: Catalog) -> list[Problem]:
    """Refuse a set, or interleaving, of a model that has none; the text names those that have."""
    problems = []
    for way in ways:
        if way in ASKED_FOR and way not in model.ways:
            able = ", ".join(one.name for one in catalog.of_kind(model.kind) if way in one.ways) or "-"
            what = tr("picture sets", "组图") if way == "set" else tr("texts with pictures in them", "图文混排")
            text = tr(f"{model.name} makes no {what}; {able} can", f"{model.name} 不支持{what}；可用 {able}")
            problems.append(Problem(way, text))
    return problems
