"""A file of requests becomes the same rows in every form, and what is wrong in it is said once, with its place."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailian.batch.input import rows as rows_module
from bailian.batch.input.batch_row import BatchRow
from bailian.batch.input.reader import STDIN, read_rows
from bailian.batch.input.relative_paths import place_inputs
from bailian.batch.input.row_schema import ROW_OPTIONS, SECTIONS, form_of
from bailian.catalog import KINDS, load
from bailian.errors import InvalidRequest

SEED_SINGLE = """{
  "model": "wan2.2-t2i-flash",
  "input": {
    "prompt": "提示词",
    "negative_prompt": "反向提示词"
  },
  "parameters": {
    "size": "1024*1024",
    "n": 1,
    "prompt_extend": true,
    "watermark": false,
    "seed": 12345
  }
}
"""
SEED_COMBINED = """{
  "image_tasks": [
    {
      "model": "wan2.2-t2i-flash",
      "prompt": "未来科技城市",
      "size": "1440*810",
      "n": 2
    }
  ],
  "text_tasks": [
    {
      "model": "qwen-turbo",
      "prompt": "生成产品文案"
    }
  ],
  "video_tasks": [
    {
      "model": "wan2.1-t2v-plus",
      "prompt": "日出延时摄影",
      "duration": 10
    }
  ]
}
"""


def written(folder: Path, content: object, name: str = "batch.json") -> Path:
    path = folder / name
    text = content if isinstance(content, str | bytes) else json.dumps(content, ensure_ascii=False)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(folder: Path, content: object, name: str = "batch.json", kind: str | None = None) -> list[BatchRow]:
    return list(read_rows(written(folder, content, name), kind))


def fields_of(rows: list[BatchRow]) -> list[dict[str, Any]]:
    return [row.fields for row in rows]


def refusal(folder: Path, content: object, name: str = "batch.json", kind: str | None = None) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        read(folder, content, name, kind)
    return caught.value


# The seed's forms


def test_the_seeds_single_request(tmp_path: Path) -> None:
    """Nested as the service writes it; its kind is the command's."""
    (row,) = read(tmp_path, SEED_SINGLE, kind="image")
    assert row.kind == "image"
    assert row.where == "request"
    assert row.fields == {
        "model": "wan2.2-t2i-flash",
        "prompt": "提示词",
        "negative_prompt": "反向提示词",
        "size": "1024*1024",
        "n": 1,
        "prompt_extend": True,
        "watermark": False,
        "seed": 12345,
    }


def test_the_seeds_combined_form(tmp_path: Path) -> None:
    """Three sections, three kinds, in the file's order."""
    rows = read(tmp_path, SEED_COMBINED)
    assert [(row.kind, row.where) for row in rows] == [
        ("image", "image_tasks[0]"),
        ("text", "text_tasks[0]"),
        ("video", "video_tasks[0]"),
    ]
    assert fields_of(rows) == [
        {"model": "wan2.2-t2i-flash", "prompt": "未来科技城市", "size": "1440*810", "n": 2},
        {"model": "qwen-turbo", "prompt": "生成产品文案"},
        {"model": "wan2.1-t2v-plus", "prompt": "日出延时摄影", "duration": 10},
    ]


def test_without_a_kind_the_model_tells_it(tmp_path: Path) -> None:
    """A model is of one kind; without a catalog the kind has to be said."""
    path = written(tmp_path, SEED_SINGLE)
    assert [row.kind for row in read_rows(path, models=load())] == ["image"]
    with pytest.raises(InvalidRequest, match=r"request\.kind: is required: one of image, image_edit"):
        list(read_rows(path))


@pytest.mark.parametrize(
    "row, kind",
    [
        ({"prompt": "猫"}, "image"),
        ({"prompt": "改", "image": "https://example.com/a.png"}, "image_edit"),
        ({"input": {"prompt": "改", "image": ["https://example.com/a.png"]}, "parameters": {"n": 2}}, "image_edit"),
        (
            {"input": {"messages": [{"role": "user", "content": [{"image": "https://e.com/a.png"}, {"text": "改"}]}]}},
            "image_edit",
        ),
        ({"prompt": "猫", "id": "a", "name": "{prompt}", "size": "1024*1024"}, "image"),
    ],
)
def test_a_model_of_two_kinds_is_taken_as_the_one_its_row_fits(tmp_path: Path, row: dict[str, Any], kind: str) -> None:
    """qwen-image-2.0 draws and edits: a row with a picture edits it."""
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"model": "qwen-image-2.0", **row}), encoding="utf-8")
    assert [row.kind for row in read_rows(path, models=load())] == [kind]


# Every form is the same rows

TWO = [{"prompt": "一只猫", "n": 2}, {"prompt": "一只狗", "seed": 7, "watermark": True}]
AS_LINES = "\n".join(json.dumps(row, ensure_ascii=False) for row in TWO) + "\n"
AS_TABLE = "prompt,n,seed,watermark\n一只猫,2,,\n一只狗,,7,true\n"


@pytest.mark.parametrize(
    "name, content, places",
    [
        ("a.json", json.dumps(TWO), ["[0]", "[1]"]),
        ("a.json", json.dumps({"image_tasks": TWO}), ["image_tasks[0]", "image_tasks[1]"]),
        ("a.jsonl", AS_LINES, ["line 1", "line 2"]),
        ("a.NDJSON", AS_LINES, ["line 1", "line 2"]),
        ("a.json", AS_LINES, ["line 1", "line 2"]),
        ("a.txt", "\ufeff# 注释\n" + AS_LINES.replace("\n", "\r\n\n// x\r\n"), ["line 2", "line 5"]),
        ("a.csv", AS_TABLE, ["line 2", "line 3"]),
        ("a.csv", "\ufeff" + AS_TABLE.replace("\n", "\r\n"), ["line 2", "line 3"]),
        ("a.csv", AS_TABLE.replace(",", ";"), ["line 2", "line 3"]),
        ("a.csv", "sep=;\r\n" + AS_TABLE.replace(",", ";"), ["line 3", "line 4"]),
        ("a.csv", "sep=;\r\n\r\n" + AS_TABLE.replace(",", ";"), ["line 4", "line 5"]),
        ("a.tsv", AS_TABLE.replace(",", "\t"), ["line 2", "line 3"]),
        ("a.csv", "\n" + AS_TABLE.replace("一只狗", "\n,,,\n一只狗"), ["line 3", "line 6"]),
    ],
)
def test_every_form_gives_the_same_rows(tmp_path: Path, name: str, content: str, places: list[str]) -> None:
    """JSON, JSON lines and tables differ in the rows' places only."""
    rows = read(tmp_path, content, name, "image")
    assert fields_of(rows) == TWO
    assert [row.where for row in rows] == places
    assert [row.key for row in rows] == [row.key for row in read(tmp_path, TWO, "same.json", "image")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spelled", ["{}", "{}_tasks"])
def test_a_row_names_its_kind_or_its_section(tmp_path: Path, kind: str, spelled: str) -> None:
    """`"kind": "text"` and `"kind": "text_tasks"` are the same."""
    required = {"prompt": "猫", "text": "猫", "file": "a.mp3", "function": "doodle"}
    known = form_of(kind).known
    row = {name: value for name, value in required.items() if name in known}
    (made,) = read(tmp_path, [{"kind": spelled.format(kind), **row}])
    assert made.kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_no_field_of_a_request_is_taken_for_an_option_of_the_row(kind: str) -> None:
    """`name`, `output`, `id`, `prompt_file`, `kind`, `matrix` belong to the row in every kind."""
    assert not {*ROW_OPTIONS, "kind", "matrix"} & {*form_of(kind).known}


def test_each_section_has_its_kind() -> None:
    """Seven sections, seven kinds."""
    assert list(SECTIONS.values()) == list(KINDS)


def test_stdin_is_json_or_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-`; paths are then relative to the working folder."""
    monkeypatch.chdir(tmp_path)
    lines = '{"kind": "image_edit", "prompt": "改", "image": "狗.png"}\n{"kind": "image", "prompt": "猫"}\n'
    for text in (lines, lines.splitlines()[0], '{"image_tasks": [{"prompt": "猫"}]}'):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), encoding="ascii"))
        rows = list(read_rows(STDIN))
        assert len(rows) == max(text.count("\n"), 1)
        if rows[0].kind == "image_edit":
            assert rows[0].fields["image"] == [str(tmp_path / "狗.png")]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_single_line_may_stand_among_comments(tmp_path: Path, name: str) -> None:
    """What writes lines need not write two of them."""
    assert fields_of(read(tmp_path, '# 一\n\n{"prompt": "猫"}\n// 二\n', name, "image")) == [{"prompt": "猫"}]


def test_lines_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    """The first row is there before the broken second line is read."""
    rows = read_rows(written(tmp_path, '{"prompt": "猫"}\n{broken\n', "a.jsonl"), "image")
    assert next(rows).fields == {"prompt": "猫"}
    with pytest.raises(InvalidRequest, match=r"line 2: is not JSON: column 2"):
        next(rows)


# What a row says beside its fields


def test_defaults_lie_under_the_rows(tmp_path: Path) -> None:
    """Of all, of a section, of the row: the nearer wins, and null takes a default away."""
    rows = read(
        tmp_path,
        {
            "defaults": {
                "watermark": True,
                "negative_prompt": "模糊",
                "name": "{index}",
                "image_tasks": {"size": "512*512", "negative_prompt": "低质量", "output": "图/"},
                "text_tasks": {"parameters": {"max_tokens": 50}},
            },
            "image_tasks": [{"prompt": "a"}, {"prompt": "b", "size": None, "watermark": False, "name": "b"}],
            "text_tasks": [{"prompt": "c"}],
        },
    )
    assert fields_of(rows) == [
        {"watermark": True, "negative_prompt": "低质量", "size": "512*512", "prompt": "a"},
        {"watermark": False, "negative_prompt": "低质量", "prompt": "b"},
        {"max_tokens": 50, "prompt": "c"},
    ]
    assert [(row.name, row.output) for row in rows] == [("{index}", "图"), ("b", "图"), ("{index}", None)]


@pytest.mark.parametrize(
    "defaults, told",
    [
        ([], "defaults: must be an object"),
        ({"image_tasks": []}, "defaults.image_tasks: must be an object"),
        (
            {"image_tasks": {"sizes": "1"}},
            "defaults.image_tasks.sizes: is not a field of image rows; did you mean size, set?",
        ),
        ({"image_tasks": {"n": "two"}}, "defaults.image_tasks.n: 'two' is not a whole number"),
        ({"image_tasks": {"id": "a"}}, "defaults.image_tasks.id: belongs to one row"),
        ({"image_tasks": {"input": 5}}, "defaults.image_tasks.input: must be an object"),
        ({"image_tasks": {"name": "../x"}}, "defaults.image_tasks.name: '../x' is not a name below"),
        (
            {"watermarks": True},
            "defaults.watermarks: is neither a section nor a field of any row; did you mean watermark",
        ),
        (
            {"image_taks": {}},
            "defaults.image_taks: is neither a section nor a field of any row; did you mean image_tasks",
        ),
    ],
)
def test_wrong_defaults_are_told_once(tmp_path: Path, defaults: object, told: str) -> None:
    """At their own place, not at each row they would have gone into."""
    error = refusal(tmp_path, {"defaults": defaults, "image_tasks": [{"prompt": "a"}, {"prompt": "b"}]})
    assert len(error.problems) == 1
    assert told in str(error)


@pytest.mark.parametrize("text", ["一行\u2028两行", "第一页\x0c第二页", "\ufeff猫"])
def test_a_prompt_file_makes_the_key_of_its_words(tmp_path: Path, text: str) -> None:
    """What is mended before it is sent is mended later: a row with another key would be paid again."""
    (tmp_path / "提示.txt").write_text(f"\ufeff{text}\n", encoding="utf-8")
    files = {
        "a.json": json.dumps([{"kind": "text", "prompt_file": "提示.txt"}]),
        "b.json": json.dumps({"defaults": {"text_tasks": {"prompt_file": "提示.txt"}}, "text_tasks": [{}]}),
        "c.jsonl": json.dumps({"kind": "text", "prompt_file": "提示.txt"}),
        "d.csv": "kind,prompt_file\ntext,提示.txt\n",
        "in_the_row.json": json.dumps([{"kind": "text", "prompt": text}]),
    }
    keys = set()
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
        keys |= {row.key for row in read_rows(tmp_path / name)}
    assert len(keys) == 1


def test_a_prompt_file_is_read_beside_the_config(tmp_path: Path) -> None:
    """Its text without the blanks around it; it counts for the key as if it stood in the row."""
    (tmp_path / "提示.txt").write_bytes("\ufeff 一只猫\n".encode())
    for name, content in (("a.json", [{"prompt_file": "提示.txt"}]), ("a.csv", "prompt_file\n提示.txt\n")):
        rows = read(tmp_path, content, name, "image")
        assert fields_of(rows) == [{"prompt": "一只猫"}]
        assert rows[0].key == read(tmp_path, [{"prompt": "一只猫"}], kind="image")[0].key


@pytest.mark.parametrize(
    "row, told",
    [
        ({"prompt_file": "no.txt"}, "prompt_file: cannot read"),
        ({"prompt_file": "\0"}, "prompt_file: cannot read"),
        ({"prompt_file": "big5.txt"}, "prompt_file: .*big5.txt is not UTF-8, and does not read as GBK"),
        ({"prompt_file": "nul.txt"}, r"prompt_file: .*nul.txt holds U\+0000 \(NUL\) in line 2, column 1"),
        ({"prompt_file": 5}, "prompt_file: must be a path"),
        ({"prompt_file": "gbk.txt", "prompt": "a"}, "prompt_file: stands beside prompt: give one"),
        ({"kind": "transcription", "file": "a.mp3", "prompt_file": "gbk.txt"}, "transcription rows have no prompt"),
    ],
)
def test_a_prompt_file_that_cannot_be_used(tmp_path: Path, row: dict[str, Any], told: str) -> None:
    """Missing, no text, beside a prompt, or for a kind without one."""
    (tmp_path / "gbk.txt").write_bytes("花店".encode("gbk"))
    (tmp_path / "big5.txt").write_bytes("繁體中文的提示詞".encode("big5"))
    (tmp_path / "nul.txt").write_bytes("花店\n\0".encode())
    with pytest.raises(InvalidRequest, match=told):
        read(tmp_path, [{"kind": "image", **row}])


def test_name_output_and_id_are_the_rows_own(tmp_path: Path) -> None:
    """They are no fields of the request; a number is a label too."""
    given_row = {"prompt": "猫", "name": "猫_{index}", "output": "甲/乙/", "id": 7}
    (row,) = read(tmp_path, [given_row], kind="image")
    assert (row.fields, row.name, row.output, row.label) == ({"prompt": "猫"}, "猫_{index}", "甲/乙", "7")


@pytest.mark.parametrize(
    "option, value",
    [("name", "{promt}"), ("name", 5), ("output", "/etc"), ("output", "../x"), ("id", True), ("id", [])],
)
def test_wrong_options_of_a_row_are_refused(tmp_path: Path, option: str, value: object) -> None:
    """Nothing leads out of the output folder."""
    error = refusal(tmp_path, [{"prompt": "猫", option: value}], kind="image")
    assert [problem.field for problem in error.problems] == [f"[0].{option}"]


# Inputs


def test_paths_are_relative_to_the_config_and_links_stay(tmp_path: Path) -> None:
    """Under the service's names too; the result is a list."""
    row = {"function": "doodle", "prompt": "x", "base_image_url": "图/狗.png", "mask_image_url": "https://e.com/m.png"}
    (made,) = read(tmp_path, {"wanx_edit_tasks": [row]})
    assert made.fields["image"] == [str(tmp_path / "图" / "狗.png")]
    assert made.fields["mask"] == ["https://e.com/m.png"]


def test_place_inputs_touches_only_the_named_fields() -> None:
    """Absolute paths, links, data and stdin stay; what is no text is left for the type check."""
    fields = {"image": ["a.png", "/b.png", "oss://c", "data:x", "-", 5, "file://d.png"], "mask": "m.png", "size": "s"}
    place_inputs(fields, ("image", "mask", "absent"), Path("/f"))
    assert fields == {
        "image": [str(Path("/f/a.png")), "/b.png", "oss://c", "data:x", "-", 5, str(Path("/f/d.png"))],
        "mask": str(Path("/f/m.png")),
        "size": "s",
    }


def test_stdin_is_no_input_of_a_batch(tmp_path: Path) -> None:
    """Which row it would belong to cannot be said."""
    error = refusal(tmp_path, [{"prompt": "改", "image": "-"}], kind="image_edit")
    assert str(error).endswith("[0].image: a batch reads no input from stdin")


# Matrix


def test_a_matrix_multiplies_and_the_last_field_varies_fastest(tmp_path: Path) -> None:
    """Two prompts, three seeds: six rows, each with its own place and key."""
    row = {"matrix": {"prompt": ["甲", "乙"], "seed": [1, 2, 3]}, "size": "512*512"}
    rows = read(tmp_path, {"image_tasks": [row]})
    assert [(row.fields["prompt"], row.fields["seed"]) for row in rows] == [
        ("甲", 1), ("甲", 2), ("甲", 3), ("乙", 1), ("乙", 2), ("乙", 3)
    ]  # fmt: skip
    assert {row.fields["size"] for row in rows} == {"512*512"}
    assert [row.where for row in rows][::5] == ["image_tasks[0]#1", "image_tasks[0]#6"]
    assert len({row.key for row in rows}) == 6


@pytest.mark.parametrize(
    "matrix, told",
    [
        ([], "matrix: must be an object of lists"),
        ({}, "matrix: must be an object of lists"),
        ({"seed": 1}, "matrix.seed: must be a list with at least one value"),
        ({"seed": []}, "matrix.seed: must be a list with at least one value"),
        ({"size": ["1*1"]}, "matrix.size: is given twice"),
        ({"n": [1]}, "parameters.n: is given twice"),
        ({"seeds": [1, 2]}, "seeds: is not a field of image rows; did you mean seed, set?"),
    ],
)
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_wrong_matrix_is_refused(tmp_path: Path, matrix: object, told: str, name: str) -> None:
    """Empty, no lists, or a field that stands beside it too."""
    row = {"kind": "image", "prompt": "a", "matrix": matrix, "size": "512*512", "parameters": {"n": 1}}
    assert told in str(refusal(tmp_path, json.dumps(row), name))


def test_a_matrix_may_not_make_more_than_a_million_rows(tmp_path: Path) -> None:
    """Refused by its size, before a row is made."""
    matrix = {"seed": list(range(1000)), "prompt": ["a"] * 1001}
    assert "makes 1,001,000 rows; a batch has at most 1,000,000" in str(
        refusal(tmp_path, [{"matrix": matrix}], kind="image")
    )


def test_all_rows_together_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops at the row that is too much."""
    monkeypatch.setattr(rows_module, "ROWS_MAX", 3)
    row = {"matrix": {"seed": [1, 2]}, "prompt": "a"}
    assert len(read(tmp_path, [row, {"prompt": "b"}], kind="image")) == 3
    assert "[1]: makes 4 rows" in str(refusal(tmp_path, [row, row, "never seen"], kind="image"))


# Tables


@pytest.mark.parametrize(
    "cell, value",
    [
        ("true", True),
        ("TRUE", True),
        ("yes", True),
        ("1", True),
        ("false", False),
        ("No", False),
        ("0", False),
        (" ", None),
    ],
)
def test_switches_in_a_table(tmp_path: Path, cell: str, value: bool | None) -> None:
    """As people and as Excel write them; an empty cell is absent."""
    (row,) = read(tmp_path, f"prompt,watermark\n猫,{cell}\n", "a.csv", "image")
    assert row.fields.get("watermark") is value


def test_numbers_and_lists_in_a_table(tmp_path: Path) -> None:
    """A cell becomes what its field holds; a list is divided by `|`."""
    table = "kind,prompt,image,strength,n,function\nimage_edit,改,a.png | https://e.com/b.png,,2,\n" + (
        "wanx_edit_tasks,改,c.png,0.5,,stylization_all\n"
    )
    one, two = read(tmp_path, table, "a.csv")
    assert one.fields == {"prompt": "改", "image": [str(tmp_path / "a.png"), "https://e.com/b.png"], "n": 2}
    assert (two.kind, two.fields["strength"]) == ("wanx_edit", 0.5)


def test_a_quoted_cell_may_hold_delimiters_quotes_and_lines(tmp_path: Path) -> None:
    """The row's place is the line it begins on."""
    table = 'prompt,seed\n"一,""二""\n三",1\n四,x\n'
    error = refusal(tmp_path, table, "a.csv", "image")
    assert [problem.field for problem in error.problems] == ["line 4, seed"]
    (row,) = read(tmp_path, table.replace("四,x\n", ""), "a.csv", "image")
    assert row.fields["prompt"] == '一,"二"\n三'


@pytest.mark.parametrize(
    "table, told",
    [
        ("promt\n猫\n", "line 1, promt: is not a field of image rows; did you mean prompt"),
        ("prompt,prompt\n猫,狗\n", "line 1, prompt: names two columns"),
        ("prompt,seed\n猫,1.5\n", "line 2, seed: '1.5' is not a whole number"),
        ("prompt,seed\n猫,2.15E+09\n", "line 2, seed: '2.15E+09' is not a whole number"),
        ("prompt,watermark\n猫,是的\n", "line 2, watermark: '是的' is not true or false"),
        ("prompt,seed\n猫,狗,1\n", "line 2: has a value without a column: '1'"),
        ("prompt,\n猫,狗\n", "line 2: has a value without a column: '狗'"),
        ('prompt,seed\n"猫,1\n狗,2\n', "line 2: is not a row of a table"),
        ("seed\n1\n", "line 2, prompt: is required"),
        ("prompt,matrix\n猫,1\n", "line 1, matrix: is not a field"),
        ("prompt\n", "a.csv holds no requests"),
        ("", "a.csv holds no requests"),
    ],
)
def test_what_is_wrong_in_a_table(tmp_path: Path, table: str, told: str) -> None:
    """With the line, the column and what is allowed."""
    assert told in str(refusal(tmp_path, table, "a.csv", "image"))


def test_a_column_of_another_kind_is_a_column(tmp_path: Path) -> None:
    """In a table of several kinds; but a row may only fill its own kind's."""
    table = "kind,prompt,duration\nvideo,日出,5\nimage,猫,{}\n"
    assert len(read(tmp_path, table.format(""), "a.csv")) == 2
    assert "line 3, duration: is not a field of image rows" in str(refusal(tmp_path, table.format("5"), "a.csv"))
    error = refusal(tmp_path, "kind,promt\nimage,猫\n", "a.csv")
    assert "line 1, promt: is not a field of any kind of request; did you mean prompt" in str(error)


def test_excels_empty_columns_and_rows_are_nothing(tmp_path: Path) -> None:
    """It writes delimiters for cells that were once touched."""
    rows = read(tmp_path, "prompt,seed,,\n猫,1,,\n,,,\n,,\n", "a.csv", "image")
    assert fields_of(rows) == [{"prompt": "猫", "seed": 1}]


def test_a_workbook_is_refused_with_the_way_out(tmp_path: Path) -> None:
    """Excel's own format is no table of texts."""
    assert 'save the sheet as "CSV UTF-8"' in str(refusal(tmp_path, b"PK\3\4", "a.xlsx"))


# What is wrong


@pytest.mark.parametrize(
    "content, told",
    [
        ({"image_tasks": {}}, "image_tasks: must be a list of requests"),
        ({"image_tasks": [5]}, "image_tasks[0]: must be an object"),
        ({"image_tasks": [[]]}, "image_tasks[0]: must be an object"),
        (
            {"image_tasks": [{"prompt": "a", "siez": 1}]},
            "image_tasks[0].siez: is not a field of image rows; did you mean size",
        ),
        ({"image_tasks": [{"prompt": "a", "n": "four"}]}, "image_tasks[0].n: 'four' is not a whole number"),
        ({"image_tasks": [{"prompt": ["a"]}]}, "image_tasks[0].prompt: ['a'] is not a text"),
        ({"image_tasks": [{"size": "512*512"}]}, "image_tasks[0].prompt: is required"),
        ({"image_tasks": [{"prompt": "a", "input": []}]}, "image_tasks[0].input: must be an object"),
        ({"image_tasks": [{"prompt": "a", "input": {"prompt": "b"}}]}, "image_tasks[0].input.prompt: is given twice"),
        ({"image_tasks": [{"prompt": "a", "kind": "video"}]}, "image_tasks[0].kind: is video; only image stands here"),
        ({"image_tasks": [], "vidio_tasks": []}, "vidio_tasks: is not a section; did you mean video_tasks"),
        ({"images": [{"prompt": "a"}]}, "images: is not a section; did you mean image_tasks"),
        ({"image_edit_tasks": [{"messages": 5}]}, "image_edit_tasks[0].messages: must be one user message"),
        ([{"prompt": "a", "kind": "imgae"}], "[0].kind: 'imgae' is not one of image, image_edit"),
        ([{"prompt": "a", "kind": 5}], "[0].kind: 5 is not one of image"),
        ({"prompt": "a", "kind": "image", "hight": 5}, "request.hight: is not a field of image rows"),
        ([], "batch.json holds no requests"),
        ({"image_tasks": []}, "batch.json holds no requests"),
        ("", "batch.json holds no requests"),
        ("# nothing\n", "batch.json holds no requests"),
        ("5", "batch.json holds neither an object nor a list"),
        ('{"image_tasks": [\n]', "batch.json is not JSON: line 2, column 2"),
        ("[" * 100_000, "batch.json: is nested too deeply"),
        ('[{"seed": ' + "9" * 5000 + "}]", "batch.json: "),
        ('[{"seed": NaN}]', "batch.json is not JSON: line 1, column 11: NaN is not a number in JSON: write null"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, content: object, told: str) -> None:
    """The file, the section and index, the field, and what is allowed."""
    error = refusal(tmp_path, content)
    assert told in str(error)
    assert "batch.json" in str(error)


@pytest.mark.parametrize(
    "name, text, field",
    [
        ("a.json", '{"image_tasks": [], "image_tasks": []}', "image_tasks"),
        ("a.json", '{"image_tasks": [{"prompt": "a"}, {"prompt": "a", "n": 1, "n": 2}]}', "image_tasks[1].n"),
        ("a.json", '[{"kind": "image", "prompt": "a", "parameters": {"n": 1, "n": 1}}]', "[0].parameters.n"),
        ("a.jsonl", '\n{"kind": "image", "prompt": "a", "n": 1, "n": 2}', "line 2, n"),
    ],
)
def test_a_field_that_stands_twice_is_refused(tmp_path: Path, name: str, text: str, field: str) -> None:
    """JSON would silently keep the last one."""
    error = refusal(tmp_path, text, name)
    assert (field, "stands twice in the same object") in [(one.field, one.message) for one in error.problems]


@pytest.mark.parametrize(
    "line, told",
    [
        ("{'prompt': 'a'}", "line 2: is not JSON: column 2"),
        ('["a"]', "line 2: must be an object"),
        ('{"prompt": "a"', "line 2: is not JSON: column 15"),
        ('{"prompt": "a", "seed": Infinity}', "line 2: is not JSON: column 25: Infinity is not a number in JSON"),
        ('{"prompt": "a", "sed": 1}', "line 2, sed: is not a field of image rows; did you mean seed"),
        ("[" * 100_000, "line 2: is nested too deeply"),
    ],
)
def test_what_is_wrong_in_a_line(tmp_path: Path, line: str, told: str) -> None:
    """The other lines are read all the same."""
    error = refusal(tmp_path, f'{{"prompt": "猫"}}\n{line}\n{{"prompt": "狗", "n": true}}\n', "a.jsonl", "image")
    assert told in str(error)
    assert error.problems[-1].field == "line 3, n"


def test_everything_wrong_is_one_refusal(tmp_path: Path) -> None:
    """Sections, rows, fields and options together; exit 2."""
    error = refusal(
        tmp_path,
        {
            "image_tasks": [{"prompt": 1, "sise": 2, "name": "/"}, None],
            "text_task": [],
            "video_tasks": [{"prompt": "a", "fps": "x"}],
        },
    )
    assert [problem.field for problem in error.problems] == [
        "image_tasks[0].name",
        "image_tasks[0].sise",
        "image_tasks[0].prompt",
        "image_tasks[1]",
        "text_task",
        "video_tasks[0].fps",
    ]
    assert str(error).startswith(f"{tmp_path / 'batch.json'}: nothing is sent, 6 problems\n")
    assert error.exit_code == 2


@pytest.mark.slow
def test_the_same_problem_in_many_rows_is_said_once(tmp_path: Path) -> None:
    """With the first two places and how many more there are."""
    error = refusal(tmp_path, {"image_tasks": [{"prompt": "a", "sizes": 1}] * 10_000})
    assert len(error.problems) == 1
    assert str(error).endswith("(also in image_tasks[1], and 9,998 more rows)")


def test_fifty_problems_are_shown(tmp_path: Path) -> None:
    """All are held, the others are counted."""
    error = refusal(tmp_path, [{"prompt": "a", "n": f"{number} pictures"} for number in range(120)], kind="image")
    assert len(error.problems) == 120
    assert str(error).count("is not a whole number") == 50
    assert str(error).endswith("… and 70 more")


def test_a_script_reads_its_own_section_and_refuses_other_rows(tmp_path: Path) -> None:
    """Sections are for several scripts; a row of another kind in a plain list is a mistake."""
    path = tmp_path / "all.json"
    path.write_text(SEED_COMBINED, encoding="utf-8")
    assert {row.kind for row in read_rows(path, "image")} == {"image"}
    assert "[0].kind: is video; only image stands here" in str(refusal(tmp_path, [{"kind": "video"}], kind="image"))


@pytest.mark.parametrize("name", ["no.json", "no.jsonl", "no.csv", "."])
def test_a_file_that_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    """Missing, or a folder."""
    with pytest.raises(InvalidRequest, match="config: cannot read"):
        list(read_rows(tmp_path / name))


# Keys


def key_of(folder: Path, row: dict[str, Any], kind: str = "image") -> str:
    (made,) = read(folder, [row], kind=kind)
    return made.key


BASE = {"prompt": "猫", "size": "512*512", "name": "a", "output": "b", "id": "c"}


@pytest.mark.parametrize(
    "change", [{"prompt": "狗"}, {"n": 2}, {"name": "x"}, {"output": "x"}, {"id": "x"}, {"id": None}]
)
def test_a_changed_row_has_another_key(tmp_path: Path, change: dict[str, Any]) -> None:
    """Whatever is changed, also where it goes."""
    assert key_of(tmp_path, {**BASE, **change}) != key_of(tmp_path, BASE)


def test_the_kind_is_part_of_the_key(tmp_path: Path) -> None:
    """The same prompt for a picture and for a film are two jobs."""
    assert key_of(tmp_path, {"prompt": "猫"}) != key_of(tmp_path, {"prompt": "猫"}, "video")


@pytest.mark.parametrize(
    "same",
    [
        {"input": {"prompt": "猫"}, "parameters": {"size": "512*512"}, "name": "a", "output": "b/", "id": "c"},
        {**BASE, "seed": None},
        {**BASE, "kind": "image_tasks"},
        {"matrix": {"prompt": ["猫"]}, **{name: value for name, value in BASE.items() if name != "prompt"}},
    ],
)
def test_the_same_request_has_the_same_key(tmp_path: Path, same: dict[str, Any]) -> None:
    """However it is written."""
    assert key_of(tmp_path, same) == key_of(tmp_path, BASE)


def test_a_whole_number_has_the_same_key_with_and_without_point(tmp_path: Path) -> None:
    """1 and 1.0 are one number: a table, a program and a person write it differently."""
    row = {"function": "stylization_all", "prompt": "法国绘本", "image": "a.png", "strength": 1}
    table = "function,prompt,image,strength\nstylization_all,法国绘本,a.png,1.0\n"
    assert key_of(tmp_path, row, "wanx_edit") == key_of(tmp_path, {**row, "strength": 1.0}, "wanx_edit")
    assert key_of(tmp_path, row, "wanx_edit") == read(tmp_path, table, "a.csv", "wanx_edit")[0].key


def test_a_moved_folder_has_the_same_keys(tmp_path: Path) -> None:
    """The path as written counts: neither where it leads to nor what is in the file."""
    for folder in (tmp_path / "甲", tmp_path / "乙"):
        folder.mkdir()
    row = {"prompt": "改", "image": "狗.png"}
    assert key_of(tmp_path / "甲", row, "image_edit") == key_of(tmp_path / "乙", row, "image_edit")
    assert key_of(tmp_path, {**row, "image": ["狗.png"]}, "image_edit") == key_of(tmp_path, row, "image_edit")


def test_equal_rows_are_two_jobs(tmp_path: Path) -> None:
    """They are numbered, so that a third one more is one new job."""
    rows = read(tmp_path, [BASE, {"prompt": "狗"}, BASE, BASE], kind="image")
    first = rows[0].key
    assert len(first) == 24
    assert [row.key for row in rows if row.fields["prompt"] == "猫"] == [first, f"{first}-2", f"{first}-3"]


# Letters that a table, a line and a JSON text all hold as they are.
TEXTS = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Z"]) | st.sampled_from("猫,;|\"'\n #="), min_size=1
).filter(lambda text: text.strip() != "")
FLAT_ROWS = st.fixed_dictionaries(
    {"prompt": TEXTS},
    optional={
        "negative_prompt": TEXTS,
        "size": st.sampled_from(["512*512", "1024*1024"]),
        "n": st.integers(1, 4),
        "seed": st.integers(0, 2**31 - 1),
        "watermark": st.booleans(),
        "name": st.sampled_from(["{index}", "猫_{seed}"]),
        "id": TEXTS,
    },
)


def as_table(rows: list[dict[str, Any]]) -> str:
    names = sorted({name for row in rows for name in row})
    file = io.StringIO(newline="")
    table = csv.DictWriter(file, names)
    table.writeheader()
    table.writerows(rows)
    return file.getvalue()


@given(st.lists(FLAT_ROWS, min_size=1, max_size=5))
def test_json_lines_and_table_say_the_same(flat: list[dict[str, Any]]) -> None:
    """Any rows, written in the three forms, are the same rows with the same keys."""
    lines = "\n".join(json.dumps(row) for row in flat)
    with TemporaryDirectory() as name:
        forms = [
            read(Path(name), content, file_name, "image")
            for content, file_name in ((flat, "a.json"), (lines, "a.jsonl"), (as_table(flat), "a.csv"))
        ]
    shown = [[(row.fields, row.name, row.label, row.key) for row in rows] for rows in forms]
    assert shown[0] == shown[1] == shown[2]
    assert fields_of(forms[0]) == [
        {field: value for field, value in row.items() if field not in ("name", "id")} for row in flat
    ]


@given(st.lists(FLAT_ROWS, min_size=1, max_size=6), st.randoms())
def test_keys_are_unique_and_do_not_depend_on_the_order_of_fields(flat: list[dict[str, Any]], random: Any) -> None:
    """Shuffled fields: the same keys; every row of a file its own."""
    shuffled = [dict(random.sample(list(row.items()), len(row))) for row in flat]
    with TemporaryDirectory() as name:
        keys, others = ([row.key for row in read(Path(name), rows, kind="image")] for rows in (flat, shuffled))
    assert keys == others
    assert len(set(keys)) == len(flat)
