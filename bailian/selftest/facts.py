"""The facts that are compared, read from `facts.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from bailian.text.toml_files import parse_toml


@dataclass(frozen=True)
class Ask:
    """A question that is free, and the answer that is expected."""

    id: str
    method: str
    path: str
    status: int
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    key: bool = True
    """False: it is asked without the key."""
    task: bool = False
    """It has the header of a task."""
    code: str = ""
    message: str = ""
    paths: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BadSize:
    """What models say of a size that none has."""

    id: str
    models: tuple[str, ...]
    code: str
    numbers: tuple[int, ...]
    field: str
    """What the numbers are: "side_px", "pixels" or "sizes"."""


@dataclass(frozen=True)
class Call:
    """The cheapest request of a kind, and what must be in its answer."""

    id: str
    kind: str
    fields: Mapping[str, Any]
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    asks: tuple[Ask, ...]
    sizes: tuple[BadSize, ...]
    calls: tuple[Call, ...]

    @property
    def ids(self) -> list[str]:
        return [*(one.id for one in self.asks), *(one.id for one in self.sizes), *(one.id for one in self.calls)]


@cache
def facts() -> Facts:
    """Return all of them, in their order."""
    data = parse_toml(files("bailian.selftest").joinpath("facts.toml").read_text(encoding="utf-8"))
    return Facts(
        asks=tuple(Ask(**_tuples(one)) for one in data["ask"]),
        sizes=tuple(BadSize(**_tuples(one)) for one in data["size"]),
        calls=tuple(Call(**_tuples(one)) for one in data["call"]),
    )


def _tuples(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
