"""JSON of others is read so that the journal, a file and `--json` can hold it; one bad byte loses no paid answer."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest

from bailian.counts import amount_of, count_of
from bailian.service.json_reader import MOST_LEVELS, json_object, read_json

DEEP = MOST_LEVELS + 1


@pytest.mark.parametrize(
    "raw, value",
    [
        (b'{"a": NaN, "b": Infinity, "c": -Infinity, "d": 1}', {"a": None, "b": None, "c": None, "d": 1}),
        (b'{"a": 1e400, "b": -1e400, "c": 1e300, "d": 1e-400}', {"a": None, "b": None, "c": 1e300, "d": 0.0}),
        (b'{"a": 1' + b"0" * 400 + b', "b": 1' + b"0" * 5000 + b', "c": -1}', {"a": None, "b": None, "c": -1}),
        (b'{"a": "caf\xe9", "b": 1}', {"a": "caf\ufffd", "b": 1}),
        (b'{"a": "\xed\xa0\xbd", "b": 1}', {"a": "\ufffd\ufffd\ufffd", "b": 1}),
        (b'\xef\xbb\xbf{"a": "one\nline\x00"}', {"a": "one\nline\x00"}),
        (b'{"a\\ud83d": "\\ud83d", "b": "\\ud83d\\ude00"}', {"a\ufffd": "\ufffd", "b": "\U0001f600"}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
    ],
)
def test_what_no_file_could_hold_is_null_or_a_replacement(raw: bytes, value: dict[str, Any]) -> None:
    """The rest of the answer, a paid link among it, is there all the same."""
    assert json_object(raw) == value


@pytest.mark.few(1)
@pytest.mark.parametrize("levels", [DEEP, 1000, 200_000])
@pytest.mark.parametrize("opening, closing", [("[", "]"), ('{"a":', "}"), ('[{"a[{":', "}]")])
def test_what_is_nested_for_ever_is_cut_off(levels: int, opening: str, closing: str) -> None:
    """Copying recurses and SQLite stops at a thousand levels; what stands beside the depths is kept."""
    raw = f'{{"deep": {opening * levels}1{closing * levels}, "url": "https://a/b.png"}}'
    value = json_object(raw.encode())
    assert value is not None
    assert value["url"] == "https://a/b.png"
    assert sqlite3.connect(":memory:").execute("SELECT json_valid(?)", (json.dumps(value),)).fetchone() == (1,)


def test_brackets_in_a_text_are_no_levels() -> None:
    """A text about JSON is not cut."""
    value = {"output": {"text": '[{"' * 500 + "\\" * 7}}
    assert json_object(json.dumps(value).encode()) == value


def test_sixty_levels_are_kept() -> None:
    """What the service may nest some day is not cut."""
    raw = b"[" * MOST_LEVELS + b"]" * MOST_LEVELS
    assert read_json(raw) == json.loads(raw)


@pytest.mark.parametrize("raw", [b"", b"{", b"<html>", b'{"a": 01}', b"[" * 100_000, b'{"a": "' + b"[" * 100])
def test_what_is_no_json_is_none(raw: bytes) -> None:
    """A page, half an answer."""
    assert json_object(raw) is None
    with pytest.raises(ValueError):
        read_json(raw)


@pytest.mark.parametrize("value", [0, 3, 3.0, 10])
def test_a_count_is_whole_and_in_range(value: float) -> None:
    """A wire with floats says 3.0."""
    count = count_of(value, 10)
    assert count == value
    assert type(count) is int


@pytest.mark.parametrize("value", [None, True, False, "3", -1, 11, 10**400, float("nan"), float("inf"), 2.5, [], {}])
def test_anything_else_is_no_count(value: object) -> None:
    """An unknown figure is None: never 0, which would say that nothing was billed."""
    assert count_of(value, 10) is None
    assert amount_of(value, 10) is None or value == 2.5
