"""What goes into a film, written at every door: the same request comes of it, and what is wrong is said the same way."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bailian.batch.input.reader import read_rows
from bailian.batch.plan import planned
from bailian.catalog import load
from bailian.inputs.lookup import Inputs
from tests.support.commands import Run
from tests.support.films import film
from tests.support.pictures import bytes_of, drawn
from tests.support.recordings import wav

Body = dict[str, Any]
Door = Callable[[Run, Body], Body]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder, with a file of each sort."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png"):
        Path(name).write_bytes(bytes_of(drawn((640, 480))))
    film(Path("c.mp4"), size_px=(640, 480), seconds=3)
    Path("v.wav").write_bytes(wav(bytes(32000 * 4)))


def flags_of(row: Body) -> list[str]:
    words = []
    for name, value in row.items():
        flag = {"references": "reference"}.get(name, name).replace("_", "-")
        for number, one in enumerate(value if isinstance(value, list) else [value], 1):
            if name == "prompt":
                words.append(one)
            elif one is True:
                words.append(f"--{flag}")
            elif isinstance(one, dict):
                words += ["--reference", one["file"]]
                words += ["--reference-voice", f"{number}={one['voice']}"] if "voice" in one else []
            else:
                words += [f"--{flag}", str(one)]
    return words


def flags(text2video: Run, row: Body) -> Body:
    return shown(text2video(*flags_of(row), "--dry-run").json)


def config(text2video: Run, row: Body) -> Body:
    Path("config.json").write_text(json.dumps(row), encoding="utf-8")
    return shown(text2video("--config", "config.json", "--dry-run").json)


def nested(text2video: Run, row: Body) -> Body:
    own = dict(row)
    model = {"model": own.pop("model")} if "model" in own else {}
    Path("config.json").write_text(json.dumps({**model, "input": own}), encoding="utf-8")
    return shown(text2video("--config", "config.json", "--dry-run").json)


def shown(told: Body) -> Body:
    body = told["request"]["body"]
    assert isinstance(body, dict)
    return body


def of_file(name: str) -> Body:
    (row,) = read_rows(Path(name), "video")
    return dict(planned(row, load(), "beijing", Inputs(Path("home"))).prepared.body)


def json_rows(_text2video: Run, row: Body) -> Body:
    Path("rows.json").write_text(json.dumps({"video_tasks": [row]}), encoding="utf-8")
    return of_file("rows.json")


def json_lines(_text2video: Run, row: Body) -> Body:
    Path("rows.jsonl").write_text(json.dumps({"kind": "video", **row}) + "\n", encoding="utf-8")
    return of_file("rows.jsonl")


def table(_text2video: Run, row: Body) -> Body:
    """A cell holds several files divided by `|`; a voice has the number of its reference in front."""
    cells = {name: "|".join(map(str, value)) if isinstance(value, list) else value for name, value in row.items()}
    if isinstance(row.get("references"), list):
        entries = [one if isinstance(one, dict) else {"file": one} for one in row["references"]]
        cells["references"] = "|".join(one["file"] for one in entries)
        voices = [f"{number}={one['voice']}" for number, one in enumerate(entries, 1) if "voice" in one]
        cells |= {"reference_voices": "|".join(voices)} if voices else {}
    with Path("rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(cells))
        writer.writeheader()
        writer.writerow(cells)
    return of_file("rows.csv")


def python(_text2video: Run, row: Body) -> Body:
    from bailian.api import prepared_film

    prompt = row.get("prompt", "")
    return dict(prepared_film(prompt, **{name: value for name, value in row.items() if name != "prompt"}).body)


DOORS: dict[str, Door] = {
    "flags": flags,
    "config": config,
    "nested config": nested,
    "JSON": json_rows,
    "JSON lines": json_lines,
    "CSV": table,
}
ROWS: dict[str, Body] = {
    "a first frame": {"prompt": "镜头推近", "image": "a.png"},
    "two frames": {"prompt": "日夜交替", "image": "a.png", "last_frame": "b.png"},
    "references": {"prompt": "图1 走过 图2", "references": ["a.png", "b.png"]},
    "a voice of the second reference": {
        "prompt": "图1 对 视频1 说话",
        "references": [{"file": "a.png"}, {"file": "c.mp4", "voice": "v.wav"}],
    },
    "one reference": {"prompt": "图1 跳舞", "references": "a.png"},
    "an edit": {"prompt": "换成雪景", "video": "c.mp4", "references": ["b.png"]},
    "going on": {"prompt": "继续向前跑", "continue": "c.mp4"},
    "a sound": {"prompt": "唱歌", "image": "a.png", "audio": "v.wav"},
    "a function": {
        "prompt": "换成铜像",
        "vace": "video_repainting",
        "video": "c.mp4",
        "control_condition": "depth",
        "strength": 0.5,
    },
    "pictures of a function": {
        "prompt": "她走过街",
        "vace": "image_reference",
        "references": ["a.png", "b.png"],
        "obj_or_bg": ["obj", "bg"],
    },
    "silence": {"prompt": "海", "model": "wan2.6-i2v-flash", "image": "a.png", "no_audio": True},
}


@pytest.mark.few(12)
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_door_makes_the_same_request(text2video: Run, row: Body, door: Door) -> None:
    assert door(text2video, row) == flags(text2video, row)
