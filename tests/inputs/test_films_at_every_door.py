"""What goes into a film, written at every door: the same request comes of it, and what is wrong is said the same way."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bailian import api
from bailian.batch.input.reader import read_rows
from bailian.batch.plan import planned
from bailian.catalog import load
from bailian.errors import InvalidRequest
from bailian.inputs.lookup import Inputs
from bailian.sandbox import Sandbox
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
        if name == "reference_voices":
            flag = "reference-voice"
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


@pytest.mark.few(4)
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_door_makes_the_same_request(text2video: Run, row: Body, door: Door) -> None:
    assert door(text2video, row) == flags(text2video, row)


@pytest.mark.slow
def test_from_python_the_same_film_is_made(bailian: Run, box: Sandbox) -> None:
    """`references` as rows have them, paths as `Path`, `continue_` for a word that Python keeps for itself."""
    row = ROWS["a voice of the second reference"]
    entries = [{"file": Path("a.png")}, {"file": Path("c.mp4"), "voice": "v.wav"}]
    outcome = api.text2video(row["prompt"], references=entries, timeout_s=60)
    assert [path.suffix for path in outcome.files] == [".mp4"]
    sent = next(one.body for one in box.requests if isinstance(one.body, dict) and "input" in one.body)
    first, second = sent["input"]["media"]
    assert (first["type"], second["type"]) == ("reference_image", "reference_video")
    assert second["url"].startswith("oss://")
    assert second["reference_voice"].startswith("oss://")
    with pytest.raises(InvalidRequest, match="is a picture"):
        api.text2video("继续", continue_=Path("a.png"), timeout_s=60)


WRONG: dict[str, tuple[Body, str]] = {
    "a last frame alone": (
        {"prompt": "x", "last_frame": "a.png"},
        "needs the frame that the film begins with: --image",
    ),
    "two beginnings": ({"prompt": "x", "image": "a.png", "video": "c.mp4"}, "stands beside image: .* give one of them"),
    "two first frames": (
        {"prompt": "x", "image": ["a.png", "b.png"]},
        "2 pictures: one is the first frame; --last-frame",
    ),
    "a voice of nobody": (
        {"prompt": "x", "references": [{"file": "a.png"}], "reference_voices": ["2=v.wav"]},
        r"a voice for reference 2 of 1: give its picture or film",
    ),
    "two voices": (
        {"prompt": "x", "references": ["a.png"], "reference_voices": ["1=v.wav", "1=w.wav"]},
        "reference 1 has two voices",
    ),
    "a mask without a function": ({"prompt": "x", "mask": "a.png"}, "belongs to a function .*--vace video_edit"),
    "a film for a picture": ({"prompt": "x", "image": "c.mp4"}, "c.mp4 is a film: --continue or --video takes films"),
    "a picture for a film": ({"prompt": "x", "video": "a.png"}, "a.png is a picture: --image"),
    "a picture for a voice": (
        {"prompt": "x", "references": ["a.png"], "reference_voices": ["1=b.png"]},
        "b.png is a picture",
    ),
    "no such file": ({"prompt": "x", "references": ["没有.png"]}, "references: cannot read .*没有.png"),
}


@pytest.mark.few(1)
@pytest.mark.parametrize("door", [door for door in DOORS if door != "flags"])
@pytest.mark.parametrize(("row", "said"), WRONG.values(), ids=WRONG)
def test_what_no_model_could_take_is_refused_with_what_to_write(
    text2video: Run, box: Sandbox, row: Body, said: str, door: str
) -> None:
    """At every door in the same words; nothing is sent or uploaded."""
    told = text2video(*flags_of(row), exits=2).err
    assert re.search(said, told), told
    if "config" in door:
        with pytest.raises(AssertionError, match="exit 2"):
            DOORS[door](text2video, row)
    else:
        with pytest.raises(InvalidRequest, match=said):
            DOORS[door](text2video, row)
    assert not box.requests


@pytest.mark.slow
def test_a_second_film_is_not_a_number(text2video: Run, box: Sandbox) -> None:
    for words in (["-n", "2"], ["--n=4"]):
        assert "a request makes one film" in text2video("海", *words, exits=2).err
    assert not box.requests


@pytest.mark.slow
def test_flags_lay_no_voices_of_a_config_under_other_references(text2video: Run) -> None:
    """The file's voices belong to the file's references; a flag's voice wins over the file's."""
    Path("c.json").write_text(json.dumps({"prompt": "x", "references": [{"file": "c.mp4", "voice": "v.wav"}]}))
    body = shown(text2video("--config", "c.json", "--reference", "a.png", "--dry-run").json)
    assert "reference_voice" not in str(body)
    Path("w.wav").write_bytes(Path("v.wav").read_bytes())
    body = shown(text2video("--config", "c.json", "--reference-voice", "1=w.wav", "--dry-run").json)
    assert body["input"]["media"][0]["reference_voice"].endswith("w.wav")


@pytest.mark.slow
def test_defaults_of_a_file_lay_no_voices_under_a_rows_own_references() -> None:
    voiced = {"prompt": "x", "references": [{"file": "c.mp4", "voice": "v.wav"}]}
    Path("rows.json").write_text(json.dumps({"defaults": voiced, "video_tasks": [{"references": "a.png"}]}))
    assert "reference_voice" not in str(of_file("rows.json"))


@pytest.mark.slow
def test_relative_paths_begin_where_the_file_is(tmp_path: Path) -> None:
    """And so do the voices; the place of a reference without one stays open."""
    Path("in").mkdir()
    for name in ("a.png", "c.mp4", "v.wav"):
        Path(name).rename(Path("in") / name)
    row = {"prompt": "x", "references": [{"file": "a.png"}, {"file": "c.mp4", "voice": "v.wav"}]}
    (Path("in") / "rows.json").write_text(json.dumps([row]), encoding="utf-8")
    media = of_file("in/rows.json")["input"]["media"]
    assert [one["url"] for one in media] == [(tmp_path / "in" / name).as_uri() for name in ("a.png", "c.mp4")]
    assert [one.get("reference_voice") for one in media] == [None, (tmp_path / "in" / "v.wav").as_uri()]


@pytest.mark.slow
def test_a_moved_folder_is_the_same_batch() -> None:
    """Paths count as they are written."""
    row = {"prompt": "x", "references": [{"file": "a.png"}, {"file": "c.mp4", "voice": "v.wav"}]}
    keys = set()
    for folder in ("one", "two"):
        Path(folder).mkdir()
        (Path(folder) / "rows.json").write_text(json.dumps([row]), encoding="utf-8")
        keys.add(next(iter(read_rows(Path(folder) / "rows.json", "video"))).key)
    (Path("two") / "rows.json").write_text(json.dumps([{**row, "references": ["a.png", "c.mp4"]}]), encoding="utf-8")
    other = next(iter(read_rows(Path("two") / "rows.json", "video"))).key
    assert len(keys) == 1
    assert other not in keys


@pytest.mark.slow
def test_a_file_without_a_suffix_is_uploaded_with_that_of_its_bytes(text2video: Run, box: Sandbox) -> None:
    """Who fetches it goes by the name."""
    Path("c.mp4").rename("片")
    text2video("换成雪景", "--video", "片", "-o", "a.mp4")
    sent = next(one.body for one in box.requests if isinstance(one.body, dict) and "input" in one.body)
    assert sent["input"]["media"][0]["url"].endswith(".mp4")


@pytest.mark.slow
def test_references_and_voices_may_be_results_of_other_rows(bailian: Run) -> None:
    """Picture, voice and film in one table: each stands at its own place."""
    rows = [
        ["kind", "id", "prompt", "references", "reference_voices", "text"],
        ["image", "hero", "猫", "", "", ""],
        ["speech", "says", "", "", "", "你好，世界，今天天气真好，我们一起出去玩吧。"],
        ["video", "film", "图1 对 图2 说话", "a.png|@hero", "2=@says", ""],
    ]
    with Path("rows.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    bailian("batch", "run", "rows.csv", "-o", "out")
    lines = Path("out/results.jsonl").read_text(encoding="utf-8").splitlines()
    request = json.loads(lines[-1])["request"]
    assert [word.rpartition(".")[2] for word in request["references"]] == ["png", "png"]
    assert request["references"][0] == Path("a.png").absolute().as_uri()
    assert [word.rpartition(".")[2] for word in request["reference_voices"]] == ["", "wav"]
