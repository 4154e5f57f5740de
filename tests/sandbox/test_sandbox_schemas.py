"""Answers that fit the schema of a call, whatever it asks for; the judge is the jsonschema package."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chat_bodies import chat, text_of, told_of
from hypothesis import given
from hypothesis import strategies as st

from bailian.sandbox.text.schemas import fitting
from tests.support.sandbox_client import Client

pytestmark = pytest.mark.slow

jsonschema = pytest.importorskip("jsonschema")

NODE = {"type": "object", "properties": {"name": {"type": "string"}, "next": {"$ref": "#/$defs/node"}}}
SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}, "required": ["a", "b"],
     "additionalProperties": False},
    {"type": "object", "required": ["x"]},
    {"type": ["string", "null"], "minLength": 40, "maxLength": 60},
    {"type": "string", "maxLength": 3},
    {"type": "string", "format": "date"},
    {"type": "string", "pattern": "^[A-Z]{2}-\\d{4}$"},
    {"type": "string", "pattern": "^(red|green)$"},
    {"type": "string", "pattern": "^1\\d{10}$"},
    {"enum": ["晴", "雨"]},
    {"const": 7},
    {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "minItems": 3},
    {"type": "array", "items": {"type": "string"}, "minItems": 2, "uniqueItems": True},
    {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "items": False},
    {"anyOf": [{"type": "integer", "minimum": 10}, {"type": "string"}]},
    {"allOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}, {"properties": {"b": {"type": "null"}}}]},
    {"$defs": {"node": NODE}, "$ref": "#/$defs/node"},
    {"$defs": {"c": {"enum": [1]}}, "type": "object", "properties": {"c": {"$ref": "#/$defs/c"}}, "required": ["c"]},
    {"type": "integer", "multipleOf": 5, "minimum": 12, "maximum": 18},
    {"type": "number", "minimum": -3, "exclusiveMaximum": -1},
]  # fmt: skip


@pytest.mark.few(4)
@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_these_schemas(schema: dict[str, Any]) -> None:
    jsonschema.validate(fitting(schema, "杭州的天气怎么样？"), schema)


LEAVES = st.one_of(
    st.builds(lambda low, wide: {"type": "integer", "minimum": low, "maximum": low + wide}, st.integers(-99, 99), st.integers(0, 50)),
    st.builds(lambda low, wide: {"type": "string", "minLength": low, "maxLength": low + wide}, st.integers(0, 30), st.integers(0, 9)),
    st.builds(lambda words: {"enum": words}, st.lists(st.text(), min_size=1)),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.just({"type": "number"}),
)  # fmt: skip


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    properties = st.dictionaries(st.text(min_size=1, max_size=9), inner, max_size=4)
    closed = {"type": "object", "additionalProperties": False}
    return st.one_of(
        properties.map(lambda one: {**closed, "properties": one, "required": list(one)}),
        st.builds(lambda one, count: {"type": "array", "items": one, "minItems": count}, inner, st.integers(0, 3)),
        st.lists(inner, min_size=1, max_size=3).map(lambda choices: {"anyOf": choices}),
    )


@given(schema=st.recursive(LEAVES, _objects, max_leaves=8), words=st.text(max_size=20))
def test_any_schema(schema: dict[str, Any], words: str) -> None:
    made = fitting(schema, words)
    jsonschema.validate(made, schema)
    assert made == fitting(schema, words)


def test_the_answer_of_a_call_fits(client: Client) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "high": {"type": "integer", "maximum": 60}},
              "required": ["city", "high"], "additionalProperties": False}  # fmt: skip
    wanted = {"type": "json_schema", "json_schema": {"name": "weather", "schema": schema, "strict": True}}
    answer = json.loads(text_of(chat(client, "杭州的天气", response_format=wanted)))
    jsonschema.validate(answer, schema)
    assert answer["city"] == "杭州的天气"
    broken = {**wanted, "json_schema": {"name": "a", "schema": {"$ref": "#/$defs/none"}}}
    assert "has no #/$defs/none" in told_of(chat(client, "x", response_format=broken))[2]
