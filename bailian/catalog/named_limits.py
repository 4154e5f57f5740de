"""The limits of inputs that several models name, put into their tables: none of them stands twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bailian.i18n import tr


def with_limits(table: Mapping[str, Any], limits: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's table with the limits that its `inputs` name, also in a way of calling.

    Raises:
        ValueError: a name that is not there.
    """
    own = dict(table)
    if isinstance(own.get("inputs"), Mapping):
        own["inputs"] = {role: _named(value, limits) for role, value in own["inputs"].items()}
    if isinstance(own.get("ways"), Mapping):
        own["ways"] = {
            way: with_limits(inner, limits) if isinstance(inner, Mapping) else inner
            for way, inner in own["ways"].items()
        }
    return own


def _named(value: Any, limits: Mapping[str, Any], seen: tuple[str, ...] = ()) -> Any:
    """Return limits as a table; what is none stays, for the check to name it."""
    name = value.get("like") if isinstance(value, Mapping) else value
    if not isinstance(name, str):
        return value
    if name not in limits or name in seen:
        raise ValueError(tr(f"no limits are called {name!r}", f"没有名为 {name!r} 的限制"))
    under = _named(_frozen(limits[name]), limits, (*seen, name))
    own = {key: inner for key, inner in value.items() if key != "like"} if isinstance(value, Mapping) else {}
    return {**under, **own}


def _frozen(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(inner) if isinstance(inner, list) else inner for key, inner in table.items()}
