"""What the journal keeps of a checked request is typed: written as it always was, read whatever stands there."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bailian
from bailian.catalog import KINDS, load
from bailian.modalities import modality_of
from bailian.types import AnswerContext, Input, Prepared, RowPlace, StoredRequest

CATALOG = load(Path("/nowhere"))
PACKAGE = Path(bailian.__file__).parent
REQUESTS: dict[str, dict[str, Any]] = {
    "image": {"prompt": "猫", "n": 2, "seed": 7},
    "image_edit": {"prompt": "改成红色", "image": ["https://h/a.png"]},
    "wanx_edit": {"prompt": "改成红色", "function": "description_edit", "image": ["https://h/a.png"]},
    "video": {"prompt": "日出", "seed": 7},
    "text": {"prompt": "写诗", "stream": True, "thinking": True},
    "speech": {"prompt": "欢迎收听。", "subtitles": "srt"},
    "transcription": {"file": ["https://h/a.wav"], "format": ["srt", "txt"]},
    "embedding": {"text": ["一", "二"]},
}
# The journal's keys and those of `facts`, in their order: other versions wrote them, and read them.
COMMON = ["mode", "route", "body", "count", "unit_cny", "units", "notices"]
FACTS = {
    "video": ["film_prices"],
    "text": ["prices", "thinking"],
    "embedding": ["prices", "thinking"],
    "speech": ["parts", "subtitles"],
    "transcription": ["second_cny", "formats"],
}
READ_BY_KEY = {"prepared", "facts", "context", "stored"}


def prepared(kind: str) -> Prepared:
    inputs = {url: Input(url) for url in ("https://h/a.png", "https://h/a.wav")}
    return modality_of(kind).prepare(REQUESTS[kind], CATALOG, "beijing", inputs)


@pytest.mark.parametrize("kind", KINDS)
def test_it_comes_back_as_it_was(kind: str) -> None:
    place = RowPlace("line 2", "a", None, "out")
    made = prepared(kind).stored()
    for one in (made, replace(made, row=place, service_batch="b", context=replace(made.context, single_attempt=True))):
        back = StoredRequest.from_json(json.loads(json.dumps(one.to_json())), kind)
        assert back.to_json() == one.to_json()
        assert replace(back, context=one.context) == one


@pytest.mark.parametrize("kind", KINDS)
def test_the_journals_keys_stay(kind: str) -> None:
    data = prepared(kind).stored().to_json()
    facts = data.get("facts", {})
    assert [key for key in data if key in COMMON] == COMMON
    assert {*data} - {*COMMON} <= {"upload", "stream", "facts"}
    assert [key for key in facts if key != "retired"][: len(FACTS.get(kind, []))] == FACTS.get(kind, [])
    assert {*facts} - {*FACTS.get(kind, [])} <= {"retired", "instead", "language"}


def test_an_adopted_task_keeps_its_mode_and_count() -> None:
    data = {"mode": "task", "count": 3}
    assert StoredRequest.from_json(data, "image").to_json() == data


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just("task"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["on", "message", "code", "input", "output", "parameters", "size", "seed", "where", "parts"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
KEYS = (*COMMON, "facts", "upload", "stream", "row", "half_price")
FACT_KEYS = ("retired", "instead", "once", "prices", "thinking", "parts", "subtitles", "second_cny", "formats")


@pytest.mark.slow
@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, JSON)),
    st.fixed_dictionaries({}, optional=dict.fromkeys(FACT_KEYS, JSON)),
    st.sampled_from([*KINDS, "hologram"]),
)
def test_whatever_stands_in_a_row_is_read(data: dict[str, Any], facts: dict[str, Any], kind: str) -> None:
    """What cannot be read is as if it were not there; what was read is written and read again alike."""
    one = StoredRequest.from_json({"facts": facts, **data}, kind)
    assert isinstance(one.context, AnswerContext)
    assert one.size is None or isinstance(one.size, str)
    again = StoredRequest.from_json(one.to_json(), kind)
    assert again.to_json() == one.to_json()


def read_by_key(tree: ast.AST) -> Iterator[int]:
    """Yield the lines where a request or its context is read by a key: `prepared["mode"]`, `x.facts.get("once")`."""
    for node in ast.walk(tree):
        value: ast.expr | None = None
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript):
            value, key = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            value, key = node.func.value, node.args[0] if node.args else None
        name = value.id if isinstance(value, ast.Name) else value.attr if isinstance(value, ast.Attribute) else ""
        if name in READ_BY_KEY and isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.lineno


@pytest.mark.slow
def test_no_request_is_read_by_a_key() -> None:
    """It is typed to the end: a key that is misspelt is found by mypy, not by a user."""
    assert [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line in read_by_key(ast.parse(path.read_text(encoding="utf-8")))
        if "sandbox" not in path.parts
    ] == []


def test_reading_by_a_key_is_seen() -> None:
    seen = ['job.prepared["body"]', 'prepared.get("facts", {})', "facts['once']", 'one.context.get("x")']
    unseen = ["rows['x']", "prepared[name]", "prepared.body"]
    assert [len(list(read_by_key(ast.parse(text)))) for text in seen + unseen] == [1] * 4 + [0] * 3
