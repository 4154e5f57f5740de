"""`{sku}` in a row's texts and names → what stands in its column of that name; `{id}` in a name → the row's id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bailian.catalog import did_you_mean
from bailian.files import naming
from bailian.i18n import tr

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
NAMES = ("name", "output")
"""The options of a row that become names of files and folders."""
LABEL = "id"
# One letter more, less or other, in a word of four.
NEARNESS = 0.7


def filled(text: str, columns: Mapping[str, str]) -> str:
    """Return a text with the columns' values in it; other braces stay as they are."""
    if "{" not in text:
        return text
    return _PLACEHOLDER.sub(lambda found: columns.get(found[1].strip(), found[0]), text)


def filled_name(template: str, columns: Mapping[str, str]) -> str:
    """Return a template of a name with the columns' values in it, as they may stand in a name."""
    return filled(template, {column: naming.as_name(value) for column, value in columns.items()})


def filled_values(values: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """Return a row's values with its other columns' in their texts and, beside them, its id in its names."""
    if not columns and not any(name in values for name in NAMES):
        return dict(values)
    of_names = with_label(columns, values.get(LABEL))
    return {name: _one(value, of_names if name in NAMES else columns, name in NAMES) for name, value in values.items()}


def with_label(columns: Mapping[str, str], label: object) -> Mapping[str, str]:
    """Return the columns and the row's id, which is nothing where the row has none."""
    return {**columns, LABEL: "" if label is None else str(label)}


def check_template_of_rows(template: str | None) -> None:
    """Refuse a template for the files of many rows; what only a row can tell is checked with the row.

    Raises:
        InvalidRequest: with the allowed fields.
    """
    if template is not None and not needs_row(template):
        naming.check_template(template)


def needs_row(template: str) -> bool:
    """Return whether a template of the command names what only a row knows, or nobody."""
    return any(found not in naming.FIELDS for found in _PLACEHOLDER.findall(template))


def misspelt(text: object, columns: Mapping[str, str]) -> str:
    """Return what is wrong with a text in which a column's name is nearly right; "" if nothing is."""
    for name in _PLACEHOLDER.findall(text) if isinstance(text, str) else ():
        near = did_you_mean(name, columns, nearness=NEARNESS)
        if near and name.strip() not in columns:
            return tr(f"{{{name}}} is no column", f"{{{name}}} 不是列名") + near
    return ""


def _one(value: Any, columns: Mapping[str, str], is_name: bool) -> Any:
    if not isinstance(value, str) or not columns:
        return value
    return filled_name(value, columns) if is_name else filled(value, columns)
