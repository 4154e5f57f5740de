"""What was found of models, written into the user's models.toml."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from bailian.errors import SaveError
from bailian.i18n import reason_of, tr
from bailian.selftest.compared import Finding
from bailian.text.toml_files import read_toml

FILE = "models.toml"


def found_of(findings: Iterable[Finding]) -> dict[str, dict[str, Any]]:
    """Return the found fields by model."""
    found: dict[str, dict[str, Any]] = {}
    for one in findings:
        if one.update and one.subject:
            found.setdefault(one.subject, {}).update(one.update)
    return found


def write_found(found: Mapping[str, Mapping[str, Any]], home: Path, day: date) -> tuple[list[str], list[str]]:
    """Add tables to the user's models.toml; return the models that were written, and those that have a table there
    already: what a person has written stays.

    Raises:
        SetupError: the file cannot be read, or is no TOML.
        SaveError: it cannot be written.
    """
    path = home / FILE
    own = read_toml(path).get("models", {})
    before = path.read_text(encoding="utf-8-sig") if path.exists() else ""
    new = {name: fields for name, fields in found.items() if name not in own}
    if new:
        head = tr(f"# found by `bailian selftest` on {day}", f"# 由 `bailian selftest` 于 {day} 发现")
        tables = [line for name, fields in new.items() for line in ("", head, *_table(name, fields))]
        text = "\n".join([*([before.rstrip("\n")] if before else []), *tables, ""]).lstrip("\n")
        _replace(path, text)
    return list(new), [name for name in found if name in own]


def _table(name: str, fields: Mapping[str, Any]) -> list[str]:
    return [f"[models.{json.dumps(name)}]", *(f"{field} = {_value(value)}" for field, value in fields.items())]


def _value(value: Any) -> str:
    return str(value) if isinstance(value, date) else json.dumps(value)


def _replace(path: Path, text: str) -> None:
    aside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise SaveError(
            tr(f"cannot write {path}: {reason_of(error)}", f"无法写入 {path}：{reason_of(error)}")
        ) from None
