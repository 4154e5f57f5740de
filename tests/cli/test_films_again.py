"""A film that was made is found, shown and made again, with what went into it; a batch names it in its page and results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import Run
from tests.support.films import film
from tests.support.pictures import bytes_of, drawn
from tests.support.recordings import wav


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("猫.png", "street.png"):
        Path(name).write_bytes(bytes_of(drawn((640, 480))))
    film(Path("clip.mp4"), size_px=(640, 480), seconds=3)
    Path("v.wav").write_bytes(wav(bytes(32000 * 4)))


def media(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return what goes into a dry run's film: type, file, voice."""
    found = told["request"]["body"]["input"]["media"]
    return [(one["type"], _name(one["url"]), _name(one.get("reference_voice", ""))) for one in found]


def _name(url: str) -> str:
    return url.rpartition("/")[2]


CHANGES: dict[str, tuple[list[str], list[tuple[str, str, str]]]] = {
    "nothing": ([], [("reference_image", "%E7%8C%AB.png", ""), ("reference_video", "clip.mp4", "v.wav")]),
    "other references": (["references=street.png"], [("reference_image", "street.png", "")]),
    "a voice of the second": (
        ["references=猫.png|street.png", "reference_voices=2=v.wav"],
        [("reference_image", "%E7%8C%AB.png", ""), ("reference_image", "street.png", "v.wav")],
    ),
    "no voice": (
        ["reference_voices="],
        [("reference_image", "%E7%8C%AB.png", ""), ("reference_video", "clip.mp4", "")],
    ),
    "an edit instead": (["references=", "model=", "video=clip.mp4"], [("video", "clip.mp4", "")]),
    "going on instead": (
        ["references=", "ratio=", "model=wan2.7-i2v", "continue=clip.mp4"],
        [("first_clip", "clip.mp4", "")],
    ),
}


@pytest.mark.slow
def test_a_film_is_made_again_with_what_went_in(text2video: Run, bailian: Run) -> None:
    """And with other things, changed as a cell of a table says them."""
    words = ["图1 对 视频1 说话", "--reference", "猫.png", "--reference", "clip.mp4", "--reference-voice", "2=v.wav"]
    text2video(*words, "-o", "a.mp4")
    for changes, goes_in in CHANGES.values():
        told = bailian("again", "a.mp4", *(word for one in changes for word in ("--change", one)), "--dry-run").json
        assert media(told) == goes_in


@pytest.mark.slow
def test_a_film_without_a_prompt_is_known_by_what_went_in(text2video: Run, bailian: Run) -> None:
    """In its name, in what says how it was made, in the lists, in a batch's results and page."""
    Path("shop.jsonl").write_text('{"image": "猫.png"}\n', encoding="utf-8")
    ran = text2video("--config", "shop.jsonl", "-o", "shop", "--sidecar")
    (path,) = ran.paths
    assert path.stem.endswith("_猫")
    (record,) = map(json.loads, Path("shop/results.jsonl").read_text(encoding="utf-8").splitlines())
    assert record["prompt"] == "猫"
    assert record["request"]["image"] == [Path("猫.png").absolute().as_uri()]
    page = Path("shop/gallery.html").read_text(encoding="utf-8")
    assert '"prompt":"猫"' in page
    assert "猫" in bailian("history").out
    assert "猫" in bailian("tasks", "list").out
    sidecar = path.with_suffix(".mp4.json").read_text(encoding="utf-8")
    assert json.loads(sidecar)["image"] == ["猫.png"]
    assert str(Path.cwd()) not in sidecar
    shown = bailian("show", str(path)).out
    assert "image            猫.png" in shown


@pytest.mark.slow
def test_a_failed_row_can_be_run_again_from_its_own_file(bailian: Run) -> None:
    """`failed.jsonl` has the references and their voices side by side, as it was read."""
    row = {"kind": "video", "prompt": "x", "references": [{"file": "猫.png"}, {"file": "clip.mp4", "voice": "v.wav"}]}
    Path("rows.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    bailian("batch", "run", "rows.jsonl", "-o", "out")
    (record,) = map(json.loads, Path("out/results.jsonl").read_text(encoding="utf-8").splitlines())
    Path("again.json").write_text(json.dumps({"kind": "video", **record["request"]}), encoding="utf-8")
    assert record["request"]["reference_voices"] == ["", Path("v.wav").absolute().as_uri()]
    plan = bailian("batch", "run", "again.json", "--dry-run", "--run", "second").json
    assert plan["to_run"] == 1
