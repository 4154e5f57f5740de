"""Rows that differ in nothing but text and id are read and checked by their pattern: nothing of it can be told apart."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.batch.default_fields import DefaultFields
from bailian.batch.input import rows
from bailian.batch.input.chains import Chains
from bailian.batch.input.reader import read_rows
from bailian.batch.plan import Planned, plan_each
from bailian.catalog.catalog import load
from bailian.config.user_defaults import Defaults
from bailian.errors import InvalidRequest
from bailian.inputs.lookup import Inputs
from bailian.modalities import other_texts
from bailian.modalities.text import text
from bailian.modalities.text.text_request import TextRequest

CATALOG = load()
TEXTS = (
    "猫", "a cat", "Say hello.", "two\nlines", "tab\there", "", " ", "\u2800", "\ufeffmark", "form\x0cfeed", "bell\x07",
    "half \ud83d", "json please", "<speak>hi</speak>", "result-of:hero/1", "e\u0301\u0344", "长" * 50, "x" * 801,
    "\x00text\x00", '"quoted\\"', "\x85next", "🙂", "٣", "é",
)  # fmt: skip
SHAPES: tuple[dict[str, Any], ...] = (
    {"kind": "text"},
    {"kind": "text", "model": "qwen-max", "temperature": 2, "stop": ["\n"], "seed": 1},
    {"kind": "text", "seed": 1.0}, {"kind": "text", "seed": True}, {"kind": "text", "seed": "1"},
    {"kind": "text", "model": "qwen3.7-plus", "thinking": True, "search": True, "system": "You are a cat."},
    {"kind": "text", "json_object": True}, {"kind": "text", "max_tokens": 0}, {"kind": "text", "modle": "qwen-plus"},
    {"kind": "text", "name": "{prompt}", "output": "a/b/"}, {"kind": "text", "name": "{nothing}"},
    {"kind": "text", "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
    {"kind": "text", "matrix": {"seed": [1]}}, {"kind": "text", "parameters": {"max_tokens": 9}},
    {"model": "wan2.2-t2i-flash"}, {"kind": "image", "n": 2}, {"kind": "image", "size": "1x1"},
    {"kind": "video"}, {"kind": "embedding"}, {"model": "nobody"}, {"kind": "picture"},
)  # fmt: skip
LABELS: tuple[Any, ...] = (None, "hero", "hero ", "", 7, True, "猫")


@st.composite
def files(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows of few shapes, each often enough to be a pattern before the odd ones come; texts are repeated, too."""
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=2))
    common = [*draw(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=6)), "plain", "plain too"]
    made = [{**shape, "prompt": f"猫 {i}"} for shape in shapes for i in range(draw(st.sampled_from((0, 4, 4))))]
    for _ in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from(("prompt", "prompt", "prompt", "text")))
        row = {**draw(st.sampled_from(shapes)), name: draw(st.sampled_from(common) | st.text(max_size=5))}
        label = draw(st.sampled_from((None, *LABELS)))
        made.append(row if label is None else {"id": label, **row})
    return made


def written(folder: Path, given_rows: list[dict[str, Any]], suffix: str) -> Path:
    path = folder / f"a{suffix}"
    if suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in given_rows), encoding="utf-8")
        return path
    names = list(dict.fromkeys(name for row in given_rows for name in row))
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        table = csv.writer(file)
        table.writerow(names)
        table.writerows([row.get(name, "") for name in names] for row in given_rows)
    return path


def outcome(path: Path, over: dict[str, Any], defaults: DefaultFields) -> tuple[list[Planned], str]:
    """Return the checked rows, and the refusal."""
    chains: Chains = Chains()
    found: list[Planned] = []
    refusal = ""
    read = read_rows(path, models=CATALOG, over=over, chains=chains)
    inputs = Inputs(path.parent, chained=True)
    try:
        found.extend(plan_each(read, CATALOG, "beijing", inputs, defaults=defaults, chains=chains))
    except InvalidRequest as error:
        refusal = error.message
    return [one._replace(row=one.row._replace(pattern=0)) for one in found], refusal


@pytest.mark.slow
@given(
    files(), st.sampled_from((".jsonl", ".csv")), st.sampled_from(({}, {"seed": 3}, {"prompt": "over"})),
    st.sampled_from(({}, {"text": {"max_tokens": 77}})),
)  # fmt: skip
def test_rows_by_pattern_are_as_if_each_were_read_and_checked_word_for_word(
    given_rows: list[dict[str, Any]], suffix: str, over: dict[str, Any], own: dict[str, Any]
) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as slow:
        path, defaults = written(Path(folder), given_rows, suffix), DefaultFields(Defaults(fields=own))
        by_pattern = outcome(path, over, defaults)
        slow.setattr(rows, "plain_row", lambda _values, _outer: None)
        assert by_pattern == outcome(path, over, defaults)


def test_most_rows_of_a_large_file_are_read_and_checked_by_their_pattern(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    prepare = text.prepare

    def counted(values: Any, *more: Any) -> Any:
        checked.append(values["prompt"])
        return prepare(values, *more)

    monkeypatch.setattr(text, "prepare", counted)
    path = written(tmp_path, [{"kind": "text", "id": f"r{i}", "prompt": f"猫 {i}"} for i in range(50)], ".jsonl")
    found, refusal = outcome(path, {}, DefaultFields())
    assert (len(found), refusal) == (50, "")
    assert checked == [f"猫 {i}" for i in range(4)], "two to find the pattern, two to prove it"


@pytest.mark.parametrize("field", [name for name in TextRequest.model_fields if name not in ("model", "prompt")])
def test_of_every_field_of_a_text_it_is_known_whether_the_prompt_may_change_beside_it(field: str) -> None:
    """A field that comes later is looked at here: does a rule look at it and at the prompt?"""
    free = {
        "system": "s", "max_tokens": 9, "temperature": 0.5, "top_p": 0.5, "top_k": 3, "seed": 4, "stop": ["x"],
        "repetition_penalty": 1.1, "presence_penalty": 1.0, "search": True, "thinking": True, "thinking_budget": 5,
        "stream": True,
    }  # fmt: skip
    careful = {
        "messages", "image", "video", "image_max_tokens", "ocr", "ocr_schema", "json_object", "json_schema", "prefix",
        "chat",
    }  # fmt: skip
    assert field in free or field in careful
    if field in free:
        beside = {"model": "qwen3.7-plus", field: free[field], **({"thinking": True} if "budget" in field else {})}
        make = other_texts(text.prepare({**beside, "prompt": "one"}, CATALOG, "beijing"))
        assert make is not None
        assert make("q" * 2_000_000) is None, "whether it is too long is counted word for word"
        assert make("another 猫") == text.prepare({**beside, "prompt": "another 猫"}, CATALOG, "beijing")
