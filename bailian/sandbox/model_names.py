"""What the sandbox takes from a catalog: names, their kinds, the days they end, and the account's limits.

Sizes, prompts and every other rule are the sandbox's own, in each service's `models.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

SNAPSHOT = re.compile(r"(.+)-20\d\d-\d\d-\d\d")


class Limits(Protocol):
    """The limits that an entry of a catalog has."""

    @property
    def submit_per_s(self) -> float | None: ...
    @property
    def running_limit(self) -> int | None: ...
    @property
    def queue_limit(self) -> int | None: ...


@dataclass(frozen=True)
class ModelName:
    """One name of the service, as Beijing has it."""

    name: str
    kinds: tuple[str, ...]
    path: str
    """Of its endpoint."""
    retired_on: str
    """ISO date, or empty."""
    entry: Any = field(repr=False)


def names_of(catalog: Mapping[str, Any]) -> dict[str, ModelName]:
    """Return the names of a catalog that the service has; a region's own name stands for Beijing's."""
    names: dict[str, ModelName] = {}
    for name, entry in catalog.items():
        if getattr(entry, "unknown_to_service", False):
            continue
        here = str(getattr(entry, "aliases", {}).get("beijing", name))
        kinds = tuple(getattr(entry, "kinds", ())) or (str(getattr(entry, "kind", "")),)
        path = "/" + str(getattr(entry, "route", "")).strip("/")
        names[here] = ModelName(here, kinds, path, str(getattr(entry, "retired_on", "") or ""), entry)
    return names


def with_packaged(models: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the package's catalog with these entries over it; an entry of limits alone adds no facts to a name."""
    packaged = _packaged()
    return {
        **packaged,
        **{name: entry for name, entry in models.items() if hasattr(entry, "kinds") or name not in packaged},
    }


@lru_cache(maxsize=1)
def _packaged() -> Mapping[str, Any]:
    """Read the catalog once a process: it is most of what a sandbox's start costs."""
    from bailian.catalog import load

    catalog = load()
    return {**catalog, **catalog.not_callable}


@lru_cache(maxsize=1)
def _vendor_names() -> tuple[str, ...]:
    lines = Path(__file__).with_name("vendor_names.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


def is_vendors(name: str) -> bool:
    """Return whether the vendor has a model of this name that the sandbox does not imitate."""
    return any(fnmatchcase(name, pattern) for pattern in _vendor_names())


def retired_names(
    names: Mapping[str, ModelName], day: date | None, known: Iterable[str], own_ends: Mapping[str, str]
) -> frozenset[str]:
    """Return the names that are retired on a day; None: everything is served.

    `own_ends`: the days of names that the catalog lacks. Of all `known` names, dated snapshots end with their model (notice 118434 of 2026-07-10 names both).
    """
    if day is None:
        return frozenset()
    ends = {**own_ends, **{name: entry.retired_on for name, entry in names.items()}}
    gone = {name for name, end in ends.items() if end and end <= day.isoformat()}
    return frozenset(gone | {name for name in known if (dated := SNAPSHOT.fullmatch(name)) and dated[1] in gone})
