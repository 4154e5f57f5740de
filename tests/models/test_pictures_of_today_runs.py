"""Today's picture models from the shell to files: every door, what is refused, what is lost and found, what is paid."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bailian.sandbox import Fault, Sandbox
from tests.support.commands import Run
from tests.support.processes import start_script
from tests.support.setting import run_on

PALETTE = "#C2D1E6:25%,#CDD8E9:25%,#B5C8DB:50%"
DRAW = {
    "qwen-image-2.0": 0.20, "qwen-image-2.0-pro": 0.50, "qwen-image-3.0": 0.18, "qwen-image-3.0-pro": 0.25,
    "qwen-image-2.1-pro": 0.25, "qwen-image-2.1-turbo": 0.10, "wan2.7-image": 0.20, "wan2.7-image-pro": 0.50,
    "z-image-turbo": 0.10,
}  # fmt: skip
"""What a picture of 1024*1024 costs."""
EDIT = {
    "qwen-image-2.0": 0.20, "qwen-image-3.0": 0.20, "qwen-image-3.0-pro": 0.52, "qwen-image-2.1-pro": 0.27,
    "qwen-image-2.1-turbo": 0.12, "wan2.7-image": 0.20, "wan2.7-image-pro": 0.50, "wan2.6-image": 0.20,
    "wan2.5-i2i-preview": 0.20,
}  # fmt: skip
"""The most that an edit of one picture costs: the service may make more pixels than asked for."""


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(task_s=0.02, enforce_limits=False) as box:
        yield box


@pytest.fixture
def dog(tmp_path: Path) -> str:
    Image.new("RGB", (1600, 900), "teal").save(tmp_path / "dog.png")
    return str(tmp_path / "dog.png")


def sides(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def posts(box: Sandbox) -> list[Any]:
    return [entry for entry in box.requests if entry.method == "POST"]


@pytest.mark.few(3)
@pytest.mark.parametrize("model, price_cny", DRAW.items())
def test_a_text_becomes_a_file(text2image: Run, box: Sandbox, model: str, price_cny: float) -> None:
    shown = text2image("猫", "--model", model, "--json").json
    (path,) = shown["files"]
    assert sides(path) == (1024, 1024)
    assert shown["cost"] == {"currency": "CNY", "estimate": price_cny, "charged": price_cny}
    assert len(posts(box)) == 1


@pytest.mark.slow
def test_an_area_leaves_the_sides_to_the_service(text2image: Run) -> None:
    assert text2image("猫", "--model", "wan2.7-image", "--size", "2K", "--json").json["notices"] == []


@pytest.mark.few(1)
@pytest.mark.parametrize("model, most_cny", EDIT.items())
def test_a_picture_is_edited_into_a_file(image_edit: Run, box: Sandbox, dog: str, model: str, most_cny: float) -> None:
    shown = image_edit("编辑", "--image", dog, "--model", model, "--json").json
    (path,) = shown["files"]
    width, height = sides(path)
    assert width / height == pytest.approx(16 / 9, abs=0.05)
    assert shown["cost"]["estimate"] == pytest.approx(most_cny)
    assert 0 < shown["cost"]["charged"] <= most_cny
    assert len(posts(box)) == 1


# ── the same request through every door ──

WISHES: list[tuple[str, dict[str, Any]]] = [
    ("image", {"model": "wan2.7-image", "palette": PALETTE, "thinking": True, "size": "2K 16:9"}),
    ("image", {"model": "wan2.7-image", "set": 3}),
    ("image", {"model": "wan2.6-image", "interleave": True, "n": 2}),
    ("image", {"model": "qwen-image-3.0", "prompt_extend_mode": "agent", "negative_prompt": "狗", "seed": 7}),
    ("image_edit", {"model": "wan2.7-image", "box": ["1:1,2,30,40", "2:5,6,70,80"], "image": ["dog.png", "dog.png"]}),
    ("image_edit", {"model": "wan2.5-i2i-preview", "image": ["dog.png"], "n": 2}),
]


def flags(fields: dict[str, Any]) -> list[str]:
    words = []
    for name, value in fields.items():
        flag = f"--{name.replace('_', '-')}"
        for one in value if isinstance(value, list) else [value]:
            words += [flag] if one is True else [flag, str(one)]
    return words


def by_json(path: Path, kind: str, fields: dict[str, Any]) -> None:
    path.write_text(json.dumps({f"{kind}_tasks": [fields]}), encoding="utf-8")


def by_lines(path: Path, kind: str, fields: dict[str, Any]) -> None:
    path.write_text(json.dumps({"kind": kind, **fields}) + "\n", encoding="utf-8")


def by_table(path: Path, kind: str, fields: dict[str, Any]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        cells = {name: "|".join(value) if isinstance(value, list) else value for name, value in fields.items()}
        writer = csv.DictWriter(file, ["kind", *cells])
        writer.writeheader()
        writer.writerow({"kind": kind, **cells})


def by_body(path: Path, kind: str, fields: dict[str, Any], body: dict[str, Any] | None = None) -> None:
    path.write_text(json.dumps(body), encoding="utf-8")


FILES: dict[str, Callable[[Path, str, dict[str, Any]], None]] = {
    "a.json": by_json, "a.jsonl": by_lines, "a.csv": by_table,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize("kind, wishes", WISHES)
def test_every_door_sends_the_same(
    request: pytest.FixtureRequest, bailian: Run, box: Sandbox, dog: str, kind: str, wishes: dict[str, Any]
) -> None:
    """Flags, a JSON file, lines, a table's cells, and the service's own body as a config."""
    fields = {"prompt": "猫", **wishes}
    script: Run = request.getfixturevalue({"image": "text2image"}.get(kind, kind))
    shown = script("猫", *flags(wishes), "--dry-run").json["request"]["body"]
    script("猫", *flags(wishes))
    for name, write in FILES.items():
        write(Path(name), kind, fields)
        bailian("batch", "run", name, "-o", f"out-{name}/")
    by_body(Path("body.json"), kind, fields, shown)
    script("--config", "body.json")
    sent = [entry.body for entry in posts(box)]
    assert len(sent) == 5
    assert [body["parameters"] for body in sent] == [shown["parameters"]] * 5


REFUSED = [
    ("image", {"model": "wan2.7-image", "set": 13}, "set: 13 is not in 1 to 12"),
    ("image", {"model": "wan2.7-image", "palette": "#ffffff:100%"}, "palette: has 1 colours"),
    ("image", {"model": "wan2.7-image", "size": "4K"}, "takes 1K, 2K here"),
    ("image", {"model": "qwen-image-3.0", "n": 7}, "n: 7 is not in 1 to 6"),
    ("image_edit", {"model": "wan2.7-image", "box": ["3:1,2,3,4"], "image": ["dog.png"]}, "there is no picture 3"),
    ("image_edit", {"model": "wan2.6-image", "image": ["dog.png"] * 5}, "give 1-4 pictures, not 5"),
]


@pytest.mark.few(1)
@pytest.mark.parametrize("kind, wishes, text", REFUSED)
def test_a_refusal_sends_nothing_through_any_door(
    request: pytest.FixtureRequest, bailian: Run, box: Sandbox, dog: str, kind: str, wishes: dict[str, Any], text: str
) -> None:
    script: Run = request.getfixturevalue({"image": "text2image"}.get(kind, kind))
    assert text in script("猫", *flags(wishes), exits=2).err
    for name, write in FILES.items():
        write(Path(name), kind, {"prompt": "猫", **wishes})
        ran = bailian("batch", "run", name, exits=2)
        assert text in ran.err
        assert "nothing is sent" in ran.err
    assert posts(box) == []


@pytest.mark.slow
def test_a_picture_with_transparency_is_refused_where_none_is_taken(image_edit: Run, box: Sandbox) -> None:
    Image.new("RGBA", (640, 640), (1, 2, 3, 4)).save("clear.png")
    assert "has transparency" in image_edit("改", "--image", "clear.png", "--model", "wan2.7-image", exits=2).err
    assert image_edit("改", "--image", "clear.png", "--model", "qwen-image-3.0").paths
    assert len(posts(box)) == 1


@pytest.mark.slow
def test_a_price_that_is_not_published_keeps_to_a_budget(image_edit: Run, box: Sandbox, dog: str) -> None:
    """The family's dearest known one is reckoned with, before and after."""
    words = ["改", "--image", dog, "--model", "qwen-image-2.1-turbo", "--max-cost"]
    assert "may cost 0.12" in image_edit(*words, "0.11", exits=3).err
    assert "is not published" in image_edit(*words, "0.12").err
    assert len(posts(box)) == 1


# ── a text with pictures ──

STORY = ("猫的一天", "--model", "wan2.6-image", "--interleave", "--n", "3")


def linked(path: Path) -> list[Path]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [path.parent / line[5:-2] for line in lines if line.startswith("![](<")]


def test_a_story_is_pictures_and_one_text_that_links_them(text2image: Run) -> None:
    *pictures, text = text2image(*STORY).paths
    assert text.suffix == ".md"
    assert linked(text) == pictures
    assert len(pictures) == 3


@pytest.mark.slow
def test_a_story_in_one_named_file(text2image: Run) -> None:
    assert [path.name for path in text2image(*STORY, "-o", "a b.png").paths] == ["a b_1.png", "a b_2.png", "a b_3.png", "a b.md"]  # fmt: skip
    assert all(path.is_file() for path in linked(Path("a b.md")))


@pytest.mark.slow
def test_a_broken_download_holds_the_text_back_until_all_pictures_are_there(text2image: Run, box: Sandbox) -> None:
    box.faults.add(Fault(on="download", kind="reset_before", after=1, times=2))
    *pictures, text = text2image(*STORY).paths
    assert linked(text) == pictures
    assert len(posts(box)) == 1


@pytest.mark.slow
def test_a_story_that_was_killed_is_fetched_and_paid_once(text2image: Run, bailian: Run, box: Sandbox) -> None:
    """The task survives; whoever waits for it next makes the same files."""
    with start_script(box, *STORY, "--no-wait") as process:
        assert process.stdout is not None
        task_id = process.stdout.read().strip()
    *pictures, text = bailian("tasks", "wait", task_id).paths
    assert linked(text) == pictures
    assert len(posts(box)) == 1
    assert len(box.tasks) == 1


# ── bad days ──


def test_a_lost_synchronous_answer_is_held(text2image: Run, box: Sandbox) -> None:
    box.faults.add(Fault(on="sync", kind="reset_after"))
    error = text2image("猫", "--model", "qwen-image-2.1-pro", "--json", exits=5).json["error"]
    assert error["code"] == "MaybeSent"
    assert len(posts(box)) == 1


@pytest.mark.slow
@pytest.mark.few(1)
@pytest.mark.parametrize("model", ["qwen-image-3.0", "wan2.7-image", "wan2.6-image"])
def test_a_lost_task_is_never_sent_again_without_proof(image_edit: Run, box: Sandbox, dog: str, model: str) -> None:
    box.faults.add(Fault(on="submit", kind="reset_after"))
    ran = image_edit("猫", "--image", dog, "--model", model, exits=None)
    assert ran.code in (0, 5)
    assert len(box.tasks) == 1


@pytest.mark.slow
@pytest.mark.parametrize("model", ["qwen-image-3.0-pro", "wan2.7-image"])
def test_a_throttled_request_is_sent_again(text2image: Run, box: Sandbox, model: str) -> None:
    box.faults.add(Fault(on="submit", kind="throttle"))
    assert text2image("猫", "--model", model).paths
    assert len(box.tasks) == 1


@pytest.mark.slow
def test_a_retired_edit_model_gives_way_to_one_that_takes_pictures(
    image_edit: Run, box: Sandbox, dog: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_on(date(2026, 11, 28), monkeypatch)
    ran = image_edit("改", "--image", dog, "--image", dog, "--model", "qwen-image-edit", "--use-successor")
    assert "qwen-image-2.0 is sent" in ran.err
    assert posts(box)[0].body["model"] == "qwen-image-2.0"
