"""What a home folder holds: the journal, the rates, and one folder for what is under way, empty when nothing is."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bailian.engine.steps import publish
from bailian.errors import SaveError
from bailian.files.under_way import take_in, under_way
from bailian.sandbox import Sandbox
from tests.support.commands import Run
from tests.support.journals import opened

HOME = Path("bailian")
WORDS: dict[str, tuple[str, ...]] = {
    "text2image": ("猫",),
    "text2image, on stdout": ("猫", "-o", "-"),
    "image_edit": ("改", "--image", "图.png"),
    "text2video": ("海",),
    "text2text": ("你好", "-o", "答.md"),
    "audio": ("tts", "你好。"),
    "audio, in parts": ("tts", "你好。" * 4000),
    "audio, on stdout": ("tts", "你好。", "-o", "-"),
    "audio, recognized": ("asr", "https://example.com/a.wav"),
    "bailian, a batch of the Batch API": ("batch", "run", "题.json", "--batch-api"),
}


def stores() -> set[str]:
    there = HOME.iterdir() if HOME.is_dir() else ()
    return {path.name.partition("-")[0] if path.is_file() else path.name for path in there}


@pytest.mark.few(1)
@pytest.mark.parametrize("words", WORDS)
def test_nothing_is_under_way_when_a_run_is_over(words: str, request: pytest.FixtureRequest, box: Sandbox) -> None:
    Image.new("RGB", (640, 512), "teal").save("图.png")
    Path("题.json").write_text(json.dumps([{"kind": "text", "prompt": "题"}], ensure_ascii=False), encoding="utf-8")
    run: Run = request.getfixturevalue(words.partition(",")[0])
    run(*WORDS[words])
    assert stores() <= {"journal.sqlite3", "pace.sqlite3", "running", "under-way"}
    assert [path.name for path in HOME.glob("under-way/*")] == []
    assert [path.name for path in HOME.glob("running/*.lock")] == []


# ── a home of an earlier version ──


def no_room(*_words: Any, **_more: Any) -> None:
    raise SaveError("disk full")


def test_what_an_earlier_version_kept_is_taken_in(tmp_path: Path) -> None:
    for name in ("sounds/a.0.sound", "sounds/a.0.json", "documents/b.part", "stdout/c/d.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    take_in(tmp_path)
    take_in(tmp_path)
    assert {path.name for path in under_way(tmp_path).iterdir()} == {"a.0.sound", "a.0.json", "b.part"}
    assert {path.name for path in tmp_path.iterdir()} == {"under-way", "stdout"}
    assert (tmp_path / "stdout/c/d.png").is_file(), "its job's row says so"


@pytest.mark.few(1)
@pytest.mark.parametrize("output", ["问候.wav", "-"])
def test_a_sound_that_an_earlier_version_kept_is_not_paid_again(
    audio: Run, bailian: Run, box: Sandbox, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had folders of their own for sounds, and for files on their way to stdout."""
    with monkeypatch.context() as patch:
        patch.setattr(publish, "finish_sound", no_room)
        audio("tts", "你好", "-o", output, exits=5)
    for path in list((HOME / "under-way").iterdir()):
        folder = HOME / ("stdout" if path.is_dir() else "sounds")
        folder.mkdir(exist_ok=True)
        path.rename(folder / path.name)
    with closing(opened(HOME)) as db:
        db.execute("UPDATE jobs SET saving = replace(saving, 'under-way', 'stdout')")
        db.execute("UPDATE files SET path = replace(path, 'under-way', 'stdout')")
        db.commit()
    ran = bailian("tasks", "wait", "--all")
    assert ran.paths == [Path(output)] if output != "-" else ran.out
    assert len([request for request in box.requests if request.kind == "speech"]) == 1
    assert stores() <= {"journal.sqlite3", "pace.sqlite3", "running", "under-way", "stdout"}
    assert [path for folder in ("under-way", "stdout") for path in HOME.glob(f"{folder}/*")] == []
