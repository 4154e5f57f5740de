"""Makes a value that fits a JSON schema, always the same one for the same words.

It knows what a schema for an answer has: types, properties, items, choices, bounds, formats, patterns, references.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from bailian.sandbox.http.refusals import invalid

DEPTH_MAX = 12
_FORMATS = {
    "date": "2026-11-28",
    "date-time": "2026-11-28T12:00:00Z",
    "time": "12:00:00Z",
    "email": "sandbox@example.com",
    "uri": "https://example.com/sandbox",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "127.0.0.1",
    "hostname": "example.com",
}


def fitting(schema: Mapping[str, Any], words: str) -> Any:
    """Return a value that fits.

    Raises:
        Refusal: the schema is too deep, or refers to what is not there.
    """
    return _Maker(schema, words).value(schema, 0)


class _Maker:
    def __init__(self, root: Mapping[str, Any], words: str) -> None:
        self._root = root
        self._words = words

    def value(self, schema: Any, depth: int) -> Any:
        if depth > DEPTH_MAX:
            raise invalid("The json_schema is nested too deeply.")
        if not isinstance(schema, Mapping):  # true: anything fits
            return self._words
        schema = self._whole(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]
        kind = _type_of(schema)
        if kind in ("boolean", "null"):
            return True if kind == "boolean" else None
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        return self._number(schema) if kind in ("integer", "number") else self._string(schema)

    def _whole(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the schema with its reference, its first choice and all its parts in it."""
        merged: dict[str, Any] = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
        parts = [self._referred(str(schema["$ref"]))] if "$ref" in schema else []
        for choice in ("anyOf", "oneOf"):
            parts += merged.pop(choice, [])[:1]
        for part in [*parts, *schema.get("allOf", [])]:
            whole = self._whole(part) if isinstance(part, Mapping) else {}
            properties = {**whole.get("properties", {}), **merged.get("properties", {})}
            required = [*whole.get("required", []), *merged.get("required", [])]
            merged = {**whole, **merged}
            merged |= {"properties": properties} if properties else {}
            merged |= {"required": required} if required else {}
        return merged

    def _referred(self, reference: str) -> Any:
        found: Any = self._root
        for step in reference.removeprefix("#").strip("/").split("/"):
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        if found is None or not reference.startswith("#/"):
            raise invalid(f"The json_schema has no {reference}.")
        return found

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """Every property; one that leads too deep is left out unless it is required (a tree needs an end)."""
        required = schema.get("required", [])
        made: dict[str, Any] = {}
        for name, of_one in schema.get("properties", {}).items():
            if name in required or depth < DEPTH_MAX // 3:
                made[name] = self.value(of_one, depth + 1)
        for name in required:
            made.setdefault(name, self._words)
        return made

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        fewest = int(schema.get("minItems", 0 if depth >= DEPTH_MAX // 3 else 1))
        count = min(fewest, int(schema.get("maxItems", fewest)))
        first = schema.get("prefixItems", [])[:count] or []
        made = [self.value(of_one, depth + 1) for of_one in first]
        items = schema.get("items", True)
        rest = range(len(made), count)
        return made + [_another(self.value(items, depth + 1), number, schema) for number in rest]

    def _string(self, schema: Mapping[str, Any]) -> str:
        text = _FORMATS.get(str(schema.get("format")), self._words)
        if "pattern" in schema:
            text = _matching(str(schema["pattern"]), text)
        text = text.ljust(int(schema.get("minLength", 0)), "…")
        return text[: int(schema.get("maxLength", len(text)))]

    def _number(self, schema: Mapping[str, Any]) -> int | float:
        step = schema.get("multipleOf") or 1
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        least = 1 if low is None and high is None else low if low is not None else high - 10 * step
        if low is not None and low < step and (high is None or step < high):
            least = step  # a small number is a nicer answer than the lowest one
        value = math.ceil(least / step) * step
        if value == schema.get("exclusiveMinimum"):
            value += step
        too_high = high is not None and (value > high or value == schema.get("exclusiveMaximum"))
        if too_high and low is not None and _type_of(schema) == "number":
            return (float(low) + float(high)) / 2  # no whole step between the bounds
        return int(value) if _type_of(schema) == "integer" else value


def _type_of(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return next((str(one) for one in kind if one != "null"), "null")
    if kind is None:
        return "object" if "properties" in schema else "array" if "items" in schema else "string"
    return str(kind)


def _another(value: Any, number: int, schema: Mapping[str, Any]) -> Any:
    """Make the items of a list differ where they must."""
    if not schema.get("uniqueItems") or number == 0:
        return value
    return f"{value} {number + 1}" if isinstance(value, str) else value + number if isinstance(value, int) else value


def _matching(pattern: str, text: str) -> str:
    """Return a text that a pattern finds; one that is too clever for this gets the text itself."""
    try:
        if re.search(pattern, text):
            return text
        made = _unrolled(pattern)
        return made if re.search(pattern, made) else text
    except (re.error, IndexError, ValueError):
        return text


_CLASS = re.compile(
    r"\\d|\\w|\\s|\[(\^?)((?:\\.|[^\]])+)\]|\\(.)|\((?:\?:)?([^()|]*)(?:\|[^()]*)?\)|(\.)|([^\\\[\](){}])"
)
_TIMES = re.compile(r"\{(\d+)(?:,\d*)?\}|[+*?]")


def _unrolled(pattern: str) -> str:
    """Write the shortest plain text of a simple pattern: classes, repeats, flat groups."""
    made, at = "", 0
    body = pattern.strip("^$")
    while at < len(body):
        piece = _CLASS.match(body, at)
        if piece is None:
            raise ValueError(pattern)
        at = piece.end()
        times = _TIMES.match(body, at)
        at = times.end() if times else at
        count = int(times[1]) if times and times[1] else 0 if times and times[0] in "*?" else 1
        made += _one(piece) * count
    return made


def _one(piece: re.Match[str]) -> str:
    if piece[0] in ("\\d", "\\w", "\\s"):
        return {"\\d": "1", "\\w": "a", "\\s": " "}[piece[0]]
    if piece[2] is not None:
        return next(c for c in "1aA-_ .中" if re.fullmatch(piece[0], c))
    if piece[4] is not None:
        return _unrolled(piece[4])
    return piece[3] or ("a" if piece[5] else str(piece[6]))
