"""One value, written as people and programs write it, means the same on the command line, in JSON and in a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bailian.batch.input.reader import read_rows
from bailian.errors import InvalidRequest
from bailian.sandbox import Sandbox
from tests.support.commands import Run
from tests.support.service import first_post


def rows(name: str, content: str, kind: str | None = "image") -> list[Any]:
    Path(name).write_text(content, encoding="utf-8")
    return list(read_rows(Path(name), kind))


def as_json(values: dict[str, Any]) -> tuple[str, str]:
    return "a.json", json.dumps([values])


def as_lines(values: dict[str, Any]) -> tuple[str, str]:
    return "a.jsonl", json.dumps(values)


def as_table(values: dict[str, Any]) -> tuple[str, str]:
    return "a.csv", ",".join(values) + "\n" + ",".join(str(value) for value in values.values()) + "\n"


FORMS = [as_json, as_lines, as_table]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("written", [2, 2.0, "2", "2.0"])
def test_a_whole_number(form: Any, written: object) -> None:
    """pandas writes 2.0 where the column has gaps; other tools write every value as a text."""
    (row,) = rows(*form({"prompt": "猫", "n": written}))
    assert row.fields["n"] == 2
    assert isinstance(row.fields["n"], int)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "written, value",
    [("TRUE", True), ("yes", True), (1, True), (1.0, True), ("false", False), ("0", False), (0, False)],
)
def test_a_switch(form: Any, written: object, value: bool) -> None:
    """As Excel, pandas and people write it."""
    (row,) = rows(*form({"prompt": "猫", "watermark": written}))
    assert row.fields["watermark"] is value


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("field, written", [("n", 2.5), ("n", "two"), ("watermark", 2), ("watermark", "perhaps")])
def test_what_is_neither_is_refused(form: Any, field: str, written: object) -> None:
    with pytest.raises(InvalidRequest, match="is not"):
        rows(*form({"prompt": "猫", field: written}))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("written", [1.5, "1.5", "15e-1", " 1.5\x1f"])
def test_a_number(form: Any, written: object) -> None:
    (row,) = rows(*form({"prompt": "你好", "rate": written}), "speech")
    assert row.fields["rate"] == 1.5


def test_the_same_values_are_the_same_row() -> None:
    """Whoever turns the table into JSON does not pay again."""
    keys = {rows(*form({"prompt": "猫", "n": "2.0", "watermark": "yes"}))[0].key for form in FORMS}
    assert keys == {rows("b.json", '[{"prompt": "猫", "n": 2, "watermark": true}]')[0].key}


@pytest.mark.few(2)
@pytest.mark.parametrize("size, sent", [("16:9", "1280*720"), ("720P", "1280*720"), ("512x512", "512*512")])
@pytest.mark.parametrize("door", ["flag", "config", *FORMS], ids=lambda door: getattr(door, "__name__", door))
@pytest.mark.usefixtures("quick")
def test_a_size(text2image: Run, box: Sandbox, door: Any, size: str, sent: str) -> None:
    """The notice has the exact one."""
    if door == "flag":
        ran = text2image("猫", "--size", size, "--n", "1.0")
    else:
        name, content = (
            ("a.json", json.dumps({"prompt": "猫", "size": size}))
            if door == "config"
            else door({"prompt": "猫", "size": size})
        )
        Path(name).write_text(content, encoding="utf-8")
        ran = text2image("--config", name)
    assert first_post(box).body["parameters"]["size"] == sent
    assert f"the size {size} is sent as {sent}" in ran.err


@pytest.mark.parametrize("option", ["--resolution", "--size"])
def test_a_resolution(text2video: Run, option: str) -> None:
    shown = text2video("海", option, "720p", "--dry-run").json
    assert shown["request"]["body"]["parameters"]["size"] == "1280*720"
    assert "upright: 720*1280" in text2video("海", option, "720p", "--strict", "--dry-run", exits=2).err


# Tables.


def test_a_long_cell() -> None:
    """A chapter to be spoken; Python's own limit is 131,072 characters."""
    text = "床前明月光。" * 25_000
    (row,) = rows("a.csv", f"prompt\n{text}\n", "speech")
    assert row.fields["prompt"] == text


COS = "https://x.cos.ap-beijing.myqcloud.com/a.jpg?imageView2/2/w/500|imageMogr2/format/png|imageslim"
LISTS = {
    "two paths": ("a.png|b.png", ["a.png", "b.png"]),
    "two links": ("https://x/a.png|https://x/b.png", ["https://x/a.png", "https://x/b.png"]),
    "a link and a path": ("https://x/a.png | ./b.png", ["https://x/a.png", "b.png"]),
    "a link and a name": ("https://x/a.png|b.png", ["https://x/a.png", "b.png"]),
    "a pipe of Tencent's": (COS, [COS]),
    "two of them": (f"{COS}|{COS}", [COS, COS]),
    "escaped": (r"https://x/a.png?p\|b.png", ["https://x/a.png?p|b.png"]),
    "a path with a pipe": (r"a\|b.png|c.png", ["a|b.png", "c.png"]),
}


@pytest.mark.parametrize("cell, images", LISTS.values(), ids=LISTS)
def test_a_list_in_a_cell(cell: str, images: list[str]) -> None:
    (row,) = rows("a.csv", f"prompt,image\n换色,{cell}\n", "image_edit")
    assert [image.removeprefix(f"{Path.cwd()}/") for image in row.fields["image"]] == images


def test_a_list_of_other_things() -> None:
    (row,) = rows("a.csv", "file,channel_id\nhttps://x/a.mp3,0|1.0\n", "transcription")
    assert row.fields["channel_id"] == [0, 1]
    (row,) = rows("a.csv", "prompt,stop\n讲个故事,完|终\n", "text")
    assert row.fields["stop"] == ["完", "终"]


@pytest.mark.parametrize("header", ["", "Unnamed: 0", "Unnamed: 0.1"])
def test_the_row_numbers_of_pandas_are_left_out(header: str) -> None:
    """With a notice, once said with every row; a row of a number alone is no row."""
    found = rows("a.csv", f"{header},prompt,seed\n0,猫,\n1,狗,5.0\n2,,\n7,鸟,\n")
    assert [row.fields for row in found] == [{"prompt": "猫"}, {"prompt": "狗", "seed": 5}, {"prompt": "鸟"}]
    assert {notice.code for row in found for notice in row.notices} == {"index_column"}
    assert all("to_csv(index=False)" in notice.message for row in found for notice in row.notices)


@pytest.mark.parametrize("header", ["", "Unnamed: 0"])
def test_another_first_column_without_a_name_is_refused(header: str) -> None:
    """Perhaps it is what the rows are about."""
    with pytest.raises(InvalidRequest, match="stands in a column without a name: 'sku-1'; name the column") as refused:
        rows("a.csv", f"{header},prompt\nsku-1,猫\n")
    assert "line 2" in str(refused.value)


def test_an_empty_first_column_is_nothing() -> None:
    (row,) = rows("a.csv", ",prompt\n,猫\n")
    assert (row.fields, row.notices) == ({"prompt": "猫"}, ())
