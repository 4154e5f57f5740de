"""Masks made and mended by fields: a flag, a config and a row ask in the same words and send the same mask."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from bailian.inputs import made_masks
from bailian.sandbox import Sandbox
from tests.support.commands import Run

SIZE = (640, 512)
FUNCTION = "description_edit_with_mask"


@pytest.fixture(autouse=True)
def files() -> None:
    """A picture with a red corner and a hole, a painted copy, and masks that need mending."""
    picture = Image.linear_gradient("L").resize(SIZE).convert("RGBA")
    picture.paste((255, 0, 0, 255), (0, 0, 100, 100))
    picture.paste((9, 9, 9, 0), (300, 300, 400, 400))
    picture.save("a.png")
    copy = Image.open("a.png").convert("RGB")
    ImageDraw.Draw(copy).rectangle((500, 0, 599, 99), fill="lime")
    copy.save("copy.png")
    grey = Image.new("L", SIZE, 0)
    grey.paste(200, (0, 0, 50, 50))
    grey.save("grey.png")
    strokes = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    strokes.paste((255, 255, 255, 255), (0, 0, 640, 64))
    strokes.save("strokes.png")


# Fields, a place that is white, a place that is black.
GOOD: dict[str, tuple[dict[str, Any], tuple[int, int], tuple[int, int]]] = {
    "box": ({"mask_box": "10,10,50,50"}, (12, 12), (70, 70)),
    "boxes": ({"mask_box": ["10,10,50,50", "50%,50%,10%,10%"]}, (330, 270), (70, 70)),
    "ellipse": ({"mask_ellipse": "0,0,100,100"}, (50, 50), (1, 1)),
    "polygon": ({"mask_polygon": "0,0,100,0,0,100"}, (10, 10), (90, 90)),
    "color": ({"mask_color": "red"}, (50, 50), (200, 50)),
    "alpha": ({"mask_alpha": True}, (350, 350), (50, 50)),
    "diff": ({"mask_diff": "copy.png"}, (550, 50), (50, 200)),
    "invert": ({"mask_box": "10,10,50,50", "mask_invert": True}, (70, 70), (12, 12)),
    "grow": ({"mask_box": "10,10,50,50", "mask_grow": 15}, (70, 70), (90, 90)),
    "feather": ({"mask_box": "10,10,80,80", "mask_feather": 9.5}, (50, 50), (10, 10)),
    "fix": ({"mask": "grey.png", "mask_fix": True}, (20, 20), (70, 70)),
    "by paint": ({"mask": "strokes.png", "mask_from": "paint"}, (20, 20), (20, 200)),
    "by alpha": ({"mask": "strokes.png", "mask_from": "alpha"}, (20, 200), (20, 20)),
    "a mask and a box": ({"mask": "grey.png", "mask_fix": True, "mask_box": "100,100,9,9"}, (105, 105), (90, 90)),
}  # fmt: skip
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no area": ({"mask_box": "1,2,3"}, "mask_box: '1,2,3' is not x,y,w,h"),
    "an area of NaN": ({"mask_ellipse": "nan,1,2,3"}, "out of all bounds"),
    "no colour": ({"mask_color": "reddish"}, "mask_color: 'reddish' is not a colour"),
    "no copy": ({"mask_diff": "no.png"}, "mask_diff: cannot read"),
    "another way to read": ({"mask": "grey.png", "mask_from": "colour"}, "mask_from: 'colour' is neither paint nor alpha"),
    "two ways to read it": ({"mask": "strokes.png"}, '"mask_from": "paint" or "alpha"'),
    "grey": ({"mask": "grey.png"}, '"mask_fix": true'),
    "feather": ({"mask_box": "1,1,9,9", "mask_feather": 0}, "mask_feather: 0 is not above 0"),
    "nothing white": ({"mask_color": "#00ffff"}, "mask: is all black"),
    "everything white": ({"mask_box": "0,0,100%,100%"}, "mask: is all white"),
    "no picture here": ({"mask_box": "1,1,9,9", "image": "https://example.com/a.png"}, "image: a mask can only be made"),
}  # fmt: skip


def words_of(fields: dict[str, Any]) -> list[str]:
    words = ["--image", "a.png"] if "image" not in fields else []
    for name, value in fields.items():
        option = "--" + name.replace("_", "-")
        for one in value if isinstance(value, list) else [value]:
            words += [option] if one is True else [f"{option}={one}"]
    return words


def flag(run: Run, fields: dict[str, Any], exits: int) -> str:
    return run("兔子", *words_of(fields), exits=exits).err


def row(fields: dict[str, Any]) -> dict[str, Any]:
    return {"function": FUNCTION, "prompt": "兔子", "image": "a.png", **fields}


def config(run: Run, fields: dict[str, Any], exits: int) -> str:
    Path("c.json").write_text(json.dumps(row(fields)))
    return run("--config", "c.json", exits=exits).err


def flags_over_config(run: Run, fields: dict[str, Any], exits: int) -> str:
    Path("c.json").write_text(json.dumps(row({"image": fields.get("image", "a.png"), "mask_box": []})))
    return run("--config", "c.json", *words_of({"image": "a.png", **fields}), exits=exits).err


def json_rows(run: Run, fields: dict[str, Any], exits: int) -> str:
    Path("rows.json").write_text(json.dumps({"wanx_edit_tasks": [row(fields)]}))
    return run("--config", "rows.json", exits=exits).err


def defaults(run: Run, fields: dict[str, Any], exits: int) -> str:
    rows = [{"function": FUNCTION, "prompt": "兔子"}]
    under = {"wanx_edit_tasks": {"image": str(Path("a.png").absolute()), **fields}}
    Path("rows.json").write_text(json.dumps({"defaults": under, "wanx_edit_tasks": rows}))
    return run("--config", "rows.json", exits=exits).err


def jsonl(run: Run, fields: dict[str, Any], exits: int) -> str:
    Path("rows.jsonl").write_text(json.dumps(row(fields)) + "\n")
    return run("--config", "rows.jsonl", exits=exits).err


def csv_rows(run: Run, fields: dict[str, Any], exits: int) -> str:
    cells = {name: "|".join(value) if isinstance(value, list) else value for name, value in row(fields).items()}
    with Path("rows.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(cells))
        table.writeheader()
        table.writerow(cells)
    return run("--config", "rows.csv", exits=exits).err


DOORS = (flag, config, flags_over_config, json_rows, defaults, jsonl, csv_rows)
EVERYWHERE = ("boxes", "color", "diff", "by paint", "two ways to read it", "feather", "nothing white")
"""What every door is tried with; the rest at a flag and a row, which all others go through."""


def at_doors(cases: dict[str, Any]) -> list[Any]:
    return [
        pytest.param(*case, door, id=f"{name}-{door.__name__}")
        for name, case in cases.items()
        for door in DOORS
        if name in EVERYWHERE or door in (flag, jsonl)
    ]


def sent_mask(box: Sandbox) -> Image.Image:
    uri = box.tasks[-1].body["input"]["mask_image_url"]
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


@pytest.mark.parametrize("fields, white, black, door", at_doors(GOOD))
@pytest.mark.few(4)
def test_a_mask_is_made_at_every_door(
    wanx_edit: Run,
    box: Sandbox,
    fields: dict[str, Any],
    white: tuple[int, int],
    black: tuple[int, int],
    door: Callable[..., str],
) -> None:
    door(wanx_edit, fields, 0)
    mask = sent_mask(box)
    assert mask.size == SIZE
    assert set(mask.tobytes()) == {0, 255}
    assert (mask.getpixel(white), mask.getpixel(black)) == (255, 0)


@pytest.mark.slow
@pytest.mark.parametrize("door", [config, json_rows, jsonl])
@pytest.mark.parametrize("fields", [{"mask_box": "10,10,50,50"}, {"mask": "grey.png", "mask_fix": True}], ids=str)
def test_a_request_with_a_mask_needs_no_function(
    wanx_edit: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], door: Callable[..., str]
) -> None:
    """As with the flags: what edits a marked place is `description_edit_with_mask`."""
    monkeypatch.setitem(globals(), "row", lambda given: {"prompt": "兔子", "image": "a.png", **given})
    door(wanx_edit, fields, 0)
    assert box.tasks[-1].body["input"]["function"] == FUNCTION


@pytest.mark.parametrize("fields, says, door", at_doors(BAD))
@pytest.mark.few(1)
def test_a_mask_that_cannot_be_made_is_refused_at_every_door(
    wanx_edit: Run, box: Sandbox, fields: dict[str, Any], says: str, door: Callable[..., str]
) -> None:
    assert says in door(wanx_edit, fields, 2)
    assert box.requests == []


@pytest.mark.slow
@pytest.mark.parametrize("area", [[10, 10, 50, 50], [[10, 10, 50, 50]], ["10", "10", "50", "50"], ["10,10,50,50"]])
@pytest.mark.parametrize("door", [config, json_rows, jsonl])
def test_json_may_write_an_area_as_numbers(wanx_edit: Run, box: Sandbox, area: Any, door: Callable[..., str]) -> None:
    door(wanx_edit, {"mask_box": area}, 0)
    assert sent_mask(box).getpixel((12, 12)) == 255


@pytest.mark.few(1)
@pytest.mark.parametrize("door", [config, json_rows, jsonl])
@pytest.mark.parametrize(
    "field, value",
    [("mask_boxes", "1,1,9,9"), ("mask_preview", "a.png"), ("mask_grow", "much"), ("mask_box", 5), ("mask_box", {})],
)
def test_an_unknown_field_or_type_is_named(
    wanx_edit: Run, box: Sandbox, field: str, value: Any, door: Callable[..., str]
) -> None:
    assert field in door(wanx_edit, {field: value}, 2)
    assert box.requests == []


@pytest.mark.slow
def test_flags_make_the_mask_of_every_row(wanx_edit: Run, box: Sandbox) -> None:
    Path("rows.jsonl").write_text("\n".join(json.dumps({**row({}), "prompt": text}) for text in "甲乙"))
    wanx_edit("--config", "rows.jsonl", "--mask-box", "10,10,50,50")
    assert {task.body["input"]["prompt"] for task in box.tasks} == {"甲", "乙"}
    assert sent_mask(box).getpixel((12, 12)) == 255


@pytest.mark.slow
def test_a_mask_that_a_thousand_rows_make_is_made_once(
    wanx_edit: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    with_mask = made_masks.with_mask
    monkeypatch.setattr(made_masks, "with_mask", lambda *given: made.append(1) or with_mask(*given))
    rows = [row({"mask_box": "10,10,50,50", "seed": seed}) for seed in range(1000)]
    Path("rows.jsonl").write_text("\n".join(json.dumps(one) for one in rows))
    wanx_edit("--config", "rows.jsonl", "--dry-run")
    assert len(made) == 1


def test_a_missing_picture_is_all_that_is_said_of_its_mask(wanx_edit: Run, box: Sandbox) -> None:
    Path("rows.jsonl").write_text(json.dumps(row({"image": "no.png", "mask_box": "10,10,50,50"})))
    said = wanx_edit("--config", "rows.jsonl", exits=2).err
    assert "image: cannot read" in said
    assert "1 problem" in said
    assert "mask" not in said


def test_one_bad_row_is_named_and_the_others_are_checked(wanx_edit: Run, box: Sandbox) -> None:
    rows = [row({"mask_box": "10,10,50,50"}), row({"mask_box": "1"}), row({"mask_color": "red", "n": 9})]
    Path("rows.jsonl").write_text("\n".join(json.dumps(one) for one in rows))
    said = wanx_edit("--config", "rows.jsonl", exits=2).err
    assert "line 2, mask_box" in said
    assert "line 3, n" in said
    assert box.requests == []


@pytest.mark.parametrize("door", [flag, config, json_rows, jsonl, csv_rows])
@pytest.mark.slow
def test_a_turned_photo_stays_a_photo_at_every_door(wanx_edit: Run, box: Sandbox, door: Callable[..., str]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.effect_noise((800, 600), 50).convert("RGB").save("a.png", "JPEG", exif=exif)
    door(wanx_edit, {"mask_box": "0,0,50%,25%"}, 0)
    uri = box.tasks[-1].body["input"]["base_image_url"]
    data = base64.b64decode(uri.partition(",")[2])
    with Image.open(io.BytesIO(data)) as sent:
        assert (sent.format, sent.size) == ("JPEG", (600, 800))
    assert len(data) <= Path("a.png").stat().st_size
    assert sent_mask(box).getpixel((299, 199)) == 255


@pytest.mark.few(1)
@pytest.mark.parametrize("options", [{"mask_box": "1,1,9,9"}, {"mask": "a.png", "mask_fix": True}])
@pytest.mark.parametrize("door", [flag, jsonl])
def test_no_mask_is_made_for_a_picture_that_no_model_takes(
    wanx_edit: Run, box: Sandbox, options: dict[str, Any], door: Callable[..., str]
) -> None:
    """Its header says enough: nothing of that size is decoded or drawn."""
    Image.new("1", (12_500, 10)).save("a.png")
    assert "is 12500*10" in door(wanx_edit, options, 2)
    assert box.requests == []
