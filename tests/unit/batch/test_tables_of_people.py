"""Tables and lists as people have them: Chinese headings, columns of their own, prompts one a line, several models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.batch.input.batch_row import BatchRow, RowReading
from bailian.batch.input.placeholders import filled
from bailian.batch.input.reader import read_rows
from bailian.batch.input.tables.headings import HEADINGS, KIND_WORDS
from bailian.catalog import KINDS
from bailian.errors import InvalidRequest


def read(
    folder: Path, content: str, name: str = "a.csv", kind: str | None = "image", over: Any = None, **said: Any
) -> list[BatchRow]:
    (folder / name).write_text(content, encoding="utf-8")
    return list(read_rows(folder / name, kind, over=over, reading=RowReading(**said)))


def refusal(folder: Path, content: str, name: str = "a.csv", kind: str | None = "image", **how: Any) -> str:
    with pytest.raises(InvalidRequest) as caught:
        read(folder, content, name, kind, **how)
    return str(caught.value)


# headings


def test_chinese_headings_are_fields(tmp_path: Path) -> None:
    rows = read(tmp_path, "编号,提示词,反向提示词,尺寸,数量,种子,水印\nA1,猫,狗,512*512,2,7,否\n")
    assert [(row.label, row.fields) for row in rows] == [
        ("A1", {"prompt": "猫", "negative_prompt": "狗", "size": "512*512", "n": 2, "seed": 7, "watermark": False})
    ]


def test_headings_are_the_same_row_as_fields(tmp_path: Path) -> None:
    """Whoever translates his headings pays nothing again."""
    keys = {read(tmp_path, f"{heading}\n猫\n")[0].key for heading in ("prompt", "Prompt", " PROMPT ", "提示词", "文案")}
    assert len(keys) == 1


def test_english_headings_as_people_write_them(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "Prompt,Negative Prompt,Size\n猫,狗,512*512\n")
    assert row.fields == {"prompt": "猫", "negative_prompt": "狗", "size": "512*512"}


def test_a_column_of_kinds_may_be_chinese(tmp_path: Path) -> None:
    rows = read(tmp_path, "类型,提示词\n图片,猫\n语音合成,你好\n文本,诗\n", kind=None)
    assert [row.kind for row in rows] == ["image", "speech", "text"]


def test_chinese_words_name_what_there_is() -> None:
    from bailian.batch.input.row_schema import ROW_OPTIONS, form_of

    fields = {field for kind in KINDS for field in form_of(kind).known}
    assert set(HEADINGS.values()) <= {*fields, *ROW_OPTIONS, "kind"}
    assert set(KIND_WORDS.values()) <= set(KINDS)


def test_two_headings_of_one_field_are_refused(tmp_path: Path) -> None:
    assert "names two columns" in refusal(tmp_path, "prompt,提示词\n猫,狗\n")


# columns of one's own


def test_other_columns_go_into_prompts_and_names(tmp_path: Path) -> None:
    table = "sku,prompt,颜色,name\nA/1,一只{颜色}的猫,红,{sku}_{颜色}\nA/2,一只{颜色}的{nothing},蓝,x\n"
    first, second = read(tmp_path, table)
    assert (first.fields["prompt"], first.name) == ("一只红的猫", "A-1_红")
    assert (second.fields["prompt"], second.name) == ("一只蓝的{nothing}", "x")
    assert "sku, 颜色" in first.notices[0].message


def test_the_commands_prompt_and_name_take_columns(tmp_path: Path) -> None:
    rows = read(tmp_path, "sku,颜色\n1,红\n2,\n", over={"prompt": "一只{颜色}杯子"}, template="{sku}_{颜色}_{seed}")
    assert [row.fields["prompt"] for row in rows] == ["一只红杯子", "一只杯子"]
    assert [row.name for row in rows] == ["1_红_{seed}", "2__{seed}"]


def test_the_id_goes_into_names(tmp_path: Path) -> None:
    rows = read(tmp_path, '{"prompt": "{id}", "id": "A/1"}\n{"prompt": "b"}\n', "a.jsonl", template="{id}_{seed}")
    assert [(row.name, row.fields["prompt"]) for row in rows] == [("A-1_{seed}", "{id}"), ("_{seed}", "b")]
    assert read(tmp_path, "编号,prompt,name\nK1,猫,{编号}-{id}\n")[0].name == "K1-K1"


def test_a_template_of_the_command_makes_no_row_another_one(tmp_path: Path) -> None:
    rows = '{"prompt": "a", "id": "1"}\n{"prompt": "b", "id": "2"}\n{"prompt": "c", "id": "3"}\n'
    plain, named = (read(tmp_path, rows, "a.jsonl", template=template) for template in (None, "{id}"))
    assert [row.key for row in plain] == [row.key for row in named]
    assert [row.name for row in named] == ["1", "2", "3"]


def test_a_name_that_no_column_knows_is_refused_with_the_columns(tmp_path: Path) -> None:
    said = refusal(tmp_path, "prompt,颜色\n猫,红\n狗,绿\n", template="{颜色}_{colour}")
    assert "line 2, name: unknown field {colour}" in said
    assert "{id} {颜色} (also in line 3)" in said


def test_a_misspelt_column_in_a_prompt_is_refused(tmp_path: Path) -> None:
    """It would be sent, and paid, as it stands."""
    said = refusal(tmp_path, "prompt,colour\na {color} cat,red\n")
    assert "line 2, prompt: {color} is no column; did you mean colour?" in said
    assert "negative_prompt: {color} is no" in refusal(tmp_path, "prompt,negative_prompt,colour\ncat,{color},red\n")
    assert read(tmp_path, "prompt,colour\na {b} cat,red\n")[0].fields["prompt"] == "a {b} cat"


def test_a_misspelt_field_is_no_column_of_ones_own(tmp_path: Path) -> None:
    """It would be paid for with another size than was meant."""
    assert "line 1, sise: is not a field of image rows; did you mean size" in refusal(tmp_path, "prompt,sise\n猫,1\n")
    assert read(tmp_path, "prompt,price,color,库存\n猫,3,red,7\n")


def test_a_column_changes_a_row_only_where_it_is_used(tmp_path: Path) -> None:
    keys = [
        read(tmp_path, f"prompt,库存\n{prompt},{stock}\n")[0].key for prompt in ("猫", "猫{库存}") for stock in "12"
    ]
    assert len(set(keys)) == 3


NAMES = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), min_size=1).map(str.strip)


@given(st.dictionaries(NAMES.filter(bool), st.text()), st.text())
def test_only_what_is_a_column_is_filled(columns: dict[str, str], text: str) -> None:
    assert filled(text, {}) == text
    for column, value in columns.items():
        assert filled(f"<{{{column}}}>", columns) == f"<{value}>"


# lists of prompts


def test_prompts_one_a_line(tmp_path: Path) -> None:
    rows = read(tmp_path, "\ufeffa red cat\r\n\r\n# a comment\r\n#猫 在跑\r\n 一只狗 \r\n", "prompts.txt")
    assert [(row.where, row.fields["prompt"]) for row in rows] == [
        ("line 1", "a red cat"),
        ("line 4", "#猫 在跑"),
        ("line 5", "一只狗"),
    ]
    assert ["line 3 begins with" in notice.message for notice in rows[1].notices] == [True]


def test_recordings_one_a_line(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "https://example.com/a.wav\n", "list.txt", kind="transcription")
    assert row.fields == {"file": ["https://example.com/a.wav"]}


def test_json_in_a_text_file_is_json(tmp_path: Path) -> None:
    rows = read(tmp_path, '{"prompt": "a"}\n{"prompt": "b"}\n', "a.txt")
    assert [row.fields["prompt"] for row in rows] == ["a", "b"]


def test_a_list_without_a_kind_says_how_to_give_one(tmp_path: Path) -> None:
    assert "--kind" in refusal(tmp_path, "猫\n", "a.txt", kind=None)
    (row,) = read(tmp_path, "猫\n", "a.txt", kind=None, default_kind="image")
    assert (row.kind, row.fields) == ("image", {"prompt": "猫"})


def test_the_commands_kind_is_for_rows_that_say_none(tmp_path: Path) -> None:
    lines = '{"prompt": "a"}\n{"prompt": "b", "kind": "text"}\n'
    assert [row.kind for row in read(tmp_path, lines, "a.jsonl", kind=None, default_kind="image")] == ["image", "text"]


# several models


def test_each_row_by_each_model(tmp_path: Path) -> None:
    """Whatever model the row itself names."""
    lines = '{"prompt": "a", "model": "x"}\n{"prompt": "b", "matrix": {"seed": [1, 2]}}\n'
    rows = read(tmp_path, lines, "a.jsonl", models=("wan2.2-t2i-flash", "z-image-turbo"))
    made = [(row.where, row.fields["prompt"], row.fields.get("seed"), row.fields["model"]) for row in rows]
    assert made == [
        ("line 1#1", "a", None, "wan2.2-t2i-flash"),
        ("line 1#2", "a", None, "z-image-turbo"),
        ("line 2#1", "b", 1, "wan2.2-t2i-flash"),
        ("line 2#2", "b", 1, "z-image-turbo"),
        ("line 2#3", "b", 2, "wan2.2-t2i-flash"),
        ("line 2#4", "b", 2, "z-image-turbo"),
    ]


def test_rows_that_a_command_made_are_placed_by_their_ids(tmp_path: Path) -> None:
    lines = '{"prompt": "a", "id": "猫"}\n{"prompt": ""}\n'
    rows = read(tmp_path, lines, "a.jsonl", models=("m1", "m2"), placed_by_id=True)
    assert [row.where for row in rows] == ["猫 m1", "猫 m2", "m1", "m2"]


# version, and why a row failed before


def test_another_version_is_another_row(tmp_path: Path) -> None:
    lines = [json.dumps({"prompt": "a", **more}) for more in ({}, {"version": 1}, {"version": "1"}, {"version": "2"})]
    keys = [row.key for row in read(tmp_path, "\n".join(lines), "a.jsonl")]
    assert keys[2] == f"{keys[1]}-2"
    assert len({keys[0], keys[1], keys[3]}) == 3


def test_why_a_row_failed_is_read_past(tmp_path: Path) -> None:
    lines = '{"prompt": "a"}\n{"prompt": "a", "error": {"code": "X", "message": "不行"}}\n'
    first, second = read(tmp_path, lines, "a.jsonl")
    assert second.key == f"{first.key}-2"


@pytest.mark.parametrize("word", ["version", "id"])
def test_versions_and_ids_are_words(tmp_path: Path, word: str) -> None:
    said = refusal(tmp_path, json.dumps({"prompt": "a", word: [1]}), "a.jsonl")
    assert f"line 1, {word}: must be a text or a whole number" in said or f"request.{word}" in said
