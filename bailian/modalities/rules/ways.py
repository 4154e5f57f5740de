"""A model as it is called: drawing, with pictures, for a set of them, for a text with pictures in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bailian.catalog import Catalog, Model
from bailian.errors import Problem
from bailian.i18n import tr

# What all pictures have whose model lists no parameters; the model's own fields say what it lacks of them.
USUAL = ("size", "n", "seed", "watermark", "prompt_extend", "negative_prompt")
SWITCHES = {"set": "enable_sequential", "interleave": "enable_interleave"}
"""A way that a model must have to be called so → the parameter that asks for it, without which it would be another call."""


def called(model: Model, ways: Iterable[str]) -> Model:
    """Return the model with the fields that are different when it is called in these ways."""
    for way in ways:
        model = replace(model, **dict(model.ways.get(way, {})))
    return model


def documents(model: Model, parameter: str) -> bool:
    """Return whether the service's page lists a parameter for this model."""
    return parameter in (model.parameters or USUAL)


def has_way(model: Model, way: str) -> bool:
    """Return whether a model can be called so."""
    return way not in SWITCHES or documents(called(model, [way]), SWITCHES[way])


def way_problems(model: Model, ways: Iterable[str], catalog: Catalog) -> list[Problem]:
    """Refuse a set, or interleaving, of a model that has none; the text names those that have."""
    problems = []
    for way in ways:
        if not has_way(model, way):
            able = ", ".join(one.name for one in catalog.of_kind(model.kind) if has_way(one, way)) or "-"
            what = tr("picture sets", "组图") if way == "set" else tr("texts with pictures in them", "图文混排")
            text = tr(f"{model.name} makes no {what}; {able} can", f"{model.name} 不支持{what}；可用 {able}")
            problems.append(Problem(way, text))
    return problems
