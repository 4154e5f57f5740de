"""Tables of TOML become models: one file a kind in the package, each parsed once a process.

A table may say `like = "other-model"`: it starts from that model's fields and overrides what it names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from bailian.catalog.model import KINDS, Model
from bailian.catalog.named_limits import with_limits
from bailian.i18n import tr
from bailian.text.toml_files import parse_toml

# What is true of one name alone: `like` does not pass it on.
OF_ONE_NAME = ("retired_on", "successor", "retirement_notice", "unknown_to_service", "aliases")
PACKAGE_FILES = tuple(Path(__file__).with_name("models") / f"{kind}.toml" for kind in KINDS)


@cache
def package_models(kinds: Collection[str]) -> tuple[tuple[Model, ...], date | None]:
    """Return the package's own models of some kinds, and the day as of which they were written: built once a process."""
    tables, limits, as_of = read_tables(path for path in PACKAGE_FILES if path.stem in kinds)
    return tuple(build_model(name, tables, limits) for name in tables), as_of


def read_tables(paths: Iterable[Path]) -> tuple[dict[str, dict[str, Any]], dict[str, Any], date | None]:
    """Return the package's own tables, the limits that several of them name, and the day as of which they were written:
    that of the oldest file."""
    tables: dict[str, dict[str, Any]] = {}
    limits: dict[str, Any] = {}
    days = []
    for path in paths:
        own, own_limits, as_of = package_file(path)
        tables |= own
        limits |= own_limits
        days += [as_of] if as_of else []
    return tables, limits, min(days, default=None)


@cache
def package_file(path: Path) -> tuple[Mapping[str, dict[str, Any]], Mapping[str, Any], date | None]:
    """Return a package file's tables, limits and day: parsed once a process, and changed by nobody."""
    content = parse_toml(path.read_text(encoding="utf-8"))
    limits = content.pop("limits", {})
    tables, as_of = tables_of(content)
    return tables, limits, as_of


def tables_of(content: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], date | None]:
    """Return the tables of a file, and the day as of which it was written."""
    as_of = content.pop("as_of", None)
    models = content.get("models", {})
    unknown = [name for name in content if name != "models"]
    wrong = (
        [name for name, table in models.items() if not isinstance(table, dict)] if isinstance(models, dict) else [""]
    )
    if unknown or wrong:
        raise ValueError(
            tr('every table must be [models."NAME"]', '每个表都应写成 [models."模型名"]') + f": {(unknown + wrong)[0]}"
        )
    tables = {name: _with_kinds(name, table) for name, table in models.items()}
    return tables, as_of if isinstance(as_of, date) else None


def _with_kinds(name: str, table: dict[str, Any]) -> dict[str, Any]:
    """Return a table with `kinds` where it says `kind`, so that one of them overrides the other."""
    if "kind" not in table:
        return table
    if "kinds" in table:
        raise ValueError(
            tr(f"model {name}: kind and kinds are the same: give one", f"模型 {name}：kind 与 kinds 相同，只需给出一个")
        )
    return {"kinds": [table["kind"]], **{key: value for key, value in table.items() if key != "kind"}}


def build_model(name: str, tables: Mapping[str, Mapping[str, Any]], limits: Mapping[str, Any]) -> Model:
    own = with_limits(_fields_of(name, tables, ()), limits)
    kinds = own.get("kinds")
    return Model(name=name, **{"kind": kinds[0] if isinstance(kinds, tuple) and kinds else "", **own})


def _fields_of(name: str, tables: Mapping[str, Mapping[str, Any]], seen: tuple[str, ...]) -> dict[str, Any]:
    own: dict[str, Any] = {key: _frozen(value) for key, value in tables[name].items()}
    parent = own.pop("like", None)
    if parent is None:
        return {"mode": "", "route": "", **own}
    if not isinstance(parent, str) or parent not in tables or parent in (*seen, name):
        raise ValueError(
            tr(
                f"model {name}: `like` names {parent!r}, which is not there",
                f"模型 {name}：like 所指的 {parent!r} 不存在",
            )
        )
    inherited = _fields_of(parent, tables, (*seen, name))
    return laid_over({key: value for key, value in inherited.items() if key not in OF_ONE_NAME}, own)


def laid_over(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with another over it, field by field; so are the fields of each way of calling."""
    ways = {way: dict(own) for way, own in _ways_of(under).items()}
    for way, own in _ways_of(over).items():
        ways[way] = {**ways.get(way, {}), **own}
    readable = "ways" not in over or _ways_of(over) == over["ways"]
    return {**under, **over, **({"ways": ways} if ways and readable else {})}


def _ways_of(table: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what is different in each way of calling, as far as it is a table; a check names the rest."""
    ways = table.get("ways")
    return {way: own for way, own in ways.items() if isinstance(own, Mapping)} if isinstance(ways, Mapping) else {}


def _frozen(value: Any) -> Any:
    """Return TOML's lists as tuples and dates as text, also inside tables."""
    if isinstance(value, dict):
        return {key: _frozen(inner) for key, inner in value.items()}
    if isinstance(value, date):
        return value.isoformat()  # of a time, too: it is no date then
    return tuple(_frozen(inner) for inner in value) if isinstance(value, list) else value
