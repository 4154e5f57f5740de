"""Whether an answer fits the JSON schema it was asked by: the extra `[schema]` says so."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from bailian.i18n import tr

SCHEMA_NAME = "answer"
"""The service wants a name; nothing depends on it."""


@cache
def can_check() -> bool:
    """Return whether the extra is installed."""
    from importlib.util import find_spec

    return find_spec("jsonschema") is not None


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": SCHEMA_NAME, "schema": dict(schema), "strict": True}}


def schema_of(parameters: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the schema that was sent."""
    form = parameters.get("response_format")
    inner = form.get("json_schema") if isinstance(form, Mapping) else None
    schema = inner.get("schema") if isinstance(inner, Mapping) else None
    return schema if isinstance(schema, Mapping) else None


def schema_trouble(schema: Mapping[str, Any]) -> str:
    """Return why this is no JSON schema; "" if it is one, or if nobody can say."""
    elsewhere = next((ref for ref in _references(schema) if not ref.startswith("#")), None)
    if elsewhere is not None:
        return tr(f"refers to another document ({elsewhere})", f"引用了其他文档（{elsewhere}）")
    if not can_check():
        return ""
    from jsonschema import SchemaError
    from jsonschema.validators import validator_for

    try:
        validator_for(schema).check_schema(dict(schema))
    except SchemaError as error:
        return tr(f"is no JSON schema: {error.message}", f"不是合法的 JSON Schema：{error.message}")
    return ""


def _references(value: Any) -> Iterator[str]:
    """Yield what a schema refers to: nothing is fetched for it, by us or by the service."""
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    if isinstance(value, Mapping) and isinstance(value.get("$ref"), str):
        yield value["$ref"]
    for one in inner:
        yield from _references(one)


def not_json(text: str) -> str:
    """Return why an answer is no JSON; "" if it is."""
    try:
        json.loads(text)
    except ValueError as error:
        return tr(f"it is no JSON: {error}", f"不是 JSON：{error}")
    return ""


def misfit(text: str, schema: Mapping[str, Any]) -> str:
    """Return where an answer does not fit; "" if it fits, or if nobody can say."""
    if not can_check():
        return ""
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for

    if no_json := not_json(text):
        return no_json
    worst = best_match(validator_for(schema)(schema).iter_errors(json.loads(text)))
    if worst is None:
        return ""
    where = "/".join(str(step) for step in worst.absolute_path)
    return f"{where}: {worst.message}" if where else worst.message
